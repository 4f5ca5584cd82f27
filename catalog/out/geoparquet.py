"""Items as stac-geoparquet: one row an item, for tools that read tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from catalog.layout import Item
from catalog.provenance import canonical
from s2lookback.errors import CatalogError
from s2lookback.files import whole_file

_OPEN = ("s2lookback:recipe", "s2lookback:measured", "processing:software", "mlm:hyperparameters", "renders")
"""Fields whose parts differ from item to item, which would be a column of a table each: they become JSON text."""


def write_geoparquet(items: Sequence[Item], path: Path) -> None:
    """Write items to a stac-geoparquet file, whole or not at all.

    Raises:
        CatalogError: If there is no item, an item is damaged, or the library that writes it is not installed.
    """
    if not items:
        raise CatalogError(f"{path}: no item was found, and a table of none has no columns")
    try:
        from shapely.errors import ShapelyError
        from stac_geoparquet.arrow import parse_stac_items_to_arrow, to_parquet
    except ModuleNotFoundError as error:
        raise CatalogError(f"{path}: writing it needs {error.name}: pip install 's2lookback[geoparquet]'") from error
    try:
        table = parse_stac_items_to_arrow([_flat(item) for item in items])
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, ShapelyError) as error:
        raise CatalogError(
            f"{path}: the items make no table ({error}); `s2lookback catalog check` names those that are damaged"
        ) from error
    with whole_file(path) as part:
        to_parquet(table, part)


def _flat(item: Item) -> dict[str, Any]:
    facts = item["properties"]
    closed = {name: canonical(facts[name]).decode() for name in _OPEN if name in facts}
    return {**item, "properties": {**facts, **closed}}
