"""Why a scene does or does not supply a pixel of a composite, in the words of whoever maps burns."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from s2lookback.masking.classes import MASKED, MEANINGS, Class, usable


class Verdict(StrEnum):
    """What became of a scene at a pixel, for programs."""

    SHOWN = "shown"
    OLDER = "older"
    EXPIRED = "expired"
    HIDDEN = "hidden"
    OUTSIDE = "outside"
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
    """How scenes were folded, and what came of it at one pixel; times count in days of UTC and in seconds."""

    shown: int
    """Sensing time of the scene that is shown, seconds since 1970-01-01; 0 for none."""
    day: int
    """Day of the composite, days since 1970-01-01."""
    settings: Mapping[str, Any]
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
    if not _clear(sight, folding):
        return _hidden(sight)
    age, oldest = folding.day - second // 86_400, folding.settings.get("max_age")
    if oldest is not None and age > oldest:
        return Verdict.EXPIRED, f"{age} days old; the settings show {oldest} at most"
    if second > folding.shown:
        return Verdict.STALE, "clear and newer, but not in the composite"
    return Verdict.OLDER, "older than the one shown"


def _judge_shown(sight: Sight | None, folding: Folding) -> tuple[Verdict, str]:
    if sight is None:
        return Verdict.STALE, "shown, though it has no mask any more"
    if not _clear(sight, folding):
        return Verdict.STALE, f"shown, though now {_hidden(sight)[1]}"
    return Verdict.SHOWN, "shown: newest clear view"


def _clear(sight: Sight, folding: Folding) -> bool:
    """Ask the function that the composite itself was made with."""
    classes = np.array([sight.found], np.uint8)
    return bool(usable(classes, visible=bool(folding.settings.get("visible", False)))[0])


def _hidden(sight: Sight) -> tuple[Verdict, str]:
    if sight.found == Class.NO_DATA:
        return Verdict.OUTSIDE, "outside the swath"
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
