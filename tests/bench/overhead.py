"""Tiles at once through a real server and a worker's processes, beside the same tile without a server."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from catalog.store import Store
from s2lookback.cores import SETTING
from s2lookback.settings import MaskSettings, Settings
from s2lookback.simulate import Scenario
from s2lookback.sources.settings import SourceSettings
from tests.bench.measure import Cost, cost, stat_of
from tests.flows.server import FINAL, Server, serving, wait_for, worker

TILES = ("10UFB", "10UEB", "10UFC", "10UEC", "09UYT", "10UGB", "10UGC", "10UFD")
SETTINGS = Settings(mask=MaskSettings(method="rules"))
"""No training: it is another flow in another pool."""
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Round:
    """What so many tiles at once took."""

    tiles: int
    products: int
    """Of each."""
    wall: float
    """From the first trigger to the last end, s."""
    runs: float
    """CPU of all runs' processes, s."""
    server: float
    """CPU of the server, less what it takes when nothing happens, s."""
    worker: float
    """CPU of the worker alone, s."""
    peak: float
    """Largest resident memory of one run, MB."""
    dispatch: float
    """From trigger to the run's first line, median, s."""


@dataclass(frozen=True, slots=True)
class Overhead:
    """What a server adds."""

    alone: Cost
    """A tile in a process without a server; its start is in it."""
    start: float
    """CPU seconds of that start: Python, and what it imports."""
    idle: float
    """CPU seconds a second of the server when nothing happens."""
    rounds: tuple[Round, ...]
    long: Round
    """One tile with three times as many dates, to tell what a run costs from what a product costs."""

    @property
    def task(self) -> float:
        """CPU seconds of the server for one product."""
        short = self.rounds[0]
        return max(0.0, (self.long.server - short.server) / (self.long.products - short.products))

    @property
    def run(self) -> float:
        """CPU seconds of the server for one run, without its products."""
        return max(0.0, self.rounds[0].server - self.task * self.rounds[0].products)

    def added(self, found: Round) -> float:
        """Give the CPU seconds that Prefect took for each tile: client, server and worker."""
        return (found.runs + found.server + found.worker) / found.tiles - self.alone.cpu


def scenario(tile: str, size: int, dates: int) -> Scenario:
    """Simulate a tile that no other one shares pixels with."""
    start = datetime(2025, 7, 14, 19, 19, 21, tzinfo=UTC)
    return Scenario(tile=tile, height=size, width=size, dates=dates, start=start, ignition_day=8)


def measured(size: int, dates: int, at_once: tuple[int, ...], quiet: float = 30.0) -> Overhead:
    """Measure rounds of so many tiles at once, each of so many rows and columns and dates."""
    alone, start = _alone(size, dates)
    with TemporaryDirectory(prefix="bench-nightly-") as folder, _served(Path(folder), max(at_once)) as (server, pid):
        run(server, pid, TILES[:1], 8, 1, "warm")  # what a first run compiles and imports is not meant
        idle = _idle(server, quiet)
        rounds = [_round(server, pid, size, dates, tiles, idle) for tiles in at_once]
        long = _round(server, pid, size, 3 * dates, 1, idle)
    return Overhead(alone, start, idle, tuple(rounds), long)


def _alone(size: int, dates: int) -> tuple[Cost, float]:
    """Measure one tile in a process of its own from start to end, and how much of its CPU time is the start."""
    with TemporaryDirectory(prefix="bench-nightly-") as folder:
        inner = cost("tests.bench.overhead:work", {"size": 8}, size=size, dates=dates, out=folder)
        before, began = os.times(), time.perf_counter()
        words = {"size": size, "dates": dates, "out": f"{folder}/again"}
        code = f"from tests.bench.overhead import work; work(**{words!r})"
        subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {SETTING: "1"})
        after = os.times()
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        whole = replace(inner, cpu=cpu, wall=time.perf_counter() - began)
        return whole, max(0.0, whole.cpu - inner.cpu)


def work(size: int, dates: int, out: str) -> None:
    """Bring a tile up to date without a server."""
    from flows.tile import tile as update
    from tests.faults.chain import without_server

    given = scenario(TILES[0], size, dates)
    with without_server():
        source = SourceSettings(kind="simulated", scenario=given)
        update(tile=given.tile, source=source, root=out, settings=SETTINGS)


