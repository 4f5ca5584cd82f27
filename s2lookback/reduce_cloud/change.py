"""Tells a surface that changed from one that is merely veiled."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from s2lookback.errors import SceneError

NEAR = ("B8A", "B08", "B09")
SHORT_WAVE = ("B12", "B11")
"""Near and short-wave infrared bands, the best first."""

LEAST_LOSS = 500
"""Contrast (reflectance × 10 000) whose loss is within what light, season and registration do."""


def surface_changed(
    pixels: NDArray[np.int16], composite: NDArray[np.int16], bands: Sequence[str], *, max_contrast_loss: float
) -> NDArray[np.bool_]:
    """Mark the pixels that may have burnt since the composite, thin cloud or not, (y, x).

    A thin veil adds nearly the same to the near as to the short-wave infrared, so their
    difference stays, but for the light that the veil takes away. A burn lowers the one and
    raises the other: the difference collapses.

    Args:
        pixels: Today's, (band, y, x).
        composite: Most recent pixels from before, (band, y, x); both without no data where the answer is used.
        bands: Names of the bands.
        max_contrast_loss: Share of the composite's contrast that a veil may take away, 0-1.

    Raises:
        SceneError: If near or short-wave infrared is missing, without which a burn cannot be told.
    """
    near, short = (next((bands.index(name) for name in names if name in bands), None) for names in (NEAR, SHORT_WAVE))
    if near is None or short is None:
        raise SceneError(
            f"bands {', '.join(bands)}: a burn is told by one of {', '.join(NEAR)} and one of {', '.join(SHORT_WAVE)}"
        )
    before = composite[near].astype(np.int32) - composite[short]
    lost = before - (pixels[near].astype(np.int32) - pixels[short])
    changed: NDArray[np.bool_] = lost > np.maximum(LEAST_LOSS, max_contrast_loss * before)
    return changed
