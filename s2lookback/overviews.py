"""Pixels at half the resolution."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2lookback.compiled import compiled

Pixels = NDArray[Any]
"""(y, x)."""


def nearest(pixels: Pixels) -> Pixels:
    """Take the upper left one of every 2 × 2 pixels, (y, x)."""
    return np.ascontiguousarray(pixels[::2, ::2])


def average(pixels: Pixels, nodata: float | None) -> Pixels:
    """Average the pixels with data among every 2 × 2, (y, x); rows and columns are rounded up.

    Whole numbers are rounded, halves up; there is no data where none of the four has any. Tiles of even size may be
    halved one by one.

    Args:
        pixels: Whole or floating-point numbers, (y, x).
        nodata: The number that means "no data", as NaN always does; None where there is no such number.
    """
    height, width = pixels.shape
    halves = np.empty(((height + 1) // 2, (width + 1) // 2), pixels.dtype)
    _average(np.ascontiguousarray(pixels), np.nan if nodata is None else float(nodata), halves)
    return halves


@compiled
def _average(pixels: Pixels, nodata: float, halves: Pixels) -> None:
    whole = pixels.dtype.type(0.5) == 0
    height, width = pixels.shape
    for y in range(halves.shape[0]):
        one, other = pixels[2 * y], pixels[min(2 * y + 1, height - 1)]
        for x in range(width // 2):
            halves[y, x] = _mean(one[2 * x], other[2 * x], one[2 * x + 1], other[2 * x + 1], nodata, whole)
        if width % 2:
            halves[y, -1] = _mean(one[-1], other[-1], one[-1], other[-1], nodata, whole)


@compiled
def _mean(a: float, b: float, c: float, d: float, nodata: float, whole: bool) -> float:
    """Average four numbers, of which those that are no data count nothing."""
    total, count = 0.0, 0
    for number in (a, b, c, d):
        if number != nodata and number == number:  # noqa: PLR0124  NaN is not itself
            total += number
            count += 1
    mean = total / count if count else nodata
    return np.floor(mean + 0.5) if whole else mean
