"""One mask."""

from prefect import flow

from flows.parameters import Catalog, HowMasked, Sensed, Tile
from s2lookback.settings import MaskSettings
from tasks.history import scene_at, steps_before
from tasks.mask import masked
from tasks.place import root_of
from tasks.policy import Product
from tasks.train import trained


@flow(name="mask", flow_run_name="mask {tile} {sensed:%Y-%m-%d}")
def mask(tile: Tile, sensed: Sensed, root: Catalog = "", settings: HowMasked = None) -> Product:
    """Classify the pixels of one scene against the composite before it.

    Args:
        tile: MGRS square without the T, as in 10UFB.
        sensed: Day on which it was sensed, UTC.
        root: Folder of the catalog. Empty: the one that the worker's environment names.
        settings: How pixels are classified. None: as delivered.
    """
    root = root_of(root)
    scene = scene_at(root, tile, sensed)
    steps = steps_before(root, tile, scene.sensed)
    settings = settings or MaskSettings()
    model = trained(steps, scene.sensed, root, settings)
    return masked(scene, steps[-1].composite if steps else None, model.href if model else None, root, settings)
