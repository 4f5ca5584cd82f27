"""Scenes of a source to scenes of the catalog."""

from datetime import datetime
from pathlib import Path

from prefect import flow, get_run_logger

from flows.parameters import Tile
from flows.progress import track
from s2lookback.settings import IngestSettings
from s2lookback.sources.settings import SourceSettings
from tasks.account import accounted
from tasks.ingest import ingest_scene, list_scenes, unchanged
from tasks.place import root_of, source_of
from tasks.policy import SIDE_BY_SIDE, Product
from tasks.report import LeftOut, TileReport


@flow(name="ingest", flow_run_name="ingest {tile}", task_runner=SIDE_BY_SIDE)
def ingest(
    tile: Tile,
    source: SourceSettings = SourceSettings(),
    root: str = "",
    settings: IngestSettings = IngestSettings(),
    start: datetime | None = None,
    end: datetime | None = None,
) -> TileReport:
    """Harmonise and publish the scenes of a tile that the catalog lacks or whose files have changed.

    Args:
        tile: MGRS square without the T.
        source: Where scenes come from; by default what the worker's environment names.
        root: Folder of the catalog; by default what the worker's environment names.
        settings: How a product becomes a scene.
        start: First sensing time to look at.
        end: Last sensing time to look at.
    """
    root, source = root_of(root), source_of(source)
    with accounted(root, tile) as report:
        listing = list_scenes(tile, source=source, settings=settings, start=start, end=end)
        report.left_out += [LeftOut(Path(bad.href).name, bad.reason) for bad in listing.rejected]
        there = {ref: unchanged(ref, root, settings) for ref in listing.scenes}
        for href in filter(None, there.values()):
            report.count("scene", Product(href, made=False))
        new = [ref for ref, href in there.items() if href is None]
        arriving = [ingest_scene.submit(ref, source=source, root=root, settings=settings) for ref in new]
        for ref, future in track(list(zip(new, arriving, strict=True)), tile=tile, stage="ingest"):
            with report.leaving_out(Path(ref.files[0]).name):
                report.count("scene", future.result())
    get_run_logger().info(report.sentence())
    return report
