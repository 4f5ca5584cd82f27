"""The goals that the composite engine was set, and what of them was measured."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.bench.measure import Cost
from tests.bench.mrap_parts import History, Parts

OURS, COPY, FLOOR, CODEC = "this platform", "copy of the files", "floor", "ZSTD alone"
LOOP, VRT, MERGE = "rasterio and numpy", "GDAL VRT", "rasterio merge"
STACKSTAC, ODC = "stackstac and xarray", "odc-stac and xarray"
GIB = 2**30 / 1e6
"""Megabytes."""

Ways = Mapping[str, Cost]
"""What each way cost."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that goals speak of."""

    steps: Mapping[str, Ways]
    """By scene."""
    newest: Ways
    each: Ways
    parts: Parts
    history: History


def goals(found: Measured) -> str:
    """Compare what was measured with each goal; give a table."""
    steps, parts = list(found.steps.values()), found.parts
    peaks = [ways[OURS].peak for ways in (*steps, found.newest, found.each)]
    rows = [
        _faster("one scene at least 8× faster than rasterio and numpy", 8, steps, LOOP),
        _most(
            "one scene in at most 2.5× a copy of the files", 2.5, [ways[OURS].wall / ways[COPY].wall for ways in steps]
        ),
        _faster("newest composite at least 2.5× faster than GDAL's VRT", 2.5, [found.newest], VRT),
        _faster("newest composite at least 8× faster than stackstac", 8, [found.newest], STACKSTAC),
        _faster("every composite at least 2.8× faster than stackstac", 2.8, [found.each], STACKSTAC),
        _row("memory at most 1 GiB", f"{max(peaks):.0f} MB", met=max(peaks) <= GIB),
        _memory("memory at most a fourteenth of stackstac's, every composite", 14, found.each),
        _least("one band as COG at least 4× faster than GDAL's driver, and valid", 4, parts.gdal / parts.ours),
        _most("the choice of newer pixels at most 1.2× a copy of them", 1.2, [parts.choose / parts.copy]),
        _most(
            "a step as fast after 200 dates as after 8, within a tenth", 1.1, [found.history.many / found.history.few]
        ),
    ]
    return "\n".join(["### Goals", "", "| goal | measured | |", "| --- | --- | --- |", *rows])


def _faster(goal: str, least: float, works: list[Ways], other: str) -> str:
    if other not in works[0]:
        return f"| {goal} | not measured: not installed | |"
    wall = [ways[other].wall / ways[OURS].wall for ways in works]
    cpu = [ways[other].cpu / ways[OURS].cpu for ways in works]
    return _row(goal, f"{_times(wall)} (CPU {_times(cpu)})", met=min(wall) >= least)


def _memory(goal: str, least: float, ways: Ways) -> str:
    if STACKSTAC not in ways:
        return f"| {goal} | not measured: not installed | |"
    return _least(goal, least, ways[STACKSTAC].peak / ways[OURS].peak)


def _least(goal: str, least: float, ratio: float) -> str:
    return _row(goal, _times([ratio]), met=ratio >= least)


def _most(goal: str, most: float, ratios: list[float]) -> str:
    return _row(goal, _times(ratios), met=max(ratios) <= most)


def _times(ratios: list[float]) -> str:
    return ", ".join(f"{ratio:.1f}×" for ratio in ratios)


def _row(goal: str, measured: str, *, met: bool) -> str:
    return f"| {goal} | {measured} | {'met' if met else 'missed'} |"
