"""Train the model that masks a tile's scenes of one month."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from prefect import task

from catalog.items import model_item
from catalog.store import Request, Store
from s2lookback.errors import SceneError
from s2lookback.footprint import outline
from s2lookback.masking.classes import Class
from s2lookback.masking.lookback import Model, load_model, train
from s2lookback.masking.mask import month_of, sample_scene, score, training_cutoff
from s2lookback.scene import Scene
from s2lookback.settings import MaskSettings
from tasks.history import Step
from tasks.policy import POLICY, Product, unless_published
from tasks.products import bands_content_of, basis, content_of, publish, read_reference, read_scene, request_for

REVISION = 3
"""Raised whenever the same inputs and settings give other bytes."""

MAX_MODEL = 64 * 2**20
"""Bytes of the largest model that is read."""


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
        None if the settings want no model or too few scenes were sensed before its month.
    """
    known = [step for step in steps if step.scene.sensed < training_cutoff(sensed, settings)]
    if settings.method != "lookback" or len(known) < settings.min_training_scenes:
        return None
    chosen = known[-settings.training_scenes :]
    store, inputs = Store(root), dict[str, str]()
    for step in chosen:
        inputs |= content_of(store.read(step.scene.href))
        inputs |= bands_content_of(store.read(step.reference)) if step.reference else {}
    month = month_of(sensed)
    wanted = request_for("model", REVISION, chosen[-1].scene.tile, month, inputs, settings.model_dump(mode="json"))
    return unless_published(
        make or train_model, wanted, root, again=again, month=month, steps=chosen, settings=settings
    )


@task(task_run_name="{wanted.id}", **POLICY)
def train_model(wanted: Request, *, root: str, month: datetime, steps: Sequence[Step], settings: MaskSettings) -> str:
    """Train on all scenes but the newest, test on that one, publish the model, return its href."""
    started, store = datetime.now(UTC), Store(root)
    *learnt, unseen = steps
    newest, before = _opened(store, unseen)
    model = train([sample_scene(*_opened(store, step), settings) for step in learnt], settings, newest.bands)
    with store.stage(wanted) as folder:
        (folder / "model.txt").write_text(model.text)
        (folder / "schema.json").write_text(json.dumps(dict(model.schema), indent=1, sort_keys=True))
        sources = [store.read(step.scene.href) for step in steps]
        described = model_item(
            basis(wanted, month, newest.grid, folder, outline(newest.grid), sources),
            start=steps[0].scene.sensed,
            features=model.schema["features"],
            classes=[Class[name] for name in model.schema["classes"]],
            hyperparameters=settings.model_dump(mode="json"),
            metrics=score(model, newest, before, settings),
        )
        return publish(store, wanted, folder, described, started)


def _opened(store: Store, step: Step) -> tuple[Scene, NDArray[np.int16] | None]:
    """Read a scene and what was there before it."""
    scene = read_scene(store, store.read(step.scene.href))
    return scene, read_reference(store, step.reference, scene.bands, scene.grid)


def read_model(store: Store, href: str | None) -> Model | None:
    """Read a published model; None where there is none.

    Raises:
        SceneError: If it is not the text model and schema that it says it is.
    """
    if href is None:
        return None
    item = store.read(href)
    text, schema = (_read_text(store.asset(item, key)) for key in ("model", "schema"))
    try:
        return load_model(text, json.loads(schema))
    except json.JSONDecodeError as error:
        raise SceneError(f"{item['id']}: its schema is not JSON ({error})") from error


def _read_text(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(MAX_MODEL + 1)
    if len(content) > MAX_MODEL:
        raise SceneError(f"{path}: larger than {MAX_MODEL} bytes, which no model is")
    return content.decode("utf-8", errors="replace")
