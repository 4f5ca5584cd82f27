"""A night: what its stages cost, what Prefect adds, what its database keeps, whether it stays so, and a province's.

Each part keeps what it measured in a folder, so that it can be measured again alone. ``make bench-nightly``.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from catalog.store import Store
from tests.bench import growth, overhead, scenarios, soak, stages
from tests.bench.measure import Cost, machine
from tests.bench.night_pictures import draw
from tests.bench.night_tables import load_table, overhead_table, soak_table, stage_table
from tests.bench.report import DOCS, write_block

KEPT = Path(__file__).parents[2] / ".cache" / "bench-nightly"

Stages = dict[int, dict[str, Cost]]
T = TypeVar("T")
say = sys.stderr.write


def main(options: Sequence[str]) -> None:
    """Measure, say what came out, and write it into ``docs/scaling.md``."""
    asked = _asked(options)
    for name in asked.only:
        text = f"{machine()}.\n\n{PARTS[name](asked)}"
        say(f"{text}\n\n")
        if asked.report:
            write_block("scaling.md", f"make bench-nightly, {name}", text)


def _asked(options: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench nightly", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[*PARTS], default=[*PARTS], help="parts to measure")
    parser.add_argument(
        "--size", type=int, default=5490, help="rows and columns of the scenes whose stages are measured"
    )
    parser.add_argument("--repeats", type=int, default=3, help="runs of each stage")
    parser.add_argument("--small", type=int, default=240, help="rows and columns of the tiles that a server runs")
    parser.add_argument("--dates", type=int, default=4, help="dates of these tiles")
    parser.add_argument("--tiles", type=int, nargs="+", default=[1, 2, 4], help="tiles at once")
    parser.add_argument("--copies", type=int, default=5000, help="copies of each run that the database is asked with")
    parser.add_argument("--nights", type=int, default=200, help="nights of the soak")
    parser.add_argument("--served-nights", type=int, default=20, help="nights of the soak through a server")
    parser.add_argument("--folder", help="where scenes of full size are written: 10 GB")
    parser.add_argument("--report", action="store_true", help="write the tables and pictures into docs")
    return parser.parse_args(options)


def _stages(asked: argparse.Namespace) -> str:
    folder = Path(tempfile.mkdtemp(prefix="bench-stages-", dir=asked.folder))
    try:
        found = _kept("stages", Stages, lambda: stages.measured(folder, asked.size, asked.repeats))
    finally:
        shutil.rmtree(folder)
    return stage_table(found, asked.size)


def _tiles(asked: argparse.Namespace) -> str:
    found = _kept("tiles", overhead.Overhead, lambda: overhead.measured(asked.small, asked.dates, tuple(asked.tiles)))
    return overhead_table(found, _read("stages", Stages))


def _database(asked: argparse.Namespace) -> str:
    loads = _kept("database", list[growth.Load], lambda: growth.measured(24, 4, asked.copies))
    return "\n\n".join(map(load_table, loads))


def _soak(asked: argparse.Namespace) -> str:
    with tempfile.TemporaryDirectory(prefix="bench-soak-") as folder:
        here = _kept("soak", list[soak.Night], lambda: _alone(folder, asked.nights))
        faults = len([*Store(f"{folder}/alone").check(deep=True)])
        served, more = soak.served(Path(folder), asked.served_nights)
    return soak_table(here, served, faults + more)


def _alone(folder: str, nights: int) -> list[soak.Night]:
    """Soak in a process of its own: this one has grown by other work."""
    command = [sys.executable, "-m", "tests.bench.soak", f"{folder}/alone", f"{nights}", f"{len(soak.TILES)}"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [soak.Night(**one) for one in json.loads(done.stdout)]


def _province(asked: argparse.Namespace) -> str:
    costs = scenarios.costs_of(_read("stages", Stages), _read("tiles", overhead.Overhead))
    found = scenarios.replayed(costs)
    if asked.report:
        for number, (scenario, here, night) in enumerate(found):
            if here == scenarios.LARGEST and number < 3 * len(scenarios.MACHINES):
                name = ("night", "month", "catch-up")[number // len(scenarios.MACHINES)]
                title = f"{scenario.name}: {scenario.scenes} scenes on {here.threads} threads"
                draw(night, title, DOCS / "pictures" / f"scaling-{name}.png")
    return f"{scenarios.table(found)}\n\n{scenarios.lanes(costs)}"


PARTS: dict[str, Callable[[argparse.Namespace], str]] = {
    "stages": _stages, "tiles": _tiles, "database": _database, "soak": _soak, "province": _province
}  # fmt: skip


def _kept(name: str, kind: Any, measure: Callable[[], T]) -> T:
    """Measure, and keep what came out."""
    found = measure()
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{name}.json").write_bytes(TypeAdapter(kind).dump_json(found, indent=1))
    return found


def _read(name: str, kind: Any) -> Any:
    """Read what an earlier part kept."""
    path = KEPT / f"{name}.json"
    if not path.is_file():
        raise SystemExit(f"{path} is not there: measure it first with --only {name}")
    return TypeAdapter(kind).validate_json(path.read_bytes())
