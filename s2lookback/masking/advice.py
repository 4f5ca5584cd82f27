"""The advice of trees that learnt from simulated scenes, for methods that never saw a truth."""

from collections.abc import Iterable
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from s2lookback.masking.classes import COVERS, MASKED, Class
from s2lookback.masking.method import View
from s2lookback.masking.mixture import Mixture
from s2lookback.masking.pretrained import chance_of
from s2lookback.masking.spectral import SIX, layer
from s2lookback.masking.spectrum import NIR, Layer
from s2lookback.masking.temporal import temporal_features, temporal_names

ADVISER = "advice"
"""The model that advises."""

ODDS = np.float32(3)
"""Times that a cover is likelier if a method decided on it, which sees the same light: no second witness.

Source: on families that the trees had not learnt from, thin cloud and shadow are found alike with 2 and 3.5 (F1 .787
and .795, .790 and .792), worse with 1; 5.25, what Sen2Cor's accuracy would give, masks more burns."""

UNEXPLAINED = np.float32(1e4)
"""Misfit above which none is told from another: beyond any that chance allows, and infinite where nothing was tried."""

HIDING = 0.5
"""Share of light from which nothing is seen through a cloud: what is left passes it twice, a quarter. Patchy snow, and
ice that is not fresh, send back less."""


def advice_names() -> tuple[str, ...]:
    """Name what the trees see of a pixel, in their order."""
    bands = (f"{when}{band}" for when in ("", "before_") for band in SIX)
    return (*temporal_names(SIX), *bands, *(each.name for each in fields(Mixture)))


def advice_features(view: View) -> Layer:
    """Compute what the trees see: what ``temporal`` does, the light of both dates, and what it is a mixture of.

    Returns:
        (feature, ...), in the order of ``advice_names``.
    """
    light = [layer(spectrum, band) for spectrum in (view.now, view.before) for band in SIX]
    mixture = [np.minimum(getattr(view.mixture, each.name), UNEXPLAINED) for each in fields(Mixture)]
    return np.concatenate([temporal_features(view.now, view.before, SIX), np.stack([*light, *mixture])])


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
    joined = chance_of(ADVISER, advice_features(view.at(~alone))) * odds[:, ~alone]
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
