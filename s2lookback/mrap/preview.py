"""Pictures of the digital numbers in ENVI folders."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s2lookback.envi import band_of, sample_rows
from s2lookback.files import whole_file
from s2lookback.mrap.fold import Pixels, has_data
from s2lookback.pictures import panels, rgb
from s2lookback.scene import NODATA
from s2lookback.sources.envi import Pair
from s2lookback.sources.offset import JUST_ABOVE, OFFSET, darkest


def offset_of(pairs: Sequence[Pair]) -> int:
    """Tell whether the images carry the +1000 of baseline 04.00, from the darkest tenth of them; 0 or 1000."""
    samples = (sample_rows(pair.image) for pair in pairs)
    begins = [low for rows in samples if (low := darkest(rows, has_data(rows))) is not None]
    return OFFSET if begins and np.quantile(begins, 0.1, method="lower") >= JUST_ABOVE[0] else 0


def as_reflectance(pixels: Pixels, offset: int = 0) -> NDArray[np.int16]:
    """Round digital numbers to reflectance × 10 000, (band, y, x); ``NODATA`` where NaN."""
    numbers = np.clip(np.rint(pixels - offset), NODATA + 1, 32_767)
    return np.where(np.isnan(pixels), NODATA, numbers).astype(np.int16)


def picture(pixels: Pixels, band_names: Sequence[str], offset: int) -> NDArray[np.uint8]:
    """Show digital numbers, (band, y, x), as RGB (y, x, 3)."""
    return rgb(as_reflectance(pixels, offset), [band_of(name) or name for name in band_names])


def write_picture(path: Path, shown: dict[str, NDArray[np.uint8]]) -> None:
    """Write RGB images side by side, each under its title."""
    with whole_file(path) as part:
        part.write_bytes(panels(list(shown.values()), list(shown)))
