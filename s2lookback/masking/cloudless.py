"""The detector of the package s2cloudless, on top-of-atmosphere reflectance."""

from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2lookback.errors import SceneError
from s2lookback.masking.covers import told_apart
from s2lookback.masking.method import View
from s2lookback.masking.spectrum import Layer

CLOUDLESS_BANDS = ("B01", "B02", "B04", "B05", "B08", "B8A", "B09", "B10", "B11", "B12")
"""What it goes by, in its order."""


class Cloudless:
    """Its cloud probability; thick cloud and shadow, which it does not tell, are told by physics."""

    name = "s2cloudless"

    def __init__(self, bands: Sequence[str], level: str | None) -> None:
        """Make sure that it can judge such scenes.

        Raises:
            SceneError: If a band is missing, the scene is corrected for the atmosphere, or the package is missing.
        """
        missing = [band for band in CLOUDLESS_BANDS if band not in bands]
        if missing:
            raise SceneError(
                f"the scene has the bands {' '.join(bands)}, expected for s2cloudless also {' '.join(missing)}; "
                "B10 is in L1C products alone"
            )
        if level not in (None, "L1C"):
            raise SceneError(f"the scene is of level {level}, expected L1C, which s2cloudless was trained on")
        if find_spec("s2cloudless") is None:
            raise SceneError('the package s2cloudless is not installed: pip install "s2lookback[s2cloudless]"')

    def probabilities(self, view: View) -> Layer:
        """Give the probability of each class of ``COVERS``, (cover, ...)."""
        return told_apart(cloud_probability(np.stack([view.now[band] for band in CLOUDLESS_BANDS], axis=-1)), view)


def cloud_probability(reflectance: NDArray[np.floating]) -> Layer:
    """Give the probability of cloud as the package does, before it averages over neighbours.

    Args:
        reflectance: Top of atmosphere, 0 to 1, the offset of baseline 04.00 removed, (..., band) in the order of
            ``CLOUDLESS_BANDS``.
    """
    maps = _detector().get_cloud_probability_maps(reflectance.reshape(1, 1, -1, len(CLOUDLESS_BANDS)))
    probability: Layer = maps.reshape(reflectance.shape[:-1])
    return probability


@lru_cache(maxsize=1)
def _detector() -> Any:
    from s2cloudless.cloud_detector import S2PixelCloudDetector

    return S2PixelCloudDetector()
