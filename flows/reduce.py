"""One reduced scene."""

from prefect import flow

from flows.parameters import Catalog, HowReduced, Sensed, Tile
from s2lookback.settings import ReduceSettings
from tasks.history import step_at
from tasks.place import root_of
from tasks.policy import Product
from tasks.reduce import reduced


@flow(name="reduce", flow_run_name="reduce {tile} {sensed:%Y-%m-%d}")
def reduce(tile: Tile, sensed: Sensed, root: Catalog = "", settings: HowReduced = None) -> Product:
    """Make the thin cloud of one masked and composited scene thinner.

    Args:
        tile: MGRS square without the T, as in 10UFB.
        sensed: Day on which it was sensed, UTC.
        root: Folder of the catalog. Empty: the one that the worker's environment names.
        settings: How thin cloud is made thinner. None: as delivered.
    """
    root = root_of(root)
    return reduced(step_at(root, tile, sensed), root, settings or ReduceSettings())
