"""Reflectance by band name, and the ratios that are made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s2lookback.scene import NODATA, SCALE

Layer = NDArray[np.float32]

FLOOR = np.float32(1e-3)
"""Reflectance added to every denominator, so that two black pixels differ by nothing."""

NIR = ("B8A", "B08", "B09")
"""Bands that can stand for the near infrared, best first; B09 has pixels of 60 m."""

VISIBLE = ("B02", "B03", "B04")

INFRARED = ("B08", "B8A", "B11", "B12")


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Reflectance of some pixels by band; NaN where there is no data and in bands that are not there.

    A comparison with NaN is false, so a test on a band that a scene lacks finds nothing.
    """

    layers: Mapping[str, Layer]
    """Any shape, the same for all bands."""

    @classmethod
    def of(cls, pixels: NDArray[np.int16], bands: Sequence[str]) -> "Spectrum":
        """Take reflectance from pixels, (band, ...), ``NODATA`` where there is none."""
        return cls({band: _reflectance(layer) for band, layer in zip(bands, pixels, strict=True)})

    def __getitem__(self, band: str) -> Layer:
        if band in self.layers:
            return self.layers[band]
        return np.full_like(next(iter(self.layers.values())), np.nan)

    def has(self, *bands: str) -> bool:
        """Tell whether all of these bands are there."""
        return all(band in self.layers for band in bands)

    @property
    def has_nir(self) -> bool:
        """Tell whether a band of the near infrared is there."""
        return any(band in self.layers for band in NIR)

    @property
    def nir(self) -> Layer:
        """The near infrared, from the best band there is."""
        return self[next((band for band in NIR if band in self.layers), NIR[0])]


def _reflectance(layer: NDArray[np.int16]) -> Layer:
    return np.where(layer == NODATA, np.float32(np.nan), layer * np.float32(SCALE))


def contrast(a: Layer, b: Layer) -> Layer:
    """Give the normalised difference (a − b) / (a + b), between −1 and 1.

    Negative reflectance, which atmospheric correction leaves over dark ground, counts as black.
    """
    a, b = np.maximum(a, 0), np.maximum(b, 0)
    return (a - b) / (a + b + FLOOR)


def ndvi(now: Spectrum) -> Layer:
    """Give the vegetation index, near infrared against red."""
    return contrast(now.nir, now["B04"])


def ndsi(now: Spectrum) -> Layer:
    """Give the snow index, green against short-wave infrared."""
    return contrast(now["B03"], now["B11"])


def nbr(now: Spectrum) -> Layer:
    """Give the burn ratio, near infrared against short-wave infrared."""
    return contrast(now.nir, now["B12"])


def brightness(now: Spectrum) -> Layer:
    """Give the mean reflectance of the visible bands."""
    return (now["B02"] + now["B03"] + now["B04"]) / np.float32(3)


def whiteness(now: Spectrum) -> Layer:
    """Give how far the visible bands differ from their mean, as a share of it; 0 is grey.

    Source: Zhu & Woodcock 2012, Remote Sensing of Environment 118, equation 2.
    """
    mean: Layer = np.maximum(brightness(now), FLOOR)
    apart = [np.abs(now[band] - mean) for band in VISIBLE]
    share: Layer = (apart[0] + apart[1] + apart[2]) / mean
    return share


def haze(now: Spectrum) -> Layer:
    """Give the haze-optimised transformation; above 0 the air is hazy or cloudy.

    Source: Zhu & Woodcock 2012, Remote Sensing of Environment 118, equation 3.
    """
    return now["B02"] - np.float32(0.5) * now["B04"] - np.float32(0.08)
