"""The parts of the engine alone: writing a file, the kernel, and what a long history costs."""

import time
from pathlib import Path
from statistics import median

import numpy as np

from s2lookback.bands import DEFAULT_BANDS
from s2lookback.mrap.engine import fold_files
from s2lookback.mrap.fold import DAY
from s2lookback.mrap.select import drop_incomplete, overwrite
from s2lookback.raster import read_band, read_grid, write_band
from s2lookback.scene import NODATA
from tests.bench.measure import seconds
from tests.bench.mrap_data import COVERS, FIRST, composite_files, make_scene, observation
from tests.bench.mrap_ways import AVERAGED, gdal_write

SMALL, FEW = 1098, 2
"""Rows and columns, and bands, of the long history."""


def parts(folder: Path, size: int) -> str:
    """Time the writing of one band and the kernel on one tile; give a table."""
    href = str(folder / "half" / f"{DEFAULT_BANDS[0]}.tif")
    band, grid = read_band(href), read_grid(href)
    ours, gdal = seconds(
        lambda: write_band(folder / "ours.tif", band, grid, nodata=NODATA, continuous=True),
        lambda: gdal_write(folder / "gdal.tif", band, href, NODATA, AVERAGED),
        repeats=7,
    )
    small, large = ((folder / f"{name}.tif").stat().st_size for name in ("ours", "gdal"))
    check, choose, copy = _kernel()
    rows = [
        f"| one band as COG; GDAL's driver at the same codec | {ours:.3f} s | {gdal:.3f} s | {gdal / ours:.1f} |",
        f"| its bytes | {small / 1e6:.1f} MB | {large / 1e6:.1f} MB | {large / small:.2f} |",
        f"| newer pixels of a tile of 8 bands chosen; copied | {choose * 1e3:.2f} ms | {copy * 1e3:.2f} ms "
        f"| {copy / choose:.2f} |",
        f"| its data found in all bands; copied | {check * 1e3:.2f} ms | {copy * 1e3:.2f} ms | {copy / check:.2f} |",
    ]
    return "\n".join(["### Parts", "", "| what | ours | other | other : ours |", "| --- | ---: | ---: | ---: |", *rows])


def _kernel() -> tuple[float, float, float]:
    """Time a tile of 8 bands as the engine folds it: what has no data found, what is newer chosen; and its copy."""
    random = np.random.default_rng(1)
    pixels = random.integers(0, 9000, (8, 512, 512)).astype(np.int16)
    shown, copied = pixels.copy(), pixels.copy()
    clear = random.random((64, 64)).repeat(8, 0).repeat(8, 1) < 0.5
    check, choose, copy = seconds(
        lambda: drop_incomplete(clear, pixels),
        lambda: overwrite(shown, pixels, clear),
        lambda: np.copyto(copied, pixels),
        repeats=101,
    )
    return check, choose, copy


def flatness(folder: Path, dates: int = 200) -> str:
    """Time each step of a long history of small scenes; give a sentence."""
    taken = []
    scenes = [f"small{number}" for number in range(len(COVERS))]
    for number, scene in enumerate(scenes):
        make_scene(folder / scene, SMALL, FEW, number, COVERS[number], cut=False)
    for after in (folder / "even", folder / "odd"):
        after.mkdir()
    for number in range(dates + 8):
        date = observation(str(folder), scenes[number % len(scenes)], FEW, FIRST + DAY * number)
        places = [folder / "odd", folder / "even"][:: 1 if number % 2 else -1]
        before = composite_files(places[1], FEW) if number else None
        started = time.process_time()  # of all threads; less moved by who else is on the machine
        fold_files(places[0], date, before)
        taken.append(time.process_time() - started)
    few, many = median(taken[8:16]), median(taken[dates:])
    took = f"{few * 1e3:.0f} ms of CPU after 8 to 15 earlier dates and {many * 1e3:.0f} ms after {dates} to {dates + 7}"
    return (
        f"### A long history\n\nA step of {FEW} bands of {SMALL}² pixels took {took}: {many / few:.2f} times as long."
    )
