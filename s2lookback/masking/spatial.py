"""What neighbours tell: cloud, shadow and smoke come in patches, the mistakes of a pixel classifier one by one."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from s2lookback.masking.dilation import grow

_ROWS = 256
"""Summed at a time: sums take sixteen times the memory of what is summed, 0.6 GB for a tile."""


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


def patches(
    found: NDArray[np.bool_], valid: NDArray[np.bool_], metres: float, pixel: tuple[float, float]
) -> NDArray[np.bool_]:
    """Keep of what was found the patches, joined by sides or corners, that a disc fits into.

    So the rims of a cloud stay, however narrow, and what lies alone goes: an opening by reconstruction.

    Args:
        found: (y, x).
        valid: True inside the swath; beyond it a patch may go on.
        metres: Radius of the disc; 0 keeps everything.
        pixel: Height and width of a pixel in metres.

    Source: Vincent 1993, IEEE Transactions on Image Processing 2.
    """
    core = grow(~grow(valid & ~found, metres, pixel), metres, pixel)
    names, count = ndimage.label(found, np.ones((3, 3), np.bool_))
    kept = np.zeros(count + 1, np.bool_)
    kept[names[found & core]] = True
    return np.asarray(kept[names])
