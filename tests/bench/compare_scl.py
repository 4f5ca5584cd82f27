"""Our masks of a real series beside Sen2Cor's: ``python -m tests.bench.compare_scl --data REALDATA --out DIR``.

With ``--memory rules lookback`` these methods mask it in memory, in less than a minute; else the nightly flow does.

There is no truth for this series. What can be measured without one is self-consistency: land changes slowly, so a clear
observation should lie near the straight line between the clear observation before and the one after it. What a mask
missed, cloud or shadow, sticks out. A mask that keeps more observations with less noise is the better one.

Source of the measure: Vermote, Justice & Bréon 2009, IEEE Transactions on Geoscience and Remote Sensing 47, equation 3.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import xarray
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from rich.console import Console

from catalog.store import Store
from s2lookback.envi import write_envi
from s2lookback.errors import SceneError
from s2lookback.grid import Grid
from s2lookback.masking.classes import MEANINGS, Class, usable
from s2lookback.pictures import age_image, class_image, rgb
from s2lookback.raster import read_band
from s2lookback.scene import NODATA, Scene
from s2lookback.settings import IngestSettings, MaskSettings
from s2lookback.sources.envi import EnviSource
from tasks.history import steps_before
from tasks.products import bands_of, read_pixels
from tests.bench.mask_series import masked

TILE = "31UDS"
INFRARED = ("B12", "B11", "B08", "B8A")
"""What BC Wildfire Service's folders hold."""
ALL = (*INFRARED, "B04", "B03", "B02")
SCL_PERCENT = {8: 60, 9: 95, 10: 70}
"""Cloud probability, percent, by which Sen2Cor's classes of cloud are passed on; shadow goes by its code."""
SCL_CLOUD, SCL_SHADOW = 50, 3
GAP = 30
"""Days from the clear observation before to the one after, beyond which land may have changed."""
SHOWN = (
    "2017-09-26", "2017-10-23", "2017-11-12", "2018-05-11", "2018-06-03",
    "2018-06-10", "2018-06-25", "2018-07-18", "2018-08-14", "2018-09-18",
)  # fmt: skip


@dataclass(frozen=True)
class Series:
    """A tile's observations and which of them each mask calls clear."""

    dates: list[datetime]
    pixels: NDArray[np.int16]
    """(time, band, y, x)"""
    bands: tuple[str, ...]
    ours: NDArray[np.uint8]
    """Codes of ``Class``, (time, y, x)."""
    scl: NDArray[np.uint8]
    """Sen2Cor's classification as our classes, (time, y, x)."""
    composites: NDArray[np.int16]
    """(time, band, y, x)"""
    ages: NDArray[np.float32]
    """Days, (time, y, x); NaN where nothing was seen yet."""


def write_folders(data: Path, out: Path, bands: Sequence[str]) -> None:
    """Write the series as ENVI folders on the 20 m grid: images, cloud probability and shadow."""
    site = next((data / "worldcereal").glob("0*"))
    fine, coarse = (
        xarray.open_dataset(next(site.glob(f"S2_L2A_{metres}m*")), mask_and_scale=False) for metres in (10, 20)
    )
    west, north = float(coarse.x.min()) - 10, float(coarse.y.max()) + 10
    grid = Grid(32631, (20.0, 0.0, west, 0.0, -20.0, north), coarse.sizes["y"], coarse.sizes["x"])
    for name in ("images", "masks/cloud", "masks/shadow"):
        (out / name).mkdir(parents=True, exist_ok=True)
    for number, stamp in enumerate(coarse.timestamp.values):
        sensed = datetime.fromtimestamp(stamp.astype("datetime64[s]").astype(int), UTC)
        stem = f"S2A_MSIL2A_{sensed:%Y%m%dT%H%M%S}_N0500_R051_T{TILE}_{sensed:%Y%m%dT%H%M%S}"
        scl = coarse.SCL.values[number]
        layers = [coarse[b].values[number] if b in coarse else _halved(fine[b].values[number]) for b in bands]
        pixels = np.stack(layers).astype(np.float32)
        pixels[:, (scl == 0) | (pixels == 0).all(axis=0)] = np.nan
        percent = np.zeros(scl.shape, np.float32)
        for code, value in SCL_PERCENT.items():
            percent[scl == code] = value
        names = [f"{sensed:%Y%m%d} 20m: {band}" for band in bands]
        write_envi(out / f"images/{stem}.bin", pixels, band_names=names, grid=grid)
        write_envi(out / f"masks/cloud/{stem}.bin", percent[np.newaxis], band_names=["percent"], grid=grid)
        shadow = (scl == SCL_SHADOW).astype(np.float32)[np.newaxis]
        write_envi(out / f"masks/shadow/{stem}.bin", shadow, band_names=["shadow"], grid=grid)


