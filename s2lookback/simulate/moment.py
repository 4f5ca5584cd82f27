"""Everything that makes a scene, as the satellite sees it at one sensing time."""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from rasterio.warp import transform

from s2lookback.simulate.atmosphere import shadow_depth
from s2lookback.simulate.cloud import Layer, clouds, inside, seen_from
from s2lookback.simulate.fire import Fire, burn, emission
from s2lookback.simulate.light import sky_share, slope_light, terrain_shadow
from s2lookback.simulate.scenario import Scenario, generator, scene_number
from s2lookback.simulate.spectra import WATERS
from s2lookback.simulate.sun import sun_position
from s2lookback.simulate.surface import Landscape, landscape, lighting, reflectance
from s2lookback.simulate.swath import VIEW_AZIMUTH, inside_swath, view_incidence
from s2lookback.simulate.water import glint

_BRIGHTEST = 1.5
"""Reflectance at which the valley's sensor saturates."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The state of ground, fire, sky and light at one sensing time."""

    number: int
    """Of the scene in its series."""
    ground: Landscape
    fire: Fire
    sky: tuple[Layer, ...]
    """Clouds plumb above the ground, the lowest first."""
    seen: tuple[Layer, ...]
    """The same where B04 sees them."""
    shadow: NDArray[np.float32]
    """Share of direct sunlight that clouds withhold, 0 to 1, (y, x)."""
    shade_from_inside: NDArray[np.float32]
    """Optical depth between the sun and each pixel of the clouds that stand on the grid, (y, x)."""
    terrain_shadow: NDArray[np.float32]
    """Share of the sun's disc that mountains hide, 0 to 1, (y, x)."""
    slope_light: NDArray[np.float32]
    """Direct light relative to flat ground, (y, x)."""
    valid: NDArray[np.bool_]
    """True inside the swath, (y, x)."""
    sun_azimuth: float
    sun_elevation: float
    eye: tuple[float, float]
    """Azimuth and incidence angle of the satellite, degrees."""
    wind: float
    """Over water, m/s."""
    day_of_year: int

    @property
    def low(self) -> NDArray[np.float32]:
        """Optical depth of water clouds where they appear, (y, x)."""
        return self._depth(ice=False)

    @property
    def high(self) -> NDArray[np.float32]:
        """Optical depth of cirrus where it appears, (y, x)."""
        return self._depth(ice=True)

    def _depth(self, *, ice: bool) -> NDArray[np.float32]:
        depth = np.zeros(self.shadow.shape, np.float32)
        for layer in self.seen:
            if layer.ice == ice:
                depth += layer.depth
        return depth


def observe(scenario: Scenario, sensed: datetime) -> Moment:
    """Bring together the ground, the fire, the sky and the swath of one sensing time.

    Raises:
        ValueError: If the scenario has no scene then.
    """
    number = scene_number(scenario, sensed)
    ground, sky = landscape(scenario), clouds(scenario, sensed)
    azimuth, elevation = _sun_over(scenario, sensed)
    sun, eye = (azimuth, 90 - elevation), (VIEW_AZIMUTH, view_incidence(number))
    physical = ground.family.physical
    relief = (ground.elevation, azimuth, elevation)
    return Moment(
        number=number,
        ground=ground,
        fire=burn(scenario, ground, sensed),
        sky=sky,
        seen=tuple(replace(layer, depth=seen_from(layer.depth, layer.height, *eye)) for layer in sky),
        shadow=shadow_depth(_sum([seen_from(layer.depth, layer.height, *sun) for layer in sky]), elevation),
        shade_from_inside=_sum([inside(layer.depth, layer.height, *sun) for layer in sky]),
        terrain_shadow=terrain_shadow(*relief) if physical else np.zeros(scenario.grid.shape, np.float32),
        slope_light=slope_light(*relief) if physical else lighting(*relief),
        valid=inside_swath(scenario, number),
        sun_azimuth=azimuth,
        sun_elevation=elevation,
        eye=eye,
        wind=float(generator(scenario, "wind", sensed).uniform(*ground.family.wind)),
        day_of_year=sensed.timetuple().tm_yday,
    )


def surface_of(moment: Moment, bands: tuple[str, ...]) -> NDArray[np.float32]:
    """Compute the reflectance of the ground, lit by the sun, flames and glint included, (band, y, x)."""
    if moment.ground.family.physical:
        return shaded_surface(moment, bands, np.zeros_like(moment.shadow))
    ground = reflectance(moment.ground, moment.fire.burnt, bands, moment.day_of_year)
    return _with_flames(ground * moment.slope_light, moment, bands)


def shaded_surface(moment: Moment, bands: tuple[str, ...], shadow: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute the reflectance of the ground where clouds withhold a share of the sun, none of the sky, (band, y, x)."""
    ground = reflectance(moment.ground, moment.fire.burnt, bands, moment.day_of_year)
    ripples = 1 + 0.15 * moment.ground.brightness
    glitter = glint((moment.sun_azimuth, 90 - moment.sun_elevation), moment.eye, moment.wind)
    ground += np.where(np.isin(moment.ground.cover, WATERS), np.float32(glitter) * np.clip(ripples, 0.2, 2.0), 0.0)
    sky = sky_share(bands, moment.sun_elevation)[:, None, None]
    beam = moment.slope_light * (1 - moment.terrain_shadow) * (1 - shadow)
    light: NDArray[np.float32] = ((1 - sky) * beam + sky).astype(np.float32)
    return _with_flames(ground * light, moment, bands)


def _with_flames(lit: NDArray[np.float32], moment: Moment, bands: tuple[str, ...]) -> NDArray[np.float32]:
    brightest = np.inf if moment.ground.family.physical else _BRIGHTEST
    surface: NDArray[np.float32] = np.clip(lit + emission(moment.fire.heat, bands), 0.0, brightest)
    return surface


def _sum(fields: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    total = fields[0]
    for field in fields[1:]:
        total = total + field
    return total


def _sun_over(scenario: Scenario, sensed: datetime) -> tuple[float, float]:
    """Find the sun's azimuth and elevation over the middle of the grid, degrees."""
    west, south, east, north = scenario.grid.bounds
    [longitude], [latitude] = transform(scenario.grid.crs, "EPSG:4326", [(west + east) / 2], [(south + north) / 2])
    return sun_position(sensed, longitude, latitude)
