"""What masks say of real scenes, beside whatever reference there is; none of it was used to choose a threshold."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from s2cloudless import S2PixelCloudDetector

from s2lookback.grid import Grid
from s2lookback.masking.classes import MASKED, MEANINGS, Class, usable
from s2lookback.masking.mask import Mask, classify
from s2lookback.scene import NODATA, Acquisition, Scene
from s2lookback.settings import IngestSettings, MaskSettings
from s2lookback.sources.envi import EnviSource
from tests.bench.mask_scores import Codes, Found, Rates, rates
from tests.bench.mask_series import CUT

RULES = MaskSettings(method="rules")
BARE = RULES.model_copy(update={"dilation": 0})
LAYTON = ("2020-04-26", "2020-06-27")
LAYTON_BANDS = ("B08", "B04", "B03", "B02")
NIR_FULL, RGB_FULL = 65_535.0, 637.5
"""Digital numbers of reflectance 1 in Layton's rasters."""
SCL_SHADOW = 3
SCL_CLOUD = (8, 9, 10)
L1C = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
SLOVENIAN = (2, 1, 4, 3, 0)
"""Which date of eo-learn's series each of its scenes is, found by their vegetation indices, which agree exactly."""
SCALE = 10_000


def layton(data: Path, day: str) -> Scene:
    """Read a scene NE of Calgary with the producer's masks and the place of the sun."""
    folder = data / "layton_cloudshadow" / "data" / day
    layers = {name: _raster(folder / f"{name}.tif") for name in ("B08", "RGB", "SCL", "CLD")}
    azimuth, zenith = (float(_raster(folder / f"sun{name}Angles.tif").mean()) for name in ("Azimuth", "Zenith"))
    pixels = np.concatenate([layers["B08"] / NIR_FULL, layers["RGB"] / RGB_FULL])
    with rasterio.open(folder / "B08.tif") as opened:
        grid = Grid(4326, tuple(opened.transform)[:6], opened.height, opened.width)
    sensed = datetime.fromisoformat(f"{day}T18:20:00+00:00")
    about = Acquisition("12UUB", sensed, sun_azimuth=azimuth, sun_elevation=90 - zenith)
    digital = np.rint(SCALE * pixels).astype(np.int16)
    return Scene(about, grid, LAYTON_BANDS, digital, cloud_probability=layers["CLD"][0], scl=layers["SCL"][0])


def painted(data: Path) -> Found:
    """Read where Layton painted a shadow on the second of his dates, (y, x)."""
    red, green, blue = _raster(data / "layton_cloudshadow" / "data" / LAYTON[1] / "shadowBaseline.tif")[:3]
    shadow: Found = (red == 0) & (green == 255) & (blue == 0)
    return shadow


def _raster(path: Path) -> NDArray[np.generic]:
    with rasterio.open(path) as opened:
        pixels: NDArray[np.generic] = opened.read()
    return pixels


def layton_masks(data: Path) -> tuple[Scene, Scene, dict[str, Codes]]:
    """Mask the painted date in three ways, beside SCL; give both scenes too."""
    early, late = (layton(data, day) for day in LAYTON)
    first = classify(early, None, None, RULES)
    reference = np.where(usable(first.classes), early.pixels, np.int16(NODATA))
    told = np.where(
        late.scl == SCL_SHADOW, Class.SHADOW, np.where(np.isin(late.scl, SCL_CLOUD), Class.THICK_CLOUD, Class.CLEAR)
    )
    return early, late, {
        "SCL": told.astype(np.uint8),
        "rules, no reference": classify(late, None, None, BARE).classes,
        "rules": classify(late, reference, None, BARE).classes,
        "rules, as published": classify(late, reference, None, RULES).classes,
    }  # fmt: skip


def layton_rates(masks: dict[str, Codes], shadow: Found) -> dict[str, Rates]:
    """Rate the shadows of each mask by the painted ones."""
    return {way: rates(shadow, codes == Class.SHADOW) for way, codes in masks.items()}


def smoke_and_fire(data: Path) -> tuple[Scene, Mask]:
    """Mask BC's image of the fire G90292: three infrared bands, one date, no producer's mask, no reference."""
    folder = data / "bcgov_wps_research"
    source = EnviSource(str(folder), [], settings=IngestSettings(), tile="10VDJ")
    [listed] = source.list_scenes("10VDJ").scenes
    scene = source.open_scene(listed)
    return scene, classify(scene, None, None, RULES)


def slovenia(data: Path) -> Iterator[tuple[Scene, NDArray[np.float32], Found]]:
    """Give eo-learn's five dates of all 13 L1C bands, oldest first, s2cloudless's probability and its mask there."""
    folder = data / "eolearn_TestEOPatch"
    pixels, probability, cloud = (
        np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("REFERENCE_SCENES", "CLP", "CLM")
    )
    days = json.loads((folder / "timestamps.json").read_text())
    for place, number in sorted(enumerate(SLOVENIAN), key=lambda pair: pair[1]):
        digital = np.rint(SCALE * np.moveaxis(pixels[place], -1, 0)).astype(np.int16)
        grid = Grid(32633, (10.0, 0.0, 465_000.0, 0.0, -10.0, 5_080_000.0), *digital.shape[1:])
        about = Acquisition("33TWM", datetime.fromisoformat(days[number]).replace(tzinfo=UTC), level="L1C")
        yield Scene(about, grid, L1C, digital), probability[number, ..., 0], cloud[number, ..., 0] == 1


def slovenian_rows(data: Path) -> Iterator[str]:
    """Tabulate s2cloudless as run here, and our rules, beside the s2cloudless of the series."""
    detector = S2PixelCloudDetector(threshold=CUT, average_over=4, dilation_size=2, all_bands=True)
    yield "| date | cloud, theirs | cloud, s2cloudless here | cloud, rules | probability apart, mean |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    reference = None
    for scene, probability, cloud in slovenia(data):
        stack = np.moveaxis(scene.pixels, 0, -1)[np.newaxis] / SCALE
        apart = np.abs(detector.get_cloud_probability_maps(stack)[0] - probability).mean()
        here = detector.get_cloud_masks(stack)[0] == 1
        ours = classify(scene, reference, None, BARE).classes
        reference = scene.pixels if reference is None else reference
        shares = " | ".join(f"{100 * each.mean():.1f} %" for each in (cloud, here, np.isin(ours, MASKED[:2])))
        yield f"| {scene.about.sensed:%Y-%m-%d} | {shares} | {apart:.3f} |"


def counted(mask: Mask) -> Iterator[str]:
    """Count the pixels of each class of a mask."""
    yield "| class | pixels |"
    yield "| --- | ---: |"
    for code, count in enumerate(np.bincount(mask.classes.ravel(), minlength=len(Class))):
        if count:
            yield f"| {MEANINGS[Class(code)].title} | {count} |"
