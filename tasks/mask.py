"""Mask a scene."""

from datetime import UTC, datetime

import numpy as np
from prefect import task

from catalog.items.builders import mask_item
from catalog.items.facts import grid_of
from catalog.store import Request, Store
from s2lookback.masking.classes import Class, uses
from s2lookback.masking.drift import drift
from s2lookback.masking.mask import classify
from s2lookback.masking.methods import delivered
from s2lookback.pictures import class_image, thumbnail
from s2lookback.raster import write_band
from s2lookback.scene import NO_PERCENT
from s2lookback.settings import MaskSettings
from tasks.history import Arrival, neighbours
from tasks.model import read_model
from tasks.policy import POLICY, Product, named, unless_published
from tasks.products import (
    about,
    bands_content_of,
    basis,
    content_of,
    publish,
    read_background,
    read_reference,
    read_scene,
    request_for,
)
from tasks.relief import elevation_content, elevation_of

REVISION = 15
"""Raised whenever the same inputs and settings give other bytes."""


def masked(
    scene: Arrival, reference: str | None, model: str | None, root: str, settings: MaskSettings, *, again: bool = False
) -> Product:
    """Give the mask of a scene, judged against the composite before it; made only if the catalog lacks it.

    The background method judges by the scenes around it instead.
    """
    store = Store(root)
    item = store.read(scene.href)
    inputs = content_of(item) | elevation_content(grid_of(item))
    around = [one.href for one in neighbours(root, scene, settings)]
    reference = None if settings.method == "background" else reference
    for href in around:
        inputs |= content_of(store.read(href))
    inputs |= bands_content_of(store.read(reference)) if reference else {}
    inputs |= content_of(store.read(model)) if model else {}
    wanted = request_for("mask", REVISION, scene.tile, scene.sensed, inputs, settings.model_dump(mode="json"))
    return unless_published(
        mask_scene, wanted, root, again=again,
        scene=scene.href, reference=reference, around=around, model=model, settings=settings,
    )  # fmt: skip


def outcome(mask: str, root: str) -> tuple[float, str]:
    """Read the usable share of the swath, 0-1, from a mask, and the method that it was made by."""
    facts = Store(root).read(mask)["properties"]
    return float(facts.get("s2lookback:clear_fraction", 0)), str(facts["s2lookback:method"])


@task(task_run_name=named, **POLICY)
def mask_scene(
    wanted: Request,
    *,
    root: str,
    scene: str,
    reference: str | None,
    around: list[str],
    model: str | None,
    settings: MaskSettings,
) -> str:
    """Classify the pixels of a scene, publish the mask, return its href."""
    started, store = datetime.now(UTC), Store(root)
    item = store.read(scene)
    opened = read_scene(store, item)
    before = read_reference(store, reference, opened.bands, opened.grid)
    before = read_background(store, around, opened.bands, opened.grid) if around else before
    trees = read_model(store, model)
    mask = classify(opened, before, trees, settings, elevation=elevation_of(opened.grid))
    sources = [item, *(store.read(href) for href in (reference, model, *around) if href)]
    with store.stage(wanted) as folder:
        write_band(folder / "class.tif", mask.classes, opened.grid, nodata=Class.NO_DATA, description="class")
        write_band(folder / "probability.tif", mask.probability, opened.grid, nodata=NO_PERCENT, description="percent")
        write_band(folder / "usable.tif", uses(mask.classes), opened.grid, nodata=None, description="uses")
        (folder / "thumbnail.png").write_bytes(thumbnail(class_image(mask.classes)))
        counts = np.bincount(mask.classes.ravel(), minlength=len(Class))
        described = mask_item(
            basis(wanted, opened.about.sensed, opened.grid, folder, opened.valid, sources),
            about(item),
            method=mask.method,
            counts={code: int(counts[code]) for code in Class},
            detector=delivered(mask.method, opened.bands),
            drift=drift(trees, opened, before, mask.classes, settings) if trees else None,
        )
        return publish(store, wanted, folder, described, started)
