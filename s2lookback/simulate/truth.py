"""What is really there at one sensing time: the truth that masks and composites are scored against."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from s2lookback.bands import DEFAULT_BANDS
from s2lookback.masking.classes import Class
from s2lookback.scene import SCALE
from s2lookback.simulate.atmosphere import aerosol_opacity, shadow_depth
from s2lookback.simulate.moment import Moment, observe, surface_of
from s2lookback.simulate.scenario import Scenario
from s2lookback.simulate.spectra import WATERS
from s2lookback.simulate.surface import snow_cover

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


@dataclass(frozen=True, slots=True)
class Truth:
    """What each pixel of a scene really is; all but the classes is told outside the swath too."""

    classes: NDArray[np.uint8]
    """Codes of ``Class``, (y, x). Shade of mountains is no class: its pixels are what lies there."""
    surface: NDArray[np.int16]
    """The lit ground without air, cloud, shadow of cloud or noise, reflectance × 10 000, (band, y, x)."""
    cloud_optical_depth: NDArray[np.float32]
    """Of all cloud, at 550 nm, (y, x), as B04 sees it."""
    cirrus_optical_depth: NDArray[np.float32]
    """Of ice cloud alone, (y, x)."""
    cloud_height: NDArray[np.float32]
    """Of the layer that is thickest there, m above the ground, (y, x); 0 where there is no cloud."""
    smoke_optical_depth: NDArray[np.float32]
    """At 550 nm, (y, x)."""
    shadow: NDArray[np.float32]
    """Share of direct sunlight that clouds withhold, 0 to 1, (y, x)."""
    shadow_from_outside: NDArray[np.bool_]
    """True where the cloud that throws a shadow stands outside the grid, (y, x): no geometry within finds it."""
    terrain_shadow: NDArray[np.float32]
    """Share of the sun's disc that mountains hide, 0 to 1, (y, x)."""
    illumination: NDArray[np.float32]
    """Direct light on the slope relative to flat ground, (y, x), shadows apart."""
    elevation: NDArray[np.float32]
    """m, (y, x)."""
    burnt: NDArray[np.float32]
    """Share of the pixel that is charred, 0 to 1, (y, x)."""
    heat: NDArray[np.float32]
    """Flames, 0 none to 1 saturating, (y, x)."""


def truth(scenario: Scenario, sensed: datetime, bands: tuple[str, ...] = DEFAULT_BANDS) -> Truth:
    """Tell what is really there at a sensing time.

    Raises:
        ValueError: If the scenario has no scene then.
    """
    return truth_of(observe(scenario, sensed), bands)


def truth_of(moment: Moment, bands: tuple[str, ...]) -> Truth:
    """Tell what is really there at a moment, the surface in the bands that are named."""
    classes = classes_of(moment)
    thrown_inside = shadow_depth(moment.shade_from_inside, moment.sun_elevation)
    return Truth(
        classes=classes,
        surface=np.rint(surface_of(moment, bands) / SCALE).astype(np.int16),
        cloud_optical_depth=moment.low + moment.high,
        cirrus_optical_depth=moment.high,
        cloud_height=_height(moment),
        smoke_optical_depth=moment.fire.smoke,
        shadow=moment.shadow,
        shadow_from_outside=(classes == Class.SHADOW) & (thrown_inside < DARK),
        terrain_shadow=moment.terrain_shadow,
        illumination=moment.slope_light,
        elevation=moment.ground.elevation,
        burnt=moment.fire.burnt,
        heat=moment.fire.heat,
    )


def classes_of(moment: Moment) -> NDArray[np.uint8]:
    """Name what each pixel is: of several things the one that hides most, but flames before smoke and shadow."""
    depth = moment.low + moment.high
    smoky = aerosol_opacity(moment.fire.smoke, ("B02",))[0] >= SMOKY
    # Where a mountain hides the sun already, cloud takes nothing more.
    shaded = (moment.shadow >= DARK) & (moment.terrain_shadow < 0.5)
    classes = np.full(depth.shape, Class.CLEAR, np.uint8)
    for where, name in (
        (np.isin(moment.ground.cover, WATERS), Class.WATER),
        (moment.fire.burnt > 0, Class.FRESH_BURN),
        (snow_cover(moment.ground, moment.day_of_year), Class.SNOW),
        (smoky, Class.SMOKE),
        (shaded, Class.SHADOW),
        (moment.fire.heat >= FLAMING, Class.ACTIVE_FIRE),
        (depth >= THIN, Class.THIN_CLOUD),
        (depth >= THICK, Class.THICK_CLOUD),
        (~moment.valid, Class.NO_DATA),
    ):
        classes[where] = name
    return classes


def _height(moment: Moment) -> NDArray[np.float32]:
    depths = np.stack([layer.depth for layer in moment.seen])
    heights = np.array([layer.height for layer in moment.seen], np.float32)
    return np.where(depths.max(0) > 0, heights[depths.argmax(0)], np.float32(0))