@contextmanager
def _served(folder: Path, tiles: int) -> Iterator[tuple[Server, int]]:
    with serving(folder, "--tiles", f"{tiles}") as server, worker(server, "hpc") as process:
        yield server, process.pid


def _round(server: Server, worker_pid: int, size: int, dates: int, tiles: int, idle: float) -> Round:
    """Trigger so many tiles at once, and wait for all."""
    before, began = (used(server.process.pid), *split(worker_pid)), time.perf_counter()
    root = f"round-{tiles}-{dates}"
    runs, peak = run(server, worker_pid, TILES[:tiles], size, dates, root)
    wall = time.perf_counter() - began
    after = (used(server.process.pid), *split(worker_pid))
    spent = [late - early for late, early in zip(after, before, strict=True)]
    return Round(
        tiles,
        products=sum(1 for _ in Store(str(server.products / root)).index.keys()) // tiles,  # noqa: SIM118  not a dict
        wall=wall,
        server=max(0.0, spent[0] - idle * wall),
        worker=spent[1],
        runs=spent[2],
        peak=peak,
        dispatch=median(dispatched(server.run(one)) for one in runs),
    )


def run(
    server: Server, worker_pid: int, tiles: Sequence[str], size: int, dates: int, root: str
) -> tuple[list[str], float]:
    """Run tiles through their deployment; give the runs' ids and the largest memory of one, MB."""
    ids = []
    for tile in tiles:
        source = SourceSettings(kind="simulated", scenario=scenario(tile, size, dates)).model_dump(mode="json")
        how = SETTINGS.model_dump(mode="json")
        ids.append(server.trigger("tile", tile=tile, source=source, settings=how, root=str(server.products / root)))
    peak = 0.0
    while any(server.state(one) not in FINAL for one in ids):
        peak = max([peak, *map(_resident, family(worker_pid)[1:])])
        time.sleep(0.5)
    # A worker counts the CPU time of those processes only that it has seen the end of.
    wait_for(lambda: not any(map(_runs_a_flow, family(worker_pid)[1:])), "the end of the runs' processes")
    bad = [one for one in ids if server.state(one) != "COMPLETED"]
    if bad:
        raise RuntimeError(f"{len(bad)} of {len(ids)} tiles did not complete: see {server.home}")
    return ids, peak


def dispatched(found: dict[str, Any]) -> float:
    """Give the seconds from the moment for which a run was asked to its start."""
    asked, started = (datetime.fromisoformat(found[name]) for name in ("expected_start_time", "start_time"))
    return (started - asked).total_seconds()


def _idle(server: Server, seconds: float) -> float:
    before, began = used(server.process.pid), time.perf_counter()
    time.sleep(seconds)
    return (used(server.process.pid) - before) / (time.perf_counter() - began)


def used(pid: int) -> float:
    """Give the CPU seconds of a process, of all below it, and of those of them that ended."""
    return sum(sum(split(one)) for one in family(pid))


def split(pid: int) -> tuple[float, float]:
    """Give the CPU seconds of a process, and those of its children that ended."""
    fields = stat_of(pid) or ["0"] * 15  # it ended
    return (int(fields[11]) + int(fields[12])) / TICK, (int(fields[13]) + int(fields[14])) / TICK


def family(pid: int) -> list[int]:
    """Name a process and all that came of it and live."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*"):
        fields = stat_of(int(path.name))
        parents |= {int(path.name): int(fields[1])} if fields else {}
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def _runs_a_flow(pid: int) -> bool:
    """Tell a process that runs a flow, or ended and was not yet seen to, from what else a worker starts."""
    try:
        return b"prefect.engine" in Path(f"/proc/{pid}/cmdline").read_bytes() or stat_of(pid)[:1] == ["Z"]
    except OSError:
        return False


def _resident(pid: int) -> float:
    """Give the largest resident memory of a process, MB; nothing if it ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


if __name__ == "__main__":
    found = measured(int(sys.argv[1]), int(sys.argv[2]), tuple(map(int, sys.argv[3:])))
    sys.stdout.write(json.dumps(asdict(found), indent=1) + "\n")
