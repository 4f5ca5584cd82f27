"""What a search found, as a table, as GeoJSON, or in a file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from catalog.layout import Item
from catalog.out.located import located
from catalog.search import search
from catalog.store import Store
from flows.cli.words import percent
from s2lookback.errors import CatalogError
from s2lookback.files import whole_file


def found_table(items: Sequence[Item]) -> Table:
    """Lay items out, a row each; a column that none of them fills is left out."""
    columns = {
        "sensed (UTC)": [item["properties"]["datetime"][:16].replace("T", " ") for item in items],
        "cloud %": [percent(item["properties"].get("eo:cloud_cover"), 1) for item in items],
        "clear %": [percent(item["properties"].get("s2lookback:clear_fraction"), 100) for item in items],
        "filled %": [percent(item["properties"].get("s2lookback:filled_fraction"), 100) for item in items],
        "age (days)": [_age(item) for item in items],
    }
    shown = {name: values for name, values in columns.items() if any(values)}
    table = Table("id", *shown, box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    for row in zip((item["id"] for item in items), *shown.values(), strict=True):
        table.add_row(*row)
    return table


def _age(item: Item) -> str:
    """Tell the age of half, and of nearly all, of a composite's pixels."""
    ages = item["properties"].get("s2lookback:age_days", {})
    return f"{ages['p50']}, to {ages['p95']}" if {"p50", "p95"} <= ages.keys() else ""


def feature_collection(store: Store, items: Sequence[Item]) -> dict[str, Any]:
    """Put items into one GeoJSON; their assets have absolute paths, for it may lie anywhere."""
    return {"type": "FeatureCollection", "features": [located(store, item) for item in items]}


def write(store: Store, items: Sequence[Item], path: Path) -> None:
    """Write items to a file, by its ending as GeoJSON or as stac-geoparquet.

    Raises:
        CatalogError: If it has another ending.
    """
    if path.suffix == ".parquet":
        from catalog.out.geoparquet import write_geoparquet

        write_geoparquet([located(store, item) for item in items], path)
    elif path.suffix in {".geojson", ".json"}:
        with whole_file(path) as part:
            part.write_text(json.dumps(feature_collection(store, items)))
    else:
        raise CatalogError(f"{path}: has the ending {path.suffix!r}, expected .geojson, .json or .parquet")


def hint(store: Store, collections: Sequence[str] | None) -> str:
    """Say that nothing was found, and what the newest is that could have been."""
    newest = search(store, collections=collections, limit=1)
    return f"nothing found; the newest is {newest[0]['id']}" if newest else f"nothing found; {store.root} holds nothing"
