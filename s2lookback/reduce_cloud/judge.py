"""Judges an estimate of the surface under thin cloud where the surface is known.

A veil like today's is laid over today's clear pixels and taken off again. What that shows:
how near the estimate comes to today's own surface, its changes since the composite
included. What it does not show: that the land under the cloud is like the land beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from s2lookback.reduce_cloud.linear import Spectra

LEAST_GAIN = 0.1
"""Share by which the estimate's error must lie below the others': less may be chance."""

ONE_SIGMA = 68
"""Percent of the errors that one standard deviation holds; a percentile is deaf to a few wild ones."""


@dataclass(frozen=True, slots=True)
class Errors:
    """What 68 % of the trial's pixels stay below in one band, reflectance × 10 000."""

    estimate: float
    """The veil taken off by regression."""
    raw: float
    """The veil left on."""
    composite: float
    """The composite pasted."""

    @property
    def worth_it(self) -> bool:
        """True where the estimate is clearly nearer to the surface than both alternatives."""
        return self.estimate < (1 - LEAST_GAIN) * min(self.raw, self.composite)


@dataclass(frozen=True, slots=True)
class Trial:
    """Clear pixels of today, and a veil for each."""

    truth: Spectra
    composite: Spectra
    target: Spectra
    """What the regression was fitted to: the composite in today's light."""
    veil: Spectra

    @property
    def veiled(self) -> Spectra:
        """The clear pixels under their veils."""
        return self.truth + self.veil


def judge(trial: Trial, predicted: Spectra, bands: Sequence[str]) -> dict[str, Errors]:
    """Compare estimate, raw pixels and composite with the surface that is known, by band."""
    estimate, composite, veil, aged = (
        np.percentile(np.abs(error), ONE_SIGMA, axis=0)
        for error in (
            predicted - trial.truth,
            trial.composite - trial.truth,
            trial.veil,
            trial.target - trial.truth,
        )
    )
    # A difference from the target is the veil and what the surface changed since. Without
    # taking off the second, a cloudless scene looks veiled and is "improved" into the composite.
    raw = np.sqrt(np.maximum(veil**2 - aged**2, 0))
    columns = zip(bands, estimate.tolist(), raw.tolist(), composite.tolist(), strict=True)
    return {band: Errors(*values) for band, *values in columns}


def uncertainty(correction: Spectra, tried: Spectra, error: Spectra) -> NDArray[np.uint16]:
    """Look up the error in that fifth of the trial which was corrected by as much; more correction is never surer.

    Args:
        correction: Raw minus estimate of the pixels in question, in the estimated bands, (pixel, band).
        tried: The same of the trial's pixels.
        error: Estimate minus truth of the trial's pixels.

    Returns:
        Standard error over the bands, reflectance × 10 000, at least 1.
    """
    sizes, errors = np.abs(tried).mean(axis=1), np.sqrt(np.square(error).mean(axis=1))
    edges = np.percentile(sizes, (0, 20, 40, 60, 80, 100))
    fifths = [errors[(sizes >= low) & (sizes <= high)] for low, high in pairwise(edges)]
    steps = np.maximum.accumulate([np.percentile(fifth, ONE_SIGMA) for fifth in fifths])
    found: NDArray[np.float64] = steps[np.searchsorted(edges[1:-1], np.abs(correction).mean(axis=1))]
    return np.rint(found).clip(1, 65_535).astype(np.uint16)
