"""The listings of a store: which tiles and items there are, and what a collection says of them; made from the items."""

from typing import TYPE_CHECKING, Any

from catalog import layout
from catalog.index import upkeep
from catalog.items import collections
from catalog.layout import Item
from catalog.place.disk import parsed, told, written
from s2lookback.errors import CatalogError

if TYPE_CHECKING:  # the store keeps its listings with this module
    from catalog.store import Store

Listing = dict[str, Any]


def enter(store: "Store", item: Item) -> None:
    """Let the listings tell of an item."""
    name, tile = item["collection"], layout.tile_of(item)
    home = store.root / layout.folder_of(name, tile, item["id"])
    with told(home):
        refresh(store, name, tile, item)
        store.place.enlist(home)


def relist(store: "Store") -> None:
    """Make every listing anew from the items."""
    for name in collections.NAMES:
        for tile in store.tiles(name):
            _list_tile(store, name, tile, None)
        _describe(store, name, "", None)
    store.place.revise(store.root / "catalog.json", lambda _: written(layout.root_catalog(store.collections())))


def refresh(store: "Store", name: str, tile: str, item: Item | None) -> None:
    """Write the listings anew, innermost first, so that none names what is not there yet; all where an item left."""
    _list_tile(store, name, tile, item)
    _describe(store, name, tile, item)
    root = store.root / "catalog.json"
    if item is None or name not in _children(store.listing(root)):
        store.place.revise(root, lambda _: written(layout.root_catalog(store.collections())))


def _list_tile(store: "Store", name: str, tile: str, item: Item | None) -> None:
    path = store.root / name / tile / "catalog.json"
    store.place.revise(
        path, lambda old: written(layout.tile_catalog(name, tile, _listed(store, name, tile, item, old)))
    )


def _listed(store: "Store", name: str, tile: str, item: Item | None, old: bytes | None) -> list[str]:
    """Name what a tile's listing holds and one more item; all that is there where it was not listed yet."""
    known = _parsed(old)
    if item is None or known is None or "links" not in known:
        return store.ids(name, tile)
    return sorted({*_children(known), str(item["id"])})


def _describe(store: "Store", name: str, tile: str, item: Item | None) -> None:
    """Describe a collection; remove what describes one that holds nothing."""

    def whole(old: bytes | None) -> bytes | None:
        described = _collection(store, name, tile, item, old)
        return written(described) if described["extent"]["spatial"]["bbox"] else None

    if store.place.revise(store.root / name / "collection.json", whole):
        described = store.collection(name)
        if described is not None:
            upkeep.describe(store, described)


def _collection(store: "Store", name: str, tile: str, item: Item | None, old: bytes | None) -> Listing:
    """Describe a collection with one more item; from all that it holds where an item left, or it was not described."""
    known = _parsed(old)
    if item is not None and known is not None:
        return collections.linked(collections.grown(known, item), sorted({*_children(known), tile}))
    whole = collections.collection(name, store.host)
    for held in store.items(name):
        whole = collections.grown(whole, held)
    folder = store.root / name
    listed = [one for one in store.tiles(name) if store.listing(folder / one / "catalog.json") is not None]
    return collections.linked(whole, listed)


def _parsed(old: bytes | None) -> Listing | None:
    """Read a listing; a damaged one counts as none, for it can be made again."""
    try:
        return None if old is None else parsed(old, "a listing")
    except CatalogError:
        return None


def _children(listing: Listing | None) -> list[str]:
    """Name what a listing lists."""
    links = [] if listing is None else listing.get("links", [])
    return [str(one["href"]).split("/")[1] for one in links if one["rel"] in {"item", "child"}]
