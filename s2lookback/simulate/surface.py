"""The ground: relief, what grows on it, and how it reflects through the season."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from s2lookback.simulate.fractal import fractal
from s2lookback.simulate.scenario import RESOLUTION, Scenario, generator

CONIFER, BROADLEAF, GRASS, ROCK, WATER, SNOW, CHAR, STRAW = range(8)

SPECTRAL_ORDER = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")

_SPECTRA = np.array(
    [
        [0.015, 0.018, 0.032, 0.022, 0.050, 0.125, 0.150, 0.160, 0.170, 0.165, 0.0, 0.085, 0.040],
        [0.025, 0.030, 0.062, 0.042, 0.100, 0.250, 0.310, 0.330, 0.345, 0.340, 0.0, 0.195, 0.095],
        [0.030, 0.036, 0.068, 0.054, 0.115, 0.235, 0.280, 0.300, 0.315, 0.310, 0.0, 0.220, 0.120],
        [0.105, 0.115, 0.135, 0.155, 0.165, 0.172, 0.178, 0.184, 0.190, 0.192, 0.0, 0.225, 0.195],
        [0.030, 0.036, 0.042, 0.022, 0.016, 0.010, 0.009, 0.008, 0.007, 0.006, 0.0, 0.004, 0.003],
        [0.840, 0.860, 0.850, 0.840, 0.820, 0.800, 0.790, 0.770, 0.730, 0.650, 0.0, 0.100, 0.070],
        [0.026, 0.029, 0.035, 0.040, 0.046, 0.052, 0.057, 0.062, 0.070, 0.076, 0.0, 0.130, 0.150],
        [0.050, 0.060, 0.095, 0.122, 0.160, 0.200, 0.225, 0.240, 0.260, 0.265, 0.0, 0.320, 0.220],
    ],
    np.float32,
)
"""Reflectance, (cover, band in ``SPECTRAL_ORDER``): made up by us after the shape of library spectra."""

_TEXTURE = np.array([0.16, 0.12, 0.12, 0.16, 0.08, 0.06, 0.10, 0.12], np.float32)
"""Standard deviation of a cover's brightness, share of its mean."""


@dataclass(frozen=True, slots=True)
class Landscape:
    """What stays the same throughout a series."""

    elevation: NDArray[np.float32]
    """m, (y, x)."""
    cover: NDArray[np.uint8]
    """``CONIFER`` to ``WATER``, (y, x)."""
    brightness: NDArray[np.float32]
    """Texture, (y, x), mean 0, standard deviation 1."""


def landscape(scenario: Scenario) -> Landscape:
    """Lay out a valley with a river and a lake, grass on its floor, forest with cutblocks above, and rock on top."""
    random = generator(scenario, "landscape")
    shape = scenario.grid.shape
    elevation, river = _relief(random, shape)
    patches = fractal(random, shape, slope=1.4, outer=40.0)
    cover = np.full(shape, CONIFER, np.uint8)
    cover[_cutblocks(random, shape) | (patches > 1.5)] = BROADLEAF
    cover[elevation + 90 * patches < 640] = GRASS
    cover[elevation + 130 * patches > 1_620] = ROCK
    cover[river | (elevation < np.quantile(elevation, 0.02))] = WATER
    texture = fractal(random, shape, slope=0.9, outer=25.0)
    return Landscape(elevation, cover, texture)


def snow_cover(ground: Landscape, day_of_year: float) -> NDArray[np.bool_]:
    """Mark where snow lies: above a line that climbs to midsummer and comes down in autumn."""
    line = 2_150.0 - 0.085 * (day_of_year - 225.0) ** 2
    snow: NDArray[np.bool_] = (ground.elevation + 60 * ground.brightness > line) & (ground.cover != WATER)
    return snow


def reflectance(
    ground: Landscape, burnt: NDArray[np.float32], bands: tuple[str, ...], day_of_year: float
) -> NDArray[np.float32]:
    """Compute the reflectance of flat ground on a day.

    Args:
        ground: The landscape.
        burnt: Share of each pixel that is charred, (y, x), 0 to 1.
        bands: Names.
        day_of_year: 1 to 366.

    Returns:
        (band, y, x), before any lighting.
    """
    columns = [SPECTRAL_ORDER.index(band) for band in bands]
    spectra = _season(day_of_year)[:, columns]
    cover = np.where(snow_cover(ground, day_of_year), SNOW, ground.cover)
    pixels = spectra.T[:, cover]
    # An MSI pixel gathers some light from its neighbours, so no edge is sharp.
    pixels = gaussian_filter(pixels, (0.0, 0.6, 0.6), mode="wrap")
    pixels += burnt * (spectra[CHAR][:, None, None] - pixels)
    shade = _TEXTURE[np.where(burnt > 0.5, CHAR, cover)] * ground.brightness
    bright: NDArray[np.float32] = pixels * np.clip(1 + shade, 0.4, 1.8)
    return bright


def lighting(elevation: NDArray[np.float32], sun_azimuth: float, sun_elevation: float) -> NDArray[np.float32]:
    """Compute how much light a slope gets, relative to flat ground, (y, x): Lambert's cosine, half of it diffuse."""
    down, right = np.gradient(elevation, RESOLUTION)
    azimuth, up = np.radians(sun_azimuth), np.radians(sun_elevation)
    toward = (down * np.cos(azimuth) - right * np.sin(azimuth)) / np.tan(up)
    cosine = (1.0 + toward) / np.sqrt(1.0 + down**2 + right**2)
    light: NDArray[np.float32] = (0.5 + 0.5 * np.clip(cosine, 0.0, 2.0)).astype(np.float32)
    return light


def _relief(random: np.random.Generator, shape: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Raise mountains either side of a meandering river; elevation in m, and where the river is."""
    height, width = shape
    y = np.linspace(0, 2 * np.pi, height, endpoint=False)
    phase = random.uniform(0, 2 * np.pi, 2)
    middle = width * (0.30 + 0.05 * np.sin(y + phase[0]) + 0.025 * np.sin(3 * y + phase[1]))
    distance = np.abs(np.arange(width)[None, :] - middle[:, None]).astype(np.float32)
    valley = 1.0 - np.exp(-((distance / (0.16 * width)) ** 2))
    ridges = fractal(random, shape, slope=1.9, outer=0.45 * max(shape))
    elevation = 420.0 + valley * np.clip(960.0 + 430.0 * ridges, 60.0, None)
    return elevation.astype(np.float32), distance < max(1.0, 0.008 * width)


def _cutblocks(random: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Mark the logged blocks of a forest, an eighth of it in crooked rectangles of some 250 m."""
    y, x = np.indices(shape, np.float32)
    y += 3.0 * fractal(random, shape, slope=1.8, outer=30.0)
    x += 3.0 * fractal(random, shape, slope=1.8, outer=30.0)
    rows, columns = (np.mod(y // 11, 64).astype(np.intp), np.mod(x // 14, 64).astype(np.intp))
    logged: NDArray[np.bool_] = random.random((64, 64))[rows, columns] < 0.13
    return logged


def _season(day_of_year: float) -> NDArray[np.float32]:
    """Let the grass cure to straw from June to September, and the broadleaf forest lose a little green."""
    cured = np.clip((day_of_year - 160.0) / 90.0, 0.0, 1.0)
    spectra = _SPECTRA.copy()
    spectra[GRASS] += np.float32(0.9 * cured) * (_SPECTRA[STRAW] - _SPECTRA[GRASS])
    spectra[BROADLEAF] += np.float32(0.15 * cured) * (_SPECTRA[STRAW] - _SPECTRA[BROADLEAF])
    return spectra
