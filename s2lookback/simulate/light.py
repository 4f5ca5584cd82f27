"""Sunlight and skylight on slopes, and the shadows that mountains cast."""

import math

import numpy as np
from numpy.typing import NDArray

from s2lookback.bands import BANDS
from s2lookback.simulate.scenario import RESOLUTION

_SUN_WIDTH = 0.53
"""Angular diameter of the sun, degrees: the width of a penumbra."""
_FROM_CLOUDS = 0.04
"""Share of the light that clouds and slopes around throw into a shadow in every band, a guess."""
_CLEAN_AIR = 0.12
"""Aerosol optical depth at 550 nm of an ordinary clear day, of which the producer knows."""


def rayleigh_depth(bands: tuple[str, ...]) -> NDArray[np.float32]:
    """Compute the optical depth of the whole air's molecules at sea level, (band,).

    Source: Hansen & Travis (1974), Space Sci. Rev. 16:527, eq. 2.30.
    """
    wavelength = np.array([BANDS[band].wavelength / 1000 for band in bands], np.float32)
    depth: NDArray[np.float32] = 0.008569 * wavelength**-4 * (1 + 0.0113 * wavelength**-2 + 0.00013 * wavelength**-4)
    return depth


def sky_share(bands: tuple[str, ...], sun_elevation: float) -> NDArray[np.float32]:
    """Compute the share of a flat place's light that comes from the sky and not straight from the sun, (band,).

    What air molecules scatter goes down by half, what aerosol scatters by four fifths; the rest of the beam is direct.
    """
    wavelength = np.array([BANDS[band].wavelength / 550 for band in bands], np.float32)
    slant = 1 / math.sin(math.radians(sun_elevation))
    air, haze = np.exp(-slant * rayleigh_depth(bands)), np.exp(-slant * _CLEAN_AIR * wavelength**-1.3)
    sky = 0.5 * (1 - air) + 0.8 * (1 - haze)
    share: NDArray[np.float32] = (sky / (air * haze + sky) + _FROM_CLOUDS).astype(np.float32)
    return share


def slope_light(elevation: NDArray[np.float32], sun_azimuth: float, sun_elevation: float) -> NDArray[np.float32]:
    """Compute the direct light on a slope relative to flat ground, (y, x), halved as the producer's correction does.

    The correction is taken as the square root of the cosine's ratio: Minnaert's with a constant of one half.
    """
    down, right = _slopes(elevation)
    azimuth, up = math.radians(sun_azimuth), math.radians(sun_elevation)
    facing = math.sin(up) + math.cos(up) * (down * math.cos(azimuth) - right * math.sin(azimuth))
    ratio = facing / np.sqrt(1 + down**2 + right**2) / math.sin(up)
    light: NDArray[np.float32] = np.sqrt(np.clip(ratio, 0.0, 3.0)).astype(np.float32)
    return light


def terrain_shadow(elevation: NDArray[np.float32], sun_azimuth: float, sun_elevation: float) -> NDArray[np.float32]:
    """Compute the share of the sun's disc that mountains hide, 0 to 1, (y, x), by looking sunward pixel by pixel."""
    reach = float(np.ptp(elevation)) / math.tan(math.radians(sun_elevation)) / RESOLUTION
    angle = math.radians(sun_azimuth)
    steepest = np.full(elevation.shape, -90.0, np.float32)
    for step in range(1, min(math.ceil(reach), max(elevation.shape)) + 1):
        ahead = np.roll(elevation, (round(step * math.cos(angle)), -round(step * math.sin(angle))), (0, 1))
        steepest = np.maximum(steepest, np.degrees(np.arctan((ahead - elevation) / (step * RESOLUTION))))
    hidden: NDArray[np.float32] = np.clip((steepest - sun_elevation) / _SUN_WIDTH + 0.5, 0.0, 1.0).astype(np.float32)
    return hidden


def _slopes(elevation: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Measure the rise to the south and to the east, m per m; the relief repeats at its edges."""
    padded = np.pad(elevation, 1, mode="wrap")
    south = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / (2 * RESOLUTION)
    east = (padded[1:-1, 2:] - padded[1:-1, :-2]) / (2 * RESOLUTION)
    return south, east
