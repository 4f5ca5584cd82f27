"""Products as ENVI, for the tools that burn mappers have."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from catalog.facts import bands_of, grid_of, sensed_of
from catalog.store import Store
from s2lookback.envi import band_name, write_envi
from s2lookback.errors import SceneError
from s2lookback.scene import NODATA
from tasks.products import Item, read_pixels

OFFSET = 1000
"""What baseline 04.00 and later add to every digital number."""


def write_item(store: Store, item: Item, folder: Path, bands: Sequence[str], *, add_offset: bool = False) -> Path:
    """Write the bands of an item as ENVI, float32, reflectance × 10 000, NaN where there is no data.

    Args:
        store: Where the item is.
        item: A scene, a composite or a reduced scene.
        folder: Where to; ``<id>.bin`` and ``<id>.hdr`` are replaced if they exist.
        bands: Which, in the order in which they are written.
        add_offset: Add 1000, for tools that expect digital numbers as the ground segment delivers them.

    Raises:
        SceneError: If the item lacks a band.
    """
    there = bands_of(item)
    missing = [band for band in bands if band not in there]
    if missing:
        raise SceneError(f"{item['id']}: has no band {' '.join(missing)}, only {' '.join(there) or 'none'}")
    pixels = read_pixels(store, item, bands)
    values = np.where(pixels == NODATA, np.float32(np.nan), pixels.astype(np.float32) + OFFSET * add_offset)
    suffix = "MRAP" if item["collection"] == "mrap" else ""
    names = [band_name(sensed_of(item), band, suffix) for band in bands]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{item['id']}.bin"
    write_envi(path, values, band_names=names, grid=grid_of(item), sensed=sensed_of(item))
    return path
