"""Writes a simulated acquisition as the producer would deliver it: a ``.SAFE`` folder, or a zip of one."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine

from s2lookback.bands import BANDS
from s2lookback.grid import Grid
from s2lookback.scene import NO_PERCENT, NODATA, Scene
from s2lookback.simulate.documents import (
    OFFSET,
    Extent,
    datastrip_document,
    document,
    element,
    granule_document,
    product_document,
)
from s2lookback.simulate.naming import Names
from s2lookback.simulate.sensor import SATURATED

_SIZES = (10, 20, 60)
_AT_10M = ("B02", "B03", "B04", "B08")
_AT_20M = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B8A", "B11", "B12")
_AT_60M = (*_AT_20M, "B09")
_BANDS_2A = tuple(band for band in BANDS if band != "B10")

Image = tuple[str, int, NDArray[np.uint8] | NDArray[np.uint16]]
"""Path in the product without suffix, pixel size in m, numbers (y, x), or (colour, y, x)."""


def write_safe(scene: Scene, folder: Path, *, packed: bool = False) -> Path:
    """Write a scene as a product of its level under a folder; return the product.

    Bands of 10 m repeat each pixel of the scene, those of 60 m average nine; what does not fill a 60 m pixel in the
    south and east is left off. Aerosol, water vapour, the quicklook and masks other than the cloud probability are
    not written.

    Args:
        scene: With all bands of its level, 13 of level 1C and all but B10 of level 2A.
        folder: Made where it does not exist.
        packed: Write a zip instead of a folder.

    Raises:
        ValueError: If a band is missing.
        FileExistsError: If the product is there already.
    """
    wanted = tuple(BANDS) if scene.about.level == "L1C" else _BANDS_2A
    missing = [band for band in wanted if band not in scene.bands]
    if missing:
        raise ValueError(f"a product of level {scene.about.level} needs {', '.join(missing)}, the scene has none")
    names = Names(scene.about)
    safe = folder / names.product
    target = safe.with_suffix(".zip") if packed else safe
    if target.exists():
        raise FileExistsError(f"{target}: is there already")
    _write_tree(safe, names, _cut(scene))
    return _pack(safe, target) if packed else safe


def _write_tree(safe: Path, names: Names, scene: Scene) -> None:
    granule, datastrip = f"GRANULE/{names.granule}", f"DATASTRIP/{names.datastrip}"
    height, width = scene.grid.shape
    sizes = {size: (height * 20 // size, width * 20 // size) for size in _SIZES}
    extent = Extent(scene.grid.epsg, scene.grid.transform[2], scene.grid.transform[5], sizes)
    images = [*_images(scene, names, f"{granule}/IMG_DATA")]
    masks = [*_masks(scene, f"{granule}/QI_DATA")]
    for path, size, numbers in (*images, *masks):
        _write_image(safe / f"{path}.jp2", numbers, scene.grid, size)
    shares = _shares(scene)
    documents = {
        f"MTD_MSIL{names.level}.xml": product_document(names, [path for path, _, _ in images], extent, shares),
        f"{granule}/MTD_TL.xml": granule_document(names, extent, shares),
        f"{datastrip}/MTD_DS.xml": datastrip_document(names),
    }
    for path, content in documents.items():
        (safe / path).parent.mkdir(parents=True, exist_ok=True)
        (safe / path).write_bytes(content)
    (safe / "manifest.safe").write_bytes(_manifest(safe))


def _cut(scene: Scene) -> Scene:
    """Leave off the rows and columns that do not fill a 60 m pixel."""
    height, width = (side - side % 3 for side in scene.grid.shape)
    cloud, scl = (None if layer is None else layer[:height, :width] for layer in (scene.cloud_probability, scene.scl))
    grid = Grid(scene.grid.epsg, scene.grid.transform, height, width)
    return Scene(scene.about, grid, scene.bands, scene.pixels[:, :height, :width], cloud, scl)


def _images(scene: Scene, names: Names, folder: str) -> Iterator[Image]:
    """List the images that the product's document names."""
    numbers = {band: _numbers(pixels) for band, pixels in zip(scene.bands, scene.pixels, strict=True)}
    if scene.about.level == "L1C":
        for band, about in BANDS.items():
            yield f"{folder}/{names.image}_{band}", about.resolution, _at(numbers[band], about.resolution)
        yield f"{folder}/{names.image}_TCI", 10, _true_colour(numbers)
        return
    yield f"{folder}/R10m/{names.image}_TCI_10m", 10, _true_colour(numbers)
    for size, bands in zip(_SIZES, (_AT_10M, _AT_20M, _AT_60M), strict=True):
        for band in bands:
            yield f"{folder}/R{size}m/{names.image}_{band}_{size}m", size, _at(numbers[band], size)
        if size > 10 and scene.scl is not None:
            yield f"{folder}/R{size}m/{names.image}_SCL_{size}m", size, scene.scl[:: size // 20, :: size // 20]


def _masks(scene: Scene, folder: str) -> Iterator[Image]:
    if scene.cloud_probability is not None:
        percent = np.where(scene.cloud_probability == NO_PERCENT, np.uint8(0), scene.cloud_probability)
        for size in (20, 60):
            yield f"{folder}/MSK_CLDPRB_{size}m", size, percent[:: size // 20, :: size // 20]


def _numbers(pixels: NDArray[np.int16]) -> NDArray[np.uint16]:
    """Turn reflectance × 10 000 into digital numbers with the offset, 0 outside the swath, 65535 where saturated."""
    numbers = np.clip(pixels.astype(np.int32) + OFFSET, 1, None)
    numbers[pixels == SATURATED] = np.iinfo(np.uint16).max
    return np.where(pixels == NODATA, 0, numbers).astype(np.uint16)


def _at(numbers: NDArray[np.uint16], size: int) -> NDArray[np.uint16]:
    """Bring numbers of 20 m to another pixel size; a 60 m pixel is the mean of those of its nine that are seen."""
    if size < 20:
        return numbers.repeat(20 // size, 0).repeat(20 // size, 1)
    step = size // 20
    blocks = numbers.reshape(numbers.shape[0] // step, step, numbers.shape[1] // step, step)
    seen = np.count_nonzero(blocks, axis=(1, 3))
    mean = blocks.sum(axis=(1, 3), dtype=np.int64) / np.maximum(seen, 1)
    return np.where(2 * seen > step * step, np.rint(mean), 0).astype(np.uint16)


def _true_colour(numbers: dict[str, NDArray[np.uint16]]) -> NDArray[np.uint8]:
    """Make the picture for looking at, (colour, y, x): white is a reflectance of 0.3558, 0 is outside the swath."""
    colours = np.stack([_at(numbers[band], 10) for band in ("B04", "B03", "B02")])
    shades = np.clip((colours.astype(np.float32) - OFFSET) / 3558 * 254 + 1, 1, 255)
    return np.where(colours == 0, 0, np.rint(shades)).astype(np.uint8)


def _write_image(path: Path, numbers: NDArray[np.uint8] | NDArray[np.uint16], grid: Grid, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    west, north = grid.transform[2], grid.transform[5]
    with rasterio.open(
        path,
        "w",
        driver="JP2OpenJPEG",
        height=numbers.shape[-2],
        width=numbers.shape[-1],
        count=numbers.size // (numbers.shape[-2] * numbers.shape[-1]),
        dtype=numbers.dtype,
        crs=f"EPSG:{grid.epsg}",
        transform=Affine(size, 0, west, 0, -size, north),
        QUALITY="100",
        REVERSIBLE="YES",
    ) as raster:
        raster.write(numbers.reshape(raster.count, *numbers.shape[-2:]))


def _shares(scene: Scene) -> dict[str, float]:
    """Count percentages of the image; a product of level 1C states clouds from labels of its own, here none."""
    valid = scene.valid
    cloudy = np.zeros_like(valid) if scene.scl is None else np.isin(scene.scl, (8, 9, 10))
    return {
        "CLOUDY_PIXEL_PERCENTAGE": 100 * float((cloudy & valid).sum() / max(1, valid.sum())),
        "NODATA_PIXEL_PERCENTAGE": 100 * float((~valid).mean()),
    }


def _manifest(safe: Path) -> bytes:
    """List every file with its size and checksum."""
    files = sorted(path for path in safe.rglob("*") if path.is_file())
    objects = []
    for number, path in enumerate(files):
        content = path.read_bytes()
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        location = element("fileLocation", locatorType="URL", href=f"./{path.relative_to(safe).as_posix()}")
        checksum = element("checksum", digest, checksumName="MD5")
        stream = element(
            "byteStream", [location, checksum], mimeType="application/octet-stream", size=str(len(content))
        )
        objects.append(element("dataObject", [stream], ID=f"file{number}"))
    return document(
        element(
            "xfdu:XFDU",
            [element("dataObjectSection", objects)],
            **{"xmlns:xfdu": "urn:ccsds:schema:xfdu:1", "version": "esa/safe/sentinel/1.1/sentinel-2/msi"},
        )
    )


def _pack(safe: Path, target: Path) -> Path:
    """Put a product into a zip, the same bytes each time, and remove the folder."""
    with ZipFile(target, "w", ZIP_STORED) as archive:
        for path in sorted(path for path in safe.rglob("*") if path.is_file()):
            archive.writestr(ZipInfo(path.relative_to(safe.parent).as_posix()), path.read_bytes())
    shutil.rmtree(safe)
    return target
