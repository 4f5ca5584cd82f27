"""What it costs to predict with trees and to train them, beside LightGBM and s2cloudless, in CPU time on one core."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, combinations, pairwise
from statistics import median
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray
from s2cloudless import S2PixelCloudDetector

from s2lookback.cores import SETTING
from s2lookback.masking.classes import MASKED, Class, usable
from s2lookback.masking.features import features
from s2lookback.masking.forest import Forest
from s2lookback.masking.labels import weak_labels
from s2lookback.masking.lookback import Lookback, Model, Sample, cover_of, train
from s2lookback.masking.mask import agreement, classify, over_views, sample_scene
from s2lookback.masking.method import View
from s2lookback.masking.spectrum import Spectrum, contrast
from s2lookback.masking.trees import read_trees
from s2lookback.mrap.fold import Composite, fold_scene
from s2lookback.scene import NODATA, Scene
from s2lookback.settings import MaskSettings
from s2lookback.simulate import Scenario, sensing_times, simulate_scene
from tests.conftest import REALDATA

WHOLE = 5490**2
"""Pixels of a tile at 20 m."""

PIXELS = 100_000
"""Pixels of the comparison of predictors."""

REPEATS = 3

TREES = 100
"""Of the model with 40 features that issue 3 gives a figure for, 155 CPU-seconds a tile."""

Season = Sequence[tuple[Scene, NDArray[np.int16]]]
"""Scenes, each with the pixels before it."""

TRAINING = 500_000
"""Pixels of the comparison of trainings."""

EARLIER = (3, 30)
"""Dates before the one that is masked."""

SEEDS = (1, 2, 3)
"""Of further seasons by which numbers of bins are told apart."""

DETECTOR_BANDS = (0, 1, 3, 4, 7, 8, 9, 10, 11, 12)
"""Of the thirteen, those that s2cloudless goes by."""

THIRTEEN = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")


def report() -> str:
    """Measure everything, one thread, and give the tables in Markdown; takes two minutes."""
    alone = {SETTING: "1", "OMP_NUM_THREADS": "1"}  # read when a library is loaded, so in a process of its own
    command = [sys.executable, "-m", "tests.bench.mask_speed"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **alone}).stdout


def main() -> None:
    """Measure, and write the tables to where a program writes."""
    season = _season()
    samples = _samples(season)
    sys.stdout.write(
        "\n\n".join([_prediction(season, samples), _detector(samples), _masking(samples), _training(samples)]) + "\n"
    )


def cpu(*works: Callable[[], object]) -> list[float]:
    """Give the CPU seconds, user and system, of several works done turn by turn: medians, a first run left out."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(REPEATS + 1):
        for work, runs in zip(works, taken, strict=True):
            started = time.process_time()
            work()
            runs.append(time.process_time() - started)
    return [median(runs[1:]) for runs in taken]


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table in Markdown."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join([f"**{title}**", "", *(f"| {' | '.join(line)} |" for line in lines)])


def _samples(season: Season) -> list[Sample]:
    return [sample_scene(scene, before, MaskSettings()) for scene, before in season]


def _season(seed: int = 20) -> Season:
    """Simulate a season."""
    scenario = Scenario(height=200, width=260, dates=12, seed=seed)
    scenes = [simulate_scene(scenario, sensed) for sensed in sensing_times(scenario)]
    return [(scene, before.pixels) for before, scene in pairwise(scenes)]


def _prediction(season: Season, samples: Sequence[Sample]) -> str:
    """Compare the forest with LightGBM on LightGBM's own models, its rows laid out for it beforehand."""
    views = (over_views(lambda rows, view: view, scene, before, MaskSettings()) for scene, before in season[-3:])
    seen = [*chain.from_iterable(views)]
    columns = np.concatenate([_flat(features(view.now, view.before, samples[0].bands)) for view in seen], axis=1)
    more = np.concatenate([_pairs(view.now) for view in seen], axis=1)
    wide = np.concatenate([columns, more])[:, :PIXELS]
    model = train(samples, MaskSettings(), samples[0].bands)
    classes, trees = len(model.schema["classes"]), MaskSettings().trees
    ours = lightgbm.Booster(model_str=model.text)
    yardstick = _yardstick(wide, np.concatenate([view.labels.ravel() for view in seen])[:PIXELS])
    rows = [
        _compared(f"{len(wide)} features, {TREES} trees", yardstick, wide),
        _compared("the same, pixels shuffled", yardstick, np.random.default_rng(20).permutation(wide, axis=1)),
        _compared(f"ours, {len(columns)} features, {classes} × {trees} trees", ours, columns[:, :PIXELS]),
    ]
    head = ("model", "LightGBM, ns a pixel", "its early stopping", "ours", "**times faster**", "classes equal",
            "largest difference", "tile: LightGBM, s", "ours, s")  # fmt: skip
    return table(f"Prediction of {PIXELS:,} pixels of simulated scenes, one thread", head, rows)


