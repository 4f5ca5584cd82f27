"""Make the thin cloud of a scene thinner."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
from prefect import task

from catalog.items.builders import reduced_item
from catalog.store import Request, Store
from s2lookback.masking.classes import Class
from s2lookback.pictures import rgb, thumbnail
from s2lookback.raster import read_band, write_band
from s2lookback.reduce_cloud.regression import Reduced, reduce_scene
from s2lookback.scene import NO_PERCENT, NODATA
from s2lookback.settings import ReduceSettings
from tasks.history import Step
from tasks.policy import POLICY, Product, named, unless_published
from tasks.products import (
    about,
    bands_content_of,
    basis,
    content_of,
    publish,
    read_reference,
    read_scene,
    request_for,
    write_bands,
)

REVISION = 1
"""Raised whenever the same inputs and settings give other bytes."""


def reduced(step: Step, root: str, settings: ReduceSettings, *, again: bool = False) -> Product:
    """Give a scene with its thin cloud made thinner; made only if the catalog lacks it."""
    store, scene = Store(root), step.scene
    inputs = content_of(store.read(scene.href)) | content_of(store.read(step.mask))
    inputs |= bands_content_of(store.read(step.reference)) if step.reference else {}
    wanted = request_for("reduced", REVISION, scene.tile, scene.sensed, inputs, settings.model_dump(mode="json"))
    return unless_published(thin_cloud, wanted, root, again=again, step=step, settings=settings)


@task(task_run_name=named, **POLICY)
def thin_cloud(wanted: Request, *, root: str, step: Step, settings: ReduceSettings) -> str:
    """Estimate the surface under thin cloud, publish the scene with it, return its href."""
    started, store = datetime.now(UTC), Store(root)
    sources = [store.read(href) for href in (step.scene.href, step.mask, step.reference) if href]
    opened = read_scene(store, sources[0])
    classes = read_band(store.asset(sources[1], "class"))
    before = read_reference(store, step.reference, opened.bands, opened.grid)
    nothing = np.full_like(opened.pixels, NODATA)
    result = reduce_scene(
        opened.pixels, classes, nothing if before is None else before, bands=opened.bands, settings=settings
    )
    with store.stage(wanted) as folder:
        write_bands(folder, result.pixels, opened.bands, opened.grid)
        flag = np.where(opened.valid, result.estimated, NO_PERCENT).astype(np.uint8)
        doubt = np.where(opened.valid, np.minimum(result.uncertainty, 32_767), NODATA).astype(np.int16)
        write_band(folder / "estimated.tif", flag, opened.grid, nodata=NO_PERCENT, description="1 where estimated")
        write_band(folder / "uncertainty.tif", doubt, opened.grid, nodata=NODATA, description="reflectance × 10 000")
        (folder / "thumbnail.png").write_bytes(thumbnail(rgb(result.pixels, opened.bands)))
        counts = np.bincount(classes.ravel(), minlength=len(Class))
        described = reduced_item(
            basis(wanted, opened.about.sensed, opened.grid, folder, opened.valid, sources),
            about(sources[0]),
            opened.bands,
            estimated_fraction=float(result.estimated.sum() / max(1, opened.valid.sum())),
            counts={code: int(counts[code]) for code in Class},
            measured=_measured(result),
        )
        return publish(store, wanted, folder, described, started)


def _measured(result: Reduced) -> dict[str, Any]:
    """Say whether the estimate was used, why, and how well each band did on a veil laid over clear pixels."""
    errors = {
        band: {name: round(value, 1) for name, value in asdict(error).items()} for band, error in result.errors.items()
    }
    return {"used": result.used, "reason": result.reason, **({"errors": errors} if errors else {})}
