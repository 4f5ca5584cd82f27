"""Whether what the catalog names is there, whole and unchanged."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from catalog.layout import Item
from s2lookback.errors import CatalogError
from s2lookback.files import checksum


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the catalog that is not as it should be."""

    item: str
    """Id of the item."""
    reason: str
    """What was found, and what was expected."""


class _Store(Protocol):
    def collections(self) -> list[str]: ...
    def tiles(self, collection: str) -> list[str]: ...
    def ids(self, collection: str, tile: str) -> list[str]: ...
    def item(self, collection: str, tile: str, name: str) -> Item | None: ...
    def asset(self, item: Item, key: str) -> Path: ...


def check(store: _Store, *, deep: bool) -> Iterator[Problem]:
    """List the problems of every item."""
    names = [
        (name, tile, one) for name in store.collections() for tile in store.tiles(name) for one in store.ids(name, tile)
    ]
    for collection, tile, name in names:
        try:
            item = store.item(collection, tile, name)
        except CatalogError as error:
            yield Problem(name, str(error))
            continue
        if item is not None:
            yield from problems(store, item, deep=deep)


def problems(store: _Store, item: Item, *, deep: bool) -> Iterator[Problem]:
    """List the assets of an item that are missing or cut short; deep: or whose bytes differ."""
    for key, asset in item["assets"].items():
        try:
            path = store.asset(item, key)
            size = path.stat().st_size
        except (CatalogError, OSError) as error:
            yield Problem(item["id"], f"asset {key}: {error}")
            continue
        if size != asset.get("file:size"):
            yield Problem(item["id"], f"asset {key}: has {size} bytes, expected {asset.get('file:size')}")
        elif deep and checksum(path) != asset.get("file:checksum"):
            yield Problem(item["id"], f"asset {key}: its bytes do not hash to {asset.get('file:checksum')}")
