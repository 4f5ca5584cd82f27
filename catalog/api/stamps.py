"""When an item was published: told beside the item, for the item itself holds no clock (docs/decisions/0003)."""

from catalog.layout import Item
from catalog.lineage import execution
from catalog.store import Store
from s2lookback.errors import CatalogError

_TIMESTAMPS = "https://stac-extensions.github.io/timestamps/v1.1.0/schema.json"


def stamped(store: Store, item: Item) -> Item:
    """Add when this version was made and published, in the words of the timestamps extension, where that was kept."""
    try:
        made = execution(store, item).get("created")
    except CatalogError:  # an index that others write to as well, or a damaged record
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
