"""The real chain of a tiny tile without a Prefect server, and processes that run it, to be killed by the tests.

chain.py kill <folder> <seed> <n>   run two tiles side by side and kill them n times
chain.py fill <folder> <step>       run a tile on a disk that grows by so many KiB whenever it is full
chain.py freeze <folder>            run a tile on a disk that has become read-only

Each prints what was found as JSON. The last two want `unshare --map-root-user --mount`.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pystac
from prefect import Flow, Task
from prefect.logging import disable_run_logger

from catalog.store import Store
from flows.tile import tile as update
from s2lookback.errors import CatalogError, TransientError
from s2lookback.settings import IngestSettings, MaskSettings, ReduceSettings, Settings
from s2lookback.simulate import Scenario
from s2lookback.sources.settings import SourceSettings
from tasks.report import TileReport

CHECKOUT = Path(__file__).parents[2]
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
        return update(tile, source=source(tile, **scenario), root=str(root), settings=settings)


def tree(root: Path) -> dict[str, bytes]:
    """Read every file that is a function of the scenes and settings."""
    apart = {"executions", "retractions", ".index"}
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
    status = 1  # whatever is raised, a child never returns into its parent's code
    try:
        run(root, tile)
        status = 0
    except Exception:  # noqa: BLE001  the parent sees the status only
        traceback.print_exc()
    finally:
        os._exit(status)


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
    """Run two tiles in one catalog after another, and kill either or both at random moments, often enough."""
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


def script(*arguments: object, prefix: Sequence[str] = ()) -> str:
    """Do one of the jobs below in a process of its own, since this one may have threads that do not survive a fork."""
    command = [*prefix, sys.executable, __file__, *map(str, arguments)]
    paths = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(command, cwd=CHECKOUT, env=paths, capture_output=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def fill(disk: Path, step: int) -> dict[str, Any]:
    """Run a tile on a disk that is too small at first and grows by ``step`` KiB whenever it was full."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", disk], check=True)
    report: dict[str, Any] = {"errors": [], "faults": [], "left": []}
    for size in range(step, 8000, step):
        subprocess.run(["mount", "-o", f"remount,size={size}k", disk], check=True)
        try:
            run(disk / "catalog", dates=2)
            break
        except (TransientError, OSError, RuntimeError) as error:
            report["errors"].append(f"{type(error).__name__}: {error}")
        report["faults"] += faults(disk / "catalog")
        report["left"] += [str(path) for path in disk.rglob(".stage-*")]
    shutil.copytree(disk / "catalog", disk.with_name("copy"))
    return report


def freeze(disk: Path) -> list[str]:
    """Run a tile on a disk that is read-only by then; give what is said if nothing is to do, and if something is."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", disk], check=True)
    run(disk / "catalog", dates=2)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    said = [run(disk / "catalog", dates=2).sentence()]
    try:
        run(disk / "catalog", dates=3)
    except CatalogError as error:
        said.append(str(error))
    shutil.copytree(disk / "catalog", disk.with_name("copy"))
    return said


if __name__ == "__main__":
    job, folder = sys.argv[1], Path(sys.argv[2])
    jobs = {"kill": kill, "fill": fill, "freeze": freeze}
    sys.stdout.write(json.dumps(jobs[job](folder, *map(int, sys.argv[3:]))))
