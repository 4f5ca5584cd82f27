"""A point on the Earth in the catalog: the tiles that cover it, and what their rasters hold there."""

from dataclasses import dataclass
from datetime import datetime

from catalog.items.builders import COLLECTIONS, item_id
from catalog.items.facts import grid_of, time_in
from catalog.layout import Item
from catalog.store import Store
from s2lookback.errors import CatalogError
from s2lookback.pixel import locate, read_pixel
from s2lookback.scene import NODATA, SCALE

_NAMED = 8
"""Tiles named in an error."""


@dataclass(frozen=True, slots=True)
class Place:
    """A pixel of a tile."""

    tile: str
    longitude: float
    latitude: float
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Source:
    """An item by its id, and where it is."""

    id: str
    href: str


def covering(
    store: Store, stage: str, longitude: float, latitude: float, *, at: datetime | None, tile: str | None
) -> list[tuple[Item, Place]]:
    """Find the newest item of a stage up to a time, of every tile that covers a point, and the pixel there.

    Raises:
        CatalogError: If there is no such point, no tile covers it, or none that does has an item so early.
    """
    point = f"{longitude} {latitude}"
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise CatalogError(f"{point}: expected a longitude within ±180 degrees, then a latitude within ±90")
    tiles = [tile] if tile else store.tiles(COLLECTIONS[stage])
    found: list[tuple[Item, Place]] = []
    late: list[datetime] = []
    for name in tiles:
        times = [time_in(one) for one in store.ids(COLLECTIONS[stage], name)]
        early = [time for time in times if at is None or time <= at]
        item = item_at(store, stage, name, (early or times)[-1]) if times else None
        pixel = locate(grid_of(item), longitude, latitude) if item else None
        if item and pixel and early:
            found.append((item, Place(name, longitude, latitude, *pixel)))
        elif pixel:
            late.append(times[0])
    if late and not found:
        raise CatalogError(f"{point}: nothing is so early; the first {stage} item here is of {min(late):%Y-%m-%d}")
    if not found:
        named = ", ".join(tiles[:_NAMED]) + (", …" if len(tiles) > _NAMED else "")
        raise CatalogError(f"{point}: lies in no tile; {store.root} has {stage} items of {named or 'none'}")
    return found


def item_at(store: Store, stage: str, tile: str, sensed: datetime) -> Item | None:
    """Read the item of a stage and sensing time; None where there is none."""
    return store.item(COLLECTIONS[stage], tile, item_id(stage, tile, sensed))


def source_at(store: Store, stage: str, tile: str, sensed: datetime) -> Source:
    """Name the item of a stage and sensing time."""
    return source_named(store, item_id(stage, tile, sensed))


def source_named(store: Store, name: str) -> Source:
    """Name an item of which the id is known."""
    stage, tile, _ = name.split("-")
    return Source(name, store.href(COLLECTIONS[stage], tile, name))


def reflectance(store: Store, item: Item, asset: str, place: Place) -> float | None:
    """Read the reflectance of a pixel, 0 to 1; None where it has no data."""
    pixel = read_pixel(store.asset(item, asset), place.row, place.column)
    return None if pixel == NODATA else round(pixel * SCALE, 4)
