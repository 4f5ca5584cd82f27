"""The real chain of a tiny tile without a Prefect server, and processes that run it, to be killed by the tests.

chain.py run <root> <tile> ...      bring tiles up to date, one after the other
chain.py kill <folder> <seed> <n>   run two tiles side by side and kill them n times; print what was found as JSON
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pystac
from prefect import Flow, Task
from prefect.logging import disable_run_logger

from catalog.store import Store
from flows.tile import tile as update
from s2lookback.settings import IngestSettings, MaskSettings, ReduceSettings, Settings
from s2lookback.simulate import Scenario
from s2lookback.sources.settings import SourceSettings
from tasks.report import TileReport

TILES = ("10UFB", "09UYT")
SETTINGS = Settings(
    ingest=IngestSettings(bands=("B12", "B11", "B8A", "B04")),
    mask=MaskSettings(min_training_scenes=2, training_lag=0, sample_size=300, trees=3),
    reduce=ReduceSettings(min_samples=20, max_samples=200),
)


def source(tile: str, **scenario: Any) -> SourceSettings:
    """Simulate four dates, or as many as are asked for: two in July, the others in August."""
    start = datetime(2025, 7, 20, 19, 19, 21, tzinfo=UTC)
    usual = {"height": 14, "width": 22, "dates": 4, "start": start, "ignition_day": 8, "revisit_days": 6}
    return SourceSettings(kind="simulated", scenario=Scenario(tile=tile, **usual | scenario))


class _Later:
    """Stands for the future of a submitted task: it runs when it is asked."""

    def __init__(self, task: Task[..., Any], given: Any, named: Any) -> None:
        self.result = lambda: task.fn(*given, **named)


@contextmanager
def without_server() -> Iterator[None]:
    """Run flows and tasks as the functions they are."""
    kept = Task.__call__, Task.submit, Flow.__call__
    Task.__call__ = Flow.__call__ = lambda self, *given, **named: self.fn(*given, **named)
    Task.submit = lambda self, *given, **named: _Later(self, given, named)
    try:
        with disable_run_logger():
            yield
    finally:
        Task.__call__, Task.submit, Flow.__call__ = kept


def run(root: Path, tile: str = TILES[0], settings: Settings = SETTINGS, **scenario: Any) -> TileReport:
    """Bring a tile up to date."""
    with without_server():
        return update(tile, source(tile, **scenario), str(root), settings)


def tree(root: Path) -> dict[str, bytes]:
    """Read every file that is a function of the scenes and settings."""
    apart = {"executions", "retractions"}
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.relative_to(root).parts[0] not in apart
    }


def start(root: Path, tile: str) -> int:
    """Run a tile in a process of its own; give its id."""
    child = os.fork()
    if child:
        return child
    with ExitStack() as stack:
        stack.callback(os._exit, 1)  # whatever is raised, a child never returns into its parent's code
        run(root, tile)
        os._exit(0)


def faults(root: Path) -> list[str]:
    """Name what a reader would stumble over at this moment."""
    if not (root / "catalog.json").exists():
        return []
    items = list(pystac.Catalog.from_file(str(root / "catalog.json")).get_items(recursive=True))
    found = [f"{problem.item}: {problem.reason}" for problem in Store(str(root)).check(deep=True)]
    lost = [
        item.id
        for item in items
        for asset in item.get_assets().values()
        if not Path(asset.get_absolute_href()).exists()
    ]
    return found + lost


def kill(folder: Path, seed: int, kills: int) -> dict[str, Any]:
    """Run two tiles in one catalog after another, killing either or both at random moments, until it was ``kills`` times."""
    random_ = random.Random(seed)  # noqa: S311  moments, not secrets
    began = time.monotonic()
    undisturbed = folder / "undisturbed"
    for child in [start(undisturbed, tile) for tile in TILES]:
        assert os.waitpid(child, 0)[1] == 0
    duration = time.monotonic() - began
    expected, report = tree(undisturbed), {"kills": 0, "roots": 0, "faults": [], "differ": [], "swept": 0}
    while report["kills"] < kills:
        root = folder / f"killed-{report['roots']}"
        report["roots"] += 1
        alive = {tile: start(root, tile) for tile in TILES}
        while alive:
            time.sleep(random_.uniform(0, duration / 4))
            for tile in random_.sample(sorted(alive), random_.randint(1, len(alive))):
                if report["kills"] < kills:
                    os.kill(alive[tile], signal.SIGKILL)
                status = os.waitstatus_to_exitcode(os.waitpid(alive.pop(tile), 0)[1])
                report["kills"] += status == -signal.SIGKILL
                if status > 0:
                    report["faults"].append(f"{tile} exited with {status}")
                if status:
                    report["faults"] += faults(root)
                    alive[tile] = start(root, tile)
        report["swept"] += len(Store(str(root)).gc(older_than=-1))
        report["faults"] += faults(root)
        found = tree(root)
        report["differ"] += sorted(
            name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name)
        )
    return report | {"seconds": round(time.monotonic() - began, 1), "files": len(expected)}


if __name__ == "__main__":
    if sys.argv[1] == "kill":
        sys.stdout.write(json.dumps(kill(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))))
    else:
        for name in sys.argv[3:]:
            run(Path(sys.argv[2]), name)
