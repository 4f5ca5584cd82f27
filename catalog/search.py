"""Search: what was published, newest first, whichever index answers."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from catalog.index.protocol import Filter, Index, SearchRequest
from catalog.index.upkeep import current
from catalog.items.builders import COLLECTIONS
from catalog.layout import Item, check_collection, check_tile
from catalog.store import Store
from s2lookback.errors import CatalogError

_PAGE = 10_000


def search(  # noqa: PLR0913  one argument a filter
    store: Store,
    *,
    collections: Sequence[str] | None = None,
    tile: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    bbox: Sequence[float] | None = None,
    point: tuple[float, float] | None = None,
    max_cloud_cover: float | None = None,
    max_age: int | None = None,
    limit: int | None = None,
) -> list[Item]:
    """Find items, newest first.

    Args:
        store: Where to look.
        collections: Their names; None for all.
        tile: MGRS square.
        start: Earliest sensing time, included.
        end: Latest sensing time, included.
        bbox: West, south, east, north in degrees, that the item's footprint must touch; west greater than east
            crosses the antimeridian.
        point: Longitude and latitude that it must cover.
        max_cloud_cover: Percent of the valid pixels; an item that does not know is left out.
        max_age: Days that 95 of 100 pixels of a composite are at most old; an item that does not know is left out.
        limit: Most items to give.
    """
    for name in collections or ():
        check_collection(name)
    request = SearchRequest(
        collections=[str(name) for name in collections or ()],
        bbox=bbox,
        intersects=None if point is None else {"type": "Point", "coordinates": list(point)},
        filter=_filter(tile, start, end, max_cloud_cover, max_age),
        limit=_PAGE if limit is None else limit,
    )
    return list(islice(every(current(store), request), limit))


def every(index: Index, request: SearchRequest) -> Iterator[Item]:
    """Give the answer to a question from its first page to its last."""
    token = request.token
    while True:
        page = index.search(replace(request, token=token))
        yield from page.items
        token = page.token
        if token is None:
            return


def find_item(store: Store, name: str) -> Item:
    """Read an item by its id alone.

    Raises:
        CatalogError: If there is none.
    """
    stage, _, rest = name.partition("-")
    collection, tile = COLLECTIONS.get(stage), rest.partition("-")[0]
    item = store.item(collection, tile, name) if collection else None
    if item is None:
        raise CatalogError(f"{name}: there is no such item in {store.place.url}")
    return item


def _filter(
    tile: str | None,
    start: datetime | None,
    end: datetime | None,
    max_cloud_cover: float | None,
    max_age: int | None,
) -> Filter | None:
    if tile is not None:
        check_tile(tile)
    asked = [
        ("=", "grid:code", tile and f"MGRS-{tile}"),
        (">=", "datetime", start and {"timestamp": _text(start)}),
        ("<=", "datetime", end and {"timestamp": _text(end)}),
        ("<=", "eo:cloud_cover", max_cloud_cover),
        ("<=", "s2lookback:age_days.p95", max_age),
    ]
    terms = [
        {"op": operator, "args": [{"property": name}, value]} for operator, name, value in asked if value is not None
    ]
    return {"op": "and", "args": terms} if terms else None


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
