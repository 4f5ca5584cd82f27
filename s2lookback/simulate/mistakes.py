"""Labels like a producer's, wrong by a known share and in known ways.

Each kind of mistake befalls a share of its pixels, drawn anew on each date from a range that users and papers
report, and in patches: those most alike to what they are mistaken for, by a field that is smooth over the scene.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s2lookback.masking.classes import Class
from s2lookback.scene import NO_PERCENT
from s2lookback.simulate.atmosphere import aerosol_opacity, cloud_opacity
from s2lookback.simulate.fire import emission
from s2lookback.simulate.fractal import fractal
from s2lookback.simulate.moment import Moment
from s2lookback.simulate.sensor import saturation
from s2lookback.simulate.spectra import BRIGHT, DARK, PLANTS
from s2lookback.simulate.surface import snow_cover
from s2lookback.simulate.truth import THICK, classes_of

NODATA, DEFECT, SHADE, SHADOW, PLANT, BARE, WATER, MEDIUM, HIGH, CIRRUS, SNOW = 0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11
"""Codes of Sen2Cor's scene classification."""
CLOUDS = (MEDIUM, HIGH, CIRRUS)

_STEEP = 0.6
"""Light on a slope relative to flat ground below which it is taken for shadow."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One way in which labels go wrong."""

    where: Mask
    """Pixels that it may befall, (y, x)."""
    shares: tuple[float, float]
    """Range of the share of them that it does befall on a date."""
    likeness: NDArray[np.float32]
    """What makes a pixel likelier than another, (y, x), some tenths from end to end."""
    label: NDArray[np.uint8]
    """What they are called instead, (y, x)."""


def mistaken_labels(
    moment: Moment, random: np.random.Generator, noise: float | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Label a scene: classes, codes 0-11, and cloud probability, percent 0-100, ``NO_PERCENT`` outside the swath.

    Args:
        moment: What is really there.
        random: Consumed; decides which pixels are mistaken.
        noise: Mean share of the pixels whose label is wrong about being hidden; the date's is 0.6 to 1.4 times that.
            None for as many as the ranges of the mistakes come to.
    """
    classes = classes_of(moment)
    scl = _right(moment, classes)
    fancy = fractal(random, classes.shape, slope=1.6, outer=0.15 * max(classes.shape))
    mistakes = [*_mistakes(moment, classes)]
    counts = [random.uniform(*each.shares) * each.where.sum() for each in mistakes]
    if noise is not None:
        counts = _scaled(counts, mistakes, noise * random.uniform(0.6, 1.4) * moment.valid.sum())
    for mistake, count in zip(mistakes, counts, strict=True):
        chosen = _likeliest(mistake, fancy, round(count))
        scl[chosen] = mistake.label[chosen]
    scl[~moment.valid] = NODATA
    return scl, np.where(moment.valid, _probability(moment, scl), np.uint8(NO_PERCENT))


def _right(moment: Moment, classes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Label as a processor without fault would.

    Smoke and fire have no code and are the ground below them, save fire that fills the detector of B12: a defect.
    """
    scl = _ground(moment, classes)
    scl[emission(moment.fire.heat, ("B12",))[0] >= saturation(("B12",), moment.sun_elevation)] = DEFECT
    thick = moment.low + moment.high >= THICK
    cloudy = np.isin(classes, (Class.THIN_CLOUD, Class.THICK_CLOUD))
    scl[cloudy] = np.where(moment.high > moment.low, CIRRUS, np.where(thick, HIGH, MEDIUM))[cloudy]
    scl[classes == Class.SHADOW] = SHADOW
    return scl


def _ground(moment: Moment, classes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    green = np.isin(moment.ground.cover, PLANTS) & (moment.fire.burnt < 0.3)
    scl = np.where(green, np.uint8(PLANT), np.uint8(BARE))
    scl[classes == Class.WATER] = WATER
    scl[snow_cover(moment.ground, moment.day_of_year)] = SNOW
    scl[moment.terrain_shadow > 0.5] = SHADE
    return scl


def _mistakes(moment: Moment, classes: NDArray[np.uint8]) -> Iterator[Mistake]:
    """List the kinds of mistakes; none shares a pixel with another, save the last, which fills up.

    Source of the shares: shadow after hand-painted references (recall .00 to .51); the others are what users of
    Sen2Cor report without figures, and our guess.
    """

    def every(code: int) -> NDArray[np.uint8]:
        return np.full(classes.shape, code, np.uint8)

    ground, flat = _ground(moment, classes), np.zeros(classes.shape, np.float32)
    opacity = cloud_opacity(moment.low + moment.high)
    smoke = aerosol_opacity(moment.fire.smoke, ("B03",))[0]
    clear, cover = classes == Class.CLEAR, moment.ground.cover
    steep = clear & ((moment.terrain_shadow > 0.5) | (moment.slope_light < _STEEP))
    bright, dark = clear & ~steep & np.isin(cover, BRIGHT), clear & ~steep & np.isin(cover, DARK)
    missed = np.where(moment.shadow > 0.7, np.uint8(SHADE), ground)
    yield Mistake(classes == Class.THIN_CLOUD, (0.40, 0.75), -3.0 * opacity, ground)
    yield Mistake(classes == Class.SHADOW, (0.49, 1.00), -0.5 * moment.shadow, missed)
    yield Mistake(classes == Class.SMOKE, (0.25, 0.60), 2.0 * smoke, every(MEDIUM))
    yield Mistake(classes == Class.FRESH_BURN, (0.10, 0.35), 0.5 * moment.fire.burnt, every(SHADOW))
    yield Mistake(classes == Class.SNOW, (0.02, 0.20), flat, every(HIGH))
    yield Mistake(classes == Class.WATER, (0.00, 0.06), flat, every(SHADOW))
    yield Mistake(steep, (0.02, 0.15), -moment.slope_light, every(SHADOW))
    yield Mistake(bright, (0.10, 0.40), 0.5 * moment.ground.brightness, every(HIGH))
    yield Mistake(dark, (0.10, 0.40), -0.5 * moment.ground.brightness, every(SHADOW))
    yield Mistake(clear & ~steep & ~bright & ~dark, (0.0, 0.01), flat, every(MEDIUM))


def _scaled(counts: list[float], mistakes: list[Mistake], wanted: float) -> list[float]:
    """Make mistakes more or less frequent, all alike, up to nine tenths of each kind; the last makes up the rest."""
    factor = wanted / max(1.0, sum(counts[:-1]))
    scaled = [min(factor * count, 0.9 * each.where.sum()) for count, each in zip(counts[:-1], mistakes, strict=False)]
    return [*scaled, min(wanted - sum(scaled), 0.9 * mistakes[-1].where.sum())]


def _likeliest(mistake: Mistake, fancy: NDArray[np.float32], count: int) -> Mask:
    """Choose so many of a mistake's pixels, those that are likeliest."""
    chosen = np.zeros(fancy.shape, np.bool_)
    places = np.flatnonzero(mistake.where)
    order = np.argsort(-(mistake.likeness + fancy).ravel()[places], kind="stable")
    chosen.flat[places[order[:count]]] = True
    return chosen


def _probability(moment: Moment, scl: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Tell how sure the processor is, percent: 50 and more where it says cloud, the surer the more there is."""
    opacity = cloud_opacity(moment.low + moment.high)
    sure = np.where(np.isin(scl, CLOUDS), 55 + 75 * opacity, np.minimum(100 * opacity, 45))
    percent: NDArray[np.uint8] = np.rint(np.clip(sure, 0, 100)).astype(np.uint8)
    return percent
