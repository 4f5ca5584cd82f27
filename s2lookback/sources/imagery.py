"""The images of one SAFE product as a harmonised scene."""

import logging
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile

from s2lookback.bands import BANDS
from s2lookback.errors import GridMismatchError, SceneError
from s2lookback.grid import Grid
from s2lookback.scene import NO_PERCENT, NODATA, Acquisition, Scene
from s2lookback.settings import IngestSettings
from s2lookback.sources.metadata import MAX_BYTES, ProductMetadata, read_metadata
from s2lookback.sources.offset import claimed_offset, contradiction, darkest
from s2lookback.sources.product import Product
from s2lookback.sources.resample import fit, split

log = logging.getLogger(__name__)

MAX_IMAGE = 256 << 20
"""Largest image file, bytes; a 10 m band has 241 MB before it is compressed."""

MAX_SIDE = 10_980
"""Rows and columns of a 10 m band."""

_IMAGE = r"GRANULE/[^/]+/IMG_DATA"

_GRID = ("B12", "B11", "B8A", "B07", "B06", "B05", "SCL")
"""What the 20 m grid is taken from: the first of these that is there at 20 m."""


def choose_members(product: Product, bands: tuple[str, ...]) -> dict[str, str]:
    """Choose the files that a scene is read from, by role: ``product``, ``granule``, ``grid``, a class or a band.

    A band is taken at its native pixel size, or else at the finest other; a role that
    no file fills is left out.
    """
    roles = {
        "product": [r"MTD_MSIL(1C|2A)\.xml"],
        "granule": [r"GRANULE/[^/]+/MTD_TL\.xml", r"MTD_TL\.xml"],
        "grid": [rf"{_IMAGE}/([^/]*_{name}|R20m/[^/]*_{name}_20m)\.jp2" for name in _GRID],
        "SCL": [rf"{_IMAGE}/R{size}m/[^/]*_SCL_{size}m\.jp2" for size in (20, 60)],
        "CLDPRB": [rf"GRANULE/[^/]+/QI_DATA/(MSK_CLDPRB|[^/]*_CLD)_{size}m\.jp2" for size in (20, 60)],
    }
    for band in bands:
        sizes = dict.fromkeys((BANDS[band].resolution, 10, 20, 60))
        roles[band] = [rf"{_IMAGE}/[^/]*_{band}\.jp2", *(rf"{_IMAGE}/R{n}m/[^/]*_{band}_{n}m\.jp2" for n in sizes)]
    found = {role: product.find(*patterns) for role, patterns in roles.items()}
    return {role: member for role, member in found.items() if member is not None}


def read_product(product: Product, settings: IngestSettings) -> Scene:
    """Read a product as a scene on its 20 m grid.

    Raises:
        SceneError: If anything that is needed is missing, damaged or contradicts itself.
    """
    members = choose_members(product, settings.bands)
    documents = [member for role in ("product", "granule") if (member := members.get(role))]
    metadata = {PurePosixPath(member).name: product.read(member, MAX_BYTES) for member in documents}
    about = read_metadata(*metadata.values(), product=product.href)
    offset = claimed_offset(about, settings)
    pixels, grid = _read_bands(product, members, about, settings.bands, offset)
    valid = (pixels != NODATA).all(axis=0)
    pixels[:, ~valid] = NODATA
    dark = darkest(pixels, valid)
    if dark is None:
        raise SceneError(f"{product.href}: no pixel has data in all of {', '.join(settings.bands)}")
    reason = contradiction(dark * about.quantification / 10_000 + offset, offset)
    if reason and settings.offset == "auto":
        raise SceneError(f"{product.href}: {reason}; if that is right, set offset to present or absent")
    return Scene(
        about=_acquisition(product, about, offset),
        grid=grid,
        bands=settings.bands,
        pixels=pixels,
        cloud_probability=_read_codes(product, members.get("CLDPRB"), grid, valid, most=100, absent=NO_PERCENT),
        scl=_read_codes(product, members.get("SCL"), grid, valid, most=11, absent=0),
        metadata=metadata,
    )


def harmonise(numbers: NDArray[np.float32], offset: int, quantification: float) -> NDArray[np.int16]:
    """Turn digital numbers into reflectance × 10 000, the offset removed.

    Args:
        numbers: (y, x), 0 = no data; 65535 = saturated becomes the largest int16, since fire and glint are no gaps.
        offset: What every digital number carries on top.
        quantification: Digital numbers that make a reflectance of 1.
    """
    reflectance = np.rint((numbers - np.float32(offset)) * np.float32(10_000 / quantification))
    clipped = np.clip(reflectance, NODATA + 1, np.iinfo(np.int16).max)
    return np.where(numbers > 0, clipped, NODATA).astype(np.int16)


