"""Digital numbers from one pixel size to another by a whole factor, on pixel areas, without bleeding "no data".

Digital numbers are positive; 0 is no data, as ESA has it, before and after.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from s2lookback.errors import GridMismatchError

MAX_FACTOR = 6
"""From 10 m to 60 m."""

Code = TypeVar("Code", bound=np.generic)
Numbers = NDArray[np.uint16] | NDArray[np.float32]


def fit(numbers: Numbers, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Bring a band to the shape of another raster of the same extent, by averaging or interpolating.

    Raises:
        GridMismatchError: If one shape is not a whole multiple, 1 to 6, of the other.
    """
    for factor in range(1, MAX_FACTOR + 1):
        if numbers.shape == (factor * shape[0], factor * shape[1]):
            return area_mean(numbers, factor)
        if shape == (factor * numbers.shape[0], factor * numbers.shape[1]):
            return interpolate(numbers, factor)
    raise GridMismatchError(f"{numbers.shape} pixels are not 1 to {MAX_FACTOR} times those of {shape}, or the reverse")


def area_mean(numbers: Numbers, factor: int) -> NDArray[np.float32]:
    """Average blocks of pixels over those that have data; a block of which less than half has data has none.

    Args:
        numbers: (y, x), 0 = no data; rows and columns are multiples of ``factor``.
        factor: Pixels on each side of a block, 1 to 6.
    """
    height, width = numbers.shape[0] // factor, numbers.shape[1] // factor
    total = np.zeros((height, width), np.float32)  # exact: 36 numbers of 16 bits stay below 2^24
    count = np.zeros((height, width), np.uint8)
    for row in range(factor):
        for column in range(factor):
            part = numbers[row::factor, column::factor]
            total += part
            count += part > 0
    return np.divide(total, count, out=np.zeros_like(total), where=2 * count >= factor * factor)


def interpolate(numbers: Numbers, factor: int) -> NDArray[np.float32]:
    """Split each pixel into ``factor`` × ``factor``, bilinearly between the centres of pixels that have data.

    A new pixel has data exactly where the pixel that it is cut from has.

    Args:
        numbers: (y, x), 0 = no data.
        factor: Pixels on each side that one becomes.
    """
    valid = numbers > 0
    weighted = _bilinear(numbers.astype(np.float32), factor)
    weights = _bilinear(valid.astype(np.float32), factor)
    return np.divide(weighted, weights, out=np.zeros_like(weighted), where=split(valid, factor))


def split(codes: NDArray[Code], factor: int) -> NDArray[Code]:
    """Repeat each pixel ``factor`` × ``factor`` times: the nearest neighbour, for classes."""
    return codes.repeat(factor, axis=0).repeat(factor, axis=1)


def _bilinear(pixels: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    return _between_rows(_between_rows(pixels, factor).T, factor).T


def _between_rows(pixels: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    centres = (np.arange(len(pixels) * factor) + 0.5) / factor - 0.5
    above = np.floor(centres).astype(int)
    share = (centres - above).astype(np.float32)[:, None]
    last = len(pixels) - 1
    mixed: NDArray[np.float32] = (
        pixels[np.maximum(above, 0)] * (1 - share) + pixels[np.minimum(above + 1, last)] * share
    )
    return mixed