def _flat(columns: NDArray[np.float32]) -> NDArray[np.float32]:
    return columns.reshape(len(columns), -1)


def _pairs(now: Spectrum) -> NDArray[np.float32]:
    """Add to our features as many contrasts of two bands as make forty, (feature, pixel)."""
    return np.stack([contrast(now[one], now[other]).ravel() for one, other in list(combinations(now.layers, 2))[:9]])


def _compared(name: str, booster: lightgbm.Booster, columns: NDArray[np.float32]) -> list[str]:
    classes = booster.num_model_per_iteration()
    forest = Forest.of(
        read_trees(booster.model_to_string(), booster.feature_name(), classes), booster.num_feature(), classes
    )
    rows = np.ascontiguousarray(columns.T)
    by_lightgbm, early, ours = (second / PIXELS for second in cpu(
        lambda: booster.predict(rows, num_threads=1),
        lambda: booster.predict(rows, num_threads=1, pred_early_stop=True),
        lambda: forest.probabilities(columns),
    ))  # fmt: skip
    theirs, found = np.asarray(booster.predict(rows, num_threads=1)).T, forest.probabilities(columns)
    equal = (theirs.argmax(axis=0) == found.argmax(axis=0)).mean()
    return [
        name, *(f"{1e9 * each:.0f}" for each in (by_lightgbm, early, ours)), f"**{by_lightgbm / ours:.1f}**",
        f"{equal:.3%}", f"{np.abs(theirs - found).max():.1g}", *(f"{WHOLE * each:.0f}" for each in (by_lightgbm, ours)),
    ]  # fmt: skip


