"""Products as ENVI, for the tools that burn mappers have."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.explain.light import LIGHT, matches_of
from catalog.items.facts import bands_of, grid_of, sensed_of
from catalog.store import Store
from s2lookback.envi import band_name, write_envi
from s2lookback.errors import SceneError
from s2lookback.mrap.light_table import relight
from s2lookback.raster import read_band
from s2lookback.scene import NODATA
from tasks.products import Item, read_pixels

OFFSET = 1000
"""What baseline 04.00 and later add to every digital number."""


def write_item(
    store: Store, item: Item, folder: Path, bands: Sequence[str], *, add_offset: bool = False, relit: bool = False
) -> Path:
    """Write the bands of an item as ENVI, float32, reflectance × 10 000, NaN where there is no data.

    Args:
        store: Where the item is.
        item: A scene, a composite or a reduced scene.
        folder: Where to; ``<id>.bin`` and ``<id>.hdr`` are replaced if they exist.
        bands: Which, in the order in which they are written.
        add_offset: Add 1000, for tools that expect digital numbers as the ground segment delivers them.
        relit: Bring a composite to the light of its newest scene; what that changes is an estimate, and
            ``<id>_estimated.bin`` is 1 there.

    Raises:
        SceneError: If the item lacks a band, or the lines that bring it to another light.
    """
    there = bands_of(item)
    missing = [band for band in bands if band not in there]
    if missing:
        raise SceneError(f"{item['id']}: has no band {' '.join(missing)}, only {' '.join(there) or 'none'}")
    pixels = read_pixels(store, item, bands)
    folder.mkdir(parents=True, exist_ok=True)
    grid, sensed = grid_of(item), sensed_of(item)
    if relit:
        pixels, estimated = _relit(store, item, pixels, bands)
        flags, named = estimated[np.newaxis].astype(np.float32), ["1 where light was matched"]
        write_envi(folder / f"{item['id']}_estimated.bin", flags, band_names=named, grid=grid, sensed=sensed)
    values = np.where(pixels == NODATA, np.float32(np.nan), pixels.astype(np.float32) + OFFSET * add_offset)
    suffix = "MRAP" if item["collection"] == "mrap" else ""
    names = [band_name(sensed, band, suffix) for band in bands]
    path = folder / f"{item['id']}.bin"
    write_envi(path, values, band_names=names, grid=grid, sensed=sensed)
    return path


def _relit(
    store: Store, item: Item, pixels: NDArray[np.int16], bands: Sequence[str]
) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """Apply the lines of a composite; tell which pixels are then estimates."""
    if LIGHT not in item["properties"]:
        raise SceneError(f"{item['id']}: no light was matched; a composite made with adjust_lighting has lines")
    return relight(pixels, read_band(store.asset(item, "source")), matches_of(store, item), bands)
