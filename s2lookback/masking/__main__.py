"""Answers ``python3 -m s2lookback.masking IMAGE_DIR MASK_DIR``: a cloud mask for each date of a folder."""

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from rich.console import Console
from rich.table import Table

from s2lookback.command import LookBackSettings, Share, ahead, progress, run
from s2lookback.envi import write_envi
from s2lookback.errors import SceneError
from s2lookback.files import whole_file
from s2lookback.masking.classes import MASKED, Class, usable
from s2lookback.masking.cloudless import CLOUDLESS_BANDS
from s2lookback.masking.labels import weak_labels
from s2lookback.masking.lookback import Model
from s2lookback.masking.series import Masked, Window, mask_by_last, mask_in_turn
from s2lookback.pictures import panels, probability_image
from s2lookback.scene import NO_PERCENT, Rejected, Scene, SceneRef
from s2lookback.settings import IngestSettings, MaskMethod, MaskSettings
from s2lookback.sources.envi import EnviSource

logger = logging.getLogger(__name__)


class MaskingCommand(LookBackSettings):
    """Learns clouds and their shadows from a tile's own dates, each pixel against when it was last clear.

    For each date writes <image>.bin (probability 0 to 1 that the surface is hidden, NaN for no data), a picture
    beside Sen2Cor's mask, and the model under models/. The agreement with masks that a model has not seen is
    printed and kept in agreement.json: Sen2Cor errs too, so it is no accuracy. The first dates are masked by rules.
    """

    command: ClassVar[str] = "masking"
    examples: ClassVar[tuple[str, ...]] = (
        "images masks --sample=500_000 --start=2025-07-30 --end=2025-09-03 --test_only_last=False",
        "images masks/cloud,masks/shadow --final_mask_threshold=0.5 --out=refined",
    )

    method: MaskMethod = Field(
        "lookback",
        description="Learnt from the tile's own dates (lookback), by rules, by a model that comes trained (spectral, "
        "temporal), against the median of the dates before (background), or by s2cloudless, on L1C.",
    )
    number_of_images: Annotated[int, Field(ge=1, le=60)] = Field(
        20, description="With background: dates before whose median is the background."
    )
    max_lookback_days: Annotated[int, Field(ge=1, le=36_500)] = Field(
        60, description="Age in days up to which a clear pixel is looked back at."
    )
    sample_size: Annotated[int, Field(ge=100, le=10_000_000)] | None = Field(
        100_000, description="Pixels drawn from one date; none means 100000."
    )
    only_test_last_date: bool = Field(
        False, description="Train once, on all dates but the last, and report on that; else before each date anew."
    )
    final_mask_threshold: Share | None = Field(
        None,
        description="Write a mask, 1 or 0, in the place of the probability: 1 from this probability on or where the "
        "given masks say so, clouds grown, fire and fresh burn left open.",
    )
    opening: Annotated[int, Field(ge=0, le=200)] = Field(
        30, description="Radius in metres of the disc that a patch of cloud or shadow must hold not to be dropped."
    )
    dilation: Annotated[int, Field(ge=0, le=500)] = Field(40, description="Metres by which that mask is grown.")
    training_dates: Annotated[int, Field(ge=2, le=200)] = Field(30, description="Newest dates a model is trained on.")
    tile: Annotated[str, Field(pattern=r"\d{2}[A-Z]{3}")] | None = Field(
        None, description="MGRS square of images whose names tell none, such as 10UFB."
    )


def make_masks(settings: MaskingCommand) -> None:
    """Write a mask for each date between start and end.

    Raises:
        SceneError: If there is no date, or, after all others are written, if dates had to be left out.
    """
    folder = settings.output("masking")
    if any(folder.samefile(given) for given in (settings.image_dir, *settings.mask_dir)):
        raise SceneError(f"{folder}: masks bear the names of the images, expected another folder for them")
    ingest = IngestSettings(bands=CLOUDLESS_BANDS) if settings.method == "s2cloudless" else IngestSettings()
    masks = [*map(str, settings.mask_dir)]
    source = EnviSource(str(settings.image_dir), masks, settings=ingest, tile=settings.tile)
    rejected: set[str] = set()
    reports = []
    for tile in source.tiles():
        for masked in _masked(source, tile, settings, rejected):
            _write(folder, masked, settings)
            reports += [masked.report] if masked.report else []
    _show(reports)
    with whole_file(folder / "agreement.json") as part:
        part.write_text(json.dumps(reports, indent=1) + "\n")
    if rejected:
        raise SceneError(f"{settings.image_dir}: {len(rejected)} files or dates were left out, as said above")


def _masked(source: EnviSource, tile: str, settings: MaskingCommand, rejected: set[str]) -> Iterator[Masked]:
    start, end = (
        datetime.combine(day, at, UTC) if day else None
        for day, at in ((settings.start, time.min), (settings.end, time.max))
    )
    listing = source.list_scenes(tile, start, end)
    for bad in listing.rejected:
        _leave_out(bad, rejected)
    if not listing.scenes:
        raise SceneError(f"{settings.image_dir}: found no date of {tile} from {settings.start} to {settings.end}")

    def read() -> Iterator[Scene]:
        return _scenes(source, listing.scenes, settings.n_workers, rejected)

    how, window = _how(settings), Window(settings.max_lookback_days, settings.min_mask_prop_trigger)
    at_once = settings.only_test_last_date and settings.method == "lookback"
    return mask_by_last(read, how, window) if at_once else mask_in_turn(read(), how, window)


