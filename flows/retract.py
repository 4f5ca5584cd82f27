"""One scene taken out, and everything that holds its pixels made without it."""

from prefect import flow, get_run_logger

from flows.parameters import Catalog, How, Reason, Sensed, Tile
from flows.tile import update_products
from s2lookback.settings import Settings
from tasks.account import accounted
from tasks.place import root_of
from tasks.report import TileReport
from tasks.retract import retract_scene
from tasks.turn import turn


@flow(name="retract", flow_run_name="retract {tile} {sensed:%Y-%m-%d}")
def retract(tile: Tile, sensed: Sensed, reason: Reason = "", root: Catalog = "", settings: How = None) -> TileReport:
    """Take one scene out for good, with all that was made of it, and bring the tile's other products up to date.

    Args:
        tile: MGRS square without the T, as in 10UFB.
        sensed: Day on which it was sensed, UTC.
        reason: Why, for whoever wonders later; the catalog keeps it.
        root: Folder of the catalog. Empty: the one that the worker's environment names.
        settings: How products are made: as in the nightly run, or all are made anew. None: as delivered.
    """
    root = root_of(root)
    with accounted(root, tile) as report, turn(root, tile):
        name = retract_scene(root, tile, sensed, reason)
        get_run_logger().info("%s: %s is retracted", tile, name)
        update_products(tile, root, settings or Settings(), report)
    return report
