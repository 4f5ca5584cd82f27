"""Where mountains stand before the sun: dark every day at that hour, and no cloud's doing."""

import numpy as np
from numpy.typing import NDArray

from s2lookback.scene import Acquisition

LOW_SUN = 5.0
"""Degrees above the horizon; Sentinel-2 takes no picture under a lower sun."""


def terrain_shaded(elevation: NDArray[np.float32], about: Acquisition, pixel: tuple[float, float]) -> NDArray[np.bool_]:
    """Mark the ground whose sight of the sun higher ground blocks, within the raster.

    Args:
        elevation: m, (y, x); NaN where it is not known, which blocks nothing.
        about: The place of the sun is used; where it is not told, nothing is shaded.
        pixel: Height and width of a pixel in metres.
    """
    shaded = np.zeros(elevation.shape, np.bool_)
    if about.sun_azimuth is None or about.sun_elevation is None or not np.isfinite(elevation).any():
        return shaded
    climb = np.tan(np.radians(max(about.sun_elevation, LOW_SUN)))
    north, east = np.cos(np.radians(about.sun_azimuth)), np.sin(np.radians(about.sun_azimuth))
    step = min(pixel)
    farthest = float(np.nanmax(elevation) - np.nanmin(elevation)) / climb
    for distance in np.arange(step, farthest + step, step):
        toward = round(-north * distance / pixel[0]), round(east * distance / pixel[1])
        here, there = (_overlap(elevation.shape, toward, sign) for sign in (1, -1))
        shaded[here] |= elevation[there] - distance * climb > elevation[here]
    return shaded


def _overlap(shape: tuple[int, ...], by: tuple[int, int], sign: int) -> tuple[slice, ...]:
    """Give the part of a raster that has a neighbour so many rows and columns on, or, with −1, those neighbours."""
    moves = (sign * step for step in by)
    return tuple(slice(max(0, -move), max(0, length - max(0, move))) for move, length in zip(moves, shape, strict=True))
