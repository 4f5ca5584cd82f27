"""The advice of trees that learnt from simulated scenes, for methods that never saw a truth."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from s2lookback.masking.classes import COVERS, MASKED, Class
from s2lookback.masking.evidence import RELIABILITY
from s2lookback.masking.method import View
from s2lookback.masking.pretrained import chance_of
from s2lookback.masking.spectral import SIX
from s2lookback.masking.spectrum import NIR, Layer
from s2lookback.masking.temporal import temporal_features

ADVISER = "temporal"
"""The model that advises."""

ODDS = np.float32(RELIABILITY / (1 - RELIABILITY))
"""Times that a cover is likelier if a method decided on it: methods are believed as much as Sen2Cor is."""

HIDING = 0.5
"""Share of light from which nothing is seen through a cloud: what is left passes it twice, a quarter. Patchy snow, and
ice that is not fresh, send back less."""


def advised(chance: Layer, view: View) -> Layer:
    """Join what a method decided on with what the trees say, by Bayes' theorem.

    Methods that learn from labels, and the trees, are each right where the other is not: the trees know how spectra
    differ from day to day, but of clouds only what a simulation holds. So no advice is taken on what is brighter than
    anything but cloud and snow, where a pixel was never clear before, and where one of six bands is missing.

    Args:
        chance: Probability of each of ``COVERS``, (cover, ...), by the method.
        view: The same pixels.
    """
    if not can_advise(view.now.layers):
        return chance
    decided = likeliest(chance)
    alone = np.isnan(view.before.nir) | ((decided == Class.THICK_CLOUD) & (view.mixture.red >= HIDING))
    odds = np.stack([np.where(decided == cover, ODDS, np.float32(1)) for cover in COVERS])
    some = view.at(~alone)
    joined = chance_of(ADVISER, temporal_features(some.now, some.before, SIX)) * odds[:, ~alone]
    told = chance.copy()
    told[:, ~alone] = joined / joined.sum(axis=0)
    return told


def likeliest(chance: Layer) -> NDArray[np.uint8]:
    """Give clear where that is likelier than not, and the likeliest of ``MASKED`` elsewhere, from (cover, ...)."""
    cover = np.array(MASKED, np.uint8)[chance[1:].argmax(axis=0)]
    return np.where(chance[0] > 0.5, np.uint8(Class.CLEAR), cover)


def can_advise(bands: Iterable[str]) -> bool:
    """Tell whether the trees can see these bands."""
    there = {*bands}
    return there.issuperset(band for band in SIX if band != "nir") and not there.isdisjoint(NIR)