def _read_bands(
    product: Product, members: dict[str, str], about: ProductMetadata, bands: tuple[str, ...], offset: int
) -> tuple[NDArray[np.int16], Grid]:
    missing = [band for band in bands if band not in members]
    if missing or "grid" not in members:
        what = f"no image of {', '.join(missing)}" if missing else f"no 20 m image of any of {', '.join(_GRID)}"
        raise SceneError(f"{product.href}: holds {what}")
    reference, grid = _decode(product, members["grid"])
    _check_place(product, about, grid)
    pixels = np.empty((len(bands), *grid.shape), np.int16)
    for index, band in enumerate(bands):
        _tell_of_other_size(product, members[band], band)
        numbers = reference if members[band] == members["grid"] else _decode_on(product, members[band], grid)
        pixels[index] = harmonise(fit(numbers, grid.shape), offset, about.quantification)
    return pixels, grid


def _decode(product: Product, member: str) -> tuple[NDArray[Any], Grid]:
    """Decode one JPEG 2000 image; no other format is tried, since some name further files to read.

    An empty ``MemoryFile`` would be opened for writing, hence the stand-in for no bytes at all.
    """
    content = product.read(member, MAX_IMAGE)
    try:
        with MemoryFile(content or b"empty") as memory, memory.open(driver="JP2OpenJPEG") as raster:
            if raster.count != 1 or max(raster.shape) > MAX_SIDE or raster.dtypes[0] not in {"uint8", "uint16"}:
                raise ValueError(
                    f"{raster.count} band(s) of {raster.shape} {raster.dtypes[0]}, expected 1 of unsigned 16"
                )
            if raster.transform.is_identity:
                raise ValueError("it does not say where it lies")
            return raster.read(1), Grid.of(raster.crs, raster.transform, *raster.shape)
    except (RasterioError, ValueError, AttributeError) as error:
        raise SceneError(f"{product.href}: {member} cannot be read as an image ({error})") from error


def _decode_on(product: Product, member: str, grid: Grid) -> NDArray[Any]:
    """Decode an image that has to cover what the grid covers."""
    image, own = _decode(product, member)
    if own.epsg != grid.epsg or not np.allclose(own.bounds, grid.bounds, rtol=0, atol=0.001):
        raise GridMismatchError(
            f"{product.href}: {member} covers {own.bounds} in EPSG:{own.epsg}, "
            f"expected {grid.bounds} in EPSG:{grid.epsg}, as the 20 m bands"
        )
    return image


def _read_codes(
    product: Product, member: str | None, grid: Grid, valid: NDArray[np.bool_], *, most: int, absent: int
) -> NDArray[np.uint8] | None:
    """Read classes or percentages, coarser ones by the nearest neighbour; None where the product has no such file."""
    if member is None:
        return None
    codes = _decode_on(product, member, grid)
    codes = split(codes, max(1, grid.height // codes.shape[0]))
    if codes.shape != grid.shape:
        raise GridMismatchError(f"{product.href}: {member} comes to {codes.shape} pixels, expected {grid.shape}")
    return np.where(valid & (codes <= most), codes, absent).astype(np.uint8)


def _check_place(product: Product, about: ProductMetadata, grid: Grid) -> None:
    zone = (32600 if about.tile[2] >= "N" else 32700) + int(about.tile[:2])
    if grid.epsg != zone:
        raise SceneError(f"{product.href}: images in EPSG:{grid.epsg}, expected EPSG:{zone} of tile {about.tile}")
    stated = about.geometry
    corner = grid.transform[2], grid.transform[5]
    if stated and (grid.epsg, *corner) != (stated.epsg, stated.ulx, stated.uly):
        raise SceneError(
            f"{product.href}: images begin at {corner} in EPSG:{grid.epsg}, its metadata says "
            f"{stated.ulx, stated.uly} in EPSG:{stated.epsg}"
        )


def _tell_of_other_size(product: Product, member: str, band: str) -> None:
    if "/IMG_DATA/R" in member and f"/R{BANDS[band].resolution}m/" not in member:
        log.warning("%s: no %d m image of %s, read from %s", product.href, BANDS[band].resolution, band, member)


def _acquisition(product: Product, about: ProductMetadata, offset: int) -> Acquisition:
    acquisition = Acquisition(
        tile=about.tile,
        sensed=about.sensed,
        platform=about.platform,
        level=about.level,
        baseline=about.baseline,
        relative_orbit=about.relative_orbit,
        orbit_state=about.orbit_state,
        products=(product.name,),
        generated=about.generated,
        offset_removed=offset,
    )
    if about.geometry is None:
        return acquisition
    return replace(
        acquisition,
        sun_azimuth=about.geometry.sun_azimuth,
        sun_elevation=about.geometry.sun_elevation,
        view_azimuth=about.geometry.view_azimuth,
        view_incidence=about.geometry.view_incidence,
    )
