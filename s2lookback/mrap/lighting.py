"""Fills one date from earlier ones whose light is first matched to it.

Source: the option ``adjust_lighting`` of BC Wildfire Service's s2lookback (March 2026).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from s2lookback.mrap.fold import Composite, fold_scene
from s2lookback.mrap.series import Date

FITTED_SHARE = 0.9
"""Largest share of the common clear pixels that is sampled."""


def fill_matched(
    date: Date, earlier: Iterator[Date], *, sample_size: int, seed: int
) -> tuple[Composite, NDArray[np.bool_]]:
    """Fill what is not clear from earlier dates, newest first, each in the light of ``date`` where that can be fitted.

    Args:
        date: To be filled.
        earlier: Inside the look-back window, newest first; no more are read than are needed.
        sample_size: Pixels a fit is made on; with fewer clear on both dates, pixels are copied as they are.
        seed: Of the sampler.

    Returns:
        The composite, and a boolean raster that is True where its pixels are matched and so estimated, (y, x).
    """
    composite = fold_scene(Composite.empty_like(date.pixels), date.pixels, date.clear, date.sensed)
    estimated = np.zeros(date.clear.shape, np.bool_)
    while (missing := composite.source == 0).any() and (past := next(earlier, None)):
        common = np.flatnonzero(date.clear & past.clear)
        pixels = past.pixels
        if common.size > sample_size:
            random = np.random.default_rng((seed, date.sensed, past.sensed))
            drawn = random.choice(common, min(sample_size, int(FITTED_SHARE * common.size)), replace=False)
            pixels = _match(past.pixels, date.pixels, drawn)
            estimated |= missing & past.clear
        composite = fold_scene(composite, pixels, past.clear, past.sensed)
    return composite, estimated


def _match(past: NDArray[np.float32], now: NDArray[np.float32], drawn: NDArray[np.intp]) -> NDArray[np.float32]:
    """Predict each band of now from all bands of the past, by least squares on the pixels drawn."""
    known = np.vstack([np.ones(past[0].size), past.reshape(len(past), -1)]).T
    fit = np.linalg.lstsq(known[drawn], now.reshape(len(now), -1)[:, drawn].T.astype(np.float64), rcond=None)[0]
    matched: NDArray[np.float32] = (known @ fit).T.reshape(past.shape).astype(np.float32)
    return matched
