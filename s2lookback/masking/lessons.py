"""What the methods that come trained learn from: pixels of simulated scenes, and what truly covers them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from s2lookback.bands import BANDS, DEFAULT_BANDS
from s2lookback.masking.background import Background, background_of
from s2lookback.masking.classes import usable
from s2lookback.masking.lookback import cover_of
from s2lookback.masking.mask import classify
from s2lookback.masking.medians import geomedian
from s2lookback.masking.method import View
from s2lookback.masking.reference import unveiled
from s2lookback.masking.spectrum import Layer, Spectrum
from s2lookback.mrap.fold import Composite, fold_scene
from s2lookback.scene import NODATA, SCALE, Scene
from s2lookback.settings import MaskSettings
from s2lookback.simulate.acquisition import Level
from s2lookback.simulate.families import DEVELOPMENT
from s2lookback.simulate.series import Observation, plain, series

SIZE = {"height": 120, "width": 160, "dates": 14}

PIXELS = 800
"""Drawn from one scene, half of them evenly over its area, half evenly over the classes that it has."""

ADVISING = 400
"""Drawn from one scene for the trees that advise, evenly over its area: how often each class is there is learnt too."""


def simulated(bands: tuple[str, ...], seeds: Sequence[int], *, corrected: bool = False) -> Iterator[list[Observation]]:
    """Simulate a series of each family that methods may learn from; odd seeds are seen through the whole air.

    The first family, whose air is not simulated, never is, and with ``corrected`` none.
    """
    for seed in seeds:
        for family in DEVELOPMENT:
            level: Level = "L1C" if seed % 2 and family.physical and not corrected else "L2A"
            yield list(series(family, seed, bands=bands, level=level, **SIZE))


def compared(observations: Sequence[Observation]) -> Iterator[View]:
    """Show pixels of each date beside, in turn, when they were last clear, the geomedian of all dates, and nothing.

    Every other date has lost B8A, so that B08 stands for the near infrared. The labels are the truth.
    """
    middle = geomedian(np.stack([plain(one.scene) for one in observations])).transpose(2, 0, 1)
    still = np.where(np.isnan(middle), NODATA, np.rint(middle / SCALE)).astype(np.int16)
    clear = Composite.empty_like(observations[0].scene.pixels)
    for number, one in enumerate(observations):
        before = (clear.pixels.astype(np.int16), still, clear.pixels.astype(np.int16), still, None)[number % 5]
        kept = [place for place, band in enumerate(one.scene.bands) if band != "B8A" or number % 2]
        scene, drawn = _with(one.scene, kept), _balanced(one)
        yield _view(scene, None if before is None else before[kept], cover_of(one.truth.classes), drawn)
        clear = fold_scene(clear, one.scene.pixels, usable(one.truth.classes), int(one.scene.about.sensed.timestamp()))


def stacked(observations: Sequence[Observation], settings: MaskSettings) -> Iterator[tuple[Layer, NDArray[np.uint8]]]:
    """Show each date to the background method: its features, (feature, pixel), and what covers the pixels.

    Every other date has no more bands than are published; the scenes must have all. Of L2A, that means all but B10.
    """
    first = observations[0].scene
    there = [band for band in first.bands if first.about.level == "L1C" or band != "B10"]
    for number, one in enumerate(observations):
        bands = there if number % 2 else DEFAULT_BANDS
        kept = [place for place, band in enumerate(first.bands) if band in bands]
        before = background_of([each.scene.pixels[kept] for each in observations[:number]])
        scene = _with(one.scene, kept)
        view = _view(scene, before, cover_of(one.truth.classes), _balanced(one))
        yield Background(scene, before, settings).features(view), view.labels


def followed(observations: Sequence[Observation], settings: MaskSettings) -> Iterator[View]:
    """Show pixels of each date beside a composite as a night leaves it: made by masks, whose mistakes show in it.

    The labels are the truth, codes of ``Class``.
    """
    composite = Composite.empty_like(observations[0].scene.pixels)
    for one in observations:
        before = composite.pixels.astype(np.int16)
        there = np.flatnonzero(one.truth.classes)
        drawn = _random(one).choice(there, min(ADVISING, there.size), replace=False)
        view = _view(one.scene, before, one.truth.classes, drawn)
        yield replace(view, before=unveiled(view.before))
        found = classify(one.scene, before, None, settings)
        composite = fold_scene(
            composite, one.scene.pixels, usable(found.classes), int(one.scene.about.sensed.timestamp())
        )


def _with(scene: Scene, kept: Sequence[int]) -> Scene:
    """Take some of the bands of a scene."""
    return replace(scene, bands=tuple(scene.bands[place] for place in kept), pixels=scene.pixels[[*kept]])


def _random(one: Observation) -> np.random.Generator:
    return np.random.default_rng(int(one.scene.about.sensed.timestamp()))


def _balanced(one: Observation) -> NDArray[np.intp]:
    """Draw pixels of a date, flat indices: half of them evenly over its area, half evenly over its classes."""
    random, codes = _random(one), one.truth.classes.ravel()
    groups = [np.flatnonzero(codes)] + [np.flatnonzero(codes == code) for code in np.unique(codes[codes > 0])]
    shares = [PIXELS // 2] + [PIXELS // 2 // max(1, len(groups) - 1)] * (len(groups) - 1)
    sizes = [min(share, group.size) for share, group in zip(shares, groups, strict=True)]
    return np.concatenate(
        [random.choice(group, size, replace=False) for group, size in zip(groups, sizes, strict=True)]
    )


def _view(scene: Scene, before: NDArray[np.int16] | None, labels: NDArray[np.uint8], drawn: NDArray[np.intp]) -> View:
    """View the pixels of a scene with these flat indices, and their labels, (y, x)."""
    never = np.full_like(scene.pixels, NODATA) if before is None else before
    both = (pixels.reshape(len(scene.bands), -1)[:, drawn] for pixels in (scene.pixels, never))
    now, clear = (Spectrum.of(pixels, scene.bands) for pixels in both)
    return View(now, clear, labels.ravel()[drawn])


ALL = (*BANDS,)
"""Every band of the instrument."""
