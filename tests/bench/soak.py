"""Many nights of small tiles in one process: memory, file handles and time of each, and what slope they have."""

import ctypes
import json
import math
import os
import resource
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from catalog.store import Store
from s2lookback.settings import IngestSettings, MaskSettings, ReduceSettings, Settings
from s2lookback.simulate import Scenario, sensing_times
from s2lookback.sources.settings import SourceSettings
from tests.bench.overhead import family, used
from tests.flows.server import Server, serving, worker

TILES = ("10UFB", "10UEB", "09UYT", "10UGC")
SETTINGS = Settings(
    ingest=IngestSettings(bands=("B12", "B11", "B8A", "B04")),
    mask=MaskSettings(min_training_scenes=4, sample_size=300, trees=3),
    reduce=ReduceSettings(min_samples=20, max_samples=200),
)
"""Models are trained each month, on little."""


@dataclass(frozen=True, slots=True)
class Night:
    """What the process was like after one night, and what the night took."""

    memory: float
    """Resident, MB; in :func:`nights` after free pages were given back, so what is held, not what is kept for later."""
    handles: int
    """Open files, sockets and pipes."""
    cpu: float
    """Seconds of the night."""


@dataclass(frozen=True, slots=True)
class Slope:
    """A straight line through what was measured of each night."""

    mean: float
    each: float
    """Change from one night to the next."""
    doubt: float
    """Standard error of that."""

    @property
    def rises(self) -> bool:
        """Whether it is above nothing by more than three standard errors."""
        return self.each > 3 * self.doubt


def slope(values: Sequence[float]) -> Slope:
    """Fit a line by least squares, nights apart independent of each other."""
    apart = np.arange(len(values)) - (len(values) - 1) / 2
    spread, mean = float(apart @ apart), float(np.mean(values))
    each = float(apart @ (np.asarray(values) - mean)) / spread
    rest = np.asarray(values) - mean - each * apart
    return Slope(mean, each, math.sqrt(float(rest @ rest) / (len(values) - 2) / spread))


def nights(root: str, tiles: Sequence[str], count: int, size: tuple[int, int] = (14, 22)) -> list[Night]:
    """Run so many nights, each with one new scene of each tile, in this process; give what each was like."""
    from flows.tile import tile as update
    from tests.faults.chain import without_server

    found = []
    with without_server():
        for number in range(count):
            before = _cpu()
            for tile in tiles:
                given = scenario(tile, count, size)
                source = SourceSettings(kind="simulated", scenario=given)
                update(tile=tile, source=source, root=root, settings=SETTINGS, end=sensing_times(given)[number])
            spent = _cpu() - before
            ctypes.CDLL(None).malloc_trim(0)
            found.append(Night(memory_of(os.getpid()), handles_of(os.getpid()), spent))
    return found


def served(folder: Path, count: int) -> tuple[list[Night], int]:
    """Run nights through a server and a worker of each pool; give what these were like, and the catalog's faults."""
    found = []
    with serving(folder, "--tiles", "2") as server:
        with worker(server, "hpc") as computing, worker(server, "gpu") as training:
            processes = [one.pid for one in (server.process, computing, training)]
            for number in range(count):
                before = sum(map(used, processes))
                _triggered(server, number, count)
                alive = [*family(server.process.pid), computing.pid, training.pid]
                spent = sum(map(used, processes)) - before
                found.append(Night(sum(map(memory_of, alive)), sum(map(handles_of, alive)), spent))
        return found, len([*Store(str(server.products)).check(deep=True)])


def _triggered(server: Server, number: int, count: int) -> None:
    """Run one night of all tiles, and wait for its end."""
    runs = []
    for tile in TILES:
        given = scenario(tile, count, (14, 22))
        source = SourceSettings(kind="simulated", scenario=given).model_dump(mode="json")
        asked = {"source": source, "settings": SETTINGS.model_dump(mode="json")}
        runs.append(server.trigger("tile", tile=tile, end=f"{sensing_times(given)[number]:%Y-%m-%d}", **asked))
    for run in runs:
        if server.end(run, 1200) != "COMPLETED":
            raise RuntimeError(f"night {number} did not complete: see {server.home}")


def scenario(tile: str, dates: int, size: tuple[int, int]) -> Scenario:
    """Simulate a tiny tile that is seen every third day."""
    start = datetime(2024, 4, 1, 19, 19, 21, tzinfo=UTC)
    return Scenario(tile=tile, height=size[0], width=size[1], dates=dates, revisit_days=3, start=start, ignition_day=90)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def memory_of(pid: int) -> float:
    """Give the resident memory of a process, MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def handles_of(pid: int) -> int:
    """Count the files, sockets and pipes that a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


if __name__ == "__main__":
    folder, count, tiles = sys.argv[1:]
    measured = nights(folder, TILES[: int(tiles)], int(count))
    sys.stdout.write(json.dumps([asdict(one) for one in measured]) + "\n")
