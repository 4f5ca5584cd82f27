"""What each stage of one full scene costs, on one thread and on two, without a server."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from catalog.store import Store
from flows.tile import tile as update
from s2lookback.bands import BANDS
from s2lookback.cores import SETTING
from s2lookback.settings import IngestSettings, MaskSettings, Settings
from s2lookback.simulate import Scenario, sensing_times, simulate_scene
from s2lookback.simulate.product import write_safe
from s2lookback.sources.settings import SourceSettings, open_source
from tasks.history import Arrival, Step, scenes_of, steps_before
from tasks.ingest import ingest_scene
from tasks.mask import masked
from tasks.mrap import folded
from tasks.reduce import reduced
from tasks.train import half_of, trained
from tests.bench.measure import Cost, cost, middle
from tests.faults.chain import without_server

STAGES = ("ingest", "train 2", "train 4", "mask", "mrap", "reduce")
"""In the order in which they run; a model is trained on so many scenes."""
LITTLE = 120
"""Rows and columns of the tile that every stage is run on once before it is measured."""
SETTINGS = Settings(mask=MaskSettings(training_lag=0))

say = sys.stderr.write


def scenario(size: int) -> Scenario:
    """Simulate four scenes of July, to train on, and one of August, to measure."""
    start = datetime(2025, 7, 9, 19, 19, 21, tzinfo=UTC)
    return Scenario(height=size, width=size, dates=5, revisit_days=6, start=start, ignition_day=8)


def measured(folder: Path, size: int, repeats: int, threads: Sequence[int] = (1, 2)) -> dict[int, dict[str, Cost]]:
    """Measure every stage of the newest of five scenes, each in a process of its own, on so many threads."""
    for name, pixels in (("little", LITTLE), ("full", size)):
        say(f"making a catalog of five scenes of {pixels}² pixels\n")
        prepare(folder / name, pixels)
    return {count: _costs(folder, repeats, count) for count in threads}


def _costs(folder: Path, repeats: int, threads: int) -> dict[str, Cost]:
    costs: dict[str, list[Cost]] = {stage: [] for stage in STAGES}
    os.environ[SETTING] = f"{threads}"
    try:
        for _ in range(repeats):
            for stage, found in costs.items():
                little = {"root": str(folder / "little")}
                found.append(cost("tests.bench.stages:work", little, root=str(folder / "full"), stage=stage, out=""))
                say(f"{stage} on {threads}: {found[-1]}\n")
    finally:
        del os.environ[SETTING]
    return {stage: middle(found) for stage, found in costs.items()}


def prepare(root: Path, size: int) -> None:
    """Bring a simulated tile up to date, and write its newest scene as the product that the producer would deliver."""
    given = scenario(size)
    with without_server():
        update(
            given.tile,
            source=SourceSettings(kind="simulated", scenario=given),
            root=f"{root}/catalog",
            settings=SETTINGS,
        )
    bands = tuple(band for band in BANDS if band != "B10")
    write_safe(simulate_scene(given, sensing_times(given)[-1], bands), root / "scenes", packed=True)


def work(root: str, stage: str, out: str) -> None:  # out: where a measurement may write; a catalog keeps its own
    """Make the product of one stage anew."""
    name, _, scenes = stage.partition(" ")
    with without_server():
        if name == "ingest":
            _ingest(Path(root))
        elif name == "train":
            _train(f"{root}/catalog", int(scenes))
        else:
            _product(f"{root}/catalog", name)


def _ingest(root: Path) -> None:
    source = SourceSettings(kind="safe", scenes=str(root / "scenes"))
    settings = IngestSettings()
    opened = open_source(source, settings)
    ref = opened.list_scenes(opened.tiles()[0]).scenes[0]
    ingest_scene.fn(ref, source=source, root=f"{root}/ingested-{datetime.now(UTC):%H%M%S%f}", settings=settings)


def _train(root: str, scenes: int) -> None:
    newest, steps, _ = _newest(root)
    settings = MaskSettings(training_lag=0, training_scenes=scenes, min_training_scenes=2)
    trained(steps, newest.sensed, root, settings, again=True)


def _product(root: str, name: str) -> None:
    newest, steps, model = _newest(root)
    reference = steps[-1].composite
    mask = masked(newest, reference, model, root, SETTINGS.mask, again=name == "mask").href
    composite = folded(newest, mask, reference, root, SETTINGS.mrap, again=name == "mrap").href
    reduced(Step(newest, reference, mask, composite), root, SETTINGS.reduce, again=name == "reduce")


def _newest(root: str) -> tuple[Arrival, list[Step], str | None]:
    """Give the newest scene, what became of those before it, and its model."""
    newest = scenes_of(root, scenario(LITTLE).tile)[-1]
    steps = steps_before(root, newest.tile, half_of(newest.sensed))
    model = Store(root).ids("models", newest.tile)
    return newest, steps, Store(root).href("models", newest.tile, sorted(model)[-1]) if model else None
