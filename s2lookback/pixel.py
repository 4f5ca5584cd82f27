"""One pixel of a raster: where a point on the Earth falls, and what is there."""

from pathlib import Path

import rasterio
from rasterio.errors import RasterioError
from rasterio.warp import transform
from rasterio.windows import Window

from s2lookback.errors import SceneError
from s2lookback.grid import Grid

_ALMOST = 1e-6
"""Pixels by which a projected point may lie outside for rounding alone: 0.02 mm."""


def locate(grid: Grid, longitude: float, latitude: float) -> tuple[int, int] | None:
    """Find the row and column that a point falls in; None where it lies outside the grid.

    A point on the outer edge belongs to the pixel inside, so that it is in each of two grids that touch.

    Args:
        grid: Of any CRS.
        longitude: Degrees, WGS 84.
        latitude: Degrees, WGS 84.
    """
    (x,), (y,) = transform("OGC:CRS84", grid.crs, [longitude], [latitude])
    column, row = ~grid.affine @ (x, y)
    if not (-_ALMOST <= column <= grid.width + _ALMOST and -_ALMOST <= row <= grid.height + _ALMOST):
        return None
    return min(max(int(row), 0), grid.height - 1), min(max(int(column), 0), grid.width - 1)


def read_pixel(path: str | Path, row: int, column: int) -> int:
    """Read one pixel of the first band of a raster of whole numbers; of the file, only the block it is in.

    Raises:
        SceneError: If the file cannot be read or has no such pixel.
    """
    try:
        with rasterio.open(path) as raster:
            if not (0 <= row < raster.height and 0 <= column < raster.width):
                raise SceneError(f"{path}: has {raster.height} × {raster.width} pixels, so none at ({row}, {column})")
            return int(raster.read(1, window=Window(column, row, 1, 1))[0, 0])
    except RasterioError as error:
        raise SceneError(f"{path}: cannot be read as a raster ({error})") from error