def _how(settings: MaskingCommand) -> MaskSettings:
    defaults = MaskSettings()
    return MaskSettings(
        method=settings.method,
        number_of_images=settings.number_of_images,
        threshold=defaults.threshold if settings.final_mask_threshold is None else settings.final_mask_threshold,
        label_threshold=settings.mask_threshold or 1e-5,
        opening=settings.opening,
        dilation=settings.dilation,
        training_scenes=settings.training_dates,
        min_training_scenes=2,
        sample_size=settings.sample_size or 100_000,
        sample_between=settings.sample_between_prop,
        sample_within=settings.sample_within_prop,
        seed=settings.seed,
    )


def _scenes(source: EnviSource, refs: Sequence[SceneRef], workers: int, rejected: set[str]) -> Iterator[Scene]:
    """Open scenes ahead of their use; leave out those that cannot be used."""

    def opened(ref: SceneRef) -> Scene | Rejected:
        try:
            return source.open_scene(ref)
        except SceneError as error:
            return Rejected(ref.files[0], str(error))

    dates = ahead(opened, refs, workers)
    for _ in progress("masking", refs, lambda ref: f"{ref.sensed:%Y-%m-%d}"):
        scene = next(dates)
        if isinstance(scene, Rejected):
            _leave_out(scene, rejected)
        else:
            yield scene


def _leave_out(bad: Rejected, rejected: set[str]) -> None:
    if bad.href not in rejected:
        logger.warning("left out: %s", bad.reason)
        rejected.add(bad.href)


def _write(folder: Path, masked: Masked, settings: MaskingCommand) -> None:
    """Write the mask of a date last, so that whoever finds it finds its picture and model too."""
    scene = masked.scene
    stem = scene.about.products[-1]
    if masked.model:
        _write_model(folder / "models", f"{scene.about.sensed:%Y%m%dT%H%M%S}_{scene.about.tile}", masked.model)
    if settings.png:
        with whole_file(folder / f"{stem}.png") as part:
            part.write_bytes(_picture(masked))
    band = hidden(masked, settings)
    name = "probability of cloud or shadow" if settings.final_mask_threshold is None else "cloud or shadow"
    write_envi(folder / f"{stem}.bin", band[np.newaxis], band_names=[name], grid=scene.grid, sensed=scene.about.sensed)


def hidden(masked: Masked, settings: MaskingCommand) -> NDArray[np.float32]:
    """Give the probability that the surface is hidden, or 1 where it is and 0 elsewhere; NaN for no data."""
    mask, scene = masked.mask, masked.scene
    if settings.final_mask_threshold is None:
        found = mask.probability / np.float32(100)
    else:
        labels = weak_labels(scene.scl, scene.cloud_probability, scene.valid, _how(settings))
        overruled = np.isin(mask.classes, (Class.SMOKE, Class.ACTIVE_FIRE, Class.FRESH_BURN))
        found = (~usable(mask.classes) | (np.isin(labels, MASKED) & ~overruled)).astype(np.float32)
    return np.where(mask.probability == NO_PERCENT, np.float32(np.nan), found)


def _write_model(folder: Path, name: str, model: Model) -> None:
    folder.mkdir(exist_ok=True)
    for suffix, text in ((".json", json.dumps(dict(model.schema), indent=1) + "\n"), (".txt", model.text)):
        with whole_file(folder / f"{name}{suffix}") as part:
            part.write_text(text)


def _picture(masked: Masked) -> bytes:
    scene = masked.scene
    given = np.full(scene.grid.shape, NO_PERCENT, np.uint8)
    if scene.cloud_probability is not None:
        given = scene.cloud_probability
    if scene.scl is not None:
        given = np.where(scene.scl == 3, np.uint8(100), given)
    images = [probability_image(np.where(scene.valid, band, NO_PERCENT)) for band in (given, masked.mask.probability)]
    return panels(images, [f"{scene.about.sensed:%Y-%m-%d} Sen2Cor (ESA)", f"s2lookback ({masked.mask.method})"])


def _show(reports: Sequence[dict[str, Any]]) -> None:
    """Print how far each model agrees with the masks of a date that it has not seen."""
    columns = {"clear": "CLEAR", "thin": "THIN_CLOUD", "thick": "THICK_CLOUD", "shadow": "SHADOW", "masked": "MASKED"}
    table = Table(title="Agreement with the given masks, and F1 by class, on dates not trained on")
    for column in ("sensed", "pixels", "agree", *columns):
        table.add_column(column, justify="right", no_wrap=True)
    for report in reports:
        shares = [report.get("agreement"), *(report.get(name, {}).get("f1") for name in columns.values())]
        words = ("-" if share is None else f"{share:.3f}" for share in shares)
        table.add_row(report["sensed"][:10], str(report["pixels"]), *words)
    Console().print(table)


if __name__ == "__main__":
    sys.exit(run(MaskingCommand, make_masks))
