"""The parts of the engine alone: writing a file, the kernel, and what a long history costs."""

import time
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Parts:
    """What parts of the engine take, seconds."""

    ours: float
    """One band written as a cloud-optimised GeoTIFF."""
    gdal: float
    """The same by GDAL's driver at the same codec."""
    deflate: float
    """The same by GDAL's driver with DEFLATE, level 6."""
    sizes: tuple[int, int, int]
    """Bytes of these files."""
    check: float
    """A tile of 8 bands searched for what has no data."""
    choose: float
    """Its newer pixels chosen."""
    copy: float
    """It copied."""

    def __str__(self) -> str:
        """Lay them out as a table."""
        ours, gdal, deflate = (f"{size / 1e6:.1f} MB" for size in self.sizes)
        rows = [
            ("one band as COG; GDAL's driver at the same codec", f"{self.ours:.3f} s | {self.gdal:.3f} s"),
            ("its bytes", f"{ours} | {gdal}"),
            ("one band as COG; GDAL's driver with DEFLATE 6", f"{self.ours:.3f} s | {self.deflate:.3f} s"),
            ("its bytes", f"{ours} | {deflate}"),
            ("newer pixels of a tile of 8 bands chosen; copied", f"{_ms(self.choose)} | {_ms(self.copy)}"),
            ("where it has data found; copied", f"{_ms(self.check)} | {_ms(self.copy)}"),
        ]
        lines = [f"| {what} | {figures} |" for what, figures in rows]
        return "\n".join(["### Parts", "", "| what | ours | other |", "| --- | ---: | ---: |", *lines])


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.2f} ms"


def parts(folder: Path) -> Parts:
    """Time the writing of one band and the kernels on one tile."""
    href = str(folder / "half" / f"{DEFAULT_BANDS[0]}.tif")
    band, grid = read_band(href), read_grid(href)
    times = seconds(
        lambda: write_band(folder / "ours.tif", band, grid, nodata=NODATA, continuous=True),
        lambda: gdal_write(folder / "gdal.tif", band, href, NODATA, AVERAGED),
        lambda: gdal_write(
            folder / "deflate.tif", band, href, NODATA, {**AVERAGED, "compress": "DEFLATE", "level": "6"}
        ),
        repeats=5,
    )
    ours, gdal, deflate = ((folder / f"{name}.tif").stat().st_size for name in ("ours", "gdal", "deflate"))
    return Parts(*times, (ours, gdal, deflate), *_kernel())


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


@dataclass(frozen=True, slots=True)
class History:
    """What a step takes early and late in a long history, CPU seconds."""

    few: float
    """After 8 to 15 earlier dates."""
    many: float
    """After 200 to 207."""

    def __str__(self) -> str:
        """Lay them out as a sentence."""
        took = f"{_ms(self.few)} of CPU after 8 to 15 earlier dates and {_ms(self.many)} after 200 to 207"
        return f"### A long history\n\nA step of {FEW} bands of {SMALL}² pixels took {took}."


def history(folder: Path, dates: int = 200) -> History:
    """Time each step of a long history of small scenes."""
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
    return History(median(taken[8:16]), median(taken[dates:]))
