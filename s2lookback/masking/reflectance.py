"""Arrays that somebody hands in: reflectance they must be, and not digital numbers, percent or nothing at all."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from s2lookback.bands import BANDS
from s2lookback.errors import SceneError

BRIGHTEST = 1.5
"""Median that no reflectance exceeds: fresh snow and the thickest cloud have 1."""

PERCENT = 150.0
"""Median that no percentage exceeds."""

DARKEST = 5e-4
"""Median that no reflectance falls short of: the clearest lake has 0.003 in the visible bands."""


def check_bands(name: str, array: NDArray[np.generic], bands: Sequence[str]) -> None:
    """Refuse an array whose last axis is not that of its bands.

    Raises:
        SceneError: If it is not (..., y, x, band) with one name of a Sentinel-2 band for each.
    """
    strange = [band for band in bands if band not in BANDS]
    if strange or len(set(bands)) < len(bands):
        raise SceneError(f"bands are {' '.join(bands)}; expected different names out of {' '.join(BANDS)}")
    if array.ndim not in (3, 4) or not array.size:
        raise SceneError(f"{name} has the shape {array.shape}, expected (y, x, band) or (time, y, x, band)")
    if array.shape[-1] != len(bands):
        raise SceneError(
            f"{name} has {array.shape[-1]} bands on its last axis, of {array.shape}, and {len(bands)} names: "
            f"{' '.join(bands)}; expected as many"
        )


def checked_reflectance(name: str, array: NDArray[np.generic]) -> NDArray[np.float32]:
    """Give an array as float32 once its numbers can be reflectance: 0 to 1, NaN for no data.

    Raises:
        SceneError: If they cannot; the sentence says what to do.
    """
    if not np.issubdtype(array.dtype, np.number) or np.issubdtype(array.dtype, np.complexfloating):
        raise SceneError(f"{name} is of type {array.dtype}, expected reflectance as floating-point numbers")
    values = array.astype(np.float32)
    known = values[np.isfinite(values)]
    if np.isinf(values).any():
        raise SceneError(f"{name} holds infinity in {np.isinf(values).sum()} numbers; set no data to NaN")
    if not known.size:
        raise SceneError(f"{name} is NaN throughout, expected some reflectance")
    if known.min() < -1:
        raise SceneError(f"{name} holds {known.min():g}, expected reflectance from 0 to 1; set no data to NaN")
    _check_median(name, float(np.median(known)))
    empty = int((values == 0).all(axis=-1).sum())
    if empty:
        raise SceneError(f"{name} has {empty} pixels that are 0 in every band, which no ground is; set no data to NaN")
    return values


def _check_median(name: str, middle: float) -> None:
    if middle > PERCENT:
        raise SceneError(
            f"{name} has a median of {middle:g}: digital numbers, expected reflectance from 0 to 1; subtract 1000 if "
            "its processing baseline is 04.00 or later, then divide by 10000"
        )
    if middle > BRIGHTEST:
        raise SceneError(f"{name} has a median of {middle:g}: percent, expected reflectance from 0 to 1; divide by 100")
    if middle < DARKEST:
        raise SceneError(
            f"{name} has a median of {middle:g}, expected reflectance from 0 to 1; it may have been divided twice"
        )
