"""What is really there at one sensing time: the truth that masks and composites are scored against."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from rasterio.warp import transform

from s2lookback.bands import DEFAULT_BANDS
from s2lookback.masking.classes import Class
from s2lookback.scene import SCALE
from s2lookback.simulate.atmosphere import aerosol_opacity, shadow_depth
from s2lookback.simulate.cloud import clouds, seen_from
from s2lookback.simulate.fire import Fire, burn, emission
from s2lookback.simulate.scenario import Scenario, scene_number
from s2lookback.simulate.sun import sun_position
from s2lookback.simulate.surface import WATER, Landscape, landscape, lighting, reflectance, snow_cover
from s2lookback.simulate.swath import VIEW_AZIMUTH, inside_swath, view_incidence

THIN = 0.5
"""Optical depth from which cloud counts: it adds about 0.03 to dark ground."""
THICK = 3.6
"""Optical depth from which cloud is thick. Source: ISCCP's limit, Rossow & Schiffer (1999), BAMS 80(11):2261."""
DARK = 0.4
"""Share of direct sunlight withheld from which shadow counts."""
SMOKY = 0.2
"""Opacity in B02 from which smoke counts."""
FLAMING = 0.1
"""Heat from which fire counts as active: it adds 0.15 to B12."""
_BRIGHTEST = 1.5
"""Reflectance at which the sensor saturates."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything that makes a scene, as the satellite sees it."""

    ground: Landscape
    fire: Fire
    low: NDArray[np.float32]
    """Optical depth of water clouds where they appear, (y, x)."""
    high: NDArray[np.float32]
    """Optical depth of cirrus where it appears, (y, x)."""
    shadow: NDArray[np.float32]
    """Share of direct sunlight withheld, 0 to 1, (y, x)."""
    valid: NDArray[np.bool_]
    """True inside the swath, (y, x)."""
    sun_azimuth: float
    sun_elevation: float
    day_of_year: int


@dataclass(frozen=True, slots=True)
class Truth:
    """What each pixel of a scene really is."""

    classes: NDArray[np.uint8]
    """Codes of ``Class``, (y, x)."""
    surface: NDArray[np.int16]
    """The lit ground without air, cloud, shadow or noise, reflectance × 10 000, (band, y, x); outside the swath too."""
    cloud_optical_depth: NDArray[np.float32]
    """At 550 nm, (y, x); outside the swath too."""


def truth(scenario: Scenario, sensed: datetime, bands: tuple[str, ...] = DEFAULT_BANDS) -> Truth:
    """Tell what is really there at a sensing time.

    Raises:
        ValueError: If the scenario has no scene then.
    """
    moment = observe(scenario, sensed)
    return Truth(
        classes=classes_of(moment),
        surface=np.rint(surface_of(moment, bands) / SCALE).astype(np.int16),
        cloud_optical_depth=moment.low + moment.high,
    )


def observe(scenario: Scenario, sensed: datetime) -> Moment:
    """Bring together the ground, the fire, the sky and the swath of one sensing time.

    Raises:
        ValueError: If the scenario has no scene then.
    """
    number = scene_number(scenario, sensed)
    ground, sky = landscape(scenario), clouds(scenario, sensed)
    azimuth, elevation = _sun_over(scenario, sensed)
    eye = (VIEW_AZIMUTH, view_incidence(number))
    sun = (azimuth, 90 - elevation)
    shading = seen_from(sky.low, sky.low_height, *sun) + seen_from(sky.high, sky.high_height, *sun)
    return Moment(
        ground=ground,
        fire=burn(scenario, ground, sensed),
        low=seen_from(sky.low, sky.low_height, *eye),
        high=seen_from(sky.high, sky.high_height, *eye),
        shadow=shadow_depth(shading, elevation),
        valid=inside_swath(scenario, number),
        sun_azimuth=azimuth,
        sun_elevation=elevation,
        day_of_year=sensed.timetuple().tm_yday,
    )


def surface_of(moment: Moment, bands: tuple[str, ...]) -> NDArray[np.float32]:
    """Compute the reflectance of the ground, lit by the sun, flames included, (band, y, x)."""
    ground = reflectance(moment.ground, moment.fire.burnt, bands, moment.day_of_year)
    lit = ground * lighting(moment.ground.elevation, moment.sun_azimuth, moment.sun_elevation)
    surface: NDArray[np.float32] = np.clip(lit + emission(moment.fire.heat, bands), 0.0, _BRIGHTEST)
    return surface


def classes_of(moment: Moment) -> NDArray[np.uint8]:
    """Name what each pixel is: of several things the one that hides most, but flames before smoke and shadow."""
    depth = moment.low + moment.high
    smoky = aerosol_opacity(moment.fire.smoke, ("B02",))[0] >= SMOKY
    classes = np.full(depth.shape, Class.CLEAR, np.uint8)
    for where, name in (
        (moment.ground.cover == WATER, Class.WATER),
        (moment.fire.burnt > 0, Class.FRESH_BURN),
        (snow_cover(moment.ground, moment.day_of_year), Class.SNOW),
        (smoky, Class.SMOKE),
        (moment.shadow >= DARK, Class.SHADOW),
        (moment.fire.heat >= FLAMING, Class.ACTIVE_FIRE),
        (depth >= THIN, Class.THIN_CLOUD),
        (depth >= THICK, Class.THICK_CLOUD),
        (~moment.valid, Class.NO_DATA),
    ):
        classes[where] = name
    return classes


def _sun_over(scenario: Scenario, sensed: datetime) -> tuple[float, float]:
    """Find the sun's azimuth and elevation over the middle of the grid, degrees."""
    west, south, east, north = scenario.grid.bounds
    [longitude], [latitude] = transform(scenario.grid.crs, "EPSG:4326", [(west + east) / 2], [(south + north) / 2])
    return sun_position(sensed, longitude, latitude)
