"""When an item was published: told beside the item, for the item itself holds no clock (docs/decisions/0003)."""

from collections.abc import Sequence
from pathlib import Path

from catalog.layout import VERSION, Item
from catalog.place.disk import load
from catalog.store import Store
from s2lookback.errors import CatalogError

_TIMESTAMPS = "https://stac-extensions.github.io/timestamps/v1.1.0/schema.json"


def stamped(store: Store, items: Sequence[Item]) -> list[Item]:
    """Add when each version was made and published, in the words of the timestamps extension, where that was kept."""
    records = [_record(store, item) for item in items]
    store.place.remember([path for path in records if path is not None])
    return [_stamped(item, path) for item, path in zip(items, records, strict=True)]


def _record(store: Store, item: Item) -> Path | None:
    """Tell where the record of an item is; None where it names none, for others write to an index as well."""
    try:
        return store.record_of(item) if VERSION.fullmatch(str(item["properties"].get("version"))) else None
    except CatalogError:
        return None


def _stamped(item: Item, record: Path | None) -> Item:
    try:
        made = ((load(record) if record else None) or {}).get("created")
    except CatalogError:  # a damaged record
        return item
    if not isinstance(made, str):
        return item
    return {
        **item,
        "stac_extensions": sorted({*item["stac_extensions"], _TIMESTAMPS}),
        "properties": {**item["properties"], "created": made, "published": made},
    }


def unstamped(item: Item) -> Item:
    """Take away what ``stamped`` added."""
    facts = {name: value for name, value in item["properties"].items() if name not in {"created", "published"}}
    named = [one for one in item.get("stac_extensions", []) if one != _TIMESTAMPS]
    return {**item, "stac_extensions": named, "properties": facts}
