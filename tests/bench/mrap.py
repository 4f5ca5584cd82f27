"""The composite engine against other ways to the same pixels, and against the floor. ``make bench-mrap``."""

import argparse
import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from s2lookback.mrap.tile import RASTERS
from s2lookback.raster import read_band
from tests.bench.measure import Cost, cost, machine, middle
from tests.bench.mrap_data import CLEAR, names
from tests.bench.mrap_goals import CODEC, COPY, FLOOR, LOOP, MERGE, OURS, VRT, Measured, goals
from tests.bench.mrap_parts import history, parts
from tests.bench.report import write_block
from tests.validators import check, gdal_is_there

UNCHECKED = (COPY, FLOOR, CODEC)
LITTLE = 600
"""Rows and columns of the scenes that every way is run on once before it is measured."""
WAYS = "tests.bench.mrap_ways"
PEERS = {"stackstac": "stackstac", "odc": "odc.stac"}

say = sys.stderr.write


@dataclass(frozen=True, slots=True)
class Work:
    """One thing to be done, in several ways."""

    title: str
    ways: dict[str, str]
    check: tuple[str, ...]
    """Files that every way but the floor must give with the same pixels."""
    arguments: dict[str, object]
    repeats: int


def main(options: Sequence[str]) -> None:
    """Measure, say what came out, and write it into ``docs/performance.md``."""
    asked = _asked(options)
    folder = Path(tempfile.mkdtemp(prefix="bench-mrap-", dir=asked.folder))
    try:
        say(f"writing {asked.dates} dates and {len(CLEAR)} scenes of {asked.size}² pixels\n")
        _prepare(folder, asked, asked.size, asked.dates)
        _prepare(folder / "little", asked, LITTLE, 2)
        works = _works(asked, str(folder))
        costs = [_measured(work, folder) for work in works]
        found = Measured(dict(zip(CLEAR, costs, strict=False)), *costs[-2:], parts(folder), history(folder))
    finally:
        shutil.rmtree(folder)
    tables = [_table(work.title, cost) for work, cost in zip(works, costs, strict=True)]
    text = "\n\n".join([_how(asked), goals(found), *tables, str(found.parts), str(found.history)])
    say(text + "\n")
    if asked.report:
        write_block("performance.md", "make bench-mrap", text)


def _how(asked: argparse.Namespace) -> str:
    repeats = f"medians of {asked.repeats} interleaved runs, of rebuilds {asked.rebuild_repeats}"
    gdal = "and GDAL's validator" if gdal_is_there() else "alone, as GDAL's validator was absent"
    return f"{machine()}. {asked.size}² pixels, {repeats}, page cache warm. Our files are valid by rio-cogeo {gdal}."


def _prepare(folder: Path, asked: argparse.Namespace, size: int, dates: int) -> None:
    """Write the scenes, and the masked ones that some ways start from."""
    few = asked.rebuild_bands
    cost("tests.bench.mrap_data:make", folder=str(folder), size=size, bands=asked.bands, few=few, dates=dates)
    cost(f"{WAYS}:mask_scenes", folder=str(folder), bands=few, dates=dates)


