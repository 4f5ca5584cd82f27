"""Scenes that were taken out for good: which content of which scene, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from catalog.layout import check_tile, folder_of
from catalog.store import Store
from s2lookback.errors import CatalogError

_FOLDER = "retractions"


@dataclass(frozen=True, slots=True)
class Retraction:
    """A scene that must not come back as it was."""

    inputs: Mapping[str, str]
    """What it was read from: name to digest; nothing of a damaged one. The same scene with other content is welcome."""
    reason: str
    noted: str
    """When, RFC 3339."""


def inputs_of(store: Store, tile: str, name: str) -> dict[str, str]:
    """Tell what a scene was read from, name to digest; nothing of one that is damaged."""
    item = store.sound("scenes", tile, name)
    return dict(item["properties"]["s2lookback:recipe"]["inputs"]) if item else {}


def note(store: Store, tile: str, name: str, reason: str, now: datetime) -> None:
    """Note that a scene is retracted as it is; this alone makes it so, whatever happens next."""
    facts: dict[str, Any] = {
        "id": name,
        "inputs": inputs_of(store, tile, name),
        "reason": reason,
        "noted": f"{now:%Y-%m-%dT%H:%M:%SZ}",
    }
    store.keep(_path(store, tile, name), facts)


def retraction(store: Store, tile: str, name: str) -> Retraction | None:
    """Read the retraction of a scene; None where it was never retracted."""
    path = _path(store, tile, name)
    facts = store.document(path)
    if facts is None:
        return None
    inputs = facts.get("inputs")
    if not isinstance(inputs, dict):
        raise CatalogError(f"{path}: names no inputs, expected those of the scene that was retracted")
    return Retraction(inputs, str(facts.get("reason", "")), str(facts.get("noted", "")))


def retracted(store: Store, tile: str) -> set[str]:
    """Name the scenes of a tile that were retracted, be they there again or not."""
    check_tile(tile)
    return set(store.place.documents(store.root / _FOLDER / tile))


def forget(store: Store, tile: str, name: str) -> bool:
    """Let a scene come back; tell whether it had been retracted."""
    return store.place.revise(_path(store, tile, name), lambda _: None)


def _path(store: Store, tile: str, name: str) -> Path:
    folder_of("scenes", tile, name)
    return store.root / _FOLDER / tile / f"{name}.json"
