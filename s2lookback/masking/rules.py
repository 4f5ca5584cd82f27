"""The classifier that needs no training: the producer's masks, mended by physics."""

import numpy as np
from numpy.typing import NDArray

from s2lookback.masking.classes import COVERS, MASKED, Class
from s2lookback.masking.method import View
from s2lookback.masking.physics import brightened, cloud, darkened, lit, snow, thick
from s2lookback.masking.spectrum import Layer


class Rules:
    """Takes the weak labels where there are any, and looks for what they missed."""

    name = "rules"

    def probabilities(self, view: View) -> Layer:
        """Give 1 for the cover that was decided on and 0 for the others, (cover, ...)."""
        decided = decide(view)
        return np.stack([decided == cover for cover in COVERS]).astype(np.float32)


def decide(view: View) -> NDArray[np.uint8]:
    """Decide what covers each pixel: codes out of ``COVERS``.

    A label of cloud is believed. A label of shadow is believed unless the pixel is as bright as when it was last
    clear: burns and lakes are dark every day. Anything else, labelled clear or not, is tested: to leave a cloud in a
    composite costs more than to wait for the next scene.
    """
    now, before, labels = view.now, view.before, view.labels
    decided = np.where(np.isin(labels, MASKED), labels, np.uint8(Class.CLEAR))
    decided[(decided == Class.SHADOW) & lit(now, before)] = Class.CLEAR
    open_ = decided == Class.CLEAR
    white = (labels == Class.NO_DATA) & cloud(now)
    cloudy = open_ & (white | brightened(now, before)) & ~snow(now)
    decided[open_ & darkened(now, before)] = Class.SHADOW
    decided[cloudy] = Class.THIN_CLOUD
    decided[cloudy & thick(now, before)] = Class.THICK_CLOUD
    return decided
