"""Judge items by JSON Schema, offline: always by that of our own fields, by the others where they are at hand."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from catalog.items.extensions import EXTENSIONS, OWN
from catalog.layout import Item
from catalog.place.disk import load

_PROJJSON = "https://proj.org/schemas/v0.7/projjson.schema.json"
"""Named by the schema of the projection extension; no item of ours holds what it describes."""


class Judge:
    """Knows some schemas, and never looks further for another."""

    def __init__(self, folder: Path | None = None) -> None:
        """Read our own schema, and each ``schema.json`` below a folder.

        Raises:
            CatalogError: If one of them is no JSON.
        """
        found = [load(path) or {} for path in [OWN, *(sorted(folder.rglob("schema.json")) if folder else ())]]
        self._known = {str(one.get("$id", one.get("id"))).removesuffix("#"): one for one in found}
        parts = [(name, Resource.from_contents(one, DRAFT7)) for name, one in self._known.items()]
        self._registry: Registry[Any] = Registry().with_resources(
            [*parts, (_PROJJSON, Resource.from_contents({}, DRAFT7))]
        )

    def faults(self, item: Item) -> Iterator[str]:
        """Say of each schema that an item names, and that is known, where the item is not as it says."""
        named = {EXTENSIONS["s2lookback"], *item.get("stac_extensions", [])}
        for name in sorted(named & self._known.keys()):
            worst = best_match(Draft7Validator(self._known[name], registry=self._registry).iter_errors(item))
            if worst is not None:
                place = "/".join(map(str, worst.absolute_path)) or "the item"
                yield f"{place}: {worst.message[:200]} ({name})"

    def unknown(self, item: Mapping[str, Any]) -> set[str]:
        """Name the schemas that an item names and that are not at hand."""
        return {*item.get("stac_extensions", [])} - self._known.keys()


@lru_cache(maxsize=1)
def own() -> Judge:
    """Give the judge that knows our own schema alone."""
    return Judge()
