"""What a producer's processor would have said about a scene: right mostly, and wrong where such processors are wrong.

The codes are Sen2Cor's; the errors are ours, after what users of it report: thin rims missed, bright
rock and roofs called cloud, terrain shade and burns called shadow, dense smoke called cloud, outlines
that follow a coarser grid than the pixels'.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from s2lookback.scene import NO_PERCENT
from s2lookback.simulate.atmosphere import aerosol_opacity, cloud_opacity
from s2lookback.simulate.fractal import fractal
from s2lookback.simulate.moment import Moment
from s2lookback.simulate.spectra import BROADLEAF, CONIFER, GRASS, ROCK, WATER
from s2lookback.simulate.surface import lighting, snow_cover

SCL_NODATA, SCL_DARK, SCL_SHADOW, SCL_VEGETATION, SCL_BARE, SCL_WATER = 0, 2, 3, 4, 5, 6
SCL_UNSURE, SCL_MEDIUM, SCL_HIGH, SCL_CIRRUS, SCL_SNOW = 7, 8, 9, 10, 11


def weak_labels(moment: Moment, random: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Label a scene: classes, codes 0-11, and cloud probability, percent 0-100, ``NO_PERCENT`` outside the swath.

    Args:
        moment: What is really there.
        random: Consumed; decides which rock and which shade is mistaken.
    """
    shape = moment.low.shape[0], moment.low.shape[1]
    fancy = fractal(random, shape, slope=1.5, outer=0.15 * max(shape))
    cloud = _apparent_cloud(moment, fancy)
    scl = _ground_classes(moment)
    scl[_apparent_dark(moment, fancy)] = SCL_DARK
    scl[_apparent_shadow(moment, fancy)] = SCL_SHADOW
    scl[cloud > 0.22] = SCL_UNSURE
    scl[(moment.high > 0.9) & (fancy > -0.3)] = SCL_CIRRUS
    scl[cloud > 0.30] = SCL_MEDIUM
    scl[cloud > 0.45] = SCL_HIGH
    scl[~moment.valid] = SCL_NODATA
    probability = np.rint(100 / (1 + np.exp(-14 * (cloud - 0.30)))).astype(np.uint8)
    return scl, np.where(moment.valid, probability, np.uint8(NO_PERCENT))


def _apparent_cloud(moment: Moment, fancy: NDArray[np.float32]) -> NDArray[np.float32]:
    """Score how much like cloud each pixel looks to the processor, 0 to 1, smeared over three pixels."""
    seen = gaussian_filter(cloud_opacity(moment.low + 0.6 * moment.high), 1.5, mode="nearest")
    smoke = aerosol_opacity(moment.fire.smoke, ("B03",))[0]
    rock = 0.5 * (moment.ground.cover == ROCK) * (moment.ground.brightness + fancy > 1.9)
    mistaken = gaussian_filter(rock + 0.55 * smoke**2, 1.0, mode="nearest")
    score: NDArray[np.float32] = np.clip(seen + mistaken, 0.0, 1.0)
    return score


def _apparent_shadow(moment: Moment, fancy: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Mark what the processor takes for shadow: most shadows, some steep shade, a third of a burn; never water."""
    shadow = gaussian_filter(moment.shadow, 1.5, mode="nearest") > 0.45 + 0.08 * fancy
    mistaken = ((_light(moment) < 0.55) | (moment.fire.burnt > 0.6)) & (fancy > 0.4)
    dark: NDArray[np.bool_] = (shadow | mistaken) & (moment.ground.cover != WATER)
    return dark


def _apparent_dark(moment: Moment, fancy: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Mark what the processor calls dark: the rims of shadows, steep shade, half of a burn."""
    rim = moment.shadow > 0.25
    mistaken = (_light(moment) < 0.55) | ((moment.fire.burnt > 0.6) & (fancy > 0))
    dark: NDArray[np.bool_] = (rim | mistaken) & (moment.ground.cover != WATER)
    return dark


def _light(moment: Moment) -> NDArray[np.float32]:
    return lighting(moment.ground.elevation, moment.sun_azimuth, moment.sun_elevation)


def _ground_classes(moment: Moment) -> NDArray[np.uint8]:
    scl = np.full(moment.low.shape, SCL_BARE, np.uint8)
    scl[np.isin(moment.ground.cover, (CONIFER, BROADLEAF, GRASS)) & (moment.fire.burnt < 0.3)] = SCL_VEGETATION
    scl[moment.ground.cover == WATER] = SCL_WATER
    scl[snow_cover(moment.ground, moment.day_of_year)] = SCL_SNOW
    return scl
