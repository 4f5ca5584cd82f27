"""Whether the images of an ENVI folder carry the +1000 of processing baseline 04.00.

ENVI carries no offset, and the baseline in a file name proves nothing, so the pixels of
the whole folder decide. A file begins at the 1st percentile of its darkest band; a
folder where the darkest tenth of its files begin: on a cloudy or hazy day nothing in
sight is dark, but a tenth of the days is clear anywhere. Below 950 there is no offset;
from there to 2500 it was left in (BC's own composites begin at 1050); above, the folder is
cloud and does not tell.

On 118 dates of 31UDS without the offset, half begin above 980, but the folder at 501.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s2lookback.envi import EnviHeader, band_of, sample_rows
from s2lookback.errors import SceneError
from s2lookback.sources.offset import JUST_ABOVE, OFFSET, contradiction, darkest

_TOO_BRIGHT = 2500
"""Digital numbers: reflectance 0.15 with the offset, brighter than the darkest hundredth of dry bare soil."""


def find_bands(image: EnviHeader, wanted: Sequence[str]) -> dict[str, int]:
    """Find the wanted bands in a file: name to index, in the wanted order.

    Raises:
        SceneError: If there is none of them, or any band twice.
    """
    found = [band_of(name) for name in image.band_names]
    if twice := sorted({band for band in found if band and found.count(band) > 1}):
        raise SceneError(f"{image.path}: found {', '.join(twice)} more than once, expected each band of one date")
    chosen = {band: found.index(band) for band in wanted if band in found}
    if not chosen:
        raise SceneError(f"{image.path}: found bands {image.band_names}, expected some of {', '.join(wanted)}")
    return chosen


def folder_begins(images: Iterable[EnviHeader], wanted: Sequence[str]) -> dict[Path, float]:
    """Find where each folder of images begins, DN, from evenly spaced rows; unreadable images are passed over."""
    begins: dict[Path, list[float]] = {}
    for image in images:
        try:
            own = _begins(sample_rows(image)[[*find_bands(image, wanted).values()]])
        except SceneError:  # opening that image says so; the others still tell
            continue
        if own is not None:
            begins.setdefault(Path(image.path).parent, []).append(own)
    return {folder: float(np.quantile(own, 0.1, method="lower")) for folder, own in begins.items()}


def folder_offset(folder: Path, begins: float) -> int:
    """Tell the offset of a folder, 1000 or 0, from where it begins.

    Raises:
        SceneError: If it is too bright to tell.
    """
    if begins > _TOO_BRIGHT:
        raise SceneError(f"{folder}: the darkest is {begins:.0f}, expected below {_TOO_BRIGHT} to tell; set the offset")
    return OFFSET if begins >= JUST_ABOVE[0] else 0


def check_offset(image: EnviHeader, numbers: NDArray[np.float32], offset: int, begins: float) -> None:
    """Hold an image against the offset of its folder.

    Without an offset, a stray image that has one begins 1000 above the folder. That shows
    only where the folder begins low enough for ``contradiction`` to tell it from haze.

    Raises:
        SceneError: If its pixels contradict the offset.
    """
    own = _begins(numbers[:, :: 1 + numbers.shape[1] // 1000])  # a percentile needs no more rows
    shows = offset or begins + OFFSET <= JUST_ABOVE[1]
    if shows and own is not None and (reason := contradiction(own, offset)):
        raise SceneError(f"{image.path}: {reason}; the darkest of its folder begin at {begins:.0f}")


def _begins(numbers: NDArray[np.float32]) -> float | None:
    return darkest(numbers, np.logical_and.reduce(np.isfinite(numbers)))
