"""Scenes of a source to scenes of the catalog."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from prefect import task

from catalog.items.builders import item_id, scene_item
from catalog.layout import folder_of
from catalog.provenance import digest_of
from catalog.store import Request, Store
from s2lookback.errors import SceneError
from s2lookback.pictures import rgb, thumbnail
from s2lookback.raster import write_band
from s2lookback.scene import NO_PERCENT, Listing, Scene, SceneRef
from s2lookback.settings import IngestSettings
from s2lookback.sources.settings import SourceSettings, open_source
from tasks.memory import Memory
from tasks.policy import POLICY, Product
from tasks.products import basis, publish, request_for, write_bands
from tasks.retract import refuse_retracted

REVISION = 1
"""Raised whenever the same inputs and settings give other bytes."""

COARSE = timedelta(seconds=1)
"""Clocks of file systems tick coarsely: a file that is replaced while it is read must look younger than the reading."""

CLOUDY = (8, 9, 10)
"""Codes of Sen2Cor's classification that mean cloud."""


@task(task_run_name="list {tile}", **POLICY)
def list_scenes(
    tile: str, *, source: SourceSettings, settings: IngestSettings, start: datetime | None, end: datetime | None
) -> Listing:
    """List what a source holds of a tile."""
    return open_source(source, settings).list_scenes(tile, start, end)


@task(task_run_name="list tiles", **POLICY)
def list_tiles(source: SourceSettings, settings: IngestSettings) -> list[str]:
    """Name the tiles of a source."""
    return list(open_source(source, settings).tiles())


def unchanged(ref: SceneRef, root: str, settings: IngestSettings) -> str | None:
    """Give the href of a scene that was ingested since its files last changed; reads no pixel and hashes nothing."""
    store = Store(root)
    item = store.sound("scenes", ref.tile, item_id("scene", ref.tile, ref.sensed))
    if item is None:
        return None
    href = store.find(_request(ref, item["properties"]["s2lookback:recipe"]["inputs"], settings))
    return href if href and ref.changed <= store.verified(href) else None


def already_there(
    refs: Sequence[SceneRef], tile: str, root: str, settings: IngestSettings
) -> dict[SceneRef, str | None]:
    """Give for each scene what ``unchanged`` gives, which is asked only where the scene, or its item, looks new."""
    store, found = Store(root), dict[SceneRef, str | None]()
    memory, how = Memory(store, f"{tile}-scenes"), digest_of([REVISION, settings.model_dump(mode="json")])
    for ref in refs:
        name = item_id("scene", tile, ref.sensed)
        look, known = memory.recall(name, f"{how} {ref}", [folder_of("scenes", tile, name)])
        found[ref] = unchanged(ref, root, settings) if known is None else store.href("scenes", tile, name)
        if known is None and found[ref]:
            memory.note(name, look)
    memory.keep()
    return found


def _request(ref: SceneRef, checksums: Mapping[str, str], settings: IngestSettings) -> Request:
    """Ask for a scene by its content and settings; and by its files' names, so that one more or less is noticed."""
    how = {**settings.model_dump(mode="json"), "files": sorted(Path(file).name for file in ref.files)}
    return request_for("scene", REVISION, ref.tile, ref.sensed, checksums, how)


@task(task_run_name="scene {ref.tile} {ref.sensed:%Y-%m-%d}", **POLICY)
def ingest_scene(ref: SceneRef, *, source: SourceSettings, root: str, settings: IngestSettings) -> Product:
    """Harmonise a scene and publish it, unless its files hold what they held when it was published."""
    started, store, opened = datetime.now(UTC), Store(root), open_source(source, settings)
    since = started - COARSE
    wanted = _request(ref, opened.checksums(ref), settings)
    refuse_retracted(store, wanted)
    href = store.find(wanted)
    if href:
        store.touch(href, since)
        return Product(href, made=False)
    scene = opened.open_scene(ref)
    if not scene.valid.any():
        raise SceneError(f"{Path(ref.files[0]).name}: holds no pixel inside the swath")
    with store.stage(wanted) as folder:
        _write(folder, scene)
        described = scene_item(
            basis(wanted, scene.about.sensed, scene.grid, folder, scene.valid, []),
            scene.about,
            scene.bands,
            valid_fraction=float(scene.valid.mean()),
            documents=sorted(scene.metadata),
            cloud_cover=_cloud_cover(scene),
        )
        href = publish(store, wanted, folder, described, started)
        store.touch(href, since)
        return Product(href, made=True)


def _write(folder: Path, scene: Scene) -> None:
    write_bands(folder, scene.pixels, scene.bands, scene.grid)
    if scene.scl is not None:
        write_band(folder / "scl.tif", scene.scl, scene.grid, nodata=0, description="scene classification")
    if scene.cloud_probability is not None:
        percent = scene.cloud_probability
        write_band(folder / "cloud-probability.tif", percent, scene.grid, nodata=NO_PERCENT, description="percent")
    for name, content in scene.metadata.items():
        (folder / name).write_bytes(content)
    (folder / "thumbnail.png").write_bytes(thumbnail(rgb(scene.pixels, scene.bands)))


def _cloud_cover(scene: Scene) -> float | None:
    """Give the cloud cover by the producer's own mask, percent of the swath; None where there is none."""
    if scene.scl is not None and np.isin(scene.scl[scene.valid], CLOUDY).any():
        return float(100 * np.isin(scene.scl[scene.valid], CLOUDY).mean())
    if scene.cloud_probability is None:
        return None
    percent = scene.cloud_probability[scene.valid & (scene.cloud_probability != NO_PERCENT)]
    return float(100 * (percent >= 50).mean()) if percent.size else None
