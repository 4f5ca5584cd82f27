"""What the catalog holds of a tile, in the order in which it was sensed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from catalog.items.builders import COLLECTIONS, item_id
from catalog.items.facts import time_in
from catalog.store import Store
from s2lookback.errors import SceneError
from s2lookback.masking.background import nearest
from s2lookback.settings import MaskSettings


@dataclass(frozen=True, slots=True)
class Arrival:
    """One published scene of a tile."""

    tile: str
    sensed: datetime
    href: str

    def __str__(self) -> str:
        """Name it by its day, for the person who watches."""
        return f"{self.sensed:%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class Step:
    """One scene of a tile that was masked and folded."""

    scene: Arrival
    reference: str | None
    """The composite it was masked against and folded into; None for a tile's first scene."""
    mask: str
    composite: str


def scenes_of(root: str, tile: str) -> list[Arrival]:
    """List the published scenes of a tile by sensing time; reads names only."""
    store = Store(root)
    found = [Arrival(tile, time_in(name), store.href("scenes", tile, name)) for name in store.ids("scenes", tile)]
    return sorted(found, key=lambda one: one.sensed)


def neighbours(root: str, scene: Arrival, settings: MaskSettings) -> list[Arrival]:
    """List the scenes whose median is the background of one, oldest first; none for the other methods."""
    if settings.method != "background":
        return []
    there = {one.sensed: one for one in scenes_of(root, scene.tile)}
    return [there[sensed] for sensed in nearest(scene.sensed, [*there], settings)]


def steps_before(root: str, tile: str, sensed: datetime) -> list[Step]:
    """List what became of a tile's scenes before ``sensed``, as far as they were masked and folded."""
    return [step for step in _steps(Store(root), scenes_of(root, tile)) if step.scene.sensed < sensed]


def _steps(store: Store, scenes: list[Arrival]) -> Iterator[Step]:
    reference = None
    for scene in scenes:
        names = {stage: item_id(stage, scene.tile, scene.sensed) for stage in ("mask", "mrap")}
        if all(store.sound(COLLECTIONS[stage], scene.tile, name) for stage, name in names.items()):
            mask, composite = (href_of(store, stage, scene.tile, scene.sensed) for stage in names)
            yield Step(scene, reference, mask, composite)
            reference = composite


def href_of(store: Store, stage: str, tile: str, sensed: datetime) -> str:
    """Tell where the product of a stage is, or would be."""
    return store.href(COLLECTIONS[stage], tile, item_id(stage, tile, sensed))


def scene_at(root: str, tile: str, sensed: datetime) -> Arrival:
    """Find the scene of a tile that was sensed at, or on the day of, a time.

    Raises:
        SceneError: If there is none, or several of that day and none at that very second.
    """
    scenes = scenes_of(root, tile)
    found = [one for one in scenes if one.sensed == sensed] or [
        one for one in scenes if one.sensed.date() == sensed.date()
    ]
    if len(found) != 1:
        raise SceneError(
            f"{tile}: {len(found)} scenes of {sensed:%Y-%m-%d} in {root}, expected one; "
            "`s2lookback ingest` reads scenes"
        )
    return found[0]


def mask_of(root: str, scene: Arrival) -> str:
    """Find the mask of a scene.

    Raises:
        SceneError: If it was not masked yet.
    """
    store, name = Store(root), item_id("mask", scene.tile, scene.sensed)
    if store.sound("masks", scene.tile, name) is None:
        raise SceneError(f"{scene.tile}: the scene of {scene} has no mask yet; `s2lookback mask` makes it")
    return href_of(store, "mask", scene.tile, scene.sensed)


def step_at(root: str, tile: str, sensed: datetime) -> Step:
    """Find what became of one scene.

    Raises:
        SceneError: If it was not masked and folded yet.
    """
    scene = scene_at(root, tile, sensed)
    steps = [step for step in _steps(Store(root), scenes_of(root, tile)) if step.scene == scene]
    if not steps:
        raise SceneError(f"{tile}: the scene of {scene} has no composite yet; `s2lookback tile` makes what is missing")
    return steps[0]
