"""The classifier that needs no training: the producer's masks, mended by physics."""

import numpy as np
from numpy.typing import NDArray

from s2lookback.masking.classes import COVERS, MASKED, Class
from s2lookback.masking.method import View
from s2lookback.masking.physics import brightened, cloud, darkened, snow, thick
from s2lookback.masking.spectrum import Layer


class Rules:
    """Takes the weak labels where there are any, and looks for what they missed."""

    name = "rules"

    def probabilities(self, view: View) -> Layer:
        """Give 1 for the cover that was decided on and 0 for the others, (cover, ...)."""
        decided = decide(view)
        return np.stack([decided == cover for cover in COVERS]).astype(np.float32)


def decide(view: View) -> NDArray[np.uint8]:
    """Decide what covers each pixel: codes out of ``COVERS``; clear where nothing says otherwise.

    A label of cloud or shadow is believed. Anything else is tested, a label of clear as well: to leave a cloud in a
    composite costs more than to wait for the next scene. Only where blue is missing does clear stand against
    brightening, for soil that dries brightens too.
    """
    now, before, labels = view.now, view.before, view.labels
    decided = np.where(np.isin(labels, MASKED), labels, np.uint8(Class.CLEAR))
    unlabelled, open_ = labels == Class.NO_DATA, decided == Class.CLEAR
    bright = brightened(now, before) & (unlabelled | now.has("B02", "B04"))
    cloudy = open_ & (bright | (unlabelled & cloud(now))) & ~snow(now)
    decided[open_ & darkened(now, before)] = Class.SHADOW
    decided[cloudy] = Class.THIN_CLOUD
    decided[cloudy & thick(now, before)] = Class.THICK_CLOUD
    return decided


def mend_labels(view: View) -> NDArray[np.uint8]:
    """Add to the labels the clouds and shadows that the rules find; the rest keeps its label, or none.

    No label says shadow where a pixel was never clear before: one look cannot tell a shadow from dark ground, and a
    model that learnt to would never let such a pixel be seen.
    """
    decided = decide(view)
    never = np.isnan(view.before.nir)
    mended = np.where(decided == Class.CLEAR, view.labels, decided)
    return np.where(never & (mended == Class.SHADOW), np.uint8(Class.NO_DATA), mended)
