"""Simulated series, and the ways to mask them that are compared."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from s2cloudless import S2PixelCloudDetector

from s2lookback.masking.background import background_of
from s2lookback.masking.classes import Class, usable
from s2lookback.masking.dilation import pixel_metres
from s2lookback.masking.labels import weak_labels
from s2lookback.masking.lookback import Model, train
from s2lookback.masking.mask import classify, grown, month_of, sample_scene, training_cutoff
from s2lookback.mrap.fold import Composite, fold_scene
from s2lookback.scene import Scene
from s2lookback.settings import MaskSettings
from s2lookback.simulate import Scenario, families, scenario_of, sensing_times, simulate_scene
from s2lookback.simulate.truth import truth
from tests.bench.mask_scores import Codes, Judged

CLOUDLESS_BANDS = ("B01", "B02", "B04", "B05", "B08", "B8A", "B09", "B10", "B11", "B12")
CUT = 0.4
"""Probability from which s2cloudless calls a pixel cloud. Source: its own default."""


@dataclass(frozen=True, slots=True)
class Date:
    """A simulated scene and what each of its pixels really is."""

    scenario: Scenario
    scene: Scene
    real: Codes
    elevation: NDArray[np.float32]
    """m, (y, x)."""


Way = Callable[[Sequence[Date]], list[Judged]]


def simulated(scenario: Scenario) -> list[Date]:
    """Simulate a season and its truth."""
    return [
        Date(scenario, simulate_scene(scenario, at), real.classes, real.elevation)
        for at, real in ((at, truth(scenario, at)) for at in sensing_times(scenario))
    ]


def by_night(method: str, *, relief: bool = False) -> Way:
    """Mask each scene as the nightly flow does, in memory: a model a month, the composite for reference.

    With ``relief``, a model of the ground is given too.
    """
    settings = MaskSettings.model_validate({"method": method})

    def way(dates: Sequence[Date]) -> list[Judged]:
        grounds = [date.elevation if relief else None for date in dates]
        nights = masked([date.scene for date in dates], settings, grounds)
        return [Judged(date.real, bare, published) for date, (bare, published, _) in zip(dates, nights, strict=True)]

    return way


def masked(
    scenes: Sequence[Scene], settings: MaskSettings, grounds: Sequence[NDArray[np.float32] | None]
) -> Iterator[tuple[Codes, Codes, Composite]]:
    """Mask scenes one after the other; give each mask before and after it is grown, and the composite with it."""
    bare = settings.model_copy(update={"dilation": 0})
    composite = Composite.empty(*scenes[0].pixels.shape)
    seen: list[tuple[Scene, NDArray[np.int16]]] = []
    models: dict[object, Model | None] = {}
    for scene, ground in zip(scenes, grounds, strict=True):
        reference = composite.pixels.astype(np.int16)
        if settings.method == "background" and seen:
            reference = background_of([one.pixels for one, _ in seen[-settings.number_of_images :]])
        cutoff = training_cutoff(month_of(scene.about.sensed), settings)
        if cutoff not in models:
            known = [step for step in seen if step[0].about.sensed < cutoff]
            models[cutoff] = _trained(known, settings) if settings.method == "lookback" else None
        found = classify(scene, reference, models[cutoff], bare, elevation=ground)
        published = grown(found.classes, found.rims, settings.dilation, pixel_metres(scene.grid))
        seen.append((scene, reference))
        composite = fold_scene(composite, scene.pixels, usable(published), int(scene.about.sensed.timestamp()))
        yield found.classes, published, composite


def _trained(known: Sequence[tuple[Scene, NDArray[np.int16]]], settings: MaskSettings) -> Model | None:
    """Train on all scenes but the last, which the flow keeps to score by."""
    if len(known) < settings.min_training_scenes:
        return None
    samples = [sample_scene(*step, settings) for step in known[-settings.training_scenes : -1]]
    return train(samples, settings, known[0][0].bands)


def by_label(dates: Sequence[Date]) -> list[Judged]:
    """Take the label that models are trained from, SCL joined with cloud probability, for a mask."""
    return [_as_told(date, weak_labels(date.scene.scl, date.scene.cloud_probability, date.scene.valid, MaskSettings()))
            for date in dates]  # fmt: skip


def by_scl(dates: Sequence[Date]) -> list[Judged]:
    """Take Sen2Cor's classification for a mask."""
    return [_as_told(date, weak_labels(date.scene.scl, None, date.scene.valid, MaskSettings())) for date in dates]


def by_s2cloudless(dates: Sequence[Date]) -> list[Judged]:
    """Mask by s2cloudless with its own defaults; it tells cloud from all else, so every cloud is called thick.

    It expects light at the top of the atmosphere, and the simulator gives what a correction leaves: not its home.
    """
    detector = S2PixelCloudDetector(threshold=CUT, average_over=4, dilation_size=2, all_bands=False)
    judged = []
    for date in dates:
        pixels = simulate_scene(date.scenario, date.scene.about.sensed, CLOUDLESS_BANDS).pixels
        cloud = detector.get_cloud_masks((np.moveaxis(pixels, 0, -1)[np.newaxis] / 1e4).clip(0))[0] == 1
        judged.append(_as_told(date, np.where(cloud, Class.THICK_CLOUD, Class.CLEAR).astype(np.uint8)))
    return judged


def _as_told(date: Date, told: Codes) -> Judged:
    """Take for clear what is not named."""
    named = np.where(told == Class.NO_DATA, np.uint8(Class.CLEAR), told)
    return Judged(date.real, named, named)


WAYS: Mapping[str, Way] = {
    "SCL": by_scl,
    "label": by_label,
    "s2cloudless": by_s2cloudless,
    "rules": by_night("rules"),
    "spectral": by_night("spectral"),
    "temporal": by_night("temporal"),
    "background": by_night("background"),
    "rules, DEM": by_night("rules", relief=True),
    "lookback": by_night("lookback"),
}
OURS = ("rules", "rules, DEM", "lookback")


def seasons(seeds: Sequence[int], *, final: bool) -> Mapping[str, list[Scenario]]:
    """List the seasons that are masked by family; ``final`` adds the one that development never looks at."""
    chosen = (*families.DEVELOPMENT, families.UNSEEN) if final else families.DEVELOPMENT
    return {family.name: [scenario_of(family, seed) for seed in seeds] for family in chosen}