def _yardstick(columns: NDArray[np.float32], labels: NDArray[np.uint8]) -> lightgbm.Booster:
    """Train what issue 3 gives a figure for, in LightGBM's default of 31 leaves: does anything hide the surface?"""
    parameters = {"objective": "multiclass", "num_class": 2, "num_leaves": 31, "max_bin": 63, "verbosity": -1}
    names = [f"feature_{number}" for number in range(len(columns))]
    data = lightgbm.Dataset(columns.T, np.isin(labels, MASKED), feature_name=names, params=parameters)
    return lightgbm.train(parameters, data, TREES // 2)


def _detector(samples: Sequence[Sample]) -> str:
    """Compare with s2cloudless on the real scenes that eo-learn brings; ours computes its features too."""
    stack = np.load(REALDATA / "eolearn_TestEOPatch" / "REFERENCE_SCENES.npy").astype(np.float32)
    model = train(samples, MaskSettings(), samples[0].bands)
    detector, at_work, views = S2PixelCloudDetector(), Lookback(model), list(_views(stack, model))
    theirs, ours = (seconds / stack[..., 0].size for seconds in cpu(
        lambda: detector.get_cloud_probability_maps(stack[..., DETECTOR_BANDS]),
        lambda: [at_work.probabilities(view) for view in views],
    ))  # fmt: skip
    rows = [
        [name, f"{1e9 * each:.0f}", f"{WHOLE * each:.0f}", f"{theirs / each:.0f}"]
        for name, each in {"s2cloudless": theirs, "ours, features and trees": ours}.items()
    ]
    head = ("", "ns a pixel", "tile, s", "times faster")
    return table(f"Beside s2cloudless, {stack[..., 0].size:,} real pixels, one thread", head, rows)


def _views(stack: NDArray[np.float32], model: Model) -> Iterator[View]:
    """View each date, (date, y, x, band), against the one before."""
    places = {band: THIRTEEN.index(band) for band in model.schema["bands"]}
    dates = [Spectrum({band: np.ascontiguousarray(date[..., at]) for band, at in places.items()}) for date in stack]
    for before, now in zip([dates[-1], *dates], dates, strict=False):
        yield View(now, before, np.zeros(stack.shape[1:3], np.uint8))


def _masking(samples: Sequence[Sample]) -> str:
    """Compare masking after few and after many earlier dates: what is known of all of them is one composite."""
    scenario = Scenario(height=400, width=520, dates=EARLIER[-1] + 1, seed=20)
    *earlier, scene = (simulate_scene(scenario, sensed) for sensed in sensing_times(scenario))
    model, settings = train(samples, MaskSettings(), samples[0].bands), MaskSettings()
    references = [_folded(earlier[-count:], settings) for count in EARLIER]
    seconds = cpu(*(partial(classify, scene, reference, model, settings) for reference in references))
    pixels = scene.grid.height * scene.grid.width
    seen = [np.mean(reference[0] != NODATA) for reference in references]
    rows = [
        [f"{count} earlier dates", f"{there:.0%}", f"{1e9 * each / pixels:.0f}", f"{WHOLE * each / pixels:.0f}",
         f"{each / seconds[0]:.2f}"]
        for count, there, each in zip(EARLIER, seen, seconds, strict=True)
    ]  # fmt: skip
    head = ("", "pixels clear before", "ns a pixel", "tile, s", "to the first")
    return table(f"Masking whole by `lookback`, {pixels:,} simulated pixels, one thread", head, rows)


def _folded(scenes: Sequence[Scene], settings: MaskSettings) -> NDArray[np.int16]:
    """Fold what labels call usable, (band, y, x)."""
    composite = Composite.empty_like(scenes[0].pixels)
    for scene in scenes:
        clear = usable(weak_labels(scene.scl, scene.cloud_probability, scene.valid, settings))
        composite = fold_scene(composite, scene.pixels, clear, int(scene.about.sensed.timestamp()))
    return composite.pixels.astype(np.int16)


def _training(samples: Sequence[Sample]) -> str:
    """Compare our training with LightGBM's own on the same rows, and by the score on dates left aside."""
    random, settings = np.random.default_rng(20), MaskSettings()
    rows, labels = (np.concatenate([getattr(one, name) for one in samples]) for name in ("features", "labels"))
    drawn = random.integers(0, len(rows), TRAINING)
    shaken = (rows[drawn] * random.normal(1, 0.01, (TRAINING, rows.shape[1]))).astype(np.float32)
    parts = zip(np.array_split(shaken, 50), np.array_split(labels[drawn], 50), strict=True)
    large = [replace(samples[0], features=part, labels=named) for part, named in parts]
    started = time.process_time()
    train(large, settings, samples[0].bands)
    ours = time.process_time() - started
    seasons = [samples, *(_samples(_season(seed)) for seed in SEEDS)]
    body = [["`train`, whole", f"{ours:.1f}", "", ""]]
    for bins in (63, 127, 255):
        seconds = _boosted(shaken, labels[drawn], bins, settings)[1]
        score = np.mean([_held_out(season, bins, settings) for season in seasons])
        body.append([f"LightGBM, `max_bin` {bins}", f"{seconds:.1f}", f"{ours / seconds:.2f}", f"{score:.4f}"])
    head = ("", "CPU-s", "ours to this", f"F1 of what hides, dates left aside of {len(seasons)} seasons")
    return table(f"Training on {TRAINING:,} samples, {settings.trees} rounds of four trees, one thread", head, body)


def _boosted(
    rows: NDArray[np.float32], labels: NDArray[np.uint8], bins: int, settings: MaskSettings
) -> tuple[lightgbm.Booster, float]:
    """Train as LightGBM alone would, and tell the CPU seconds."""
    parameters: dict[str, Any] = {
        "objective": "multiclass", "num_class": 4, "num_leaves": settings.leaves, "max_bin": bins, "num_threads": 1,
        "verbosity": -1, "seed": settings.seed,
    }  # fmt: skip
    known = labels != Class.NO_DATA
    started = time.process_time()
    data = lightgbm.Dataset(rows[known], cover_of(labels[known]) - 1, params=parameters)
    return lightgbm.train(parameters, data, settings.trees), time.process_time() - started


def _held_out(samples: Sequence[Sample], bins: int, settings: MaskSettings) -> float:
    """Score a training on the first eight dates by the labels of the others."""
    learnt, others = (
        [np.concatenate([getattr(one, name) for one in part]) for name in ("features", "labels")]
        for part in (samples[:8], samples[8:])
    )
    booster, _ = _boosted(*learnt, bins, settings)
    known = others[1] != Class.NO_DATA
    chance = np.asarray(booster.predict(others[0][known], num_threads=1))
    found = np.where(chance[:, 0] > 0.5, Class.CLEAR, np.take(MASKED, chance[:, 1:].argmax(axis=1))).astype(np.uint8)
    return float(agreement(found, cover_of(others[1][known]))["MASKED"]["f1"])


if __name__ == "__main__":
    main()
