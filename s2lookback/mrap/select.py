"""The two loops of the fold that see every band of every pixel, compiled."""

import numpy as np
from numpy.typing import NDArray

from s2lookback.compiled import compiled
from s2lookback.scene import NODATA


@compiled
def drop_incomplete(seen: NDArray[np.bool_], pixels: NDArray[np.int16]) -> None:
    """Clear ``seen``, (y, x), in place where ``pixels``, (band, y, x), have no data in some band."""
    for y in range(seen.shape[0]):
        for band in range(pixels.shape[0]):
            for x in range(seen.shape[1]):
                seen[y, x] &= pixels[band, y, x] != NODATA


@compiled
def overwrite(pixels: NDArray[np.int16], observed: NDArray[np.int16], newer: NDArray[np.bool_]) -> None:
    """Overwrite ``pixels``, (band, y, x), in place by ``observed`` where ``newer``, (y, x)."""
    whole = np.empty(newer.shape[1], np.int16)
    for y in range(newer.shape[0]):
        for x in range(whole.size):
            whole[x] = -np.int16(newer[y, x])  # all bits or none: without a branch, many pixels are chosen at once
        for band in range(pixels.shape[0]):
            for x in range(whole.size):
                pixels[band, y, x] ^= (pixels[band, y, x] ^ observed[band, y, x]) & whole[x]
