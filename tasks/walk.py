"""A walk through the scenes of a tile that halts only where no earlier walk found every product right."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import PurePath
from typing import Any

from catalog.items.builders import COLLECTIONS, item_id
from catalog.layout import folder_of
from catalog.provenance import digest_of
from catalog.store import Store
from s2lookback.masking.background import nearest
from s2lookback.masking.mask import month_of
from s2lookback.settings import Settings
from tasks import mask, mrap, reduce, train
from tasks.history import Arrival, Step, href_of
from tasks.memory import Memory, document_of
from tasks.relief import elevation_state
from tasks.report import DateReport
from tasks.retract import OWN

REVISION = 1
"""Raised when other facts are remembered, or a rule that no stage's revision names decides otherwise what is made."""


@dataclass(frozen=True, slots=True)
class Known:
    """A step that an earlier walk found right."""

    step: Step
    model: str | None
    """Href of the model that serves it; None where rules do."""
    clear_share: float
    """Share of the swath that its mask found usable, 0-1."""
    method: str
    """How it was masked."""


class Walk:
    """The steps of a tile in their order.

    A step is known again if settings, revisions, all steps before it, its scene, its model and its products look as
    they did when it was verified. One that made something is verified by the next walk.
    """

    def __init__(self, root: str, tile: str, scenes: Sequence[Arrival], settings: Settings) -> None:
        """Stand before the first scene; reads what is remembered, and no item."""
        self.steps: list[Step] = []
        self._store, self._settings = Store(root), settings.mask
        self._times = [scene.sensed for scene in scenes]
        self._memory = Memory(self._store, f"{tile}-steps")
        self._behind = digest_of(_how(settings))
        """Digest of how all that lies behind looks."""

    def recall(self, scene: Arrival) -> Known | None:
        """Look at the step of a scene; None where it must be verified, or made."""
        self._look, facts = self._memory.recall(_name(scene), self._basis(scene), _homes(scene))
        if facts is None:
            return None
        mask, composite = (href_of(self._store, stage, scene.tile, scene.sensed) for stage in ("mask", "mrap"))
        step = Step(scene, self.steps[-1].composite if self.steps else None, mask, composite)
        model = facts["model"] and self._store.href("models", scene.tile, facts["model"])
        return Known(step, model, facts["clear_share"], facts["method"])

    def pass_by(self, step: Step) -> None:
        """Go on behind a step that is known."""
        self.steps.append(step)
        self._behind = self._look.state

    def take(self, step: Step, model: str | None, date: DateReport, *, made: bool) -> None:
        """Go on behind a step that was verified; or that made something, so that it looks otherwise now."""
        name = _name(step.scene)
        if made:
            self._look, _ = self._memory.recall(name, self._basis(step.scene), _homes(step.scene))
        else:
            facts = {"model": model and PurePath(model).stem, "clear_share": date.clear_share, "method": date.method}
            self._memory.note(name, self._look, **facts)
        self.pass_by(step)

    def keep(self) -> None:
        """Remember the walk for the next one."""
        self._memory.keep()

    def _basis(self, scene: Arrival) -> str:
        """Tell what a step rests on, its model and products apart."""
        others = nearest(scene.sensed, self._times, self._settings) if self._settings.method == "background" else []
        scenes = [document_of(_home("scene", scene.tile, sensed)) for sensed in (scene.sensed, *others)]
        return f"{self._behind} {self._store.state(scenes)}"


def _how(settings: Settings) -> dict[str, Any]:
    """Tell what all steps rest on."""
    return {
        "program": version("s2lookback"),
        "revisions": [REVISION, *(stage.REVISION for stage in (mask, mrap, reduce, train))],
        "settings": settings.model_dump(mode="json", exclude={"ingest"}),
        "elevation": elevation_state(),
    }


def _homes(scene: Arrival) -> list[str]:
    """Name the folders of what is made of a scene, and of the models that may serve it, be they there or not."""
    own = [_home(stage, scene.tile, scene.sensed) for stage in OWN]
    begins = sorted({month_of(scene.sensed), train.half_of(scene.sensed)})
    return [*own, *(_home("model", scene.tile, begin) for begin in begins)]


def _home(stage: str, tile: str, sensed: datetime) -> str:
    return folder_of(COLLECTIONS[stage], tile, item_id(stage, tile, sensed))


def _name(scene: Arrival) -> str:
    return item_id("scene", scene.tile, scene.sensed)
