"""Grow what hides the surface: edges of clouds are thinner than any mask sees."""

from enum import IntFlag

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from s2lookback.grid import Grid
from s2lookback.masking.classes import GROUND, Class, among

METRES_A_DEGREE = 111_320.0
"""Along a meridian, and along the equator."""


class Rim(IntFlag):
    """Bits of a raster of rims (uint8): what light tells that a pixel may be the rim of."""

    CLOUD = 1
    SHADOW = 2


def pixel_metres(grid: Grid) -> tuple[float, float]:
    """Give the height and width of a pixel in metres, at the middle of a raster in degrees."""
    a, b, _, d, e, _ = grid.transform
    height, width = float(np.hypot(b, e)), float(np.hypot(a, d))
    if not grid.crs.is_geographic:
        return height, width
    middle = np.radians((grid.bounds[1] + grid.bounds[3]) / 2)
    return height * METRES_A_DEGREE, width * METRES_A_DEGREE * float(np.cos(middle))


def grow(found: NDArray[np.bool_], metres: float, pixel: tuple[float, float]) -> NDArray[np.bool_]:
    """Mark every pixel whose centre lies within ``metres`` of the centre of one that was found.

    Args:
        found: (y, x).
        metres: Radius; 0 changes nothing.
        pixel: Height and width of a pixel in metres.
    """
    grown = found.copy()
    for rows in range(min(int(metres / pixel[0]) + 1, len(found))):
        reach = int(np.sqrt(metres**2 - (rows * pixel[0]) ** 2) / pixel[1])
        wide = ndimage.maximum_filter1d(found, 2 * reach + 1, axis=1, mode="constant", cval=0)
        grown[rows:] |= wide[: len(wide) - rows]
        grown[: len(grown) - rows] |= wide[rows:]
    return grown


def dilate(
    classes: NDArray[np.uint8], rims: NDArray[np.uint8], metres: float, pixel: tuple[float, float]
) -> NDArray[np.uint8]:
    """Grow clouds by thin cloud and shadows by shadow, over ground, snow and water whose light tells of either.

    Smoke stays: it is kept from the visible bands already, and the others see through it. Active fire, fresh burn, no
    data and what is masked already stay as they are.

    Args:
        classes: Codes of ``Class``, (y, x); left untouched.
        rims: Bits of ``Rim``, (y, x): what each pixel may be the rim of.
        metres: How far.
        pixel: Height and width of a pixel in metres.
    """
    gives_way = among(classes, GROUND)
    near_cloud = grow((classes == Class.THIN_CLOUD) | (classes == Class.THICK_CLOUD), metres, pixel)
    near_shadow = grow(classes == Class.SHADOW, metres, pixel)
    dilated = np.where(gives_way & near_shadow & (rims & np.uint8(Rim.SHADOW) > 0), np.uint8(Class.SHADOW), classes)
    return np.where(gives_way & near_cloud & (rims & np.uint8(Rim.CLOUD) > 0), np.uint8(Class.THIN_CLOUD), dilated)
