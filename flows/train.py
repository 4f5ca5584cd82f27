"""One model."""

from prefect import flow

from flows.parameters import Anew, Catalog, HowMasked, Sensed, Tile
from s2lookback.errors import SceneError
from s2lookback.settings import MaskSettings
from tasks.history import steps_before
from tasks.place import root_of
from tasks.policy import Product
from tasks.train import half_of, trained


@flow(name="train", flow_run_name="train {tile} {sensed:%Y-%m}")
def train(tile: Tile, sensed: Sensed, again: Anew = False, root: Catalog = "", settings: HowMasked = None) -> Product:
    """Train the model that masks a tile's scenes of one month, or half of one.

    Args:
        tile: MGRS square without the T, as in 10UFB.
        sensed: A day that the model is for, UTC: it serves that month, or the rest of it if drift says so.
        again: Train it anew though the catalog has it.
        root: Folder of the catalog. Empty: the one that the worker's environment names.
        settings: How the model is trained. None: as delivered.
    """
    root, settings = root_of(root), settings or MaskSettings()
    model = trained(steps_before(root, tile, half_of(sensed)), sensed, root, settings, again=again)
    if model is None:
        raise SceneError(
            f"{tile}: fewer than {settings.min_training_scenes} scenes were composited before {sensed:%Y-%m}, "
            "or the settings want no model"
        )
    return model
