"""Products of a tile made anew."""

from datetime import UTC, datetime

from prefect import flow, get_run_logger

from flows.parameters import Tile
from flows.tile import update_products
from s2lookback.settings import Settings
from tasks.account import accounted
from tasks.place import root_of
from tasks.report import TileReport
from tasks.turn import turn


@flow(name="backfill", flow_run_name="backfill {tile}")
def backfill(
    tile: Tile,
    start: datetime | None = None,
    end: datetime | None = None,
    root: str = "",
    settings: Settings = Settings(),
) -> TileReport:
    """Make the products of a tile's scenes anew, whatever the catalog holds; what comes out equal replaces nothing.

    It mends products whose bytes were damaged, and proves that the others follow from their scenes.

    Args:
        tile: MGRS square without the T.
        start: First sensing time; by default that of the first scene.
        end: Last sensing time; by default that of the last scene.
        root: Folder of the catalog; by default what the worker's environment names.
        settings: How products are made; those of the nightly run, or later ones will be made anew as well.
    """
    root = root_of(root)
    period = start or datetime.min.replace(tzinfo=UTC), end or datetime.max.replace(tzinfo=UTC)
    with accounted(root, tile) as report, turn(root, tile):
        update_products(tile, root, settings, report, again=period)
    get_run_logger().info(report.sentence())
    return report
