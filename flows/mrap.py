"""One composite."""

from datetime import datetime

from prefect import flow

from flows.parameters import Tile
from s2lookback.settings import MrapSettings
from tasks.history import mask_of, scene_at, steps_before
from tasks.mrap import folded
from tasks.place import root_of
from tasks.policy import Product


@flow(name="mrap", flow_run_name="mrap {tile} {sensed:%Y-%m-%d}")
def mrap(tile: Tile, sensed: datetime, root: str = "", settings: MrapSettings = MrapSettings()) -> Product:
    """Fold one masked scene into the composite before it.

    Args:
        tile: MGRS square without the T.
        sensed: Sensing time, or its day.
        root: Folder of the catalog; by default what the worker's environment names.
        settings: How scenes are folded.
    """
    root = root_of(root)
    scene = scene_at(root, tile, sensed)
    steps = steps_before(root, tile, scene.sensed)
    return folded(scene, mask_of(root, scene), steps[-1].composite if steps else None, root, settings)
