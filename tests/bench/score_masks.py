"""Our masks against the simulator's truth, which shares no code with them: ``python -m tests.bench.score_masks``.

Development looked at the seeds 1 to 4. The default ones are kept for confirming: nothing was chosen by them.
"""

import argparse
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from s2lookback.masking.classes import MASKED, Class, usable
from s2lookback.masking.dilation import grow
from s2lookback.masking.labels import weak_labels
from s2lookback.masking.lookback import Model, train
from s2lookback.masking.mask import classify, sample_scene, training_cutoff
from s2lookback.mrap.fold import Composite, fold_scene
from s2lookback.scene import Scene
from s2lookback.settings import MaskSettings
from s2lookback.simulate import Scenario, sensing_times, simulate_scene
from s2lookback.simulate.truth import truth

SEEDS = (101, 102, 103, 104, 105, 106)
CLOUDS = (Class.THIN_CLOUD, Class.THICK_CLOUD)
MARGIN = 60.0
"""Metres from what is truly covered within which masking is no mistake: clouds are grown by 40 m."""

Codes = NDArray[np.uint8]
Pair = tuple[Codes, Codes]
"""Truth and what was found, (y, x)."""


def series(seed: int) -> list[tuple[Scene, Codes]]:
    """Simulate a summer with a fire, and what each pixel of it really is."""
    scenario = Scenario(seed=seed)
    return [(simulate_scene(scenario, at), truth(scenario, at).classes) for at in sensing_times(scenario)]


def masked(scenes: list[tuple[Scene, Codes]], settings: MaskSettings) -> Iterator[Pair]:
    """Mask each scene as the nightly flow does, in memory: a model a month, the composite for reference."""
    composite = Composite.empty(*scenes[0][0].pixels.shape)
    seen: list[tuple[Scene, NDArray[np.int16]]] = []
    models: dict[object, Model | None] = {}
    for scene, real in scenes:
        reference = composite.pixels.astype(np.int16)
        cutoff = training_cutoff(scene.about.sensed, settings)
        if cutoff not in models:
            known = [step for step in seen if step[0].about.sensed < cutoff]
            enough = settings.method == "lookback" and len(known) >= settings.min_training_scenes
            samples = [sample_scene(*step, settings) for step in known[-settings.training_scenes : -1]]
            models[cutoff] = train(samples, settings, scene.bands) if enough else None
        found = classify(scene, reference, models[cutoff], settings).classes
        yield real, found
        seen.append((scene, reference))
        composite = fold_scene(composite, scene.pixels, usable(found), int(scene.about.sensed.timestamp()))


def labelled(scenes: list[tuple[Scene, Codes]]) -> Iterator[Pair]:
    """Take the producer's labels for masks; what they do not name counts as clear."""
    for scene, real in scenes:
        labels = weak_labels(scene.scl, scene.cloud_probability, scene.valid, MaskSettings())
        yield real, np.where(labels == Class.NO_DATA, np.uint8(Class.CLEAR), labels)


def rates(pairs: list[Pair]) -> Mapping[str, float]:
    """Score masks: precision and recall of what hides, and what is lost of that which must not be."""
    near = [grow(np.isin(real, MASKED), MARGIN, (20.0, 20.0)) for real, _ in pairs]
    real, found, close = (
        np.concatenate([layer.ravel() for layer in layers]) for layers in (*zip(*pairs, strict=True), near)
    )
    inside = real != Class.NO_DATA
    real, found, close = real[inside], found[inside], close[inside]
    lost, score = ~usable(found), dict[str, float]()
    for name, classes in (("cloud", CLOUDS), ("shadow", (Class.SHADOW,)), ("hidden", MASKED)):
        there, claimed = np.isin(real, classes), np.isin(found, classes)
        score[f"{name} precision"] = (there & claimed).sum() / claimed.sum()
        score[f"{name} recall"] = (there & claimed).sum() / there.sum()
    score["thick cloud masked"] = lost[real == Class.THICK_CLOUD].mean()
    score["shadow masked"] = lost[real == Class.SHADOW].mean()
    score["clear land kept"] = 1 - lost[real == Class.CLEAR].mean()
    score["clear land kept, apart from cover"] = 1 - lost[(real == Class.CLEAR) & ~close].mean()
    for name, what in (("fresh burn", Class.FRESH_BURN), ("active fire", Class.ACTIVE_FIRE)):
        score[f"{name} wrongly masked"] = lost[real == what].mean()
        score[f"{name} wrongly masked, apart from cover"] = lost[(real == what) & ~close].mean()
    score["smoke kept"] = 1 - lost[real == Class.SMOKE].mean()
    score["smoke named smoke"] = (found[real == Class.SMOKE] == Class.SMOKE).mean()
    return score


def main() -> None:
    """Print the table of docs/accuracy.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    summers = [series(seed) for seed in parser.parse_args().seeds]
    columns = {"labels alone": rates([pair for scenes in summers for pair in labelled(scenes)])}
    for method in ("rules", "lookback"):
        settings = MaskSettings.model_validate({"method": method})
        columns[method] = rates([pair for scenes in summers for pair in masked(scenes, settings)])
    console = Console(width=120, highlight=False)
    console.print("| share of pixels | " + " | ".join(columns) + " |")
    console.print("| --- |" + " ---: |" * len(columns))
    for row in columns["rules"]:
        console.print(f"| {row} | " + " | ".join(f"{column[row]:.3f}" for column in columns.values()) + " |")


if __name__ == "__main__":
    main()
