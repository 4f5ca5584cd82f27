"""Dates out of folders of ENVI images and masks, as the documented commands read them."""

import logging
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from s2lookback.command import FolderSettings
from s2lookback.errors import SceneError
from s2lookback.mrap.fold import has_data
from s2lookback.scene import Rejected
from s2lookback.sources.envi import Pair, mask_scales, pair_folders, read_image, read_probability, read_shadow

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Date:
    """One image and what of it is clear."""

    pair: Pair
    pixels: NDArray[np.float32]
    """Digital numbers as they came, (band, y, x); NaN in all bands where there is no data."""
    clear: NDArray[np.bool_]
    """True where there is data and every mask says clear, (y, x)."""
    shadow: NDArray[np.bool_]
    """True where a mask of shadow says so, (y, x)."""

    @property
    def sensed(self) -> int:
        """Sensing time, seconds since 1970-01-01 UTC."""
        return int(self.pair.sensed.timestamp())

    @property
    def masked(self) -> NDArray[np.bool_]:
        """True where there is data that is not clear, (y, x)."""
        return has_data(self.pixels) & ~self.clear

    @property
    def masked_share(self) -> float:
        """Share of the pixels with data that is masked, 0-1; 0 where there is no data at all."""
        return int(np.count_nonzero(self.masked)) / max(int(np.count_nonzero(has_data(self.pixels))), 1)


@dataclass(frozen=True, slots=True)
class Series:
    """All dates of the folders, in order of time, to be read one by one."""

    pairs: tuple[Pair, ...]
    scales: dict[str, float]
    threshold: float | None

    def read(self, pair: Pair) -> Date | Rejected:
        """Read one date, or say why it cannot be used; what no mask speaks of is not clear."""
        try:
            pixels = read_image(pair)
            cloud, shadow = read_probability(pair, self.scales), read_shadow(pair, self.scales)
        except SceneError as error:
            return Rejected(pair.image.path, str(error))
        pixels[:, ~has_data(pixels)] = np.nan
        told = ~np.isnan(np.fmax(cloud, shadow))
        clear = told & ~self._flagged(cloud) & ~self._flagged(shadow)
        return Date(pair, pixels, clear & has_data(pixels), self._flagged(shadow))

    def _flagged(self, probability: NDArray[np.float32]) -> NDArray[np.bool_]:
        return probability > 0 if self.threshold is None else probability >= self.threshold


def open_series(settings: FolderSettings, *, days_before: int = 0) -> Series:
    """List the dates between start and end, and those up to ``days_before`` earlier, which may fill them.

    Images without a mask and files that cannot be used are left out, with a warning each.

    Raises:
        SceneError: If nothing is left, or the images are not of one tile, shape and bands.
    """
    found, rejected = pair_folders(settings.image_dir, settings.mask_dir)
    earliest = settings.start and settings.start - timedelta(days=days_before)
    asked = settings.model_copy(update={"start": earliest})
    inside = [pair for pair in found if asked.within(pair.sensed.date())]
    pairs = tuple(pair for pair in inside if pair.masks)
    for bad in rejected:
        logger.warning("left out: %s", bad.reason)
    if bare := [pair.image.path for pair in inside if not pair.masks]:
        logger.warning("left out: %d of %d images have no mask, the first is %s", len(bare), len(inside), bare[0])
    if not any(settings.within(pair.sensed.date()) for pair in pairs):
        raise SceneError(f"{settings.image_dir}: none of {len(found)} dates has a mask and lies between start and end")
    for pair in pairs:
        if _kind(pair) != _kind(pairs[0]):
            raise SceneError(
                f"{pair.image.path}: found {_kind(pair)}, expected {_kind(pairs[0])} as in the first image"
            )
    return Series(pairs, mask_scales(pairs), settings.mask_threshold)


def _kind(pair: Pair) -> tuple[str | None, int, int, int]:
    return pair.tile, pair.image.bands, pair.image.height, pair.image.width


def day_of(pair: Pair) -> str:
    """Write the day of a date: ``2025-08-30``."""
    return f"{pair.sensed:%Y-%m-%d}"
