"""Judge STAC JSON by the schemas of STAC and of its extensions, offline: `valid` for every test."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pystac.stac_object import STACObjectType
from pystac.validation.stac_validator import JsonSchemaSTACValidator

SCHEMAS = Path(os.environ.get("S2_SCHEMAS", Path(__file__).parents[2] / "shared" / "schemas"))


class _Offline(JsonSchemaSTACValidator):
    """Judges by the schemas that are on this disk, and never looks further."""

    def _get_schema(self, schema_uri: str) -> dict[str, Any]:
        return self.schema_cache[schema_uri.removesuffix("#")]


@pytest.fixture(scope="session")
def valid() -> Callable[[dict[str, Any]], None]:
    """Offer a check of any STAC JSON against the schemas of STAC 1.1 and of the extensions it names."""
    if not SCHEMAS.is_dir():
        pytest.skip(f"schemas absent: {SCHEMAS} is not a folder (set S2_SCHEMAS)")
    validator = _Offline()
    for path in SCHEMAS.rglob("schema.json"):
        schema = json.loads(path.read_bytes())
        validator.schema_cache[str(schema.get("$id", schema.get("id"))).removesuffix("#")] = schema
    stub = {"$schema": "http://json-schema.org/draft-07/schema#"}  # we write no PROJJSON
    validator.schema_cache["https://proj.org/schemas/v0.7/projjson.schema.json"] = stub
    kinds = {"Feature": STACObjectType.ITEM, "Catalog": STACObjectType.CATALOG, "Collection": STACObjectType.COLLECTION}

    def check(content: dict[str, Any]) -> None:
        kind = kinds[content["type"]]
        judged = validator.validate(content, kind, content["stac_version"], content.get("stac_extensions", []))
        assert len(judged) == 1 + len(content.get("stac_extensions", []))

    return check
