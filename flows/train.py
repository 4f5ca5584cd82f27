"""One model."""

from datetime import datetime

from prefect import flow

from flows.parameters import Tile
from s2lookback.errors import SceneError
from s2lookback.settings import MaskSettings
from tasks.history import steps_before
from tasks.place import root_of
from tasks.policy import Product
from tasks.train import half_of, trained


@flow(name="train", flow_run_name="train {tile} {sensed:%Y-%m}")
def train(
    tile: Tile, sensed: datetime, root: str = "", settings: MaskSettings = MaskSettings(), again: bool = False
) -> Product:
    """Train the model that masks a tile's scenes of one month, or half of one.

    Args:
        tile: MGRS square without the T.
        sensed: A day that the model is for: it serves a month, or the rest of one if drift says so.
        root: Folder of the catalog; by default what the worker's environment names.
        settings: How the model is trained.
        again: Train it anew though the catalog has it.
    """
    root = root_of(root)
    model = trained(steps_before(root, tile, half_of(sensed)), sensed, root, settings, again=again)
    if model is None:
        raise SceneError(
            f"{tile}: fewer than {settings.min_training_scenes} scenes were composited before {sensed:%Y-%m}, "
            "or the settings want no model"
        )
    return model
