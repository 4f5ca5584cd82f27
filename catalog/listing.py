"""The listings of a store: which tiles and items there are, and what a collection says of them; made from the items."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog import collections, layout, upkeep
from catalog.disk import load, locked, save, told
from catalog.layout import Item
from s2lookback.errors import CatalogError

if TYPE_CHECKING:  # the store keeps its listings with this module
    from catalog.store import Store

UNLISTED = ".unlisted"
"""Lies in the folder of an item that was committed but may not be listed yet."""


def is_listed(home: Path) -> bool:
    """Tell whether the listings know of the item in a folder."""
    return not (home / UNLISTED).exists()


def enter(store: "Store", item: Item) -> None:
    """Let the listings tell of an item."""
    name, tile = item["collection"], layout.tile_of(item)
    home = store.root / layout.folder_of(name, tile, item["id"])
    with told(home):
        refresh(store, name, tile, item)
        (home / UNLISTED).unlink(missing_ok=True)


def relist(store: "Store") -> None:
    """Make every listing anew from the items."""
    for name in collections.NAMES:
        (store.root / name / "collection.json").unlink(missing_ok=True)
        for tile in store.tiles(name):
            refresh(store, name, tile, None)


def refresh(store: "Store", name: str, tile: str, item: Item | None) -> None:
    """Write the listings anew, innermost first, so that none names what is not there yet."""
    folder = store.root / name
    with locked(folder / tile):
        names = _listed(store, name, tile, item)
        save(folder / tile / "catalog.json", layout.tile_catalog(name, tile, names))
    with locked(folder):
        whole = _collection(store, name, item)
        listed = [one for one in store.tiles(name) if (folder / one / "catalog.json").is_file()]
        if whole["extent"]["spatial"]["bbox"]:
            whole = collections.linked(whole, listed)
            if whole != store.collection(name):
                save(folder / "collection.json", whole)
                upkeep.describe(store, whole)
    with locked(store.root):
        save(store.root / "catalog.json", layout.root_catalog(store.collections()))


def derived(path: Path) -> dict[str, Any] | None:
    """Read a listing; a damaged one counts as none, for it can be made again."""
    try:
        return load(path)
    except CatalogError:
        return None


def _listed(store: "Store", name: str, tile: str, item: Item | None) -> list[str]:
    """Name what a tile's listing holds and one more item; all that is there where it was not listed yet."""
    known = derived(store.root / name / tile / "catalog.json")
    if item is None or known is None or "links" not in known:
        return store.ids(name, tile)
    links = [str(one["href"]).split("/")[1] for one in known["links"] if one["rel"] == "item"]
    return sorted({*links, str(item["id"])})


def _collection(store: "Store", name: str, item: Item | None) -> dict[str, Any]:
    """Describe a collection with one more item; from all that it holds where it was not described yet."""
    known = store.collection(name)
    if known is not None:
        return collections.grown(known, item) if item else known
    whole = collections.collection(name, store.host)
    for held in store.items(name):
        whole = collections.grown(whole, held)
    return whole
