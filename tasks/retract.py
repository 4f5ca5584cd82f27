"""Take scenes out of the catalog, and with them what was made of them."""

from collections.abc import Collection
from datetime import UTC, datetime

from catalog import retraction
from catalog.items.builders import COLLECTIONS, item_id
from catalog.layout import folder_of, sources_of
from catalog.store import Request, Store
from s2lookback.errors import CatalogError, SceneError
from tasks.history import scene_at
from tasks.memory import Memory

OWN = ("reduced", "mrap", "mask")
"""Stages whose items belong to one scene, the last made first."""


def retract_scene(root: str, tile: str, sensed: datetime, reason: str) -> str:
    """Take a scene out for good, with its own products; return its id.

    Files of the same content are not ingested again. Composites that hold its pixels are made
    anew by the next run of the tile.

    Raises:
        SceneError: If there is no such scene.
    """
    name = item_id("scene", tile, scene_at(root, tile, sensed).sensed)
    retraction.note(Store(root), tile, name, reason, datetime.now(UTC))
    withdraw(root, tile)
    return name


def restore_scene(root: str, tile: str, sensed: datetime) -> str:
    """Let a retracted scene be ingested again; return its id.

    Raises:
        SceneError: If no scene of that very second was retracted.
    """
    name = item_id("scene", tile, sensed)
    if not retraction.forget(Store(root), tile, name):
        raise SceneError(f"{name}: was not retracted; name the sensing time to the second")
    return name


def refuse_retracted(store: Store, wanted: Request) -> None:
    """Refuse a scene whose content was retracted; other content, as of a later processing baseline, may come in.

    Raises:
        SceneError: If it was; says when and why.
    """
    found = retraction.retraction(store, wanted.tile, wanted.id)
    if found and found.inputs == wanted.recipe.inputs:
        raise SceneError(f"{wanted.id}: was retracted on {found.noted}" + (f": {found.reason}" if found.reason else ""))


def withdraw(root: str, tile: str) -> list[str]:
    """Take out the scenes that are retracted, and every product whose scene is not there; return their ids.

    Raises:
        CatalogError: If the tile has products but not a single scene, which no retraction explains.
    """
    store = Store(root)
    there = set(store.ids("scenes", tile))
    gone = {name for name in there & retraction.retracted(store, tile) if _retracted(store, tile, name)}
    orphans = [(stage, name) for stage in OWN for name in _orphans(store, stage, tile, there - gone)]
    if orphans and not there and not any(retraction.retraction(store, tile, _scene_of(name)) for _, name in orphans):
        raise CatalogError(f"{tile}: has {len(orphans)} products in {root} but no scene; is the folder scenes there?")
    leaving = [("scene", name) for name in sorted(gone)] + orphans
    leaving += [("model", name) for name in _misled(store, tile, there - gone)]
    for stage, name in leaving:
        store.retract(COLLECTIONS[stage], tile, name)
    return [name for _, name in leaving]


def _retracted(store: Store, tile: str, name: str) -> bool:
    found = retraction.retraction(store, tile, name)
    return found is not None and found.inputs == retraction.inputs_of(store, tile, name)


def _orphans(store: Store, stage: str, tile: str, scenes: set[str]) -> list[str]:
    return [name for name in store.ids(COLLECTIONS[stage], tile) if _scene_of(name) not in scenes]


def _scene_of(name: str) -> str:
    """Name the scene that a mask, composite or reduced scene belongs to."""
    return f"scene-{name.partition('-')[2]}"


def _misled(store: Store, tile: str, scenes: set[str]) -> list[str]:
    """Name the models that learnt from scenes not among these, or took over from such a model."""
    sound, memory = set(scenes), Memory(store, f"{tile}-models")
    models = store.ids("models", tile)  # by name, so a champion comes before what took over from it
    for name in models:
        if _sources(store, tile, name, memory) <= sound:
            sound.add(name)
    memory.keep()
    return [name for name in models if name not in sound]


def _sources(store: Store, tile: str, name: str, memory: Memory) -> set[str]:
    """Name what a model was made from; reads it only where it looks new."""
    look, known = memory.recall(name, "sources", [folder_of("models", tile, name)])
    if known is not None:
        return set(known["sources"])
    model = store.read(store.href("models", tile, name))
    found = {name for name, _ in sources_of(model)}
    memory.note(name, look, sources=sorted(found))
    return found


def withdraw_spare(root: str, tile: str, used: Collection[str | None]) -> list[str]:
    """Take out the models that began within a month but serve no scene any more, and return their ids.

    Args:
        root: Folder of the catalog.
        tile: MGRS square without the T.
        used: Hrefs of the models that serve.
    """
    store = Store(root)
    within = [name for name in store.ids("models", tile) if len(name.rpartition("-")[2]) > len("YYYYMM")]
    spare = [name for name in within if store.href("models", tile, name) not in used]
    for name in spare:
        store.retract("models", tile, name)
    return spare
