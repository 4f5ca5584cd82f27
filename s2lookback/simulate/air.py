"""Clear air: what a level 1C product still holds and a level 2A product no longer does."""

import math

import numpy as np
from numpy.typing import NDArray

from s2lookback.simulate.light import rayleigh_depth
from s2lookback.simulate.spectra import layer_of

_MOLECULES = 8_000.0
"""Scale height of the air's molecules, m."""
_VAPOUR = 2_000.0
"""Scale height of water vapour, m."""
_VAPOUR_DEPTH = (0.0, 0.0, 0.0, 0.008, 0.02, 0.02, 0.002, 0.02, 0.001, 0.45, 5.5, 0.01, 0.02)
"""Absorption by 15 mm of vapour straight through all of it: weak but in B09, and in B10 nearly all. Made up by us
after the shape of published transmittances."""
_OZONE_DEPTH = (0.001, 0.007, 0.032, 0.018, 0.006, 0.003, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
"""Absorption by 300 Dobson units, high above all cloud."""


def through_clear_air(
    pixels: NDArray[np.float32], bands: tuple[str, ...], sun_elevation: float, *, bottom: float, top: float
) -> NDArray[np.float32]:
    """Look at a scene through the air between two heights: gases take light, molecules add theirs.

    Args:
        pixels: Reflectance at the lower height, (band, y, x).
        bands: Names.
        sun_elevation: Degrees.
        bottom: m above the ground.
        top: m above the ground; ``math.inf`` for all of it.

    Source: single scattering at nadir with Rayleigh's phase function ¾(1 + cos²); path lengths of a flat layer.
    """
    sine = math.sin(math.radians(sun_elevation))
    paths = 1 + 1 / sine
    molecules = rayleigh_depth(bands) * _between(bottom, top, _MOLECULES)
    gases = layer_of(_VAPOUR_DEPTH, bands) * _between(bottom, top, _VAPOUR)
    if math.isinf(top):
        gases = gases + layer_of(_OZONE_DEPTH, bands)
    phase = 0.75 * (1 + sine**2)
    path = phase * molecules / (4 * sine)
    # Half of what molecules scatter goes on downward or upward all the same.
    kept = np.exp(-paths * (0.5 * molecules + gases))
    seen: NDArray[np.float32] = pixels * kept[:, None, None] + (path * np.exp(-paths * gases))[:, None, None]
    return seen


def _between(bottom: float, top: float, scale: float) -> float:
    """Compute the share of a constituent that lies between two heights."""
    return math.exp(-bottom / scale) - math.exp(-top / scale)
