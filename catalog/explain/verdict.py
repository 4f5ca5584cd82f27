"""Why a scene does or does not supply a pixel of a composite, in the words of whoever maps burns."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2lookback.masking.classes import MASKED, MEANINGS, Class, usable
from s2lookback.mrap.fold import DAY
from s2lookback.mrap.policy import counted, effective
from s2lookback.scene import NO_PERCENT
from s2lookback.settings import MrapSettings


class Verdict(StrEnum):
    """What became of a scene at a pixel, for programs."""

    SHOWN = "shown"
    OLDER = "older"
    EXPIRED = "expired"
    HIDDEN = "hidden"
    OUTSIDE = "outside"
    DOUBTED = "doubted"
    """Newer than what is shown, but less surely clear."""
    UNMASKED = "unmasked"
    STALE = "stale"
    """What is shown does not follow from the masks of today."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a mask says of one pixel."""

    found: Class
    probability: int | None
    """That cloud or shadow hides the pixel itself, percent; None outside the swath."""
    settings: Mapping[str, Any]
    """Those of the mask's recipe."""


@dataclass(frozen=True, slots=True)
class Folding:
    """How scenes were folded, and what came of it at one pixel."""

    at: int
    """Time of the composite, seconds since 1970-01-01 UTC."""
    shown: int
    """Sensing time of the scene that is shown, in the same count; 0 for none."""
    doubt: int | None
    """What the mask of that scene says: the probability that its surface is hidden, percent."""
    settings: MrapSettings
    """Those of the composite's recipe."""


def judge(sight: Sight | None, second: int, folding: Folding) -> tuple[Verdict, str]:
    """Say what became of a scene at a pixel, and why.

    Args:
        sight: What the scene's mask says; None where it has none.
        second: Its sensing time, seconds since 1970-01-01 UTC.
        folding: Of the composite in question.
    """
    if second == folding.shown:
        return _judge_shown(sight, folding)
    if sight is None:
        return Verdict.UNMASKED, "not masked yet"
    return _judge_clear(sight, second, folding) if _counted(sight, folding) else _hidden(sight, folding)


def _judge_clear(sight: Sight, second: int, folding: Folding) -> tuple[Verdict, str]:
    counts = _effective(second, sight.probability, folding)
    age, oldest = folding.at // DAY - counts // DAY, folding.settings.max_age
    if oldest is not None and age > oldest:
        return Verdict.EXPIRED, f"{age} days old{_doubted(second, counts)}; the settings show {oldest} at most"
    if (counts, second) > (_effective(folding.shown, folding.doubt, folding), folding.shown):
        return Verdict.STALE, "clear and to be preferred, but not in the composite"
    if second > folding.shown:
        return Verdict.DOUBTED, f"newer{_doubted(second, counts)}"
    return Verdict.OLDER, "older than the one shown"


def _judge_shown(sight: Sight | None, folding: Folding) -> tuple[Verdict, str]:
    if sight is None:
        return Verdict.STALE, "shown, though it has no mask any more"
    if not _counted(sight, folding):
        return Verdict.STALE, f"shown, though now {_hidden(sight, folding)[1]}"
    return Verdict.SHOWN, f"shown: {folding.settings.prefer} clear view"


def _counted(sight: Sight, folding: Folding) -> bool:
    """Ask the function that the composite itself was made with."""
    return bool(counted(np.array([sight.found], np.uint8), _doubt(sight.probability), folding.settings)[0])


def _effective(second: int, probability: int | None, folding: Folding) -> int:
    """Give the time that an observation counts as."""
    return int(effective(second, _doubt(probability), folding.settings.penalty_days)[0])


def _doubt(probability: int | None) -> NDArray[np.uint8]:
    return np.array([NO_PERCENT if probability is None else probability], np.uint8)


def _doubted(second: int, counts: int) -> str:
    """Say by how much an observation counts as older than it is."""
    return f", but counts as {(second - counts) / DAY:.1f} days older for its doubt" if counts < second else ""


def _hidden(sight: Sight, folding: Folding) -> tuple[Verdict, str]:
    if sight.found == Class.NO_DATA:
        return Verdict.OUTSIDE, "outside the swath"
    if usable(np.array([sight.found], np.uint8), visible=folding.settings.visible)[0]:
        sure = 100 * folding.settings.min_clear_probability
        return Verdict.HIDDEN, f"{100 - (sight.probability or 0)} % surely clear; the settings demand {sure:.0f} %"
    if sight.found not in MASKED:
        title = MEANINGS[sight.found].title.lower()
        return Verdict.HIDDEN, f"{title} in the visible bands"
    cover = {Class.THICK_CLOUD: "thick cloud", Class.THIN_CLOUD: "thin cloud"}.get(sight.found, "cloud shadow")
    if _grown(sight):
        return Verdict.HIDDEN, f"within {sight.settings['dilation']} m of {cover}"
    return Verdict.HIDDEN, f"hidden by {cover}"


def _grown(sight: Sight) -> bool:
    """Tell whether a pixel is masked only because clouds and shadows are grown."""
    threshold, dilation = sight.settings.get("threshold"), sight.settings.get("dilation")
    if sight.probability is None or threshold is None:
        return False
    return bool(dilation) and sight.probability < 100 * threshold
