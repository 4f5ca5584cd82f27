"""What came between the ground and the sensor: today's light as a mixture of the ground's, a cloud's and smoke's.

A cloud adds its own light and hides some of the ground's; its shadow takes direct sunlight, of which the blue sky
gives some back; smoke adds blue, and leaves the short-wave infrared alone. How much of each there is follows from all
bands at once, by least squares against the ground when last clear. A thin cloud is so found in its own shadow too, and
a change of the ground itself shows as a misfit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from s2lookback.masking.fitting import SMALL, fit_cover, fit_smoke
from s2lookback.masking.spectrum import Layer, Spectrum

CLOUD = MappingProxyType({
    "water": {"B02": 0.9, "B03": 0.9, "B04": 0.9, "nir": 0.9, "B11": 0.65, "B12": 0.5},
    "ice": {"B02": 0.9, "B03": 0.9, "B04": 0.9, "nir": 0.9, "B11": 0.4, "B12": 0.3},
})  # fmt: skip
"""Reflectance of a cloud that nothing is seen through.

Source: Nakajima & King 1990, Journal of the Atmospheric Sciences 47, for droplets of 10 µm; Warren 1982, Reviews of
Geophysics 20, for crystals, whose bands of absorption lie at 1.6 and 2.2 µm too."""

SKY = MappingProxyType({"B02": 0.35, "B03": 0.3, "B04": 0.25, "nir": 0.2, "B11": 0.15, "B12": 0.12})
"""Share of light that a shadow keeps: sky and clouds beside it shine into it, in the blue more.

Source: rounded from the clear sky of Bird & Riordan 1986, Journal of Climate and Applied Meteorology 25, and as much
again from clouds."""

WAVELENGTH = MappingProxyType({"B02": 490.0, "B03": 560.0, "B04": 665.0, "nir": 865.0, "B11": 1610.0, "B12": 2190.0})
"""nm"""

ANGSTROM = 1.8
"""Power by which smoke's optical depth falls with wavelength.

Source: Eck et al. 1999, Journal of Geophysical Research 104, fresh smoke 1.5 to 2.2."""

SMOKE_OPACITIES = (0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97)
"""In blue; what is tried."""

SMOKE_REFLECTANCE = (0.12, 0.4)
"""Of smoke that nothing is seen through, from sooty to white."""

UNSTEADY = 0.07
"""Share by which the reflectance of unchanged ground differs from date to date: slopes, season and view."""

NOISE = MappingProxyType({"B02": 0.01, "B03": 0.01, "B04": 0.012, "nir": 0.02, "B11": 0.02, "B12": 0.02})
"""Reflectance by which it differs at least: air that correction left, and how far the spectra above are off."""

UNLIKELY = 13.3
"""Misfit of what is explained rightly that chance exceeds once in a hundred times: χ² of four degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """What each pixel is a mixture of, any shape; NaN where it was never clear before."""

    cloud: Layer
    """Share of light that cloud sends back, 0 and up to about 1."""
    red: Layer
    """The same by red alone. Bands look a second apart, so that a high cloud stands elsewhere in each."""
    lost: Layer
    """Share of direct sunlight that does not reach the ground, 0 to 1."""
    misfit: Layer
    """Squared residuals of both, in units of ``NOISE`` and ``UNSTEADY``, summed over the bands."""
    change: Layer
    """Squared residuals of nothing at all: how much there is to explain."""
    smoke: Layer
    """Opacity of smoke in blue, 0 to 1, were that there instead; 0 without a blue band or where blue did not rise."""
    smoke_misfit: Layer
    """Squared residuals of smoke; infinite where it was not tried."""


def unmix(now: Spectrum, before: Spectrum) -> Mixture:
    """Find the mixture that today's light most likely is."""
    bands = [band for band in CLOUD["water"] if now.has(band) or (band == "nir" and now.has_nir)]
    today, ground = (np.stack([_of(spectrum, band) for band in bands]) for spectrum in (now, before))
    sigma = _column(NOISE, bands, ground) + np.float32(UNSTEADY) * ground
    weight = np.asarray(sigma**-2, np.float32)
    water, ice = (_cloud_and_shadow(today, ground, weight, bands, spectrum) for spectrum in CLOUD.values())
    drier = ice[2] < water[2]
    cloud, lost, misfit = (np.where(drier, one, other) for one, other in zip(ice, water, strict=True))
    change = (weight * (today - ground) ** 2).sum(axis=0)
    red = cloud if "B04" not in bands else _red(now["B04"], before["B04"], lost)
    return Mixture(cloud, red, lost, misfit, change, *_smoke(today, ground, weight, bands))


def _red(today: Layer, ground: Layer, lost: Layer) -> Layer:
    """Give the cloud that red tells of, over ground that has lost its light."""
    cloud = (today - ground + lost * ground * np.float32(1 - SKY["B04"])) / np.maximum(
        CLOUD["water"]["B04"] - ground, SMALL
    )
    return np.asarray(np.maximum(cloud, 0), np.float32)


def _of(spectrum: Spectrum, band: str) -> Layer:
    return spectrum.nir if band == "nir" else spectrum[band]


def _column(values: Mapping[str, float], bands: Sequence[str], like: Layer) -> Layer:
    return np.array([values[band] for band in bands], np.float32).reshape(-1, *(1,) * (like.ndim - 1))


def _cloud_and_shadow(
    today: Layer, ground: Layer, weight: Layer, bands: Sequence[str], spectrum: Mapping[str, float]
) -> tuple[Layer, Layer, Layer]:
    """Fit cloud and loss of light together, neither below 0, the loss not above 1; give both and the misfit."""
    found = np.zeros((3, *today.shape[1:]), np.float32)
    light, kept = (_column(values, bands, ground).ravel() for values in (spectrum, SKY))
    fit_cover(*(_flat(layers) for layers in (today, ground, weight)), light, kept, _flat(found))
    return found[0], found[1], found[2]


def _smoke(today: Layer, ground: Layer, weight: Layer, bands: Sequence[str]) -> tuple[Layer, Layer]:
    """Fit smoke where blue rose: its opacity from a list, its reflectance by least squares."""
    opacity, misfit = np.zeros(today.shape[1:], np.float32), np.full(today.shape[1:], np.inf, np.float32)
    if "B02" not in bands:
        return opacity, misfit
    tried = today[bands.index("B02")] - ground[bands.index("B02")] > 2 * NOISE["B02"]
    depth = (_column(WAVELENGTH, bands, _flat(today)) / WAVELENGTH["B02"]) ** np.float32(-ANGSTROM)
    shares = np.stack([1 - np.float32(1 - blue) ** depth.ravel() for blue in SMOKE_OPACITIES])
    found = np.stack([opacity[tried], misfit[tried]])
    some = (layers[:, tried] for layers in (today, ground, weight))
    fit_smoke(*some, np.array(SMOKE_OPACITIES, np.float32), shares, np.array(SMOKE_REFLECTANCE, np.float32), found)
    opacity[tried], misfit[tried] = found
    return opacity, misfit


def _flat(layers: Layer) -> Layer:
    """Put the pixels in one row, (layer, pixel), without a copy."""
    return layers.reshape(len(layers), -1)
