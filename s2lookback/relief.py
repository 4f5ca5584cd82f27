"""Heights of the ground, out of any model of it, on the grid of a scene."""

from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT

from s2lookback.errors import SceneError
from s2lookback.grid import Grid

DECIMALS = 1
"""Heights are rounded to decimetres: no model of the ground is better, and other releases of GDAL agree so far."""


def read_elevation(path: str | Path, grid: Grid) -> NDArray[np.float32]:
    """Read heights onto a grid, m, (y, x), bilinearly; NaN where the model has none.

    Args:
        path: A raster in any projection whose first band holds metres: a GeoTIFF, or a VRT over many.
        grid: Where heights are wanted.

    Raises:
        SceneError: If the file cannot be read, does not say where it lies, or knows no height on the grid.
    """
    try:
        with rasterio.open(path) as model, _fitted(model, grid) as fitted:
            heights: NDArray[np.float32] = fitted.read(1)
    except (RasterioError, ValueError) as error:
        raise SceneError(f"{path}: heights cannot be read from it ({error})") from error
    if not np.isfinite(heights).any():
        raise SceneError(f"{path}: knows no height within {grid.bounds} of EPSG:{grid.epsg}")
    return np.round(heights, DECIMALS)


def _fitted(model: rasterio.DatasetReader, grid: Grid) -> WarpedVRT:
    if model.crs is None:
        raise ValueError("it has no CRS")
    return WarpedVRT(
        model,
        crs=grid.crs,
        transform=grid.affine,
        height=grid.height,
        width=grid.width,
        resampling=Resampling.bilinear,
        dtype="float32",
        nodata=np.nan,
    )
