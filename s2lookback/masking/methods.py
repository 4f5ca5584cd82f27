"""Which method looks at a scene."""

from collections.abc import Callable, Sequence
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from s2lookback.masking.advice import ADVISER, can_advise
from s2lookback.masking.background import Background
from s2lookback.masking.cloudless import Cloudless
from s2lookback.masking.lookback import Lookback, Model, warn_of_strange
from s2lookback.masking.method import Method
from s2lookback.masking.pretrained import KINDS, Pretrained, bands_for, model_name, read_card
from s2lookback.masking.rules import Rules
from s2lookback.scene import Scene
from s2lookback.settings import MaskSettings

ADVISED = (Rules.name, Lookback.name)
"""Methods that never saw a truth, and take advice."""


def method_for(
    scene: Scene, reference: NDArray[np.int16] | None, model: Model | None, settings: MaskSettings
) -> Method:
    """Give the method that the settings ask for, ready to look at a scene.

    Args:
        scene: Left untouched.
        reference: What the scene is compared with, (band, y, x); None where there is nothing.
        model: Of the tile; without one ``lookback`` gives way to the rules.
        settings: ``method``, and what that method goes by.

    Raises:
        SceneError: If the scene lacks what the method needs.
    """
    makers: dict[str, Callable[[], Method]] = {
        "lookback": lambda: Rules() if model is None else _learnt(model, scene.about.tile),
        "rules": Rules,
        "spectral": lambda: Pretrained("spectral", scene.bands),
        "temporal": lambda: Pretrained("temporal", scene.bands),
        "background": lambda: Background(scene, reference, settings),
        "s2cloudless": lambda: Cloudless(scene.bands, scene.about.level),
    }
    return makers[settings.method]()


def _learnt(model: Model, tile: str) -> Method:
    """Put a model to work, with a warning where it has learnt nothing from the tile."""
    warn_of_strange(model, tile)
    return Lookback(model)


def tells_smoke(method: str, bands: Sequence[str]) -> bool:
    """Tell whether a method learnt what is smoke and what cloud, or takes advice of trees that did."""
    return method in KINDS or (method in ADVISED and can_advise(bands))


def delivered(method: str, bands: Sequence[str]) -> dict[str, str]:
    """Name the model that a method brings with it, and its SHA-256 or version; nothing where it brings none.

    Args:
        method: That masked a scene.
        bands: Of that scene.
    """
    if method == Cloudless.name:
        return {"name": method, "version": version(method)}
    if method in ADVISED and can_advise(bands):
        return {"name": ADVISER, "sha256": read_card(ADVISER).sha256}
    if method not in (*KINDS, Background.name):
        return {}
    name = model_name(method, bands_for(method, bands)) if method in KINDS else method
    return {"name": name, "sha256": read_card(name).sha256}
