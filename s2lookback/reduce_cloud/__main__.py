"""Answers ``python3 -m s2lookback.reduce_cloud IMAGE_DIR MASK_DIR MRAP_DIR``: thin cloud made thinner."""

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import DirectoryPath, Field

from s2lookback.command import FolderSettings, ahead, progress, run
from s2lookback.envi import EnviHeader, band_of, find_images, read_header, read_pixels, write_envi
from s2lookback.errors import GridMismatchError, SceneError
from s2lookback.mrap.preview import offset_of, picture, write_picture
from s2lookback.mrap.series import Date, Series, day_of, open_series
from s2lookback.reduce_cloud.haze import ESTIMATED, Hazeless, remove_haze
from s2lookback.scene import Rejected
from s2lookback.settings import ReduceSettings
from s2lookback.sources.envi import Pair

logger = logging.getLogger(__name__)

MRAP_ENDINGS = ("_MRAP.bin", "_cloudfree.bin")
"""Names of composites, ours and those of the predecessor."""


class ReduceCommand(FolderSettings, ReduceSettings):
    """Makes thin cloud thinner: masked pixels are estimated from what shines through, where that is shown to pay.

    For each date writes <mrap>_HAZELESS.bin (float32), <mrap>_HAZELESS_estimated.bin (a flag, where each pixel
    comes from, and how sure it is) and a picture. Masked pixels that are not estimated come from the composite,
    but those that may have burnt stay as sensed.
    """

    command: ClassVar[str] = "reduce_cloud"
    examples: ClassVar[tuple[str, ...]] = (
        "images masks/cloud,masks/shadow images_mrap",
        "images images_masking images_mrap --mask_threshold=0.5 --revert_within_pct=0 --out=hazeless",
    )

    mrap_dir: DirectoryPath = Field(description="Folder of composites, as s2lookback.mrap writes them.")
    revert_within_pct: Annotated[float, Field(ge=0, le=1)] = Field(
        0.2,
        description="Share by which all bands of an estimate may differ from the composite and count as the same: "
        "the composite is taken, as where B12 and B11 both moved by as much; 0 keeps every estimate.",
    )
    max_veil: Annotated[float, Field(ge=0, le=10_000)] = Field(
        1_500,
        description="Digital numbers by which every band may be brighter than the composite; beyond that the cloud "
        "is too thick to see through.",
    )


def reduce_folder(settings: ReduceCommand) -> None:
    """Write a reduced image for each date between start and end.

    Raises:
        SceneError: If nothing can be read, or, after all others are written, if dates had to be left out.
    """
    series = open_series(settings)
    composites = _composites(settings.mrap_dir)
    folder, offset = settings.output("hazeless"), offset_of(series.pairs) if settings.png else 0
    work = partial(_reduce_date, series=series, composites=composites, settings=settings, folder=folder, offset=offset)
    results = ahead(work, series.pairs, settings.n_workers)
    left_out = 0
    for pair, reason in zip(progress("reduce_cloud", series.pairs, day_of), results, strict=True):
        left_out += isinstance(reason, Rejected)
        if isinstance(reason, Rejected):
            logger.warning("left out: %s", reason.reason)
        else:
            logger.info("%s: %s", day_of(pair), reason)
    if left_out:
        raise SceneError(f"{settings.image_dir}: {left_out} of {len(series.pairs)} dates were left out, as said above")


def _composites(folder: Path) -> dict[datetime, EnviHeader]:
    headers = [read_header(path) for path in find_images(folder) if path.name.endswith(MRAP_ENDINGS)]
    if not headers:
        raise SceneError(f"{folder}: found no composite, expected names that end in {' or '.join(MRAP_ENDINGS)}")
    return {header.sensed: header for header in headers if header.sensed}


@dataclass(frozen=True, slots=True)
class _Job:
    """A date, its composite and the one before."""

    date: Date
    header: EnviHeader
    composite: NDArray[np.float32]
    before: NDArray[np.float32]


def _read(pair: Pair, series: Series, composites: Mapping[datetime, EnviHeader]) -> _Job | Rejected:
    """Read a date with its composite and the newest composite before it (its own, if it is the first)."""
    date = series.read(pair)
    if isinstance(date, Rejected):
        return date
    own = composites.get(pair.sensed)
    if own is None:
        return Rejected(pair.image.path, f"{pair.image.path}: found no composite of {pair.sensed:%Y-%m-%d %H:%M:%S}")
    earlier = [sensed for sensed in composites if sensed < pair.sensed]
    try:
        composite = _fitting(own, date)
        before = _fitting(composites[max(earlier)], date) if earlier else composite
    except SceneError as error:
        return Rejected(own.path, str(error))
    return _Job(date, own, composite, before)


def _fitting(header: EnviHeader, date: Date) -> NDArray[np.float32]:
    pixels = read_pixels(header)
    if pixels.shape != date.pixels.shape:
        raise GridMismatchError(f"{header.path}: found shape {pixels.shape}, expected {date.pixels.shape}")
    return pixels


def _reduce_date(
    pair: Pair,
    *,
    series: Series,
    composites: Mapping[datetime, EnviHeader],
    settings: ReduceCommand,
    folder: Path,
    offset: int,
) -> str | Rejected:
    """Reduce one date and write it; return the reason why its bands are estimated or not."""
    job = _read(pair, series, composites)
    if isinstance(job, Rejected):
        return job
    bands = [band_of(name) or name for name in pair.image.band_names]
    try:
        result = remove_haze(
            job.date,
            job.composite,
            job.before,
            bands=bands,
            settings=ReduceSettings(**{name: getattr(settings, name) for name in ReduceSettings.model_fields}),
            revert_within=settings.revert_within_pct,
            max_veil=settings.max_veil,
            least_masked=settings.min_mask_prop_trigger,
        )
    except SceneError as error:
        return Rejected(pair.image.path, f"{pair.image.path}: {error}")
    _write(folder, job, result, settings, offset)
    return result.reason


def _write(folder: Path, job: _Job, result: Hazeless, settings: ReduceCommand, offset: int) -> None:
    """Write the flags before the pixels, so that no estimate lies there without its flag."""
    image, stem = job.date.pair.image, f"{Path(job.header.path).stem}_HAZELESS"
    write_envi(
        folder / f"{stem}_estimated.bin",
        np.stack([result.origin == ESTIMATED, result.origin, result.uncertainty]).astype(np.float32),
        band_names=["estimated", "origin", "uncertainty"],
        grid=image.grid,
        sensed=job.date.pair.sensed,
        description="origin: 0 as sensed, 1 estimated, 2 from the composite, 3 as sensed though masked, 4 no data",
    )
    write_envi(
        folder / f"{stem}.bin",
        result.pixels,
        band_names=job.header.band_names,
        grid=image.grid,
        sensed=job.date.pair.sensed,
    )
    if settings.png:
        shown = {day_of(job.date.pair): job.date.pixels, "composite": job.composite, "reduced": result.pixels}
        write_picture(
            folder / f"{stem}.png",
            {title: picture(pixels, image.band_names, offset) for title, pixels in shown.items()},
        )


if __name__ == "__main__":
    sys.exit(run(ReduceCommand, reduce_folder))
