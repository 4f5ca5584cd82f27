"""Answers ``python3 -m s2lookback.mrap IMAGE_DIR MASK_DIR``: a composite for each date of a folder."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from s2lookback.command import FolderSettings, ahead, progress, run
from s2lookback.envi import write_envi
from s2lookback.errors import SceneError
from s2lookback.mrap.fold import DAY, NEVER, Composite, expire, fold_scene, has_data
from s2lookback.mrap.lighting import fill_matched
from s2lookback.mrap.preview import offset_of, picture, write_picture
from s2lookback.mrap.series import Date, Series, day_of, open_series
from s2lookback.pictures import age_image
from s2lookback.scene import Rejected

logger = logging.getLogger(__name__)


class MrapCommand(FolderSettings):
    """Composites the most recent available pixels: what is masked or missing on a date is filled from earlier ones.

    For each date writes <image>_MRAP.bin (float32, NaN where nothing was clear inside the window),
    <image>_MRAP_age.bin (days since each pixel was sensed) and a picture.
    """

    command: ClassVar[str] = "mrap"
    examples: ClassVar[tuple[str, ...]] = (
        "images masks/cloud,masks/shadow --max_lookback_days=30 --start=2025-07-30 --end=2025-09-03",
        "images images_masking --mask_threshold=0.5 --out=composites",
    )

    max_lookback_days: Annotated[int, Field(ge=1, le=36_500)] = Field(
        7, description="Age in days up to which an earlier pixel may fill a date; dates before start fill too."
    )
    adjust_lighting: bool = Field(
        False,
        description="Match the light of earlier dates to each date by regression; such pixels are estimates and are "
        "flagged in <image>_MRAP_estimated.bin.",
    )
    max_mask_prop_usable: Annotated[float, Field(ge=0, le=1)] = Field(
        0.7, description="Masked share up to which a date has clear pixels enough to match light to."
    )
    sample_size: Annotated[int, Field(ge=10, le=10_000_000)] = Field(
        5_000, description="Pixels one match of light is fitted on; with fewer in common there is none."
    )


def make_composites(settings: MrapCommand) -> None:
    """Write a composite for each date between start and end.

    Raises:
        SceneError: If nothing can be read, or, after all others are written, if dates had to be left out.
    """
    series = open_series(settings, days_before=settings.max_lookback_days)
    folder, offset = settings.output("mrap"), offset_of(series.pairs) if settings.png else 0
    carried: Composite | None = None
    left_out = 0
    dates = ahead(series.read, series.pairs, settings.n_workers)
    for pair, date in zip(progress("mrap", series.pairs, day_of), dates, strict=True):
        if isinstance(date, Rejected):
            logger.warning("left out: %s", date.reason)
            left_out += 1
            continue
        base = Composite.empty_like(date.pixels) if carried is None else carried
        carried = expire(
            fold_scene(base, date.pixels, date.clear, date.sensed), date.sensed, settings.max_lookback_days
        )
        if settings.within(pair.sensed.date()):
            _write(folder, date, *_composed(carried, date, series, settings), settings, offset)
    if left_out:
        raise SceneError(f"{settings.image_dir}: {left_out} of {len(series.pairs)} dates were left out, as said above")


def _composed(
    carried: Composite, date: Date, series: Series, settings: MrapCommand
) -> tuple[Composite, NDArray[np.bool_]]:
    """Choose the composite of a date: the fold, the date itself if next to nothing is masked, or a match of light."""
    if date.masked_share < settings.min_mask_prop_trigger:
        alone = fold_scene(Composite.empty_like(date.pixels), date.pixels, has_data(date.pixels), date.sensed)
        return alone, np.zeros_like(date.clear)
    if settings.adjust_lighting and date.masked_share <= settings.max_mask_prop_usable:
        earlier = _earlier(date, series, settings.max_lookback_days)
        return fill_matched(date, earlier, sample_size=settings.sample_size, seed=settings.seed)
    return carried, np.zeros_like(date.clear)


def _earlier(date: Date, series: Series, days: int) -> Iterator[Date]:
    """Read the dates of the look-back window again, newest first."""
    for pair in reversed(series.pairs):
        if pair.sensed < date.pair.sensed and date.sensed // DAY - int(pair.sensed.timestamp()) // DAY <= days:
            past = series.read(pair)
            if isinstance(past, Date):
                yield past


def _write(
    folder: Path,
    date: Date,
    composite: Composite,
    estimated: NDArray[np.bool_],
    settings: MrapCommand,
    offset: int,
) -> None:
    """Write the composite of a date last, so that whoever finds it finds its age too."""
    image, stem = date.pair.image, Path(date.pair.image.path).stem
    days = composite.age(date.sensed)
    age = np.where(days == NEVER, np.nan, days).astype(np.float32)
    rasters = {"_MRAP_age": (age[np.newaxis], ["age in days"])}
    if settings.adjust_lighting:
        rasters["_MRAP_estimated"] = (estimated[np.newaxis].astype(np.float32), ["1 where light was matched"])
    rasters["_MRAP"] = (composite.pixels.astype(np.float32), [f"{name} MRAP" for name in image.band_names])
    for suffix, (pixels, names) in rasters.items():
        write_envi(folder / f"{stem}{suffix}.bin", pixels, band_names=names, grid=image.grid, sensed=date.pair.sensed)
    if settings.png:
        write_picture(
            folder / f"{stem}_MRAP.png",
            {
                f"{day_of(date.pair)} as sensed": picture(date.pixels, image.band_names, offset),
                "most recent available pixels": picture(composite.pixels, image.band_names, offset),
                f"age, 0 to {settings.max_lookback_days} days": age_image(
                    age, np.isfinite(age), oldest=settings.max_lookback_days
                ),
            },
        )


if __name__ == "__main__":
    sys.exit(run(MrapCommand, make_composites))
