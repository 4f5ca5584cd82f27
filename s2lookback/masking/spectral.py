"""What the spectral method sees of a pixel: ratios of its bands on one date, nothing else."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from s2lookback.masking.spectrum import FLOOR, VISIBLE, Layer, Spectrum, contrast

NEAR = "nir"
"""The near infrared, whichever band stands for it."""

SIX = (*VISIBLE, NEAR, "B11", "B12")
FOUR = (*VISIBLE, NEAR)
"""Bands that the trained methods go by: with the short-wave infrared, and without."""


def layer(spectrum: Spectrum, band: str) -> Layer:
    """Give a band of a spectrum."""
    return spectrum.nir if band == NEAR else spectrum[band]


def spectral_names(bands: Sequence[str]) -> tuple[str, ...]:
    """Name the spectral features that these bands give, in their order."""
    contrasts = [f"nd_{one}_{other}" for one, other in combinations(bands, 2)]
    return (*contrasts, *(f"{one}_ln_{other}" for one, other in _products(bands)))


def spectral_features(now: Spectrum, before: Spectrum, bands: Sequence[str]) -> Layer:
    """Compute the features of some pixels, each from its own pixel alone.

    Normalised differences tell colours apart and do not change with the light; B·ln B′, of a visible band and an
    infrared one, grows with brightness, for cloud otherwise than for snow and sand.

    Args:
        now: Today's reflectance, any shape.
        before: Not looked at.
        bands: Bands to use, in the order of ``spectral_names``.

    Returns:
        (feature, ...).

    Source: the features of s2cloudmask (Roberts, Geoscience Australia); which pairs is our choice: all of them.
    """
    layers = {band: layer(now, band) for band in bands}
    contrasts = [contrast(layers[one], layers[other]) for one, other in combinations(bands, 2)]
    floor = {band: np.maximum(layers[band], FLOOR) for band in bands}
    logarithm = {band: np.log(floor[band]) for band in bands if band not in VISIBLE}
    products = [floor[one] * logarithm[other] for one, other in _products(bands)]
    return np.stack([*contrasts, *products]).astype(np.float32, copy=False)


def _products(bands: Sequence[str]) -> list[tuple[str, str]]:
    return [(one, other) for one in bands if one in VISIBLE for other in bands if other not in VISIBLE]
