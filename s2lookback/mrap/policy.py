"""Which observations of a pixel count, and which of two is preferred.

An observation that the mask doubts counts as older than it is. What is shown is the newest by that effective time, so
the doubt of the winner is all that has to be kept of it, and every order of folding ends with the same one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s2lookback.bands import BANDS
from s2lookback.masking.classes import usable
from s2lookback.settings import MrapSettings

_PERCENT = 864
"""Seconds in a hundredth of a day."""

_LONGEST_VISIBLE = 720
"""Nanometres; smoke that hides the surface at shorter waves, B01 to B05, mostly lets longer ones through."""

Times = NDArray[np.uint32 | np.int64]
"""Seconds since 1970-01-01 UTC."""


@dataclass(frozen=True, slots=True)
class Group:
    """Bands that come, at any one pixel, from one scene."""

    suffix: str
    """Ends the names of the rasters that say from which."""
    bands: tuple[str, ...]
    settings: MrapSettings


def groups_of(bands: Sequence[str], settings: MrapSettings) -> list[Group]:
    """Divide bands into groups as the settings say; the first is that of the infrared bands, if there are any."""
    if settings.groups == "one":
        return [Group("", tuple(bands), settings)]
    visible = tuple(name for name in bands if BANDS[name].wavelength < _LONGEST_VISIBLE)
    infrared = tuple(name for name in bands if name not in visible)
    clean = settings.model_copy(update={"visible": True})
    found = [(infrared, "", settings), (visible, "-visible" if infrared else "", clean)]
    return [Group(suffix, names, each) for names, suffix, each in found if names]


def counted(classes: NDArray[np.uint8], doubt: NDArray[np.uint8], settings: MrapSettings) -> NDArray[np.bool_]:
    """Mark the pixels whose surface was seen, and surely enough.

    Args:
        classes: Codes of ``Class``, (y, x).
        doubt: Probability that the surface is hidden, percent, (y, x); where the mask does not say,
            it is never sure enough.
        settings: How scenes are folded.
    """
    clear = usable(classes, visible=settings.visible)
    if not settings.min_clear_probability:
        return clear
    most = 100 - round(100 * settings.min_clear_probability, 9)  # 100 · 0.07 is a little more than 7
    return clear & (doubt <= most)


def effective(sensed: int | NDArray[np.uint32], doubt: NDArray[np.uint8], prefer_days: int) -> Times:
    """Give the time that observations count as: one that is surely hidden counts as ``prefer_days`` older than it is.

    Args:
        sensed: Sensing time, whole seconds since 1970-01-01 UTC, one or (y, x); 0 never seen, which is
            below every observation.
        doubt: Probability that the surface is hidden, percent, (y, x); more than 100 counts as 100.
        prefer_days: Days; 0 if the newest is preferred however doubtful.
    """
    if not prefer_days:
        return np.broadcast_to(np.asarray(sensed, np.uint32), doubt.shape)
    penalty = np.minimum(doubt, 100).astype(np.int64) * (prefer_days * _PERCENT)
    return np.asarray(sensed, np.int64) - penalty


def preferred(
    sensed: int,
    doubt: NDArray[np.uint8],
    shown: NDArray[np.uint32],
    shown_doubt: NDArray[np.uint8],
    prefer_days: int,
) -> NDArray[np.bool_]:
    """Mark where one scene is preferred to what is shown, (y, x); of two that count the same, the newer one is.

    Args:
        sensed: Sensing time of the scene, whole seconds since 1970-01-01 UTC.
        doubt: Of the scene, percent, (y, x).
        shown: Sensing times of what is shown, (y, x); 0 where nothing is.
        shown_doubt: Of what is shown, percent, (y, x).
        prefer_days: As in ``effective``.
    """
    newer: NDArray[np.bool_] = shown < sensed
    if not prefer_days:
        return newer
    one, other = effective(sensed, doubt, prefer_days), effective(shown, shown_doubt, prefer_days)
    better: NDArray[np.bool_] = (other < one) | (other == one) & newer
    return better
