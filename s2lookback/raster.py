"""The raster edge: bands in and out of cloud-optimised GeoTIFFs, one band a file."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError, RasterioIOError

from s2lookback.cog import encode_band, write_cog
from s2lookback.cores import THREADS
from s2lookback.errors import GridMismatchError, SceneError
from s2lookback.grid import Grid
from s2lookback.tiles import TILE, Spec


def write_band(
    path: str | Path,
    band: NDArray[Any],
    grid: Grid,
    *,
    nodata: float | None,
    description: str = "",
    scale: float = 1.0,
    continuous: bool = False,
    tile: int = TILE,
) -> None:
    """Write one band as a cloud-optimised GeoTIFF with overviews; the same pixels give the same bytes.

    Args:
        path: Where to; replaced if it exists. The caller sees to atomicity.
        band: (y, x), whole or floating-point numbers.
        grid: Where the pixels lie.
        nodata: The number that means "no data", or None where every pixel has a value.
        description: The band's name.
        scale: Physical value = pixel · scale.
        continuous: True for reflectance, whose overviews are averages; classes, dates
            and counts take the nearest pixel.
        tile: Rows and columns of a tile.

    Raises:
        GridMismatchError: If the band does not fit the grid.
    """
    if band.shape != grid.shape:
        raise GridMismatchError(f"{path}: a band of {band.shape} pixels does not fit a grid of {grid.shape}")
    spec = Spec(grid, band.dtype, nodata, description, scale, continuous, tile)
    with ThreadPoolExecutor(THREADS) as pool:
        write_cog(path, spec, encode_band(band, spec, pool))


def read_band(path: str | Path) -> NDArray[Any]:
    """Read the first band of a raster, (y, x), in its own dtype.

    Raises:
        SceneError: If the file cannot be read.
    """
    try:
        with rasterio.open(path) as raster:
            band: NDArray[Any] = raster.read(1)
            return band
    except RasterioIOError as error:
        raise SceneError(f"{path}: cannot be read as a raster ({error})") from error


def read_preview(path: str | Path, size: int) -> NDArray[Any]:
    """Read the smallest overview of at least ``size`` rows or columns, (y, x); all pixels if there is none.

    Raises:
        SceneError: If the file cannot be read.
    """
    try:
        with rasterio.open(path) as raster:
            longest = max(raster.shape)
            factors = [factor for factor in raster.overviews(1) if longest >= factor * size]
            shape = tuple(-(-side // max(factors, default=1)) for side in raster.shape)
            band: NDArray[Any] = raster.read(1, out_shape=shape)
            return band
    except RasterioIOError as error:
        raise SceneError(f"{path}: cannot be read as a raster ({error})") from error


def read_grid(path: str | Path) -> Grid:
    """Read where the pixels of a raster lie.

    Raises:
        SceneError: If the file cannot be read or has no CRS with an EPSG code.
    """
    try:
        with rasterio.open(path) as raster:
            return Grid.of(raster.crs, raster.transform, raster.height, raster.width)
    except (RasterioError, ValueError, AttributeError) as error:
        raise SceneError(f"{path}: its grid cannot be read ({error})") from error


def stack(paths: list[str], bands: int, shape: tuple[int, int]) -> NDArray[np.int16]:
    """Read one-band rasters into one array, (band, y, x)."""
    pixels = np.empty((bands, *shape), np.int16)
    for index, path in enumerate(paths):
        pixels[index] = read_band(path)
    return pixels
