"""Published products, read back into what the kernels take; and published, with the record of who made them."""

import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from prefect.runtime import flow_run, task_run

from catalog.items.builders import COLLECTIONS, Basis, item_id
from catalog.items.facts import bands_of, grid_of, sensed_of
from catalog.layout import source_link, tile_of
from catalog.provenance import Recipe, content_digest, software
from catalog.store import Request, Store
from s2lookback.errors import GridMismatchError
from s2lookback.footprint import Footprint, footprint
from s2lookback.grid import Grid
from s2lookback.masking.background import median
from s2lookback.mrap.fold import Composite
from s2lookback.raster import read_band, stack, write_band
from s2lookback.scene import NODATA, SCALE, Acquisition, Scene
from tasks.entry import entry, headline
from tasks.shown import show, watched

Item = dict[str, Any]


def request_for(
    stage: str, revision: int, tile: str, sensed: datetime, inputs: Mapping[str, str], settings: Mapping[str, Any]
) -> Request:
    """Ask for a product by what determines it."""
    recipe = Recipe(stage, revision, dict(inputs), dict(settings))
    return Request(COLLECTIONS[stage], item_id(stage, tile, sensed), tile, recipe)


def content_of(item: Item) -> dict[str, str]:
    """Name an item with the digest of what it consists of, as a recipe lists its inputs."""
    return {item["id"]: item["properties"]["s2lookback:content"]}


def bands_content_of(item: Item) -> dict[str, str]:
    """Name a composite with the digest of its bands alone.

    A late scene that only raises a composite's count of observations then changes nothing that was judged against it.
    """
    checksums = {band: item["assets"][band]["file:checksum"] for band in bands_of(item)}
    return {f"{item['id']}#bands": content_digest(checksums)}


def about(item: Item) -> Acquisition:
    """Read what a published scene's metadata told."""
    facts = item["properties"]
    return Acquisition(
        tile=tile_of(item),
        sensed=sensed_of(item),
        platform=facts.get("platform"),
        level=facts.get("s2lookback:producer_level"),
        baseline=facts.get("s2:processing_baseline"),
        relative_orbit=facts.get("sat:relative_orbit"),
        orbit_state=facts.get("sat:orbit_state"),
        products=tuple(facts.get("s2lookback:products", ())),
        generated=datetime.fromisoformat(made) if (made := facts.get("s2:generation_time")) else None,
        sun_azimuth=facts.get("view:sun_azimuth"),
        sun_elevation=facts.get("view:sun_elevation"),
        view_azimuth=facts.get("view:azimuth"),
        view_incidence=facts.get("view:incidence_angle"),
        offset_removed=facts.get("s2lookback:offset_removed", 0),
    )


def read_pixels(store: Store, item: Item, bands: Sequence[str]) -> NDArray[np.int16]:
    """Read the named bands of an item, (band, y, x), int16."""
    return stack([str(store.asset(item, band)) for band in bands], len(bands), grid_of(item).shape)


def read_reference(store: Store, href: str | None, bands: Sequence[str], grid: Grid) -> NDArray[np.int16] | None:
    """Read the bands of the composite before a scene; None for a tile's first scene.

    Raises:
        GridMismatchError: If the composite lies on another grid.
    """
    return None if href is None else read_pixels(store, _on(grid, store.read(href)), bands)


def read_background(store: Store, hrefs: Sequence[str], bands: Sequence[str], grid: Grid) -> NDArray[np.int16] | None:
    """Read the median of scenes, (band, y, x), one band of all at a time; None without scenes.

    Raises:
        GridMismatchError: If a scene lies on another grid.
    """
    items = [_on(grid, store.read(href)) for href in hrefs]
    if not items:
        return None
    return np.stack([median(np.stack([read_band(store.asset(item, band)) for item in items])) for band in bands])


def read_scene(store: Store, item: Item) -> Scene:
    """Read a published scene."""
    bands = bands_of(item)
    return Scene(
        about=about(item),
        grid=grid_of(item),
        bands=bands,
        pixels=read_pixels(store, item, bands),
        cloud_probability=_optional(store, item, "cloud-probability"),
        scl=_optional(store, item, "scl"),
    )


def read_composite(store: Store, item: Item, bands: Sequence[str], grid: Grid) -> Composite:
    """Read a published composite.

    Raises:
        GridMismatchError: If it lies on another grid.
    """
    return Composite(
        pixels=read_pixels(store, _on(grid, item), bands),
        source=read_band(store.asset(item, "source")),
        count=read_band(store.asset(item, "count")),
        doubt=read_band(store.asset(item, "doubt")),
    )


def _on(grid: Grid, item: Item) -> Item:
    """Demand that an item lies on a grid."""
    if grid_of(item) != grid:
        raise GridMismatchError(f"{item['id']}: lies on {grid_of(item)}, expected {grid}")
    return item


def _optional(store: Store, item: Item, key: str) -> NDArray[np.uint8] | None:
    return read_band(store.asset(item, key)) if key in item["assets"] else None


def write_bands(folder: Path, pixels: NDArray[np.int16], bands: Sequence[str], grid: Grid) -> None:
    """Write each band, (band, y, x), to a file of its own name."""
    for name, band in zip(bands, pixels, strict=True):
        path = folder / f"{name}.tif"
        write_band(path, band, grid, nodata=NODATA, description=name, scale=SCALE, continuous=True)


def basis(
    wanted: Request,
    sensed: datetime,
    grid: Grid,
    folder: Path,
    seen: NDArray[np.bool_] | Footprint,
    made_from: Sequence[Item],
) -> Basis:
    """Gather what every item says.

    Args:
        wanted: What is being made.
        sensed: Its sensing time.
        grid: Where its pixels lie.
        folder: Where its files are.
        seen: True where it has data, (y, x), or the outline of that.
        made_from: Every item that it was made from.
    """
    return Basis(
        tile=wanted.tile,
        sensed=sensed,
        grid=grid,
        footprint=seen if isinstance(seen, Footprint) else footprint(seen, grid),
        software=software(),
        files=sorted(path.name for path in folder.iterdir()),
        sources=[source_link(item) for item in made_from],
    )


def publish(
    store: Store,
    wanted: Request,
    folder: Path,
    item: Item,
    started: datetime,
    replaced: Mapping[str, Any] | None = None,
) -> str:
    """Publish an item, and beside the catalog the record of its making, so that no clock changes the item's bytes."""
    href = store.publish(wanted, folder, item, replaced)
    now = datetime.now(UTC)
    run = {"flow_run": str(flow_run.id or ""), "task_run": str(task_run.id or "")}
    facts = {"created": f"{now:%Y-%m-%dT%H:%M:%SZ}", "seconds": round((now - started).total_seconds(), 3)}
    store.record_execution(href, {**facts, "host": platform.node(), "prefect": run})
    if watched():
        made = store.read(href)
        show(entry(store, made), headline(made))
    return href
