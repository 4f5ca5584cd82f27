"""Linear regression of one set of bands on another, the same on every machine."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from s2lookback.scene import NODATA
from s2lookback.settings import ReduceSettings

Spectra = NDArray[np.int64]
"""Reflectance × 10 000, (pixel, band)."""

Fit = NDArray[np.float64]
"""Coefficients, (1 + band, band): of a constant 10 000 in the first row, then of one raw band a row."""

_CONSTANT = 10_000  # of the bands' size, for the sake of the condition number
_BLOCK = 100_000


def spectra(pixels: NDArray[np.int16], places: NDArray[np.intp]) -> Spectra:
    """Gather pixels, (band, y, x), by flat index."""
    return pixels.reshape(len(pixels), -1)[:, places].T.astype(np.int64)


def fit_repeatedly(raw: Spectra, target: Spectra, settings: ReduceSettings, random: np.random.Generator) -> list[Fit]:
    """Fit each band of the target from all raw bands, ``repeats`` times, on samples of its typical pixels.

    Source: HAZELESS of BC Wildfire Service: typical is a difference between its 30th and 70th percentile.
    """
    difference = raw - target
    low, high = np.percentile(difference, settings.percentiles, axis=0)
    typical = [np.flatnonzero(inside) for inside in ((difference >= low) & (difference <= high)).T]
    return [
        np.column_stack(
            [
                _solve(raw[drawn], target[drawn, band])
                for band, drawn in enumerate(_draw(places, settings, random) for places in typical)
            ]
        )
        for _ in range(settings.repeats)
    ]


def _draw(places: NDArray[np.intp], settings: ReduceSettings, random: np.random.Generator) -> NDArray[np.intp]:
    share = round(settings.sample_share * places.size)
    size = min(max(share, settings.min_samples), settings.max_samples, places.size)
    return random.choice(places, size, replace=False)


def fit_alone(raw: Spectra, target: Spectra) -> Fit:
    """Fit each band of the target from the same raw band alone."""
    fit = np.zeros((1 + raw.shape[1], raw.shape[1]))
    for band in range(raw.shape[1]):
        fit[[0, 1 + band], band] = _solve(raw[:, [band]], target[:, band])
    return fit


def _solve(raw: Spectra, target: NDArray[np.int64]) -> Fit:
    """Solve the normal equations; their sums are exact in integers, so that threads cannot change them."""
    known = _with_constant(raw)
    coefficients: Fit = np.linalg.lstsq(known.T @ known, known.T @ target, rcond=1e-12)[0]
    return coefficients


def predict(raw: Spectra, fits: Sequence[Fit]) -> Spectra:
    """Take the median of what the fits predict, rounded, within what int16 holds; in blocks, to bound memory."""
    predicted = np.empty_like(raw)
    for start in range(0, len(raw), _BLOCK):
        known = _with_constant(raw[start : start + _BLOCK])
        repeats = [sum(known[:, row, np.newaxis] * fit[row] for row in range(len(fit))) for fit in fits]
        predicted[start : start + _BLOCK] = np.clip(np.rint(np.median(repeats, axis=0)), NODATA + 1, 32_767)
    return predicted


def _with_constant(raw: Spectra) -> Spectra:
    return np.column_stack([np.full(len(raw), _CONSTANT), raw])
