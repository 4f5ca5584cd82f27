"""Classify a scene: one method for cloud and shadow, physics for the rest, fire above all."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from s2lookback.cores import THREADS
from s2lookback.errors import GridMismatchError
from s2lookback.masking.cast import shadow_possible
from s2lookback.masking.classes import COVERS, GROUND, MASKED, Class, among
from s2lookback.masking.dilation import dilate, grow, pixel_metres
from s2lookback.masking.evidence import cleared, rims
from s2lookback.masking.features import features
from s2lookback.masking.fire import protected
from s2lookback.masking.judged import cover_by, percent_of
from s2lookback.masking.labels import weak_labels
from s2lookback.masking.lookback import Lookback, Model, Sample, cover_of
from s2lookback.masking.method import View
from s2lookback.masking.methods import method_for, tells_smoke
from s2lookback.masking.physics import lit, snow, water
from s2lookback.masking.reference import unveiled
from s2lookback.masking.rules import mend_labels
from s2lookback.masking.sampler import draw
from s2lookback.masking.smoke import plumes, smoke_possible, smoke_surely
from s2lookback.masking.spatial import patches
from s2lookback.masking.spectrum import Layer, Spectrum
from s2lookback.masking.terrain import terrain_shaded
from s2lookback.scene import NO_PERCENT, NODATA, Scene
from s2lookback.settings import MaskSettings

T = TypeVar("T")

BLOCK = 65_536
"""Pixels that a thread looks at together: 19 MB of features."""

FIRESIDE = 60.0
"""Metres from an active fire within which nothing is masked: no cloud hides what flames shine through beside it."""

SCORED = 100_000
"""Most pixels that a score is taken from; its standard error is then below 0.2 percent."""


@dataclass(frozen=True, slots=True)
class Mask:
    """What each pixel of a scene is, and how sure that is."""

    classes: NDArray[np.uint8]
    """Codes of ``Class``, (y, x)."""
    probability: NDArray[np.uint8]
    """That cloud or shadow hides the pixel, percent 0-100, (y, x); ``NO_PERCENT`` off the swath.

    Below the threshold wherever the class, before it is grown, shows the surface; growth changes nothing. Where fire or
    fresh burn was found it is 0."""
    method: str
    """One of ``MaskSettings.method``."""
    rims: NDArray[np.uint8]
    """What each pixel may be the rim of, bits of ``Rim``, (y, x)."""


def classify(
    scene: Scene,
    reference: NDArray[np.int16] | None,
    model: Model | None,
    settings: MaskSettings,
    *,
    elevation: NDArray[np.float32] | None = None,
) -> Mask:
    """Classify every pixel of a scene.

    Args:
        scene: With whichever bands and producer's masks it has; left untouched.
        reference: Pixels when last clear before this scene, (band, y, x) in the scene's bands, ``NODATA`` where never
            seen; None for a tile's first scene.
        model: Of the tile, for ``lookback``, which gives way to the rules without one.
        settings: ``method``, ``threshold``, ``label_threshold``, ``opening`` and ``dilation`` are used.
        elevation: m, (y, x), if there is a model of the ground: what mountains shade is then no cloud's shadow.

    Raises:
        GridMismatchError: If the reference or the elevation does not fit the scene.
        SceneError: If the scene lacks a band of the method.
    """
    method = method_for(scene, reference, model, settings)
    chance = np.empty((len(MASKED), *scene.grid.shape), np.uint8)
    seen, around = (np.empty(scene.grid.shape, np.uint8) for _ in range(2))
    maybe, surely = (np.empty(scene.grid.shape, np.bool_) for _ in range(2))

    def look(rows: slice, view: View) -> None:
        found, maybe[rows], surely[rows] = protected(view), smoke_possible(view), smoke_surely(view)
        around[rows] = rims(view)
        chance[:, rows] = percent_of(method, view, scene.valid[rows] & among(found, (Class.NO_DATA, Class.SMOKE)))
        seen[rows] = np.where(found == Class.NO_DATA, _ground(view.now), found)

    over_views(look, scene, reference, settings)
    pixel = pixel_metres(scene.grid)
    percent = np.minimum(chance.sum(axis=0, dtype=np.uint16), 100).astype(np.uint8)
    told = tells_smoke(method.name, scene.bands)
    smoke = plumes(percent >= 100 * settings.threshold, seen, maybe, surely, pixel, told=told)
    percent[~scene.valid | smoke | ~among(seen, (*GROUND, Class.SMOKE))] = 0
    seen = np.where(smoke, np.uint8(Class.SMOKE), seen)
    hidden = patches(percent >= 100 * settings.threshold, scene.valid, settings.opening, pixel)
    named = np.where(hidden, cover_by(chance), seen)
    named = np.where(_no_shadow(named, scene, elevation), seen, named)
    named = np.where(grow(seen == Class.ACTIVE_FIRE, FIRESIDE, pixel), seen, named)
    named = np.where(scene.valid, named, np.uint8(Class.NO_DATA))
    # What was dropped for its size, its place or a fire is not what the threshold would make of it.
    below = np.minimum(percent, max(0, math.ceil(100 * settings.threshold) - 1))
    percent = np.where(among(named, MASKED), percent, below)
    probability = np.where(scene.valid, percent, np.uint8(NO_PERCENT))
    return Mask(grown(named, around, settings.dilation, pixel), probability, method.name, around)


def grown(
    classes: NDArray[np.uint8], rims: NDArray[np.uint8], metres: float, pixel: tuple[float, float]
) -> NDArray[np.uint8]:
    """Grow clouds and shadows, but not beside an active fire.

    Args:
        classes: Codes of ``Class``, (y, x); left untouched.
        rims: What each pixel may be the rim of, bits of ``Rim``, (y, x).
        metres: How far.
        pixel: Height and width of a pixel in metres.
    """
    beside = grow(classes == Class.ACTIVE_FIRE, FIRESIDE, pixel)
    return np.where(beside, classes, dilate(classes, rims, metres, pixel))


def _no_shadow(classes: NDArray[np.uint8], scene: Scene, elevation: NDArray[np.float32] | None) -> NDArray[np.bool_]:
    """Mark the shadows that no cloud can have cast, or a mountain casts, (y, x).

    Raises:
        GridMismatchError: If the elevation does not fit the scene.
    """
    shadow, pixel = classes == Class.SHADOW, pixel_metres(scene.grid)
    cloud = (classes == Class.THIN_CLOUD) | (classes == Class.THICK_CLOUD)
    uncast: NDArray[np.bool_] = shadow & ~shadow_possible(cloud, scene.valid, scene.about, pixel)
    if elevation is None:
        return uncast
    if elevation.shape != scene.grid.shape:
        raise GridMismatchError(f"an elevation of {elevation.shape} does not fit a scene of {scene.grid.shape}")
    by_mountain: NDArray[np.bool_] = shadow & terrain_shaded(elevation, scene.about, pixel)
    return uncast | by_mountain


def _ground(now: Spectrum) -> NDArray[np.uint8]:
    """Name what is to be seen where nothing hides it."""
    return np.where(snow(now), Class.SNOW, np.where(water(now), Class.WATER, Class.CLEAR)).astype(np.uint8)


def over_views(
    look: Callable[[slice, View], T], scene: Scene, reference: NDArray[np.int16] | None, settings: MaskSettings
) -> list[T]:
    """Look at a scene a few rows at a time, on every core at once; give what was found, from top to bottom.

    Args:
        look: Is given rows, and the view of them, by several threads; what it finds may depend on no other rows.
        scene: Left untouched.
        reference: As for ``classify``.
        settings: ``label_threshold`` is used.

    Raises:
        GridMismatchError: If the reference does not fit the scene.
    """
    if reference is not None and reference.shape != scene.pixels.shape:
        raise GridMismatchError(f"a reference of {reference.shape} does not fit a scene of {scene.pixels.shape}")
    step = max(1, BLOCK // scene.grid.width)

    def found(top: int) -> T:
        rows = slice(top, top + step)
        before = None if reference is None else reference[:, rows]
        return look(rows, _view(scene, scene.pixels[:, rows], before, _labels(scene, rows, settings)))

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(found, range(0, scene.grid.height, step)))


def _labels(scene: Scene, rows: slice, settings: MaskSettings) -> NDArray[np.uint8]:
    scl = None if scene.scl is None else scene.scl[rows]
    percent = None if scene.cloud_probability is None else scene.cloud_probability[rows]
    return weak_labels(scl, percent, scene.valid[rows], settings)


def _view(scene: Scene, pixels: NDArray[np.int16], before: NDArray[np.int16] | None, labels: NDArray[np.uint8]) -> View:
    never = np.full_like(pixels, NODATA) if before is None else before
    now, clear = Spectrum.of(pixels, scene.bands), Spectrum.of(never, scene.bands)
    if scene.about.level == "L2A":  # the air above all ground is no smoke
        clear = unveiled(clear)
    return View(now, clear, np.where((labels == Class.SHADOW) & lit(now, clear), np.uint8(Class.NO_DATA), labels))


def believed(
    scene: Scene, reference: NDArray[np.int16] | None, settings: MaskSettings, *, mend: bool = False
) -> NDArray[np.uint8]:
    """Give the weak labels of a scene, (y, x), but none where fire, fresh burn or smoke was found.

    Sen2Cor calls those cloud or shadow, and a model would learn to do so. Nor is there shadow where a pixel is as
    bright as when it was last clear.

    Args:
        scene: Left untouched.
        reference: As for ``classify``.
        settings: ``label_threshold`` is used.
        mend: Add the clouds and shadows that the rules find and the labels miss; shadows that no cloud can have cast
            become clear.
    """
    labels, found = np.empty(scene.grid.shape, np.uint8), np.empty(scene.grid.shape, np.uint8)
    maybe, surely = (np.empty(scene.grid.shape, np.bool_) for _ in range(2))

    def look(rows: slice, view: View) -> None:
        labels[rows] = mend_labels(view) if mend else view.labels
        found[rows], maybe[rows], surely[rows] = protected(view), smoke_possible(view), smoke_surely(view)

    over_views(look, scene, reference, settings)
    seen = np.where(found == Class.NO_DATA, np.uint8(Class.CLEAR), found)
    smoke = plumes(np.isin(labels, MASKED) & scene.valid, seen, maybe, surely, pixel_metres(scene.grid))
    kept = scene.valid & ~smoke & np.isin(seen, (Class.CLEAR, Class.SMOKE))
    labels = np.where(kept, labels, np.uint8(Class.NO_DATA))
    return np.where(_no_shadow(labels, scene, None), np.uint8(Class.CLEAR), labels) if mend else labels


def sample_scene(scene: Scene, reference: NDArray[np.int16] | None, settings: MaskSettings) -> Sample:
    """Draw the pixels of a scene that a model learns from; the same scene gives the same pixels.

    It learns the labels mended by the rules: Sen2Cor misses most thin cloud and calls shadow what is dark every day.

    Args:
        scene: Left untouched.
        reference: As for ``classify``.
        settings: Those of the sampler, ``label_threshold`` and ``seed`` are used.
    """
    labels = believed(scene, reference, settings, mend=True).ravel()
    drawn = draw(labels, settings, (settings.seed, int(scene.about.sensed.timestamp())))
    view = _drawn(scene, reference, labels, drawn)
    columns = features(view.now, view.before, scene.bands)
    return Sample(scene.about.tile, scene.about.sensed, scene.bands, np.ascontiguousarray(columns.T), view.labels)


def _drawn(
    scene: Scene, reference: NDArray[np.int16] | None, labels: NDArray[np.uint8], drawn: NDArray[np.intp]
) -> View:
    """View the pixels with these flat indices."""
    bands = len(scene.bands)
    before = None if reference is None else reference.reshape(bands, -1)[:, drawn]
    return _view(scene, scene.pixels.reshape(bands, -1)[:, drawn], before, labels[drawn])


def score(model: Model, scene: Scene, reference: NDArray[np.int16] | None, settings: MaskSettings) -> dict[str, Any]:
    """Measure how far a model agrees with the weak labels of a scene it has not seen: agreement, not accuracy.

    Taken from at most ``SCORED`` labelled pixels, drawn uniformly with a seed, before anything is grown.

    Returns:
        ``sensed``, ``pixels``, ``agreement`` (share), and for every class that has labels, and for ``MASKED`` which is
        all but clear: ``precision``, ``recall``, ``f1`` (0 to 1) and ``support`` (pixels).
    """
    view = labelled(scene, reference, settings)
    found = found_by(Lookback(model).probabilities(view), view, settings)
    return {"sensed": f"{scene.about.sensed:%Y-%m-%dT%H:%M:%SZ}"} | agreement(found, cover_of(view.labels))


def labelled(scene: Scene, reference: NDArray[np.int16] | None, settings: MaskSettings) -> View:
    """View the pixels that a scene is scored on: ``SCORED`` at most of those with a label, drawn with a seed."""
    labels = believed(scene, reference, settings).ravel()
    there = np.flatnonzero(labels)
    random = np.random.default_rng((settings.seed, int(scene.about.sensed.timestamp())))
    return _drawn(scene, reference, labels, np.sort(random.choice(there, min(SCORED, there.size), replace=False)))


def found_by(chance: Layer, view: View, settings: MaskSettings) -> NDArray[np.uint8]:
    """Give what a model's probabilities find without today's labels, before anything is grown: out of ``COVERS``."""
    left = cleared(chance, view)
    return np.where(1 - left[0] >= settings.threshold, cover_by(left[1:]), np.uint8(Class.CLEAR))


def agreement(found: NDArray[np.uint8], labels: NDArray[np.uint8]) -> dict[str, Any]:
    """Compare classes with labels, both codes out of ``COVERS``, (pixel)."""
    pairs = {cover.name: (found == cover, labels == cover) for cover in COVERS}
    pairs["MASKED"] = (found != Class.CLEAR, labels != Class.CLEAR)
    report: dict[str, Any] = {"pixels": labels.size}
    if labels.size:
        report["agreement"] = float((found == labels).mean())
    return report | {name: _rates(*pair) for name, pair in pairs.items() if pair[1].any()}


def _rates(found: NDArray[np.bool_], labelled: NDArray[np.bool_]) -> dict[str, float]:
    both, support = int((found & labelled).sum()), int(labelled.sum())
    return {
        "precision": both / max(1, int(found.sum())),
        "recall": both / support,
        "f1": 2 * both / (int(found.sum()) + support),
        "support": support,
    }


def month_of(sensed: datetime) -> datetime:
    """Give the start of the month, UTC, whose model masks a scene."""
    return sensed.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def training_cutoff(begin: datetime, settings: MaskSettings) -> datetime:
    """Give the time before which a scene must be sensed to train the model that serves from ``begin`` on.

    It is ``training_lag`` days before, so that a scene that arrives a few days late does not change the model.
    """
    return begin - timedelta(days=settings.training_lag)
