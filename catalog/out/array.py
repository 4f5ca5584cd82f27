"""Items to one xarray through stackstac, on their own grid: no pixel is resampled, rescaled or guessed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from catalog.items.facts import grid_of
from catalog.layout import Item
from catalog.out.located import located
from catalog.store import Store
from s2lookback.errors import CatalogError, GridMismatchError
from s2lookback.grid import Grid

if TYPE_CHECKING:  # xarray and dask take seconds to import
    from xarray import DataArray


def to_xarray(
    items: Iterable[Mapping[str, Any]], assets: Sequence[str], store: Store | None = None, *, chunks: int = 2048
) -> "DataArray":
    """Stack assets of items of one grid, (time, band, y, x), oldest first; nothing is read before it is computed.

    Values are as published: reflectance is ``array * array.attrs["scale"]`` where they are not ``attrs["nodata"]``.

    Args:
        items: As ``catalog.search.search`` gives them, or a STAC API.
        assets: Their keys, all of one type: ``["B12", "B8A", "B04"]``.
        store: Where their files lie; None if their hrefs are absolute, as an API's are.
        chunks: Rows and columns of a dask chunk.

    Raises:
        CatalogError: If there is no item, one has not all the assets, or they are not of one type.
        GridMismatchError: If the items do not lie on one grid.
    """
    import stackstac  # type: ignore[import-untyped]  # it ships none

    found = [_readable(item, store) for item in items]
    grid, (data_type, nodata, scale) = _grid(found), _kind(found, assets)
    array: DataArray = stackstac.stack(
        found,
        assets=list(assets),
        epsg=grid.epsg,
        bounds=grid.bounds,
        resolution=grid.spacing,
        chunksize=chunks,
        dtype=data_type,
        fill_value=data_type.type(nodata),
        rescale=False,
        xy_coords="center",
    )
    if array.attrs["transform"] != grid.affine or array.shape[-2:] != grid.shape:
        raise GridMismatchError(f"stackstac laid out {array.attrs['transform']} {array.shape[-2:]}, expected {grid}")
    return array.assign_attrs(nodata=nodata, scale=scale)


def _readable(item: Mapping[str, Any], store: Store | None) -> Item:
    """Make hrefs absolute, and say the CRS in the words of projection 1, the only ones that stackstac reads."""
    whole = dict(item) if store is None else located(store, dict(item))
    epsg = grid_of(whole).epsg
    return {**whole, "properties": {**whole["properties"], "proj:epsg": epsg}}


def _grid(items: Sequence[Item]) -> Grid:
    if not items:
        raise CatalogError("no item was found, expected at least one to stack")
    grids = {grid_of(item): item["id"] for item in items}
    if len(grids) > 1:
        raise GridMismatchError(f"{' and '.join(grids.values())} lie on different grids: stack one tile at a time")
    return next(iter(grids))


def _kind(items: Sequence[Item], assets: Sequence[str]) -> tuple[np.dtype[Any], int, float]:
    """Read the type, nodata and scale that all the assets share."""
    lacking = [(item["id"], key) for item in items for key in assets if key not in item["assets"]]
    if lacking or not assets:
        raise CatalogError(f"{lacking[0][0]}: has no asset {lacking[0][1]!r}" if lacking else "no asset was asked for")
    facts = [item["assets"][key] for item in items for key in assets]
    kinds = {(one.get("data_type"), one.get("nodata", 0), one.get("raster:scale", 1)) for one in facts}
    if len(kinds) > 1 or None in next(iter(kinds)):
        raise CatalogError(f"{', '.join(assets)}: are not rasters of one type, nodata and scale; stack them apart")
    data_type, nodata, scale = next(iter(kinds))
    return np.dtype(data_type), nodata, scale
