"""The ground: what lies where, and how it reflects through the season."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from s2lookback.simulate.families import FAMILIES
from s2lookback.simulate.family import Family
from s2lookback.simulate.fractal import fractal
from s2lookback.simulate.layout import LAYOUTS
from s2lookback.simulate.scenario import RESOLUTION, Scenario, generator
from s2lookback.simulate.season import greenness, valley_spectra
from s2lookback.simulate.spectra import BROADLEAF, CONIFER, DRY, GREEN, SNOW, SPECTRAL_ORDER, TEXTURE, WATERS

_SNOW_SEEN = {CONIFER: 0.3, BROADLEAF: 0.6}
"""Share of the snow below them that trees leave to be seen from above, a guess; other ground hides none."""


@dataclass(frozen=True, slots=True)
class Landscape:
    """What stays the same throughout a series."""

    family: Family
    elevation: NDArray[np.float32]
    """m, (y, x)."""
    cover: NDArray[np.uint8]
    """Codes of ``spectra``, (y, x)."""
    brightness: NDArray[np.float32]
    """Texture, (y, x), mean 0, standard deviation 1."""
    delay: NDArray[np.float32]
    """Days by which the season comes later, (y, x)."""


def landscape(scenario: Scenario) -> Landscape:
    """Lay out the ground of a scenario as its family has it."""
    random = generator(scenario, "landscape")
    family, shape = FAMILIES[scenario.family], scenario.grid.shape
    elevation, cover, delay = LAYOUTS[family.layout](random, shape)
    texture = fractal(random, shape, slope=0.9, outer=25.0)
    return Landscape(family, elevation, cover, texture, delay)


def snow_share(ground: Landscape, day_of_year: float) -> NDArray[np.float32]:
    """Compute the share of each pixel that is seen white, 0 to 1: above a line highest in August, less under trees."""
    highest, fall = ground.family.snow_line
    line = highest - fall * (day_of_year - 225.0) ** 2
    lies = (ground.elevation + 60 * ground.brightness > line) & ~np.isin(ground.cover, WATERS)
    share = lies.astype(np.float32)
    for cover, seen in _SNOW_SEEN.items() if ground.family.physical else ():
        share[lies & (ground.cover == cover)] = seen
    return share


def snow_cover(ground: Landscape, day_of_year: float) -> NDArray[np.bool_]:
    """Mark where more than half of what is seen is snow."""
    snow: NDArray[np.bool_] = snow_share(ground, day_of_year) > 0.5
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
    share = snow_share(ground, day_of_year)
    cover = np.where(share > 0.5, SNOW, ground.cover)
    if ground.family.physical:
        pixels = DRY[:, columns].T[:, ground.cover]
        pixels += greenness(ground.family, ground.delay, day_of_year) * ((GREEN - DRY)[:, columns].T[:, ground.cover])
        pixels += share * (GREEN[SNOW, columns][:, None, None] - pixels)
    else:
        pixels = valley_spectra(day_of_year)[:, columns].T[:, cover]
    # An MSI pixel gathers some light from its neighbours, so no edge is sharp.
    pixels = gaussian_filter(pixels, (0.0, 0.6, 0.6), mode="wrap")
    char = ground.family.char
    pixels += burnt * (GREEN[char, columns][:, None, None] - pixels)
    shade = TEXTURE[np.where(burnt > 0.5, char, cover)] * ground.brightness
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
