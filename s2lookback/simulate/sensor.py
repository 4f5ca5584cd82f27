"""The instrument: its noise and its range."""

import math

import numpy as np
from numpy.typing import NDArray

from s2lookback.bands import BANDS
from s2lookback.simulate.spectra import layer_of

IRRADIANCE = (
    1884.69, 1959.66, 1823.24, 1512.06, 1424.64, 1287.61, 1162.08, 1041.63, 955.32, 812.92, 367.15, 245.59, 85.25,
)  # fmt: skip
"""Sunlight above the air, W/m²/µm. Source: metadata of S2A products, SOLARIRRADIANCE."""
_RADIANCE = (129.0, 128.0, 128.0, 108.0, 74.5, 68.0, 67.0, 103.0, 52.5, 9.0, 6.0, 4.0, 1.5)
"""Reference radiance, W/m²/sr/µm, at which the next is demanded."""
_SIGNAL_TO_NOISE = (129.0, 154.0, 168.0, 142.0, 117.0, 89.0, 105.0, 174.0, 72.0, 114.0, 50.0, 100.0, 100.0)
_LARGEST_RADIANCE = (588.0, 615.5, 559.0, 484.0, 449.5, 413.0, 387.0, 308.0, 308.0, 233.0, 45.0, 70.0, 24.6)
"""W/m²/sr/µm, at which a detector is full. Source, of all three: Sentinel-2 User Handbook (ESA, 2015), requirements."""
_GRID = 20
"""Pixel size of what is simulated, m; the mean of four 10 m pixels has half their noise."""


SATURATED = 32_767
"""What stands for a full detector, as the largest number there is."""


def noise(pixels: NDArray[np.float32], bands: tuple[str, ...], sun_elevation: float) -> NDArray[np.float32]:
    """Compute the standard deviation of the noise, reflectance, (band, y, x).

    Half of its variance at the reference radiance is the detector's, the other half the light's own and grows with it.
    """
    reference = _reflectance(_RADIANCE, bands, sun_elevation)
    # A 60 m pixel is spread over the 20 m grid; its noise is not made smaller by that.
    averaged = np.array([min(1.0, BANDS[band].resolution / _GRID) for band in bands], np.float32)
    least = averaged * reference / layer_of(_SIGNAL_TO_NOISE, bands)
    share = 0.5 + 0.5 * np.clip(pixels, 0.0, None) / reference[:, None, None]
    deviation: NDArray[np.float32] = least[:, None, None] * np.sqrt(share)
    return deviation


def saturation(bands: tuple[str, ...], sun_elevation: float) -> NDArray[np.float32]:
    """Compute the reflectance at which each band's detector is full, (band,): the lower the sun, the higher."""
    return _reflectance(_LARGEST_RADIANCE, bands, sun_elevation)


def _reflectance(radiance: tuple[float, ...], bands: tuple[str, ...], sun_elevation: float) -> NDArray[np.float32]:
    sun = layer_of(IRRADIANCE, bands) * math.sin(math.radians(sun_elevation))
    reflectance: NDArray[np.float32] = (math.pi * layer_of(radiance, bands) / sun).astype(np.float32)
    return reflectance
