"""One reduced scene."""

from datetime import datetime

from prefect import flow

from flows.parameters import Tile
from s2lookback.settings import ReduceSettings
from tasks.history import step_at
from tasks.place import root_of
from tasks.policy import Product
from tasks.reduce import reduced


@flow(name="reduce", flow_run_name="reduce {tile} {sensed:%Y-%m-%d}")
def reduce(tile: Tile, sensed: datetime, root: str = "", settings: ReduceSettings = ReduceSettings()) -> Product:
    """Make the thin cloud of one masked and composited scene thinner.

    Args:
        tile: MGRS square without the T.
        sensed: Sensing time, or its day.
        root: Folder of the catalog; by default what the worker's environment names.
        settings: How thin cloud is made thinner.
    """
    root = root_of(root)
    return reduced(step_at(root, tile, sensed), root, settings)
