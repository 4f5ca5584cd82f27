"""Fold a scene into its tile's composite."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from prefect import task

from catalog.items import item_id, mrap_item
from catalog.store import Request, Store
from s2lookback.grid import Grid
from s2lookback.masking.classes import usable
from s2lookback.mrap.fold import NEVER, Composite, expire, fold_scene
from s2lookback.mrap.quality import check_composite, check_succession
from s2lookback.pictures import age_image, rgb, thumbnail
from s2lookback.raster import read_band, write_band
from s2lookback.settings import MrapSettings
from tasks.history import Arrival
from tasks.policy import POLICY, Product, unless_published
from tasks.products import basis, content_of, publish, read_composite, read_scene, request_for, write_bands

REVISION = 1
"""Raised whenever the same inputs and settings give other bytes."""

OLDEST_SHOWN = 60
"""Days at which the age picture is darkest."""


def folded(scene: Arrival, mask: str, reference: str | None, root: str, settings: MrapSettings) -> Product:
    """Give the composite up to a scene, from the one before it; made only if the catalog lacks it."""
    store = Store(root)
    inputs = content_of(store.read(scene.href)) | content_of(store.read(mask))
    inputs |= content_of(store.read(reference)) if reference else {}
    wanted = request_for("mrap", REVISION, scene.tile, scene.sensed, inputs, settings.model_dump(mode="json"))
    return unless_published(
        composite_scene, wanted, root, scene=scene.href, mask=mask, reference=reference, settings=settings
    )


@task(task_run_name="{wanted.id}", **POLICY)
def composite_scene(
    wanted: Request, *, root: str, scene: str, mask: str, reference: str | None, settings: MrapSettings
) -> str:
    """Fold a scene into the composite before it, publish what comes out, return its href."""
    started, store = datetime.now(UTC), Store(root)
    sources = [store.read(href) for href in (scene, mask, reference) if href]
    opened = read_scene(store, sources[0])
    second = int(opened.about.sensed.timestamp())
    clear = usable(read_band(store.asset(sources[1], "class")), visible=settings.visible)
    before = (
        read_composite(store, sources[2], opened.bands, opened.grid)
        if reference
        else Composite.empty(len(opened.bands), *opened.grid.shape)
    )
    composite = fold_scene(before, opened.pixels, clear, second)
    if settings.max_age is not None:
        composite = expire(composite, second, settings.max_age)
    check_composite(composite)
    check_succession(before, composite, at=second, max_age_days=settings.max_age)
    with store.stage(wanted) as folder:
        table = _sources(composite, wanted.tile)
        _write(folder, composite, opened.bands, opened.grid, second, table)
        described = mrap_item(
            basis(wanted, opened.about.sensed, opened.grid, folder, composite.source > 0, sources),
            opened.bands,
            start=datetime.fromtimestamp(table[-1]["source"], UTC) if table else opened.about.sensed,
            filled_fraction=float((composite.source > 0).mean()),
            age_days=_ages(composite, second),
            source_count=len(table),
        )
        return publish(store, wanted, folder, described, started)


def _write(
    folder: Path, composite: Composite, bands: tuple[str, ...], grid: Grid, second: int, table: list[dict[str, Any]]
) -> None:
    write_bands(folder, composite.pixels.astype(np.int16, copy=False), bands, grid)
    write_band(folder / "sensed.tif", composite.sensed, grid, nodata=0, description="days since 1970-01-01")
    write_band(folder / "source.tif", composite.source, grid, nodata=0, description="seconds since 1970-01-01")
    write_band(folder / "count.tif", composite.count, grid, nodata=None, description="clear observations")
    (folder / "sources.json").write_text(json.dumps(table, indent=1))
    (folder / "thumbnail.png").write_bytes(thumbnail(rgb(composite.pixels.astype(np.int16, copy=False), bands)))
    age = composite.age(second)
    picture = age_image(age.astype(np.float32), age != NEVER, oldest=OLDEST_SHOWN)
    (folder / "age.png").write_bytes(thumbnail(picture, 512))


def _sources(composite: Composite, tile: str) -> list[dict[str, Any]]:
    """List every scene that supplies pixels, newest first."""
    seconds, pixels = np.unique(composite.source[composite.source > 0], return_counts=True)
    return [
        {
            "source": int(second),
            "scene": item_id("scene", tile, datetime.fromtimestamp(int(second), UTC)),
            "pixels": int(count),
        }
        for second, count in zip(seconds[::-1], pixels[::-1], strict=True)
    ]


def _ages(composite: Composite, second: int) -> dict[str, int]:
    """Sum up the ages of the pixels that were seen, days."""
    age = composite.age(second)
    seen = age[age != NEVER]
    if not seen.size:
        return {}
    low, median, high, top = np.percentile(seen, (0, 50, 95, 100), method="inverted_cdf")
    return {"min": int(low), "p50": int(median), "p95": int(high), "max": int(top)}
