"""Least squares of light over a few bands, pixel by pixel, in machine code: what cloud and shadow, or smoke, explain.

Bands are summed over a block of pixels that a core's own cache holds, in the order of the bands.
"""

import numpy as np

from s2lookback.compiled import compiled
from s2lookback.masking.spectrum import Layer

SMALL = np.float32(1e-6)
"""Least divisor: ground as white as cloud, or black, tells nothing of either, and nothing is divided by nothing."""

_BLOCK = 1024
"""Pixels: their sums, and six bands of three layers, take 100 kB."""


@compiled
def fit_cover(today: Layer, ground: Layer, weight: Layer, cloudy: Layer, sky: Layer, found: Layer) -> None:
    """Fit cloud and loss of light together, neither below 0, the loss not above 1.

    Args:
        today: (band, pixel).
        ground: The same when last clear.
        weight: Of each residual squared, (band, pixel).
        cloudy: Reflectance of a cloud that nothing is seen through, (band).
        sky: Share of light that a shadow keeps, (band).
        found: Zeros; becomes cloud, lost and misfit, (3, pixel).
    """
    sums = np.empty((5, _BLOCK), np.float32)
    for start in range(0, today.shape[1], _BLOCK):
        count = min(_BLOCK, today.shape[1] - start)
        sums[:] = 0
        for band in range(len(today)):
            for pixel in range(count):
                below, worth = ground[band, start + pixel], weight[band, start + pixel]
                change, veil = today[band, start + pixel] - below, cloudy[band] - below
                dark = -below * (np.float32(1) - sky[band])
                sums[0, pixel] += worth * veil * veil
                sums[1, pixel] += worth * dark * dark
                sums[2, pixel] += worth * veil * dark
                sums[3, pixel] += worth * change * veil
                sums[4, pixel] += worth * change * dark
        for pixel in range(count):
            found[0, start + pixel], found[1, start + pixel] = _solved(sums[:, pixel])
        for band in range(len(today)):
            for pixel in range(start, start + count):
                below = ground[band, pixel]
                dark = -below * (np.float32(1) - sky[band])
                left = today[band, pixel] - below - found[0, pixel] * (cloudy[band] - below) - found[1, pixel] * dark
                found[2, pixel] += weight[band, pixel] * (left * left)


@compiled
def _solved(sums: Layer) -> tuple[np.float32, np.float32]:
    """Give cloud and loss of light by the normal equations of a pixel; of what light cannot do, the nearest it can."""
    none, one = np.float32(0), np.float32(1)
    vv, dd, vd, cv, cd = sums[0], sums[1], sums[2], sums[3], sums[4]
    either = np.maximum(vv * dd - vd * vd, SMALL)
    vv, dd = np.maximum(vv, SMALL), np.maximum(dd, SMALL)
    cloud, lost = (cv * dd - cd * vd) / either, (cd * vv - cv * vd) / either
    alone = np.maximum(cv / vv, none)
    if lost < 0 and (cloud >= 0 or alone > 0):  # of both below 0, one may be above alone
        return alone, none
    if cloud < 0:
        shade = np.maximum(cd / dd, none)
        if shade <= 1:
            return none, shade
        lost = shade
    if lost > 1:
        return np.maximum((cv - vd) / vv, none), one
    return cloud, lost


@compiled
def fit_smoke(
    today: Layer, ground: Layer, weight: Layer, opacities: Layer, shares: Layer, bounds: Layer, found: Layer
) -> None:
    """Try smoke of several opacities, whose reflectance follows by least squares, and keep what explains most.

    Args:
        today: (band, pixel).
        ground: The same when last clear.
        weight: Of each residual squared, (band, pixel).
        opacities: What is tried.
        shares: How much of its reflectance each sends back, (opacity, band).
        bounds: Least and largest reflectance of smoke.
        found: Opacity and misfit so far, (2, pixel); replaced where smoke explains more.
    """
    sums = np.empty((3, _BLOCK), np.float32)
    for start in range(0, today.shape[1], _BLOCK):
        count = min(_BLOCK, today.shape[1] - start)
        some = slice(start, start + count)
        for number in range(len(opacities)):
            _unexplained(today[:, some], ground[:, some], weight[:, some], shares[number], bounds, sums)
            for pixel in range(count):
                if sums[2, pixel] < found[1, start + pixel]:
                    found[0, start + pixel], found[1, start + pixel] = opacities[number], sums[2, pixel]


@compiled
def _unexplained(today: Layer, ground: Layer, weight: Layer, shares: Layer, bounds: Layer, sums: Layer) -> None:
    """Write what smoke of one opacity leaves unexplained into the last of three rows of sums, (3, pixel)."""
    bands, pixels = today.shape
    sums[:] = 0
    for band in range(bands):
        share, through = shares[band], np.float32(1) - shares[band]
        for pixel in range(pixels):
            added = today[band, pixel] - through * ground[band, pixel]
            sums[0, pixel] += weight[band, pixel] * share * added
            sums[1, pixel] += weight[band, pixel] * (share * share)
    for pixel in range(pixels):
        sums[0, pixel] = np.minimum(np.maximum(sums[0, pixel] / sums[1, pixel], bounds[0]), bounds[1])
    for band in range(bands):
        share, through = shares[band], np.float32(1) - shares[band]
        for pixel in range(pixels):
            left = today[band, pixel] - through * ground[band, pixel] - share * sums[0, pixel]
            sums[2, pixel] += weight[band, pixel] * (left * left)
