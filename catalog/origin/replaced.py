"""What an item replaced, and why: read from the recipes of its versions."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from catalog.layout import VERSION, Item, predecessor_of, sources_of, tile_of
from catalog.search import find_item
from catalog.shape import check_shape, is_time
from catalog.store import Store
from s2lookback.errors import CatalogError

_DEEPEST = 1000
"""Composites through which a cause is followed: three years of a tile."""


def versions(store: Store, item: Item) -> Iterator[Item]:
    """Give an item and every version that it replaced, newest first, as far as they were not swept."""
    seen: set[str] = set()
    current: Item | None = item
    while current is not None and current["properties"]["version"] not in seen:
        yield current
        seen.add(current["properties"]["version"])
        current = _predecessor(store, current)


def _predecessor(store: Store, item: Item) -> Item | None:
    version = predecessor_of(item)
    if version is None or not VERSION.fullmatch(version):
        return None
    path = Path(store.href(item["collection"], tile_of(item), item["id"]))
    older = store.document(path.parent / version / path.name)
    if older is not None:
        check_shape(older, str(path))
    return older


def execution(store: Store, item: Item) -> Mapping[str, Any]:
    """Read who made this version of an item, when and in what time; empty where no record was kept, or is damaged."""
    try:
        record = store.document(store.record_of(item)) or {}
    except CatalogError:
        return {}
    seconds = record.get("seconds", 0)
    sound = (
        ("created" not in record or is_time(record["created"]))
        and isinstance(seconds, int | float)
        and 0 <= seconds < 1e9
        and isinstance(record.get("prefect", {}), dict)
    )
    return record if sound else {}


def outdated(store: Store, item: Item) -> list[str]:
    """Say which of the items that an item was made from have gone, or hold something else since."""
    found = []
    for name, content in sources_of(item):
        try:
            source = find_item(store, name)
        except CatalogError:
            found.append(f"{item['id']} was made from {name}, which is no longer there")
            continue
        if source["properties"]["s2lookback:content"] != content:
            found.append(f"{item['id']} was made before {name} changed")
    return found


def causes(store: Store, old: Item, new: Item) -> list[str]:
    """Say why one version of a composite replaced another, following the composites before it to what began it."""
    for _ in range(_DEEPEST):
        before, after = (one["properties"]["s2lookback:recipe"] for one in (old, new))
        found = _settings(before, after) + _inputs(before["inputs"], after["inputs"])
        if found:
            return found
        earlier = _earlier(store, before["inputs"], after["inputs"])
        if earlier is None:
            break
        old, new = earlier
    return ["a composite before it changed"]


def _settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    names = sorted(before["settings"].keys() | after["settings"].keys())
    pairs = [(name, before["settings"].get(name), after["settings"].get(name)) for name in names]
    found = [f"the setting {name} was {old}, now {new}" for name, old, new in pairs if old != new]
    if before["revision"] != after["revision"]:
        found.append("the program that makes it changed")
    return found


def _inputs(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Say what changed among the inputs, but for the composite before it where that only has another version."""
    found = [
        f"{name} was made anew"
        for name in sorted(before.keys() & after.keys())
        if before[name] != after[name] and not name.startswith("mrap-")
    ]
    gone, come = before.keys() - after.keys(), after.keys() - before.keys()
    last, now = max(gone, default=""), max(come, default="")
    if now > last:
        found.append(f"the scene of {_day(now)} came in")
    elif last:
        found.append(f"the scene of {_day(last)} was taken out")
    return found


def _earlier(store: Store, before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Item, Item] | None:
    """Find the two versions of the composite before it that two versions of a composite were made from."""
    names = [name for name in before.keys() & after.keys() if before[name] != after[name]]
    if not names:
        return None
    try:
        known = {one["properties"]["s2lookback:content"]: one for one in versions(store, find_item(store, names[0]))}
    except CatalogError:  # it was retracted since
        return None
    old, new = known.get(before[names[0]]), known.get(after[names[0]])
    return (old, new) if old and new else None


def _day(name: str) -> str:
    """Read the day in an item's id: ``mrap-10UFB-20250830T193831``."""
    digits = name[-15:-7]
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
