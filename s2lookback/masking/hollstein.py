"""The decision trees of Hollstein et al., asked for cloud alone.

Source: Hollstein, Segl, Guanter, Brell & Enesco 2016, Remote Sensing 8, 666; of the trees the branches that end in
cloud, with the thresholds that Sentinel-Cloud-Masking (A. Bocquet) uses, in top-of-atmosphere reflectance.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from s2lookback.masking.spectrum import FLOOR, Layer, Spectrum

Found = NDArray[np.bool_]


class _Asked:
    """Compares bands with thresholds; ``unknown`` is the answer about a band that is not there."""

    def __init__(self, now: Spectrum, *, unknown: bool) -> None:
        self._now, self._unknown = now, unknown

    def above(self, band: str, threshold: float) -> Found:
        return self._answer(self._now[band], self._now[band] > threshold)

    def below(self, band: str, threshold: float) -> Found:
        return self._answer(self._now[band], self._now[band] < threshold)

    def ratio_above(self, band: str, other: str, threshold: float) -> Found:
        return self._answer(self._ratio(band, other), self._ratio(band, other) > threshold)

    def ratio_below(self, band: str, other: str, threshold: float) -> Found:
        return self._answer(self._ratio(band, other), self._ratio(band, other) < threshold)

    def _ratio(self, band: str, other: str) -> Layer:
        return (self._now[band] / np.maximum(self._now[other], FLOOR)).astype(np.float32, copy=False)

    def _answer(self, layer: Layer, found: Found) -> Found:
        return np.where(np.isnan(layer), self._unknown, found)


def _tree1(ask: _Asked) -> Found:
    dark = ask.below("B03", 0.325) & ask.below("B8A", 0.166) & ask.above("B10", 0.011)
    bright = ask.above("B03", 0.325) & ask.below("B11", 0.267) & ask.below("B04", 0.674)
    white = ask.above("B03", 0.325) & ask.above("B11", 0.267) & ask.below("B07", 1.544)
    return dark | bright | white


def _tree2(ask: _Asked) -> Found:
    high = ask.below("B03", 0.333) & ask.ratio_above("B10", "B02", 0.065)
    bright = ask.above("B03", 0.333) & ask.ratio_below("B06", "B11", 4.292)
    return ask.above("B8A", 0.156) & (high | bright)


def _tree3(ask: _Asked) -> Found:
    dark = ask.above("B8A", 0.051) & ask.below("B8A", 0.181) & ask.below("B12", 0.097) & ask.above("B10", 0.011)
    low = ask.below("B10", 0.012) & ask.above("B02", 0.271)
    hazy = ask.below("B01", 0.331) & (low | ask.above("B10", 0.012))
    bluish = ask.below("B11", 0.239) & ask.below("B02", 0.711)
    white = ask.above("B11", 0.239) & ask.below("B05", 1.393)
    return dark | ask.above("B8A", 0.181) & (hazy | ask.above("B01", 0.331) & (bluish | white))


_TREES: tuple[Callable[[_Asked], Found], ...] = (_tree1, _tree2, _tree3)

TREES = tuple(f"tree{number}" for number in range(1, len(_TREES) + 1))
"""Their names, in their order."""


def decided(now: Spectrum) -> Layer:
    """Give what each tree says of cloud, (tree, ...): 1 yes, 0 no, NaN where that hangs on a band that is not there.

    Args:
        now: Reflectance, any shape.
    """
    answers = [(tree(_Asked(now, unknown=False)), tree(_Asked(now, unknown=True))) for tree in _TREES]
    return np.stack([np.where(least == most, least, np.nan) for least, most in answers]).astype(np.float32)
