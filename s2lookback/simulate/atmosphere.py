"""What the air does to the light: clouds, their shadows, smoke and haze."""

import math

import numpy as np
from numpy.typing import NDArray

from s2lookback.bands import BANDS
from s2lookback.simulate.spectra import layer_of

_WATER_CLOUD = (0.90, 0.91, 0.90, 0.90, 0.91, 0.91, 0.91, 0.92, 0.92, 0.70, 0.01, 0.66, 0.50)
_ICE_CLOUD = (0.86, 0.87, 0.87, 0.87, 0.87, 0.88, 0.88, 0.88, 0.88, 0.80, 0.80, 0.42, 0.30)
_SMOKE_ALBEDO = (0.21, 0.22, 0.24, 0.25, 0.25, 0.24, 0.23, 0.22, 0.22, 0.20, 0.0, 0.17, 0.15)
"""Reflectance of an infinitely thick layer in each band of ``SPECTRAL_ORDER``."""
_SKYLIGHT = (0.42, 0.38, 0.32, 0.27, 0.25, 0.23, 0.22, 0.21, 0.21, 0.19, 0.2, 0.17, 0.15)
"""Share of the light that still reaches the ground of a black shadow."""

ASYMMETRY = 0.85
"""Mean cosine of scattering by cloud droplets in the visible."""
SMOKE_EXPONENT = 2.1
"""Ångström exponent of fresh biomass smoke. Source: Eck et al. (1999), J. Geophys. Res. 104(D24), 1.4 to 2.1."""
HAZE_EXPONENT = 1.3


def cloud_opacity(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute the share of light a cloud sends back, 0 to 1.

    Source: two-stream solution for conservative scattering, Bohren (1987), Am. J. Phys. 55(6):524.
    """
    scaled = (1 - ASYMMETRY) * depth
    opacity: NDArray[np.float32] = scaled / (2 + scaled)
    return opacity


def shadow_depth(depth: NDArray[np.float32], sun_elevation: float) -> NDArray[np.float32]:
    """Compute the share of direct sunlight a cloud withholds from its shadow, 0 to 1.

    Source: delta scaling of Joseph, Wiscombe & Weinman (1976), J. Atmos. Sci. 33:2452, with f = g².
    """
    slant = (1 - ASYMMETRY**2) * depth / math.sin(math.radians(sun_elevation))
    withheld: NDArray[np.float32] = -np.expm1(-slant)
    return withheld


def aerosol_opacity(
    depth: NDArray[np.float32], bands: tuple[str, ...], exponent: float = SMOKE_EXPONENT
) -> NDArray[np.float32]:
    """Compute the share of light an aerosol takes out of each band, (band, y, x), from its optical depth at 550 nm."""
    wavelength = np.array([BANDS[band].wavelength for band in bands], np.float32)
    opacity: NDArray[np.float32] = -np.expm1(-depth * ((wavelength / 550.0) ** -exponent)[:, None, None])
    return opacity


def mix(below: NDArray[np.float32], opacity: NDArray[np.float32], layer: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lay a scattering layer over what is below; the result lies between the two.

    Args:
        below: Reflectance, (band, y, x).
        opacity: 0 to 1, (y, x) or (band, y, x).
        layer: Reflectance of the layer if it were infinitely thick, (band,).
    """
    mixed: NDArray[np.float32] = below + opacity * (layer[:, None, None] - below)
    return mixed


def shade(pixels: NDArray[np.float32], shadow: NDArray[np.float32], bands: tuple[str, ...]) -> NDArray[np.float32]:
    """Take direct sunlight from shaded ground, leaving the blue sky's."""
    dark: NDArray[np.float32] = pixels * (1 - shadow * (1 - layer_of(_SKYLIGHT, bands))[:, None, None])
    return dark


def water_cloud(bands: tuple[str, ...]) -> NDArray[np.float32]:
    """Look up the reflectance of thick water cloud, (band,)."""
    return layer_of(_WATER_CLOUD, bands)


def ice_cloud(bands: tuple[str, ...]) -> NDArray[np.float32]:
    """Look up the reflectance of thick ice cloud, (band,)."""
    return layer_of(_ICE_CLOUD, bands)


def smoke(bands: tuple[str, ...]) -> NDArray[np.float32]:
    """Look up the reflectance of thick smoke, (band,)."""
    return layer_of(_SMOKE_ALBEDO, bands)