def _halved(layer: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Average pixels of 10 m by fours."""
    height, width = layer.shape
    return layer.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3), dtype=np.float32)


def run_nightly(folder: Path) -> Path:
    """Run the nightly flow on the folders, as a person would; return the catalog's folder."""
    root, program = folder / "products", Path(sys.executable).parent / "s2lookback"
    arguments = ["--scenes", str(folder / "images"), "--masks", str(folder / "masks"), "--root", str(root)]
    # Known of the data; the check of pixels would leave out scenes that are all cloud, whose darkest pixel is bright.
    settings = folder / "settings.json"
    settings.write_text('{"ingest": {"offset": "absent"}}')
    subprocess.run([str(program), "nightly", *arguments, "--settings", str(settings)], check=True, capture_output=True)
    return root


def read_series(root: str, tile: str) -> Series:
    """Read what the nightly flow made of a tile."""
    store, rows = Store(root), []
    steps = steps_before(root, tile, datetime.max.replace(tzinfo=UTC))
    for step in steps:
        scene, mask, composite = (store.read(href) for href in (step.scene.href, step.mask, step.composite))
        bands = bands_of(scene)
        percent = read_band(store.asset(scene, "cloud-probability"))
        codes = read_band(store.asset(scene, "scl"))
        pixels = read_pixels(store, scene, bands)
        theirs = _as_classes(codes, percent, pixels[0] != NODATA)
        sensed = read_band(store.asset(composite, "sensed"))
        age = np.where(sensed == 0, np.nan, step.scene.sensed.timestamp() // 86_400 - sensed).astype(np.float32)
        ours = read_band(store.asset(mask, "class"))
        rows.append((pixels, ours, theirs, read_pixels(store, composite, bands), age))
    pixels, ours, theirs, composites, ages = (np.stack(column) for column in zip(*rows, strict=True))
    return Series([step.scene.sensed for step in steps], pixels, bands, ours, theirs, composites, ages)


def masked_in_memory(folder: Path, method: str) -> Series:
    """Mask the folders' scenes as the nightly flow does, without a catalog: a new model serves whatever its score."""
    source = EnviSource(
        str(folder / "images"), [str(folder / "masks")], settings=IngestSettings(offset="absent"), tile=TILE
    )
    scenes = sorted(map(source.open_scene, source.list_scenes(TILE).scenes), key=lambda scene: scene.about.sensed)
    rows = []
    for scene, (_, published, composite) in zip(
        scenes, masked(scenes, MaskSettings.model_validate({"method": method}), [None] * len(scenes)), strict=True
    ):
        day = int(scene.about.sensed.timestamp()) // 86_400
        age = np.where(composite.source == 0, np.nan, day - composite.sensed.astype(np.float32)).astype(np.float32)
        rows.append((scene.pixels, published, _told(scene), composite.pixels.astype(np.int16), age))
    pixels, ours, theirs, composites, ages = (np.stack(column) for column in zip(*rows, strict=True))
    return Series([scene.about.sensed for scene in scenes], pixels, scenes[0].bands, ours, theirs, composites, ages)


def _told(scene: Scene) -> NDArray[np.uint8]:
    """Give Sen2Cor's classification of a scene as our classes, (y, x)."""
    codes, percent = scene.scl, scene.cloud_probability
    if codes is None or percent is None:
        raise SceneError(f"{scene.about.sensed:%Y-%m-%d}: no masks of Sen2Cor, expected those that were written")
    return _as_classes(codes, percent, scene.valid)


def _as_classes(codes: NDArray[np.uint8], percent: NDArray[np.uint8], valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    theirs = np.full(codes.shape, Class.CLEAR, np.uint8)
    theirs[(percent >= SCL_CLOUD) & (percent <= 100)] = Class.THICK_CLOUD
    theirs[codes == SCL_SHADOW] = Class.SHADOW
    theirs[~valid] = Class.NO_DATA
    return theirs


def deviations(series: Series, clear: NDArray[np.bool_], band: str) -> NDArray[np.float64]:
    """Measure how far clear observations lie from the line between their clear neighbours, reflectance × 10 000."""
    days = np.array([date.timestamp() / 86_400 for date in series.dates])
    values = series.pixels[:, series.bands.index(band)].astype(np.float64)
    found = []
    for y, x in np.ndindex(clear.shape[1:]):
        (seen,) = np.nonzero(clear[:, y, x])
        if seen.size > 2:
            day, value = days[seen], values[seen, y, x]
            gap = day[2:] - day[:-2]
            line = value[:-2] + (value[2:] - value[:-2]) * (day[1:-1] - day[:-2]) / gap
            found.append(np.abs(value[1:-1] - line)[gap <= GAP])
    return np.concatenate(found)


def table(series: Series) -> Iterator[str]:
    """Tabulate what each mask keeps, and how smooth that is, as Markdown."""
    ours, scl = usable(series.ours), usable(series.scl)
    yield f"| {len(series.bands)} bands: {' '.join(series.bands)} | ours | SCL |"
    yield "| --- | ---: | ---: |"
    yield f"| pixel-dates kept, % | {100 * ours.mean():.1f} | {100 * scl.mean():.1f} |"
    yield f"| of these kept by the other too, % | {100 * scl[ours].mean():.1f} | {100 * ours[scl].mean():.1f} |"
    for band in (band for band in ("B02", "B04", "B8A", "B12") if band in series.bands):
        sides = [deviations(series, clear, band) for clear in (ours, scl)]
        cells = [f"{np.percentile(side, 68):.0f} / {np.percentile(side, 95):.0f}" for side in sides]
        yield f"| {band}: 68 % / 95 % of deviations below | {cells[0]} | {cells[1]} |"
    yield f"| observations judged | {sides[0].size} | {sides[1].size} |"


def shares(series: Series) -> Iterator[str]:
    """Tabulate the share kept on the dates shown, as Markdown."""
    yield "| date | ours, % | SCL, % |"
    yield "| --- | ---: | ---: |"
    for number in _shown(series):
        kept = (100 * usable(codes[number]).mean() for codes in (series.ours, series.scl))
        yield f"| {series.dates[number]:%Y-%m-%d} | " + " | ".join(f"{share:.0f}" for share in kept) + " |"


def _shown(series: Series) -> list[int]:
    return [number for number, date in enumerate(series.dates) if f"{date:%Y-%m-%d}" in SHOWN]


def draw(series: Series, path: Path) -> None:
    """Draw chosen dates, a column each: true colour, infrared, both masks, composite, age."""
    shown, true_colour = _shown(series), ("B04", "B03", "B02")
    figure = Figure(figsize=(1.5 * len(shown) + 0.8, 10.3), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    cells = figure.subplots(6, len(shown), squeeze=False)
    for column, number in enumerate(shown):
        age = series.ages[number]
        images = {
            "true colour": rgb(series.pixels[number], series.bands, true_colour),
            "B12 B08 B04": rgb(series.pixels[number], series.bands),
            "Sen2Cor": class_image(series.scl[number]),
            "ours": class_image(series.ours[number]),
            "MRAP": rgb(series.composites[number], series.bands),
            "age, to 60 days": age_image(age, np.isfinite(age), oldest=60),
        }
        cells[0, column].set_title(f"{series.dates[number]:%Y-%m-%d}", fontsize=10)
        for axes, (name, image) in zip(cells[:, column], images.items(), strict=True):
            axes.imshow(image, interpolation="nearest")
            axes.set(xticks=[], yticks=[], ylabel="" if column else name)
    there = [Class(code) for code in np.unique([series.ours[shown], series.scl[shown]])]
    patches = [
        Patch(facecolor=f"#{MEANINGS[each].color}", edgecolor="#888888", label=MEANINGS[each].title) for each in there
    ]
    figure.legend(handles=patches, ncols=len(patches), loc="outside lower center", fontsize=9, frameon=False)
    figure.savefig(path, metadata={"Software": None})


def _each(folder: Path, methods: Sequence[str] | None) -> Iterator[tuple[str, Series]]:
    """Mask the folders by each method in memory, or by the nightly flow where none is named."""
    if methods is None:
        yield "nightly", read_series(str(run_nightly(folder)), TILE)
    for method in methods or ():
        yield method, masked_in_memory(folder, method)


def main() -> None:
    """Run the night on the series with and without visible bands, print the tables, draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds worldcereal/")
    parser.add_argument("--out", type=Path, required=True, help="folder for the inputs, the catalog and the picture")
    parser.add_argument("--memory", nargs="+", metavar="METHOD", help="mask in memory; the last is drawn")
    options = parser.parse_args()
    console = Console(width=120, highlight=False)
    for bands in (INFRARED, ALL):
        folder = options.out / f"{len(bands)}-bands"
        write_folders(options.data, folder, bands)
        for method, series in _each(folder, options.memory):
            console.print(f"{method}\n", "\n".join(table(series)), "\n", sep="\n")
    console.print("\n".join(shares(series)))
    draw(series, options.out / f"{TILE}.png")


if __name__ == "__main__":
    main()
