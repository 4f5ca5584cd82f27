"""Train the model that masks a tile's scenes of one month."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from prefect import get_run_logger, task

from catalog.items.facts import bands_of, grid_of
from catalog.items.models import model_item
from catalog.layout import tile_of
from catalog.staleness import freshness, maker_of
from catalog.store import Request, Store
from s2lookback.errors import SceneError
from s2lookback.footprint import outline
from s2lookback.masking.champion import contest, held_out
from s2lookback.masking.classes import Class
from s2lookback.masking.lookback import Model, train
from s2lookback.masking.mask import month_of, sample_scene, training_cutoff
from s2lookback.scene import Scene
from s2lookback.settings import MaskSettings
from tasks.history import Step
from tasks.model import read_model
from tasks.policy import POLICY, Product, named, unless_published
from tasks.products import (
    Item,
    bands_content_of,
    basis,
    content_of,
    publish,
    read_reference,
    read_scene,
    request_for,
)

REVISION = 9
"""Raised whenever the same inputs and settings give other bytes."""

HALF = 16
"""Day of the month from which a model serves that had to be trained before the month was over."""


def trained(
    steps: Sequence[Step],
    sensed: datetime,
    root: str,
    settings: MaskSettings,
    *,
    again: bool = False,
    make: Callable[..., str] | None = None,
) -> Product | None:
    """Give the model for a scene sensed at ``sensed``, made only if the catalog lacks it.

    Args:
        steps: What became of the tile's scenes before.
        sensed: When the scene was sensed.
        root: Folder of the catalog.
        settings: How models are trained.
        again: Train it anew though it is there.
        make: Trains it, as ``train_model`` does, which is the default.

    Returns:
        None if the settings want no model or too few scenes were sensed before it is to serve.
    """
    store = Store(root)
    begin = _begin(store, steps, sensed)
    known = [step for step in steps if step.scene.sensed < training_cutoff(begin, settings)]
    if settings.method != "lookback" or len(known) < settings.min_training_scenes:
        return None
    chosen = known[-settings.training_scenes :]
    return model_of(chosen, begin, _champion(store, chosen), root, settings, again=again, make=make)


def half_of(sensed: datetime) -> datetime:
    """Give the day, UTC, on which a new model may have begun to serve before a scene: the 1st, or the 16th."""
    month = month_of(sensed)
    return month.replace(day=HALF) if sensed >= month.replace(day=HALF) else month


def _begin(store: Store, steps: Sequence[Step], sensed: datetime) -> datetime:
    """Give the day from which the model of a scene serves: the 1st of the month, or the 16th where it went stale."""
    month, half = month_of(sensed), half_of(sensed)
    masks = [store.read(step.mask) for step in steps if month <= step.scene.sensed < half]
    model = _maker(store, masks)
    return half if model and freshness(model, masks).reasons else month


def _champion(store: Store, steps: Sequence[Step]) -> str | None:
    """Find the model that made the newest mask of these; None where rules made them all."""
    model = _maker(store, [store.read(step.mask) for step in steps])
    return store.href("models", steps[0].scene.tile, model["id"]) if model else None


def _maker(store: Store, masks: Sequence[Item]) -> Item | None:
    """Find the model that made the newest of these masks, oldest first, that any model made."""
    names = [name for name in map(maker_of, masks) if name]
    return store.sound("models", tile_of(masks[-1]), names[-1]) if names else None


def model_of(
    steps: Sequence[Step],
    begin: datetime,
    champion: str | None,
    root: str,
    settings: MaskSettings,
    *,
    again: bool = False,
    make: Callable[..., str] | None = None,
) -> Product:
    """Give the model that serves from ``begin`` on: one trained on these steps, or the champion if that is as good.

    Args:
        steps: What became of the scenes to train on and, the newest, to judge by.
        begin: First day of its service.
        champion: Href of the model before it; None for a tile's first.
        root: Folder of the catalog.
        settings: How models are trained.
        again: Train it anew though it is there.
        make: As for ``trained``.
    """
    store, inputs = Store(root), dict[str, str]()
    for step in steps:
        inputs |= content_of(store.read(step.scene.href))
        inputs |= bands_content_of(store.read(step.reference)) if step.reference else {}
    inputs |= content_of(store.read(champion)) if champion else {}
    wanted = request_for("model", REVISION, steps[-1].scene.tile, begin, inputs, settings.model_dump(mode="json"))
    return unless_published(
        make or train_model, wanted, root, again=again, month=begin, steps=steps, champion=champion, settings=settings
    )


@task(task_run_name=named, **POLICY)
def train_model(
    wanted: Request, *, root: str, month: datetime, steps: Sequence[Step], champion: str | None, settings: MaskSettings
) -> str:
    """Train on all scenes but the newest, judge by those, publish the better of new and old, return its href."""
    started, store = datetime.now(UTC), Store(root)
    kept = len(steps) - held_out(len(steps))
    newest = store.read(steps[-1].scene.href)
    models = _models(store, steps[:kept], champion, bands_of(newest), settings)
    ended = contest(models, (_opened(store, step) for step in steps[kept:]), settings)
    model = models[ended.winner]
    with store.stage(wanted) as folder:
        (folder / "model.txt").write_text(model.text)
        (folder / "schema.json").write_text(json.dumps(dict(model.schema), indent=1, sort_keys=True))
        before = store.read(champion) if champion else None
        sources = [*(store.read(step.scene.href) for step in steps), *([before] if before else [])]
        grid = grid_of(newest)
        described = model_item(
            basis(wanted, month, grid, folder, outline(grid), sources),
            start=datetime.fromisoformat(model.schema["scenes"][0]),
            features=model.schema["features"],
            classes=[Class[name] for name in model.schema["classes"]],
            hyperparameters=model.schema["settings"],
            metrics={**ended.metrics, "usual_psi": model.schema["usual_psi"]},
            champion={"id": before["id"], "winner": ended.winner, "f1": ended.f1} if before else None,
        )
        return publish(store, wanted, folder, described, started)


def _models(
    store: Store, steps: Sequence[Step], champion: str | None, bands: Sequence[str], settings: MaskSettings
) -> dict[str, Model]:
    """Train the challenger, and read the champion where it goes by these bands; either may be missing, not both.

    Raises:
        SceneError: If there is nothing to train on, and no champion that can go on.
    """
    models = {} if champion is None else _usable(store, champion, bands)
    try:
        samples = [sample_scene(*_opened(store, step), settings) for step in steps]
        return {"challenger": train(samples, settings, bands), **models}
    except SceneError as error:
        if not models:
            raise
        get_run_logger().warning("the champion goes on: %s", error)
        return models


def _usable(store: Store, champion: str, bands: Sequence[str]) -> dict[str, Model]:
    """Read the champion; nothing where it goes by other bands or features than today's."""
    try:
        model = read_model(store, champion)
    except SceneError as error:
        get_run_logger().warning("the champion steps down: %s", error)
        return {}
    return {"champion": model} if model and set(model.schema["bands"]) <= set(bands) else {}


def _opened(store: Store, step: Step) -> tuple[Scene, NDArray[np.int16] | None]:
    """Read a scene and what was there before it."""
    scene = read_scene(store, store.read(step.scene.href))
    return scene, read_reference(store, step.reference, scene.bands, scene.grid)
