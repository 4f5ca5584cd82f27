"""One composite."""

from prefect import flow

from flows.parameters import Catalog, HowFolded, Sensed, Tile
from s2lookback.settings import MrapSettings
from tasks.history import mask_of, scene_at, steps_before
from tasks.mrap import folded
from tasks.place import root_of
from tasks.policy import Product


@flow(name="mrap", flow_run_name="mrap {tile} {sensed:%Y-%m-%d}")
def mrap(tile: Tile, sensed: Sensed, root: Catalog = "", settings: HowFolded = None) -> Product:
    """Fold one masked scene into the composite before it.

    Args:
        tile: MGRS square without the T, as in 10UFB.
        sensed: Day on which it was sensed, UTC.
        root: Folder of the catalog. Empty: the one that the worker's environment names.
        settings: How scenes are folded. None: as delivered.
    """
    root = root_of(root)
    scene = scene_at(root, tile, sensed)
    steps = steps_before(root, tile, scene.sensed)
    return folded(scene, mask_of(root, scene), steps[-1].composite if steps else None, root, settings or MrapSettings())
