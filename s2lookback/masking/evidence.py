"""What is known of a pixel besides what a method says: the producer's label, and that cover changes light."""

import numpy as np

from s2lookback.masking.classes import COVERS, GROUND, Class
from s2lookback.masking.method import View
from s2lookback.masking.physics import darkened, heated, lit, unbrightened
from s2lookback.masking.spectrum import Layer

RELIABILITY = 0.84
"""Share of pixels that Sen2Cor puts rightly among clear and cloudy.

Source: Baetens, Desjardins & Hagolle 2019, Remote Sensing 11, 433: overall accuracy against hand-drawn masks."""

_CLOUDS = (Class.THIN_CLOUD, Class.THICK_CLOUD)


def weighed(chance: Layer, view: View) -> Layer:
    """Move the odds of cover by what today's label is worth, by Bayes' theorem; the kinds of cover keep their shares.

    A haze that a model is sure of survives a label of clear, a field that it half suspects does not. A label of shadow
    moves no odds, since too much of what Sen2Cor calls shadow is burnt or steep; but where the light went as a shadow
    takes it, it is believed.

    Args:
        chance: Probability of each of ``COVERS``, (cover, ...), by a method that does not see today's labels.
        view: The same pixels.
    """
    labels = view.labels
    odds = RELIABILITY / (1 - RELIABILITY)
    worth = np.where(np.isin(labels, GROUND), 1 / odds, np.where(np.isin(labels, _CLOUDS), odds, 1)).astype(np.float32)
    moved = np.concatenate([chance[:1], chance[1:] * worth])
    shaded = (labels == Class.SHADOW) & darkened(view.now, view.before)
    alone = np.reshape([cover == Class.SHADOW for cover in COVERS], (-1,) + (1,) * shaded.ndim)
    return np.where(shaded, alone, moved / moved.sum(axis=0)).astype(np.float32)


def cleared(chance: Layer, view: View) -> Layer:
    """Count as clear what neither cover can have done since a pixel was last clear.

    Shadow darkens: burns, lakes and valleys are dark every day, yet producers call them shadow, and a model learns to.
    Cloud brightens every band that it can be told by, and the visible more than 2.2 µm.
    """
    shadow = COVERS.index(Class.SHADOW)
    bright = lit(view.now, view.before)
    open_ = unbrightened(view.now, view.before) | heated(view.now, view.before)
    impossible = np.stack([bright if cover == shadow else open_ for cover in range(1, len(COVERS))])
    left = np.where(impossible, 0, chance[1:]).astype(np.float32)
    return np.concatenate([chance[:1] + (chance[1:] - left).sum(axis=0), left])
