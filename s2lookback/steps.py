"""Rows of numbers as steps from one to the next, which compress better, and back.

Source: TIFF 6.0 (Adobe 1992), section 14, differencing predictor. Numbers are unsigned, so that steps wrap around.
"""

from typing import Any

from numpy.typing import NDArray

from s2lookback.compiled import compiled

Numbers = NDArray[Any]
"""Unsigned, (y, x), row after row in memory."""


@compiled
def steps_of(pixels: Numbers, steps: Numbers) -> None:
    """Write the steps along each row into ``steps``, which may be larger: the last row and the last number go on."""
    height, width = pixels.shape
    for y in range(steps.shape[0]):
        row = pixels[min(y, height - 1)]
        steps[y, 0] = row[0]
        for x in range(1, width):
            steps[y, x] = row[x] - row[x - 1]
        for x in range(width, steps.shape[1]):
            steps[y, x] = 0


@compiled
def sum_up(steps: Numbers, pixels: Numbers) -> None:
    """Sum up the steps of each row into ``pixels``, which may be smaller: what does not fit is left out."""
    height, width = pixels.shape
    whole = height // 4 * 4
    for y in range(0, whole, 4):  # four rows side by side: each sum waits for the one before it
        a = b = c = d = steps.dtype.type(0)
        for x in range(width):
            a += steps[y, x]
            b += steps[y + 1, x]
            c += steps[y + 2, x]
            d += steps[y + 3, x]
            pixels[y, x], pixels[y + 1, x], pixels[y + 2, x], pixels[y + 3, x] = a, b, c, d
    for y in range(whole, height):
        a = steps.dtype.type(0)
        for x in range(width):
            a += steps[y, x]
            pixels[y, x] = a
