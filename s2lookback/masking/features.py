"""What the look-back classifier sees of a pixel: today, when last clear, and the difference."""

from collections.abc import Callable, Sequence

import numpy as np

from s2lookback.masking.spectrum import (
    NIR,
    Layer,
    Spectrum,
    brightness,
    contrast,
    haze,
    nbr,
    ndsi,
    ndvi,
    whiteness,
)

_INDICES: dict[str, tuple[Callable[[Spectrum], Layer], tuple[str, ...]]] = {
    "ndvi": (ndvi, ("B04", "nir")),
    "ndsi": (ndsi, ("B03", "B11")),
    "nbr": (nbr, ("nir", "B12")),
    "brightness": (brightness, ("B02", "B03", "B04")),
    "whiteness": (whiteness, ("B02", "B03", "B04")),
    "haze": (haze, ("B02", "B04")),
}


def feature_names(bands: Sequence[str]) -> tuple[str, ...]:
    """Name the features that these bands give, in their order."""
    there = {*bands, *(["nir"] if set(NIR) & set(bands) else [])}
    indices = [name for name, (_, needs) in _INDICES.items() if there.issuperset(needs)]
    groups = [f"{prefix}{band}" for prefix in ("", "before_", "change_") for band in bands]
    return (*groups, *indices, *(["change_nbr"] if "nbr" in indices else []))


def features(now: Spectrum, before: Spectrum, bands: Sequence[str]) -> Layer:
    """Compute the look-back features of some pixels, each from its own pixel alone.

    Args:
        now: Today's reflectance, any shape.
        before: Reflectance when the pixel was last clear, same shape; NaN where it never was.
        bands: Bands to use, in the order of ``feature_names``.

    Returns:
        (feature, ...), NaN where a pixel was never clear before.

    Source: the three groups now, before and normalised difference are those of BC Wildfire Service's s2lookback of
    February 2026, with the last clear pixel in the place of the previous date, cloudy or not.
    """
    layers = {band: now[band] for band in bands}
    layers |= {f"before_{band}": before[band] for band in bands}
    layers |= {f"change_{band}": contrast(now[band], before[band]) for band in bands}
    names = feature_names(bands)
    layers |= {name: index(now) for name, (index, _) in _INDICES.items() if name in names}
    if "change_nbr" in names:
        layers["change_nbr"] = layers["nbr"] - nbr(before)
    return np.stack([layers[name] for name in names]).astype(np.float32, copy=False)
