"""What the temporal method sees of a pixel: its spectrum, and how far that lies from what was there before."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from s2lookback.compiled import compiled
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
    pairs = np.array([*combinations(range(len(bands)), 2)])
    temporal = np.zeros((3 + len(pairs), *one.shape[1:]), np.float32)
    flat = [layers.reshape(len(layers), -1) for layers in (one, other, temporal)]
    _distances(flat[0], flat[1], flat[2][:3])
    _ratios(flat[0], flat[1], pairs, flat[2][3:])
    return np.concatenate([spectral_features(now, before, bands), temporal])


@compiled
def _distances(one: Layer, other: Layer, found: Layer) -> None:
    """Write one less the cosine, the Euclidean and the Bray-Curtis distance, (3, pixel), of two spectra, (band, pixel).

    ``found`` must hold zeros: it bears the sums over the bands.
    """
    sums = np.zeros((3, one.shape[1]), np.float32)
    for band in range(len(one)):
        for pixel in range(one.shape[1]):
            a, b = one[band, pixel], other[band, pixel]
            sums[0, pixel] += a * a
            sums[1, pixel] += b * b
            sums[2, pixel] += np.abs(a + b)
            found[0, pixel] += a * b
            found[1, pixel] += (a - b) * (a - b)
            found[2, pixel] += np.abs(a - b)
    for pixel in range(one.shape[1]):
        lengths = np.sqrt(sums[0, pixel] * sums[1, pixel])
        found[0, pixel] = np.float32(1) - found[0, pixel] / np.maximum(lengths, FLOOR * FLOOR)
        found[1, pixel] = np.sqrt(found[1, pixel])
        found[2, pixel] /= np.maximum(sums[2, pixel], FLOOR)


@compiled
def _ratios(one: Layer, other: Layer, pairs: NDArray[np.intp], found: Layer) -> None:
    """Write how much the non-linear ratio of each pair of bands differs, (pair, pixel), of two spectra."""
    for number in range(len(pairs)):
        a, b = pairs[number]
        for pixel in range(one.shape[1]):
            then = _ratio(other[a, pixel], other[b, pixel])
            found[number, pixel] = _ratio(one[a, pixel], one[b, pixel]) - then


@compiled
def _ratio(a: np.float32, b: np.float32) -> np.float32:
    """Give the non-linear ratio of two bands."""
    a, b = np.maximum(a, np.float32(0)), np.maximum(b, np.float32(0))
    half = np.float32(0.5)
    return (np.float32(2) * (a * a + b * b) + np.float32(1.5) * b + half * a) / (a + b + half)
