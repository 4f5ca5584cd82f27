"""The STAC extensions that items and collections use, in the versions that they are written to; one is our own."""

from collections.abc import Mapping
from pathlib import Path

_HOME = "https://stac-extensions.github.io"

OWN = Path(__file__).parent / "schemas" / "s2lookback" / "v1.0.0" / "schema.json"
"""Schema of our own fields. Its address names it and is never fetched: `.example` belongs to nobody."""

EXTENSIONS = {
    "classification": f"{_HOME}/classification/v2.0.0/schema.json",
    "eo": f"{_HOME}/eo/v2.0.0/schema.json",
    "file": f"{_HOME}/file/v2.1.0/schema.json",
    "grid": f"{_HOME}/grid/v1.1.0/schema.json",
    "mlm": f"{_HOME}/mlm/v1.5.2/schema.json",
    "processing": f"{_HOME}/processing/v1.2.0/schema.json",
    "proj": f"{_HOME}/projection/v2.0.0/schema.json",
    "raster": f"{_HOME}/raster/v2.0.0/schema.json",
    "renders": f"{_HOME}/render/v2.0.0/schema.json",
    "s2": f"{_HOME}/sentinel-2/v1.0.0/schema.json",
    "s2lookback": "https://s2lookback.example/schemas/v1.0.0/schema.json",
    "sat": f"{_HOME}/sat/v1.2.0/schema.json",
    "storage": f"{_HOME}/storage/v2.0.0/schema.json",
    "version": f"{_HOME}/version/v1.2.0/schema.json",
    "view": f"{_HOME}/view/v1.1.0/schema.json",
}
"""Prefix of the fields, or the name of one that has none, to the address of the schema."""

_BARE = {"renders"}


def used(*parts: Mapping[str, object]) -> list[str]:
    """List the extensions whose fields occur anywhere in some JSON, sorted."""
    return sorted({EXTENSIONS[prefix] for part in parts for prefix in _prefixes(part) if prefix in EXTENSIONS})


def _prefixes(content: object) -> set[str]:
    if isinstance(content, dict):
        named = (str(key) for key in content)
        return {key.partition(":")[0] for key in named if ":" in key or key in _BARE}.union(
            *(_prefixes(value) for value in content.values())
        )
    if isinstance(content, list):
        return set[str]().union(*(_prefixes(value) for value in content))
    return set()
