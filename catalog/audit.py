"""Whether what the catalog names is there, whole and unchanged."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from catalog.index.protocol import Index
from catalog.items.schema import Judge, own
from catalog.layout import Item
from catalog.place.protocol import Place
from catalog.provenance import require_complete
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
    place: Place

    def places(self) -> Iterator[tuple[str, str, str]]: ...
    def item(self, collection: str, tile: str, name: str) -> Item | None: ...
    def asset(self, item: Item, key: str) -> Path: ...
    def size(self, item: Item, key: str) -> int: ...


def found(
    store: _Store, places: Iterable[tuple[str, str, str]], index: Index, *, deep: bool, judge: Judge | None = None
) -> Iterator[Problem]:
    """List everything that is not as it should be: items, their files, what nobody names, and the index.

    Args:
        store: The catalog.
        places: ``store.places()``, if the caller watches them pass.
        index: Caught up; see ``catalog.index.upkeep.current``.
        deep: Compare the bytes of files, not only their sizes.
        judge: Knows the schemas to judge items by; by default our own alone.
    """
    listed = list(places)
    yield from check(store, listed, deep=deep, judge=judge)
    for name, left in store.place.orphans():
        yield Problem(name, f"{left}: no item names it; `s2lookback catalog gc` removes it")
    known, there = set(index.keys()), {(collection, name) for collection, _, name in listed}
    for collection, name in sorted(there - known):
        yield Problem(name, f"of {collection} is not in the index; `s2lookback catalog rebuild` mends it")
    for collection, name in sorted(known - there):
        yield Problem(name, f"of {collection} is in the index, but not there; `s2lookback catalog rebuild` mends it")


def check(
    store: _Store, places: Iterable[tuple[str, str, str]], *, deep: bool, judge: Judge | None = None
) -> Iterator[Problem]:
    """List the problems of items and of their files."""
    for collection, tile, name in places:
        try:
            item = store.item(collection, tile, name)
            if item is not None:
                require_complete(item)
        except (CatalogError, KeyError, TypeError) as error:
            yield Problem(name, f"{error}" if isinstance(error, CatalogError) else f"lacks {error}")
            continue
        if item is None:
            continue
        if _holds_null(item):
            yield Problem(name, "holds a null, expected that what is not known is left out")
        for fault in (judge or own()).faults(item):
            yield Problem(name, fault)
        yield from problems(store, item, deep=deep)


def _holds_null(content: object) -> bool:
    if isinstance(content, dict):
        return any(_holds_null(one) for one in content.values())
    return any(_holds_null(one) for one in content) if isinstance(content, list) else content is None


def problems(store: _Store, item: Item, *, deep: bool) -> Iterator[Problem]:
    """List the assets of an item that are missing or cut short; deep: or whose bytes differ."""
    for key, asset in item["assets"].items():
        try:
            size = store.size(item, key)
            if (
                size == asset.get("file:size")
                and deep
                and checksum(store.asset(item, key)) != asset.get("file:checksum")
            ):
                yield Problem(item["id"], f"asset {key}: its bytes do not hash to {asset.get('file:checksum')}")
        except (CatalogError, OSError) as error:
            yield Problem(item["id"], f"asset {key}: {error}")
            continue
        if size != asset.get("file:size"):
            yield Problem(item["id"], f"asset {key}: has {size} bytes, expected {asset.get('file:size')}")
