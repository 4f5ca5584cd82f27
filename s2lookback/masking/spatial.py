"""Let neighbours vote: cloud and shadow come in patches, the mistakes of a pixel classifier one pixel at a time."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from s2lookback.masking.dilation import grow

_ROWS = 256
"""Summed at a time: sums take sixteen times the memory of what is summed, 0.6 GB for a tile."""


def smooth(percents: NDArray[np.uint8], votes: NDArray[np.bool_], reach: tuple[int, int]) -> NDArray[np.uint8]:
    """Average over the window around each pixel that votes, counting only those that do.

    s2cloudless does the same to its probabilities before it decides. The sums are of integers, so that no rounding
    depends on where in a raster a window lies.

    Args:
        percents: 0-100, (cover, y, x); what does not vote may hold anything.
        votes: (y, x).
        reach: Rows and columns from the middle of the window to its rim; zeros change nothing.

    Returns:
        0-100, rounded to the nearest, halves up, (cover, y, x); 0 for what does not vote.
    """
    smoothed = np.empty_like(percents)
    for rows, around, within in _strips(len(votes), reach[0]):
        count = np.maximum(_windowed(votes[around], reach)[within], 1)
        for cover, percent in enumerate(percents):
            voting = np.where(votes[around], percent[around], 0)
            mean = (2 * _windowed(voting, reach)[within] + count) // (2 * count)
            smoothed[cover, rows] = np.where(votes[rows], mean, 0)
    return smoothed


def outnumber(
    ones: NDArray[np.bool_], others: NDArray[np.bool_], worth: NDArray[np.uint8], reach: tuple[int, int]
) -> NDArray[np.bool_]:
    """Mark where in the window around a pixel there are more of one kind than of another, (y, x).

    Args:
        ones: (y, x).
        others: (y, x).
        worth: How many of the others one of the ones outweighs there, (y, x).
        reach: Rows and columns from the middle of the window to its rim.
    """
    more = np.empty_like(ones)
    for rows, around, within in _strips(len(ones), reach[0]):
        for_, against = (_windowed(kind[around], reach)[within] for kind in (ones, others))
        more[rows] = worth[rows] * for_ > against
    return more


def _strips(height: int, rim: int) -> Iterator[tuple[slice, slice, slice]]:
    """Give some rows at a time, these with as many around them as a window sees, and where among those they lie."""
    for top in range(0, height, _ROWS):
        bottom, first = min(top + _ROWS, height), max(0, top - rim)
        yield slice(top, bottom), slice(first, min(height, bottom + rim)), slice(top - first, bottom - first)


def _windowed(layer: NDArray[np.generic], reach: tuple[int, int]) -> NDArray[np.int32]:
    """Sum over a window; outside the raster there is nothing."""
    total = layer.astype(np.int32)
    for axis, rim in enumerate(reach):
        total = ndimage.correlate1d(total, np.ones(2 * rim + 1), axis, mode="constant")
    return total


def opened(
    found: NDArray[np.bool_], valid: NDArray[np.bool_], metres: float, pixel: tuple[float, float]
) -> NDArray[np.bool_]:
    """Keep of what was found the parts that a disc fits into, wholly or up to the edge of the swath.

    Args:
        found: (y, x).
        valid: True inside the swath; beyond it a patch may go on.
        metres: Radius of the disc; 0 keeps everything.
        pixel: Height and width of a pixel in metres.
    """
    core = ~grow(valid & ~found, metres, pixel)
    return found & grow(core, metres, pixel)
