"""Scenes to composite: synthetic land of realistic entropy under drifting clouds, half of them cut by the swath."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from s2lookback.bands import DEFAULT_BANDS
from s2lookback.grid import Grid
from s2lookback.masking.classes import Class
from s2lookback.mrap.engine import Observation, fold_files
from s2lookback.mrap.fold import DAY
from s2lookback.mrap.tile import RASTERS
from s2lookback.raster import write_band
from s2lookback.scene import NODATA, SCALE

FIRST = 20_000 * DAY
"""Sensing time of the oldest scene, seconds since 1970-01-01."""
COVERS = (0.2, 0.5, 0.7, 0.95, 0.4, 0.8, 0.6, 0.9)
"""Share of cloud of one date after the other, over and over."""
COMPOSITED = 6
"""Dates in the composite that one more scene is folded into."""
CLEAR = {"clear": 0.0, "half": 0.5, "overcast": 0.9}
"""Share of cloud in the scenes that are folded into that composite."""


def names(bands: int) -> tuple[str, ...]:
    """Name the first bands."""
    return DEFAULT_BANDS[:bands]


def observation(folder: str, scene: str, bands: int, sensed: int) -> Observation:
    """Name the files of a scene."""
    place = Path(folder) / scene
    return Observation(sensed, {name: str(place / f"{name}.tif") for name in names(bands)}, str(place / "class.tif"))


def series(folder: str, bands: int, dates: int) -> list[Observation]:
    """Name all dates, oldest first."""
    return [observation(folder, f"date{number}", bands, FIRST + 3 * DAY * number) for number in range(dates)]


def composite_files(folder: str | Path, bands: int) -> dict[str, str]:
    """Name the files of a composite."""
    return {name: str(Path(folder) / f"{name}.tif") for name in (*names(bands), *RASTERS)}


def make(folder: str, size: int, bands: int, few: int, dates: int) -> None:
    """Write the series, the composite of its first dates, and one more scene for each of ``CLEAR``.

    Dates that are not in the composite have a few bands only, those of the rebuilds.
    """
    for number in range(dates):
        place, cover = Path(folder) / f"date{number}", COVERS[number % len(COVERS)]
        make_scene(place, size, bands if number < COMPOSITED else few, number, cover, cut=number % 2 == 1)
    for number, (name, cover) in enumerate(CLEAR.items()):
        make_scene(Path(folder) / name, size, bands, 1000 + number, cover, cut=False)
    before: Path | None = None
    for number, date in enumerate(series(folder, bands, min(dates, COMPOSITED))):
        after = Path(folder) / f"composite{number % 2}"
        after.mkdir(exist_ok=True)
        fold_files(after, date, before and composite_files(before, bands))
        before = after
    assert before is not None
    before.rename(Path(folder) / "composite")


def make_scene(folder: Path, size: int, bands: int, seed: int, cover: float, *, cut: bool) -> None:
    """Write one scene, with a share of cloud and perhaps cut by the edge of the swath."""
    folder.mkdir(parents=True)
    grid = Grid(32610, (20.0, 0.0, 499_980.0, 0.0, -20.0, 5_600_040.0), size, size)
    classes = _classes(size, seed, cover, cut=cut)
    for number, name in enumerate(names(bands)):
        pixels = _land(size, number) + _tiled(size, np.random.default_rng([seed, number]).normal(0, 12, (1024, 1024)))
        pixels[classes == Class.NO_DATA] = NODATA
        path = folder / f"{name}.tif"
        write_band(path, pixels, grid, nodata=NODATA, description=name, scale=SCALE, continuous=True)
    write_band(folder / "class.tif", classes, grid, nodata=Class.NO_DATA, description="class")


def _land(size: int, band: int) -> NDArray[np.int16]:
    """Draw hills of kilometres and a texture of pixels that stay: 1.6 bytes a pixel; real bands have 1.1 to 1.6."""
    random = np.random.default_rng(band)
    hills = gaussian_filter(random.normal(0, 1, (size // 32 + 1,) * 2), 3)
    smooth = (1500 + 4000 * hills).repeat(32, 0).repeat(32, 1)[:size, :size]
    return smooth.astype(np.int16) + _tiled(size, random.normal(0, 20, (1024, 1024)))


def _tiled(size: int, texture: NDArray[np.float64]) -> NDArray[np.int16]:
    """Repeat a texture that is larger than a tile, so that no compressor sees the repetition."""
    repeats = -(-size // len(texture))
    return np.tile(np.rint(texture).astype(np.int16), (repeats, repeats))[:size, :size]


def _classes(size: int, seed: int, cover: float, *, cut: bool) -> NDArray[np.uint8]:
    """Draw clouds of two sizes, about 10 km and 1 km, and leave out what lies beyond the edge of the swath."""
    random, coarse = np.random.default_rng([seed, 99]), size // 8 + 1
    field = gaussian_filter(random.normal(0, 60, (coarse, coarse)), 60) + gaussian_filter(
        random.normal(0, 1.5, (coarse, coarse)), 6
    )
    cloudy = (field < np.quantile(field, cover)).repeat(8, 0).repeat(8, 1)[:size, :size]
    classes = np.where(cloudy, Class.THICK_CLOUD, Class.CLEAR).astype(np.uint8)
    if cut:
        rows, columns = np.ogrid[:size, :size]
        classes[columns + 0.2 * rows > 0.6 * size] = Class.NO_DATA
    return classes
