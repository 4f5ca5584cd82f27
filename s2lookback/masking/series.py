"""Mask a tile's scenes one after the other, learning from those that went before."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2lookback.errors import SceneError
from s2lookback.masking.background import background_of, nearest
from s2lookback.masking.classes import MASKED, usable
from s2lookback.masking.labels import weak_labels
from s2lookback.masking.lookback import Model, Sample, train
from s2lookback.masking.mask import Mask, classify, sample_scene, score
from s2lookback.mrap.fold import Composite, expire, fold_scene
from s2lookback.scene import Scene
from s2lookback.settings import MaskSettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Masked:
    """A scene, its mask, and the model it was made with; None for the rules."""

    scene: Scene
    mask: Mask
    model: Model | None
    report: dict[str, Any] | None
    """How far the model agrees with this scene's labels; None if it learnt from them."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which scenes take part, and for how long."""

    days: int
    """Age in days up to which a pixel is looked back at."""
    least_masked: float
    """Share of labelled pixels that must be masked for a scene to be learnt from."""


class _LastClear:
    """The last clear pixels of a tile as its scenes go by."""

    def __init__(self, window: Window) -> None:
        self._days = window.days
        self._carried: Composite | None = None

    def before(self, scene: Scene) -> NDArray[np.int16] | None:
        """Give the last clear pixels before a scene, or none if that has another grid or bands than those before."""
        if self._carried is None or self._carried.pixels.shape != scene.pixels.shape:
            return None
        self._carried = expire(self._carried, _second(scene), self._days)
        return self._carried.pixels.astype(np.int16, copy=False)

    def fold(self, scene: Scene, mask: Mask) -> None:
        """Take in the clear pixels of a scene."""
        fresh = self._carried is None or self._carried.pixels.shape != scene.pixels.shape
        base = Composite.empty(*scene.pixels.shape) if fresh or self._carried is None else self._carried
        self._carried = fold_scene(base, scene.pixels, usable(mask.classes), _second(scene))


class _Around:
    """The scenes of a tile as they go by, for the background method."""

    def __init__(self, settings: MaskSettings) -> None:
        self._settings = settings
        self._scenes: deque[Scene] = deque(maxlen=settings.number_of_images)

    def before(self, scene: Scene) -> NDArray[np.int16] | None:
        """Give the median of the nearest scenes before one, of those on its grid and in its bands."""
        there = {one.about.sensed: one for one in self._scenes if (one.grid, one.bands) == (scene.grid, scene.bands)}
        return background_of([there[sensed].pixels for sensed in nearest(scene.about.sensed, [*there], self._settings)])

    def fold(self, scene: Scene, _: Mask) -> None:
        """Take in a scene, clouds and all."""
        self._scenes.append(scene)


def _history(settings: MaskSettings, window: Window) -> _LastClear | _Around:
    return _Around(settings) if settings.method == "background" else _LastClear(window)


def _second(scene: Scene) -> int:
    return int(scene.about.sensed.timestamp())


def mask_in_turn(scenes: Iterable[Scene], settings: MaskSettings, window: Window) -> Iterator[Masked]:
    """Mask each scene by a model of the scenes before it, and score that model on it; or by a method without one."""
    pool: deque[Sample] = deque(maxlen=settings.training_scenes)
    clear = _history(settings, window)
    for scene in scenes:
        reference = clear.before(scene)
        model = _trained(pool, scene, settings)
        report = score(model, scene, reference, settings) if model else None
        mask = classify(scene, reference, model, settings)
        yield Masked(scene, mask, model, report)
        if settings.method == "lookback" and masked_share(scene, settings) >= window.least_masked:
            pool.append(sample_scene(scene, reference, settings))
        clear.fold(scene, mask)


def mask_by_last(reread: Callable[[], Iterable[Scene]], settings: MaskSettings, window: Window) -> Iterator[Masked]:
    """Mask every scene by one model of all but the last, and score it on the last.

    The scenes are read twice: masked by rules to learn from them, then masked by what was learnt.
    """
    pool: deque[Sample] = deque(maxlen=settings.training_scenes)
    clear = _LastClear(window)
    last: Scene | None = None
    latest: Sample | None = None
    for last in reread():
        pool.extend([latest] if latest else [])
        reference = clear.before(last)
        learnt = masked_share(last, settings) >= window.least_masked
        latest = sample_scene(last, reference, settings) if learnt else None
        clear.fold(last, classify(last, reference, None, settings))
    model = _trained(pool, last, settings) if last else None
    clear = _LastClear(window)
    for scene in reread():
        reference = clear.before(scene)
        unseen = last is not None and scene.about.sensed == last.about.sensed
        report = score(model, scene, reference, settings) if model and unseen else None
        mask = classify(scene, reference, model, settings)
        yield Masked(scene, mask, model, report)
        clear.fold(scene, mask)


def masked_share(scene: Scene, settings: MaskSettings) -> float:
    """Tell which share of a scene's labelled pixels the labels mask; 0 without labels."""
    labels = weak_labels(scene.scl, scene.cloud_probability, scene.valid, settings)
    return float(np.isin(labels, MASKED).sum() / max(1, np.count_nonzero(labels)))


def _trained(samples: Iterable[Sample], scene: Scene, settings: MaskSettings) -> Model | None:
    """Train a model, or none, saying why, where there is too little to learn from."""
    alike = [sample for sample in samples if sample.bands == scene.bands]
    if len(alike) < settings.min_training_scenes:
        return None
    try:
        return train(alike, settings, scene.bands)
    except SceneError as error:
        logger.info("%s: masked by rules, %s", scene.about.sensed.date(), error)
        return None
