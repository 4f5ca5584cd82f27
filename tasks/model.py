"""Published models, read back with every check that what comes from outside needs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catalog.store import Store
from s2lookback.errors import SceneError
from s2lookback.files import checksum_of
from s2lookback.masking.lookback import Model, load_model

MAX_MODEL = 64 * 2**20
"""Bytes of the largest model that is read."""


def read_model(store: Store, href: str | None) -> Model | None:
    """Read a published model; None where there is none.

    Raises:
        SceneError: If it is not the text model and schema that it says it is, or a file is not the one that was
            published.
    """
    if href is None:
        return None
    item = store.read(href)
    text, schema = (_read_text(store.asset(item, key), item["assets"][key]) for key in ("model", "schema"))
    try:
        return load_model(text, json.loads(schema))
    except json.JSONDecodeError as error:
        raise SceneError(f"{item['id']}: its schema is not JSON ({error})") from error


def _read_text(path: Path, asset: Mapping[str, Any]) -> str:
    with path.open("rb") as file:
        content = file.read(MAX_MODEL + 1)
    if len(content) > MAX_MODEL:
        raise SceneError(f"{path}: larger than {MAX_MODEL} bytes, which no model is")
    found, expected = checksum_of(content), asset["file:checksum"]
    if found != expected:
        raise SceneError(
            f"{path}: its SHA-256 is {found[4:16]}…, that of the published file was {expected[4:16]}…: "
            "remove the item and run the tile again"
        )
    return content.decode("utf-8", errors="replace")
