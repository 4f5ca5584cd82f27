"""What is known of a pixel besides what a method says: the producer's label, and that cover changes light."""

import numpy as np
from numpy.typing import NDArray

from s2lookback.masking.classes import COVERS, GROUND, Class
from s2lookback.masking.dilation import Rim
from s2lookback.masking.fire import charred
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
    """Count as clear what neither cover can have done since a pixel was last clear, as ``possible`` tells."""
    bits = possible(view)
    asked = [Rim.SHADOW if cover == Class.SHADOW else Rim.CLOUD for cover in COVERS[1:]]
    left = np.stack([np.where(bits & bit, part, np.float32(0)) for bit, part in zip(asked, chance[1:], strict=True)])
    return np.concatenate([chance[:1] + (chance[1:] - left).sum(axis=0), left])


def possible(view: View) -> NDArray[np.uint8]:
    """Tell which cover the light of a pixel allows: bits of ``Rim``, both where it was never clear before.

    Shadow darkens: burns, lakes and valleys are dark every day, yet producers call them shadow, and a model learns to.
    Cloud brightens every band that it can be told by, and the visible more than 2.2 µm.
    """
    shadow = ~lit(view.now, view.before)
    return _cloud_possible(view) | Rim.SHADOW * shadow.astype(np.uint8)


def _cloud_possible(view: View) -> NDArray[np.uint8]:
    """Give the bit of a cloud where light allows one."""
    cloud = ~unbrightened(view.now, view.before) & ~heated(view.now, view.before)
    return Rim.CLOUD * cloud.astype(np.uint8)


def rims(view: View) -> NDArray[np.uint8]:
    """Tell what a pixel beside a cloud or shadow may be the rim of: bits of ``Rim``.

    Either, wherever it lies, since rims are thinner than any test sees; but a burn is not given up to a margin of
    safety: ground as dark as char is taken for a cloud's rim where its light allows, and for a shadow's nowhere, since
    half a shadow takes less light from it than any test sees.
    """
    return np.where(charred(view.now), _cloud_possible(view), np.uint8(Rim.CLOUD | Rim.SHADOW))
