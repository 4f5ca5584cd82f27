"""Let neighbours vote: cloud and shadow come in patches, the mistakes of a pixel classifier one pixel at a time."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from s2lookback.masking.dilation import grow


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
    count = np.maximum(_windowed(votes, reach), 1)
    smoothed = np.empty_like(percents)
    for cover, percent in enumerate(percents):
        mean = (2 * _windowed(np.where(votes, percent, 0), reach) + count) // (2 * count)
        smoothed[cover] = np.where(votes, mean, 0)
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
    more: NDArray[np.bool_] = worth * _windowed(ones, reach) > _windowed(others, reach)
    return more


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
