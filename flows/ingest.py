"""Scenes of a source to scenes of the catalog."""

from pathlib import Path

from prefect import flow, get_run_logger

from flows.parameters import Catalog, First, HowIngested, Last, Source, Tile, in_order
from flows.progress import track
from s2lookback.settings import IngestSettings
from tasks.account import accounted
from tasks.history import scenes_of
from tasks.ingest import already_there, ingest_scene, list_scenes
from tasks.place import root_of, source_of
from tasks.policy import SIDE_BY_SIDE, Product
from tasks.report import LeftOut, TileReport


@flow(name="ingest", flow_run_name="ingest {tile}", task_runner=SIDE_BY_SIDE)
def ingest(
    tile: Tile,
    start: First = None,
    end: Last = None,
    source: Source = None,
    root: Catalog = "",
    settings: HowIngested = None,
) -> TileReport:
    """Harmonise and publish the scenes of a tile that the catalog lacks or whose files have changed.

    Args:
        tile: MGRS square without the T, as in 10UFB.
        start: First day to look at, UTC. None: from the first scene.
        end: Last day to look at, UTC, included. None: to the last scene.
        source: Where scenes come from. None: the folder that the worker's environment names.
        root: Folder of the catalog. Empty: the one that the worker's environment names.
        settings: How a product becomes a scene. None: as delivered.
    """
    root, source, settings = root_of(root), source_of(source), settings or IngestSettings()
    with accounted(root, tile) as report:
        in_order(start, end)
        listing = list_scenes(tile, source=source, settings=settings, start=start, end=end)
        report.left_out += [LeftOut(Path(bad.href).name, bad.reason) for bad in listing.rejected]
        before = {one.sensed for one in scenes_of(root, tile)}
        there = already_there(listing.scenes, tile, root, settings)
        for href in filter(None, there.values()):
            report.count("scene", Product(href, made=False))
        new = [ref for ref, href in there.items() if href is None]
        arriving = [ingest_scene.submit(ref, source=source, root=root, settings=settings) for ref in new]
        pairs = list(zip(new, arriving, strict=True))
        for ref, future in track(pairs, tile=tile, stage="ingest", name=lambda pair: f"{pair[0].sensed:%Y-%m-%d}"):
            with report.leaving_out(Path(ref.files[0]).name):
                product = future.result()
                report.count("scene", product)
                if product.made:
                    report.arrive(ref.sensed, before)
    get_run_logger().info(report.sentence())
    return report
