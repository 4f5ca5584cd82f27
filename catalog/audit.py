"""Whether what the catalog names is there, whole and unchanged."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from catalog.index.protocol import Index, Key
from catalog.items.schema import Judge, own
from catalog.layout import Item, tile_in
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
    def sound(self, collection: str, tile: str, name: str) -> Item | None: ...
    def asset(self, item: Item, key: str) -> Path: ...
    def size(self, item: Item, key: str) -> int: ...


def found(
    store: _Store,
    places: Iterable[tuple[str, str, str]],
    current: Callable[[], Index],
    *,
    deep: bool,
    judge: Judge | None = None,
) -> Iterator[Problem]:
    """List everything that is not as it should be: items, their files, what nobody names, and the index.

    Others may publish and retract meanwhile: what they do is no problem.

    Args:
        store: The catalog.
        places: ``store.places()``, if the caller watches them pass.
        current: Gives the index, caught up; see ``catalog.index.upkeep.current``.
        deep: Compare the bytes of files, not only their sizes.
        judge: Knows the schemas to judge items by; by default our own alone.
    """
    listed = list(places)
    yield from check(store, listed, deep=deep, judge=judge)
    for name, left in store.place.orphans():
        yield Problem(name, f"{left}: no item names it; `s2lookback catalog gc` removes it")
    doubts = {(collection, name) for collection, _, name in listed} ^ set(current().keys())
    for collection, name in sorted(_differing(store, current, doubts)):
        what = "not in the index" if _stands(store, collection, name) else "in the index, but not there"
        yield Problem(name, f"of {collection} is {what}; `s2lookback catalog rebuild` mends it")


def _differing(store: _Store, current: Callable[[], Index], doubts: set[Key]) -> set[Key]:
    """Keep of some items those that only the index or only the catalog has, at each of three looks."""
    for _ in range(3):
        if not doubts:
            break
        index = current()
        doubts = {key for key in doubts if _stands(store, *key) != (index.get(key[1], key[0]) is not None)}
    return doubts


def _stands(store: _Store, collection: str, name: str) -> bool:
    """Tell whether an item can be read now; what is damaged is no matter of the index."""
    return store.sound(collection, tile_in(name), name) is not None


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
        lost = [*problems(store, item, deep=deep)]
        if lost and store.sound(collection, tile, name) == item:  # or it was retracted or replaced meanwhile
            yield from lost


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
        except CatalogError as error:
            yield Problem(item["id"], f"asset {key}: {error}")
            continue
        except OSError as error:
            yield Problem(item["id"], f"asset {key}: {error.filename} cannot be read ({error.strerror})")
            continue
        if size != asset.get("file:size"):
            yield Problem(item["id"], f"asset {key}: has {size} bytes, expected {asset.get('file:size')}")