def _asked(options: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench mrap", description=__doc__)
    parser.add_argument("--size", type=int, default=5490, help="rows and columns")
    parser.add_argument("--bands", type=int, default=8, help="of a scene that is folded into a composite")
    parser.add_argument("--rebuild-bands", type=int, default=4, help="of composites of many dates")
    parser.add_argument("--dates", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3, help="of a step")
    parser.add_argument("--rebuild-repeats", type=int, default=2, help="of composites of many dates")
    parser.add_argument("--folder", help="where there is room for the scenes and one result")
    parser.add_argument("--report", action="store_true", help="write the tables into docs/performance.md")
    return parser.parse_args(options)


def _works(asked: argparse.Namespace, folder: str) -> list[Work]:
    """List what is measured; a library that is not installed is left out, with a line saying so."""
    every, bands = (*names(asked.bands), *RASTERS), names(asked.rebuild_bands)
    series = {"folder": folder, "bands": asked.rebuild_bands, "dates": asked.dates}
    step = {OURS: "step_ours", LOOP: "step_loop", COPY: "step_copy", FLOOR: "step_floor", CODEC: "step_codec"}
    newest = {OURS: "newest_ours", VRT: "newest_vrt", MERGE: "newest_merge", FLOOR: "newest_floor"}
    each = {OURS: "all_ours", LOOP: "all_loop", FLOOR: "all_floor"}
    last = tuple(f"date{asked.dates - 1}/{name}" for name in bands)
    again = asked.rebuild_repeats
    shape, dates = f"{asked.bands} bands", f"{asked.dates} dates, {asked.rebuild_bands} bands"
    return [
        *(
            Work(
                f"One scene, {scene}, onto a composite, {shape}",
                _here(step),
                every,
                _step(asked, folder, scene),
                asked.repeats,
            )
            for scene in CLEAR
        ),
        Work(f"Only the newest composite of {dates}", _here(newest) | _peers("newest"), bands, series, again),
        Work(f"The composite of each of {dates}", _here(each) | _peers("all"), last, series, again),
    ]


def _step(asked: argparse.Namespace, folder: str, scene: str) -> dict[str, object]:
    return {"folder": folder, "bands": asked.bands, "scene": scene}


def _here(ways: dict[str, str]) -> dict[str, str]:
    return {name: f"{WAYS}:{function}" for name, function in ways.items()}


def _peers(work: str) -> dict[str, str]:
    found = {}
    for name, module in PEERS.items():
        if importlib.util.find_spec(module.split(".")[0]):
            found[f"{module.replace('.', '-')} and xarray"] = f"tests.bench.mrap_peers:{work}_{name}"
        else:
            say(f"{module} is not installed and left out: pip install -e '.[bench]'\n")
    return found


def _measured(work: Work, folder: Path) -> dict[str, Cost]:
    """Measure one work, validate our files and compare the pixels of every way with ours."""
    say(f"{work.title}\n")
    out = folder / "out"
    expected: dict[str, int] = {}
    runs: dict[str, list[Cost]] = {name: [] for name in work.ways}
    little = {"folder": str(folder / "little"), **({"dates": 2} if "dates" in work.arguments else {})}
    for repeat in range(work.repeats):
        for name, function in work.ways.items():
            out.mkdir()
            runs[name].append(cost(function, little, out=str(out), **work.arguments))
            if repeat == 0 and name == OURS:
                check(out.rglob("*.tif"))
            if repeat == 0 and name not in UNCHECKED:
                found = {path: hash(read_band(out / f"{path}.tif").tobytes()) for path in work.check}
                expected = expected or found
                if found != expected:
                    raise AssertionError(f"{work.title}: {name} gave other pixels than {OURS}")
            shutil.rmtree(out)
    return {name: middle(costs) for name, costs in runs.items()}


def _table(title: str, medians: dict[str, Cost]) -> str:
    heads = ("way", "wall, s", "× ours", "× floor", "CPU, s", "× ours", "peak, MB", "× ours", "read, MB", "written, MB")
    lines = [f"### {title}", "", f"| {' | '.join(heads)} |", f"| --- |{' ---: |' * (len(heads) - 1)}"]
    for name, each in medians.items():
        ours, floor = medians[OURS], each.wall / medians[FLOOR].wall
        wall = f"{each.wall:.2f} | {each.wall / ours.wall:.2f} | {floor:.1f}"
        rest = f"{each.cpu:.2f} | {each.cpu / ours.cpu:.2f} | {each.peak:.0f} | {each.peak / ours.peak:.1f}"
        lines.append(f"| {name} | {wall} | {rest} | {each.read:.0f} | {each.written:.0f} |")
    return "\n".join(lines)
