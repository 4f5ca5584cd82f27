"""The year of the plants."""

import numpy as np
from numpy.typing import NDArray

from s2lookback.simulate.family import Family
from s2lookback.simulate.spectra import BROADLEAF, GRASS, GREEN, STRAW

_PACE = 7.0
"""Days in which a stand goes from a half to three quarters of its green."""


def greenness(family: Family, delay: NDArray[np.float32], day_of_year: float) -> NDArray[np.float32]:
    """Compute how green plants are on a day, 0 dry to 1 at the height of their season, (y, x).

    Source: double logistic curve of Beck et al. (2006), Remote Sensing of Environment 100(3):321, eq. 3.
    """
    spring, autumn = family.season
    rise = 1 / (1 + np.exp(-(day_of_year - spring - delay) / _PACE))
    fall = 1 / (1 + np.exp(-(day_of_year - autumn - delay) / _PACE))
    green: NDArray[np.float32] = np.clip(rise - fall, 0.0, 1.0).astype(np.float32)
    return green


def valley_spectra(day_of_year: float) -> NDArray[np.float32]:
    """Let the valley's grass cure to straw from June to September, and its broadleaf forest lose a little green.

    Returns:
        (cover, band in ``SPECTRAL_ORDER``).
    """
    cured = np.clip((day_of_year - 160.0) / 90.0, 0.0, 1.0)
    spectra = GREEN.copy()
    spectra[GRASS] += np.float32(0.9 * cured) * (GREEN[STRAW] - GREEN[GRASS])
    spectra[BROADLEAF] += np.float32(0.15 * cured) * (GREEN[STRAW] - GREEN[BROADLEAF])
    return spectra
