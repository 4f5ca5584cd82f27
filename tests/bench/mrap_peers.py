"""The libraries that a user would composite with: stackstac and odc-stac, both with xarray and dask."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import rasterio

from s2lookback.masking.classes import MEANINGS
from s2lookback.mrap.engine import Observation
from s2lookback.scene import NODATA
from tests.bench.mrap_data import names, series
from tests.bench.mrap_ways import AVERAGED, gdal_write

USABLE = [int(code) for code, meaning in MEANINGS.items() if meaning.swir]


def newest_stackstac(folder: str, out: str, bands: int, dates: int) -> None:
    _newest(_by_stackstac, folder, out, bands, dates)


def newest_odc(folder: str, out: str, bands: int, dates: int) -> None:
    _newest(_by_odc, folder, out, bands, dates)


def all_stackstac(folder: str, out: str, bands: int, dates: int) -> None:
    _all(_by_stackstac, folder, out, bands, dates)


def all_odc(folder: str, out: str, bands: int, dates: int) -> None:
    _all(_by_odc, folder, out, bands, dates)


def _newest(load: Callable[..., Any], folder: str, out: str, bands: int, dates: int) -> None:
    """Fill backwards in time and keep the newest, band by band to bound the memory."""
    observations = series(folder, bands, dates)
    for name in names(bands):
        newest = load(observations, name).ffill("time").isel(time=-1)
        band = newest.fillna(NODATA).astype(np.int16).compute().values
        gdal_write(Path(out) / f"{name}.tif", band, observations[0].bands[name], NODATA, AVERAGED)


def _all(load: Callable[..., Any], folder: str, out: str, bands: int, dates: int) -> None:
    observations = series(folder, bands, dates)
    for name in names(bands):
        filled = load(observations, name).ffill("time").fillna(NODATA).astype(np.int16).compute().values
        for number, band in enumerate(filled):
            place = Path(out) / f"date{number}"
            place.mkdir(exist_ok=True)
            gdal_write(place / f"{name}.tif", band, observations[0].bands[name], NODATA, AVERAGED)


def _by_stackstac(observations: list[Observation], name: str) -> Any:
    import stackstac

    items = [item.to_dict() for item in _items(observations, name)]
    with rasterio.open(observations[0].bands[name]) as raster:
        place = {"epsg": raster.crs.to_epsg(), "bounds": tuple(raster.bounds), "resolution": raster.res[0]}

    def load(asset: str, dtype: type[np.generic], nodata: int) -> Any:
        array = stackstac.stack(
            items, assets=[asset], dtype=dtype, fill_value=dtype(nodata), rescale=False, chunksize=1024,
            xy_coords=False, **place,
        )  # fmt: skip
        return array.isel(band=0, drop=True)

    return _clear(load(name, np.int16, NODATA), load("class", np.uint8, 0))


def _by_odc(observations: list[Observation], name: str) -> Any:
    import odc.stac

    loaded = odc.stac.load(_items(observations, name), bands=[name, "class"], chunks={"x": 1024, "y": 1024})
    return _clear(loaded[name], loaded["class"])


def _clear(pixels: Any, classes: Any) -> Any:
    """Blank what is not clear; float32 holds every int16 and is half of what xarray would choose."""
    return pixels.astype(np.float32).where(classes.isin(USABLE)).chunk({"time": -1})


def _items(observations: list[Observation], name: str) -> list[pystac.Item]:
    """Describe the scenes as STAC items, with what both libraries need to find the grid."""
    return [_item(each, name) for each in observations]


def _item(date: Observation, name: str) -> pystac.Item:
    from datetime import UTC, datetime

    with rasterio.open(date.bands[name]) as raster:
        facts = {
            "proj:epsg": raster.crs.to_epsg(),
            "proj:code": f"EPSG:{raster.crs.to_epsg()}",
            "proj:shape": list(raster.shape),
            "proj:transform": list(raster.transform),
        }
    item = pystac.Item(
        f"scene-{date.sensed}",
        {"type": "Polygon", "coordinates": [[[-123, 50], [-122, 50], [-122, 51], [-123, 51], [-123, 50]]]},
        [-123, 50, -122, 51],
        datetime.fromtimestamp(date.sensed, UTC),
        {},
        stac_extensions=[
            "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
            "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
        ],
    )
    for key, href, dtype, nodata in ((name, date.bands[name], "int16", NODATA), ("class", date.classes, "uint8", 0)):
        fields = {**facts, "raster:bands": [{"data_type": dtype, "nodata": nodata}]}
        item.add_asset(key, pystac.Asset(href, roles=["data"], media_type="image/tiff", extra_fields=fields))
    return item
