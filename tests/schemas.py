"""Judge STAC JSON offline by the schemas of STAC and of its extensions: `valid` and `second_opinion`."""

import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pystac.stac_object import STACObjectType
from pystac.validation import jsonschemas
from pystac.validation.stac_validator import JsonSchemaSTACValidator

from catalog.items.extensions import OWN

SCHEMAS = Path(os.environ.get("S2_SCHEMAS", Path(__file__).parents[2] / "shared" / "schemas"))

PLATFORMS = [
    f"https://stac-extensions.github.io/storage/v2.0.0/platforms/{name}.json"
    for name in ("aws-s3", "custom-s3", "ms-azure")
]
"""What the storage extension demands of each provider: the tests say themselves what they expect there."""


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
    for path in [*SCHEMAS.rglob("schema.json"), OWN]:
        schema = json.loads(path.read_bytes())
        validator.schema_cache[str(schema.get("$id", schema.get("id"))).removesuffix("#")] = schema
    stub = {"$schema": "http://json-schema.org/draft-07/schema#"}  # we write no PROJJSON
    validator.schema_cache["https://proj.org/schemas/v0.7/projjson.schema.json"] = stub
    validator.schema_cache.update(dict.fromkeys(PLATFORMS, stub))
    kinds = {"Feature": STACObjectType.ITEM, "Catalog": STACObjectType.CATALOG, "Collection": STACObjectType.COLLECTION}

    def check(content: dict[str, Any]) -> None:
        kind = kinds[content["type"]]
        judged = validator.validate(content, kind, content["stac_version"], content.get("stac_extensions", []))
        assert len(judged) == 1 + len(content.get("stac_extensions", []))

    return check


@pytest.fixture(scope="session")
def second_opinion(tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, Any]], None]:
    """Offer the same check by stac-validator, which reads the same schemas with code of its own."""
    if not SCHEMAS.is_dir():
        pytest.skip(f"schemas absent: {SCHEMAS} is not a folder (set S2_SCHEMAS)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the package was renamed; it still judges
        from stac_validator.validate import StacValidate
    stub = tmp_path_factory.mktemp("schemas") / "projjson.json"
    stub.write_text("{}")
    known = {"https://proj.org/schemas/v0.7/projjson.schema.json": str(stub)}
    core = list(Path(jsonschemas.__path__[0]).rglob("*.json"))
    for path in [*SCHEMAS.rglob("schema.json"), *core, OWN]:
        schema = json.loads(path.read_bytes())
        known[str(schema.get("$id", schema.get("id"))).removesuffix("#")] = str(path)
    known["https://schemas.stacspec.org/v1.1.0/item-spec/json-schema/common.json"] = known.pop(
        "https://schemas.stacspec.org/v1.1.0/item-spec/json-schema/commonjson"  # as pystac's copy calls itself
    )

    def check(content: dict[str, Any]) -> None:
        judge = StacValidate(schema_map=dict(known))
        assert judge.validate_dict(content), json.dumps(judge.message)
        assert judge.message[0]["schema"], judge.message

    return check
