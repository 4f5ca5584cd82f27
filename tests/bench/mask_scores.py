"""How right a mask is: rates by class, distance between outlines, and what is lost of fire, burns and smoke."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from s2lookback.masking.classes import MASKED, Class, usable
from s2lookback.masking.dilation import grow
from s2lookback.masking.lookback import cover_of

Codes = NDArray[np.uint8]
Found = NDArray[np.bool_]

PIXEL = 20.0
"""Metres."""
CLOUDS = (Class.THIN_CLOUD, Class.THICK_CLOUD)
KINDS: Mapping[str, tuple[Class, ...]] = {
    "thick cloud": (Class.THICK_CLOUD,),
    "thin cloud": (Class.THIN_CLOUD,),
    "cloud": CLOUDS,
    "shadow": (Class.SHADOW,),
    "hidden": MASKED,
}
APART = 60.0
"""Metres from what is truly covered beyond which growth by 40 m has no say."""
LEAST = 200
"""Pixels of shadow below which a date says nothing of where shadows lie."""
FARTHEST = 25
"""Pixels to each side that a displacement is looked for in: 500 m."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A date, its truth, and what a way to mask made of it; all (y, x)."""

    real: Codes
    """Codes of ``Class``; ``NO_DATA`` where nothing is known."""
    bare: Codes
    """What was found before it was grown."""
    grown: Codes
    """What is published."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Agreement of what was found with what is there; each 0 to 1, NaN where there is nothing to share."""

    precision: float
    recall: float
    f1: float
    iou: float
    boa: float
    """Balanced overall accuracy, mean of the recalls of the class and of the rest.

    Source: Skakun et al. 2022, Remote Sensing of Environment 274 (CMIX)."""


def rates(real: Found, found: Found) -> Rates:
    """Count agreement, any shape."""
    both, there, claimed = (int(np.count_nonzero(each)) for each in (real & found, real, found))
    rest = real.size - there
    recall = _share(both, there)
    return Rates(
        precision=_share(both, claimed),
        recall=recall,
        f1=_share(2 * both, there + claimed),
        iou=_share(both, there + claimed - both),
        boa=(recall + 1 - _share(claimed - both, rest)) / 2,
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def of_kind(dates: Sequence[Judged], kind: str, *, grown: bool = False) -> Rates:
    """Rate one of ``KINDS`` over all known pixels of some dates."""
    known = [date.real != Class.NO_DATA for date in dates]
    real = [np.isin(date.real, KINDS[kind])[inside] for date, inside in zip(dates, known, strict=True)]
    masks = (date.grown if grown else date.bare for date in dates)
    found = [np.isin(mask, KINDS[kind])[inside] for mask, inside in zip(masks, known, strict=True)]
    return rates(np.concatenate(real), np.concatenate(found))


def outline_error(dates: Iterable[Judged], kind: str) -> float:
    """Measure how far outlines lie apart: the median distance from each to the other, both ways, metres.

    Dates on which only one of both has an outline do not count: precision and recall tell of them.
    """
    apart = []
    for date in dates:
        known = date.real != Class.NO_DATA
        lines = [_outline(np.isin(codes, KINDS[kind]) & known, known) for codes in (date.real, date.bare)]
        if lines[0].any() and lines[1].any():
            distances = [ndimage.distance_transform_edt(~line) * PIXEL for line in lines]
            apart += [distances[1][lines[0]], distances[0][lines[1]]]
    return float(np.median(np.concatenate(apart))) if apart else float("nan")


def _outline(inside: Found, known: Found) -> Found:
    """Mark the pixels inside that touch a known one outside."""
    line: Found = inside & ndimage.binary_dilation(known & ~inside)
    return line


def displacements(dates: Iterable[Judged]) -> list[float]:
    """Measure by how many pixels the shadows found must be moved to fit the true ones best, date by date."""
    moves = []
    for date in dates:
        known = date.real != Class.NO_DATA
        real, found = ((codes == Class.SHADOW) & known for codes in (date.real, date.bare))
        if min(np.count_nonzero(real), np.count_nonzero(found)) >= LEAST:
            moves.append(_displacement(real, found))
    return moves


def _displacement(real: Found, found: Found) -> float:
    """Find the peak of the cross-correlation, both means taken off."""
    size = [length + 2 * FARTHEST for length in real.shape]
    spectra = [np.fft.rfft2(layer - layer.mean(), s=size) for layer in (real, found)]
    match = np.fft.irfft2(spectra[0] * spectra[1].conj(), s=size)
    near = np.roll(match, (FARTHEST, FARTHEST), (0, 1))[: 2 * FARTHEST + 1, : 2 * FARTHEST + 1]
    y, x = np.unravel_index(near.argmax(), near.shape)
    return float(np.hypot(y - FARTHEST, x - FARTHEST))


def losses(dates: Sequence[Judged]) -> dict[str, float]:
    """Tell what is masked of that which must not be, and what is kept of smoke, as shares."""
    real, bare, grown = (np.concatenate([getattr(date, name).ravel() for date in dates]) for name in _LAYERS)
    open_ = np.concatenate([~_near_cover(date).ravel() for date in dates])
    burn, fire, smoke, clear = (
        real == what for what in (Class.FRESH_BURN, Class.ACTIVE_FIRE, Class.SMOKE, Class.CLEAR)
    )
    return {
        "fresh burn masked, before growth": _mean(~usable(bare), burn),
        "fresh burn masked, as published": _mean(~usable(grown), burn),
        "fresh burn masked, apart from cover": _mean(~usable(grown), burn & open_),
        "active fire masked, before growth": _mean(~usable(bare), fire),
        "active fire masked, as published": _mean(~usable(grown), fire),
        "active fire masked, apart from cover": _mean(~usable(grown), fire & open_),
        "smoke kept for SWIR, before growth": _mean(usable(bare), smoke),
        "smoke kept for SWIR, as published": _mean(usable(grown), smoke),
        "smoke kept for SWIR, apart from cover": _mean(usable(grown), smoke & open_),
        "smoke kept out of the visible": _mean(~usable(grown, visible=True), smoke),
        "clear land masked, before growth": _mean(~usable(bare), clear),
        "clear land masked, as published": _mean(~usable(grown), clear),
        "clear land masked, apart from cover": _mean(~usable(grown), clear & open_),
    }


_LAYERS = ("real", "bare", "grown")


def _near_cover(date: Judged) -> Found:
    return grow(np.isin(date.real, MASKED), APART, (PIXEL, PIXEL))


def _mean(layer: Found, where: Found) -> float:
    return float(layer[where].mean()) if where.any() else float("nan")


def mistaken(dates: Iterable[Judged]) -> float:
    """Tell which share of known pixels is taken for another cover: clear, thin cloud, thick cloud or shadow."""
    wrong = total = 0
    for date in dates:
        known = date.real != Class.NO_DATA
        wrong += int(np.count_nonzero(cover_of(date.real)[known] != cover_of(date.bare)[known]))
        total += int(np.count_nonzero(known))
    return _share(wrong, total)
