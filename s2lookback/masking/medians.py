"""The geomedian: of the spectra that a pixel had, the one in the middle of all its bands at once."""

import numpy as np
from numpy.typing import NDArray

from s2lookback.compiled import compiled
from s2lookback.errors import SceneError

TOLERANCE = 1e-7
"""Reflectance that the last step may move."""

SAME = 1e-9
"""Reflectance up to which two spectra are one."""

STEPS = 10_000
"""Most steps."""


def geomedian(stack: NDArray[np.floating]) -> NDArray[np.float32]:
    """Find the spectrum from which those of all dates are least far in sum, for each pixel.

    Unlike a median band by band it is a spectrum that ground can have; up to half of the dates may be cloudy before it
    leaves what the others agree on. Moving or scaling all dates moves or scales it; where more than half of the dates
    show one spectrum, it is that one.

    Args:
        stack: Reflectance, (time, y, x, band); a date with NaN in any band of a pixel does not count there.

    Returns:
        (y, x, band), to within a ten-thousandth, which is what a pixel can hold; NaN where no date counts.

    Raises:
        SceneError: If there are not four axes, or no date.

    Source: Roberts, Mueller & McIntyre 2017, IEEE Transactions on Geoscience and Remote Sensing 55, for the use;
    Vardi & Zhang 2000, PNAS 97, for the step, which does not halt at a date's own spectrum.
    """
    if stack.ndim != 4 or not len(stack):
        raise SceneError(f"a stack of {stack.shape}: expected (time, y, x, band), with one date at least")
    middle = np.empty(stack.shape[1:], np.float32)
    for row in range(stack.shape[1]):
        _row(np.ascontiguousarray(stack[:, row], np.float64), middle[row])
    return middle


@compiled
def _row(stack: NDArray[np.float64], middle: NDArray[np.float32]) -> None:
    """Find the geomedians of a row, (time, x, band)."""
    dates, columns, bands = stack.shape
    seen = np.empty((dates, bands))
    for column in range(columns):
        count = 0
        for date in range(dates):
            if not np.isnan(stack[date, column]).any():
                seen[count] = stack[date, column]
                count += 1
        middle[column] = np.nan
        if count:
            middle[column] = _middle(seen[:count])


@compiled
def _middle(seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Walk from the date that is nearest to all to the geomedian, (date, band) to (band)."""
    here: NDArray[np.float64] = seen[_nearest(seen)].copy()
    step = np.empty_like(here)
    for _ in range(STEPS):
        step[:], weight, same = 0.0, 0.0, 0
        for date in range(len(seen)):
            away = _distance(seen[date], here)
            if away < SAME:
                same += 1
            else:
                step += (seen[date] - here) / away
                weight += 1 / away
        force = np.sqrt((step**2).sum())
        if force <= same:  # the dates that lie here hold it
            break
        step *= (1 - same / force) / weight
        here += step
        if np.sqrt((step**2).sum()) < TOLERANCE:
            break
    return here


@compiled
def _nearest(seen: NDArray[np.float64]) -> int:
    """Find the date with the least sum of distances to all."""
    nearest, least = 0, np.inf
    for one in range(len(seen)):
        total = 0.0
        for other in range(len(seen)):
            total += _distance(seen[one], seen[other])
        if total < least:
            nearest, least = one, total
    return nearest


@compiled
def _distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    total = 0.0
    for band in range(len(one)):
        total += (one[band] - other[band]) ** 2
    return float(np.sqrt(total))
