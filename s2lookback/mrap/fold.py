"""Most recent available pixels as an order-free fold over scenes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s2lookback.errors import GridMismatchError, SceneError
from s2lookback.mrap.policy import effective, preferred
from s2lookback.scene import NO_PERCENT, NODATA

Pixels = NDArray[np.int16 | np.float32]
"""(band, y, x); no data is ``NODATA`` in int16 and NaN in float32."""

DAY = 86_400
"""Seconds."""

NEVER = 65_535
"""Age of a pixel that was never seen."""


@dataclass(frozen=True, slots=True)
class Composite:
    """The newest clear pixels of a tile and when each was sensed."""

    pixels: Pixels
    """(band, y, x); no data in every band where ``source`` is 0."""
    source: NDArray[np.uint32]
    """Sensing time of the scene a pixel came from, whole seconds since 1970-01-01 UTC, (y, x); 0 never seen."""
    count: NDArray[np.uint16]
    """Clear observations folded so far, (y, x); a scene that is folded twice is counted twice."""
    doubt: NDArray[np.uint8]
    """Probability that the surface is hidden, as the mask of the pixel's scene says, percent, (y, x);
    ``NO_PERCENT`` never seen, or not said."""

    @classmethod
    def empty(cls, bands: int, height: int, width: int, dtype: type[np.int16 | np.float32] = np.int16) -> "Composite":
        """Start a composite of which nothing was seen yet."""
        shape = height, width
        pixels = np.full((bands, *shape), _nothing(np.dtype(dtype)), dtype)
        doubt = np.full(shape, NO_PERCENT, np.uint8)
        return cls(pixels, np.zeros(shape, np.uint32), np.zeros(shape, np.uint16), doubt)

    @classmethod
    def empty_like(cls, pixels: Pixels) -> "Composite":
        """Start a composite for scenes of the shape and dtype of ``pixels``."""
        bands, height, width = pixels.shape
        return cls.empty(bands, height, width, pixels.dtype.type)

    @property
    def sensed(self) -> NDArray[np.uint16]:
        """Day each pixel was sensed, days since 1970-01-01 UTC, (y, x); 0 never seen."""
        return (self.source // DAY).astype(np.uint16)

    def age(self, at: int) -> NDArray[np.uint16]:
        """Count the days from each pixel's day to that of ``at``, (y, x); ``NEVER`` where it was never seen.

        Args:
            at: The composite's time, seconds since 1970-01-01 UTC.

        Raises:
            SceneError: If a pixel was sensed on a later day.
        """
        day, sensed = at // DAY, self.sensed
        if int(sensed.max(initial=0)) > day:
            raise SceneError(f"composite of day {day} holds pixels of day {sensed.max()}, which is later")
        return np.where(sensed == 0, NEVER, day - sensed.astype(np.int64)).astype(np.uint16)


def fold_scene(
    base: Composite,
    pixels: Pixels,
    clear: NDArray[np.bool_],
    sensed: int,
    doubt: NDArray[np.uint8] | None = None,
    *,
    prefer_days: int = 0,
) -> Composite:
    """Fold one scene into a composite; per pixel, the newest clear one wins with all its bands.

    Scenes may be folded in any order and in any blocks. Folding one twice leaves pixels
    and source as they are; only ``count`` is additive, so the caller folds each scene once.

    Args:
        base: Composite so far; left untouched.
        pixels: The scene, (band, y, x), on the grid and in the dtype of ``base``. A pixel
            without data in some band counts as not seen.
        clear: True where the surface was seen, (y, x).
        sensed: Sensing time, whole seconds since 1970-01-01 UTC; different for different scenes.
        doubt: Probability that the surface is hidden, percent, (y, x); None if the mask does not say.
        prefer_days: Days that a pixel counts as older than it is if it is surely hidden, in proportion if it
            may be; the newest of these effective times wins.

    Raises:
        GridMismatchError: If shapes or dtypes disagree.
        SceneError: If ``sensed`` does not fit the source raster.
    """
    doubt = np.full(clear.shape, NO_PERCENT, np.uint8) if doubt is None else doubt
    shapes = {clear.shape, doubt.shape, base.source.shape}
    if pixels.shape != base.pixels.shape or len(shapes) > 1 or pixels.dtype != base.pixels.dtype:
        raise GridMismatchError(
            f"scene {pixels.shape} of {pixels.dtype} with clear {clear.shape} and doubt {doubt.shape} "
            f"does not fit composite {base.pixels.shape} of {base.pixels.dtype}"
        )
    if not DAY <= sensed < 2**32:
        raise SceneError(f"sensing time must lie between 1970-01-02 and 2106-02-07, found second {sensed}")
    seen = clear & has_data(pixels)
    newer = seen & preferred(sensed, doubt, base.source, base.doubt, prefer_days)
    folded = base.pixels.copy()
    for band, observed in zip(folded, pixels, strict=True):
        np.copyto(band, observed, where=newer)
    return Composite(
        pixels=folded,
        source=np.where(newer, np.uint32(sensed), base.source),
        count=base.count + seen.astype(np.uint16),
        doubt=np.where(newer, doubt, base.doubt),
    )


def expire(composite: Composite, at: int, max_age_days: int, *, prefer_days: int = 0) -> Composite:
    """Forget the pixels that are older than the look-back window; their count is kept.

    A fold that is expired at each date equals a search through that date's window:
    the pixel that wins is the one that leaves the window last.

    Args:
        composite: Left untouched; of no later day than ``at``.
        at: End of the window, seconds since 1970-01-01 UTC.
        max_age_days: Age in whole days up to which a pixel is shown, as ``Composite.age`` counts it.
        prefer_days: As the composite was folded with; what counts as older leaves the window earlier.
    """
    old = expired(composite, at, max_age_days, prefer_days)
    return Composite(
        np.where(old, _nothing(composite.pixels.dtype), composite.pixels),
        np.where(old, np.uint32(0), composite.source),
        composite.count,
        np.where(old, np.uint8(NO_PERCENT), composite.doubt),
    )


def expired(composite: Composite, at: int, max_age_days: int, prefer_days: int) -> NDArray[np.bool_]:
    """Mark the pixels that are older than the look-back window, (y, x); arguments as of ``expire``."""
    age = composite.age(at)
    if not prefer_days:
        return (age > max_age_days) & (age < NEVER)
    days = effective(composite.source, composite.doubt, prefer_days) // DAY
    return (at // DAY - days > max_age_days) & (age < NEVER)


def has_data(pixels: Pixels) -> NDArray[np.bool_]:
    """Mark the pixels that have data in every band, (y, x)."""
    complete = np.ones(pixels.shape[1:], np.bool_)
    for band in pixels:
        complete &= valued(band)
    return complete


def valued(pixels: Pixels) -> NDArray[np.bool_]:
    """Mark the numbers that are data, in the shape of ``pixels``."""
    floating = np.issubdtype(pixels.dtype, np.floating)
    return np.isfinite(pixels) if floating else pixels != NODATA


def _nothing(dtype: np.dtype[np.int16 | np.float32]) -> float:
    """Tell the number that means no data."""
    return np.nan if np.issubdtype(dtype, np.floating) else NODATA
