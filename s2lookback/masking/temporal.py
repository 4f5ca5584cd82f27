"""What the temporal method sees of a pixel: its spectrum, and how far that lies from what was there before."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from s2lookback.masking.spectral import layer, spectral_features, spectral_names
from s2lookback.masking.spectrum import FLOOR, Layer, Spectrum


def temporal_names(bands: Sequence[str]) -> tuple[str, ...]:
    """Name the temporal features that these bands give, in their order."""
    pairs = (f"nldr_{one}_{other}" for one, other in combinations(bands, 2))
    return (*spectral_names(bands), "cosine", "euclidean", "braycurtis", *pairs)


def temporal_features(now: Spectrum, before: Spectrum, bands: Sequence[str]) -> Layer:
    """Compute the spectral features and the distances from a reference, each from its own pixel alone.

    Args:
        now: Today's reflectance, any shape.
        before: The reference, same shape, a geomedian or the last clear pixel; NaN where there is none.
        bands: Bands to use, in the order of ``temporal_names``.

    Returns:
        (feature, ...); the temporal ones are NaN where there is no reference.

    Source: the features of s2cloudmask (Roberts, Geoscience Australia): one less the cosine, the Euclidean and the
    Bray-Curtis distance, and for pairs of bands how much its non-linear ratio changed: that of GEMI (Pinty & Verstraete
    1992, Vegetatio 101), but with the sum of the squares in the place of their difference, as s2cloudmask has it.
    """
    one, other = (np.stack([layer(spectrum, band) for band in bands]) for spectrum in (now, before))
    lengths = np.sqrt((one**2).sum(axis=0) * (other**2).sum(axis=0))
    cosine = 1 - (one * other).sum(axis=0) / np.maximum(lengths, FLOOR**2)
    euclidean = np.sqrt(((one - other) ** 2).sum(axis=0))
    braycurtis = np.abs(one - other).sum(axis=0) / np.maximum(np.abs(one + other).sum(axis=0), FLOOR)
    pairs = combinations(range(len(bands)), 2)
    ratios = [_ratio(one[a], one[b]) - _ratio(other[a], other[b]) for a, b in pairs]
    temporal = np.stack([cosine, euclidean, braycurtis, *ratios]).astype(np.float32, copy=False)
    return np.concatenate([spectral_features(now, before, bands), temporal])


def _ratio(a: Layer, b: Layer) -> Layer:
    """Give the non-linear ratio of two bands."""
    a, b = np.maximum(a, 0), np.maximum(b, 0)
    ratio: Layer = (2 * (a**2 + b**2) + np.float32(1.5) * b + np.float32(0.5) * a) / (a + b + np.float32(0.5))
    return ratio
