"""The ENVI edge: rasters in any interleave and number in, float32 BSQ out, as BC's tools read and write them."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import WktVersion

from s2lookback.bands import BANDS
from s2lookback.envi_header import EnviHeader, header_of, read_header, sensed_of
from s2lookback.errors import GridMismatchError, SceneError
from s2lookback.files import whole_file
from s2lookback.grid import Grid

__all__ = [
    "EnviHeader", "band_name", "band_of", "find_images", "read_header", "read_pixels", "sample_rows", "sensed_of",
    "write_envi",
]  # fmt: skip

_BAND = re.compile(r"(?:^|\d+m:\s*)B(8A|1[0-2]|0?[1-9])(?![0-9A-Z])", re.IGNORECASE)


def find_images(folder: str | Path) -> list[Path]:
    """List the ``.bin`` files of a folder that have a header, sorted by name.

    Raises:
        SceneError: If there is no such folder.
    """
    folder = Path(folder)
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".bin" and header_of(path) is not None)
    except OSError as error:
        raise SceneError(
            f"{folder}: expected a folder of ENVI images; it cannot be listed ({error.strerror})"
        ) from error


def read_pixels(header: EnviHeader, *, zero_is_nodata: bool = True) -> NDArray[np.float32]:
    """Read every pixel of a raster, float32 (band, y, x), NaN where it has no data.

    No data is what is not finite, what equals the header's ``data ignore value`` and,
    unless told otherwise, a pixel that is 0 in all bands.

    Args:
        header: As ``read_header`` gave it.
        zero_is_nodata: False for masks, in which 0 means clear.

    Raises:
        SceneError: If the file cannot be read or has shrunk since.
    """
    count = header.bands * header.height * header.width
    try:
        raw = np.fromfile(header.path, header.dtype, count, offset=header.offset)
    except OSError as error:
        raise SceneError(f"{header.path}: its pixels cannot be read ({error.strerror})") from error
    if raw.size != count:
        raise SceneError(f"{header.path}: found {raw.size} pixel values, expected {count}")
    return _without_nodata(_bands_first(raw, header), header, zero_is_nodata=zero_is_nodata)


def sample_rows(header: EnviHeader, most: int = 32, *, zero_is_nodata: bool = True) -> NDArray[np.float32]:
    """Read evenly spaced rows of a raster, at most ``most``, as ``read_pixels`` would: float32 (band, y, x).

    Raises:
        SceneError: If the file cannot be read or has shrunk since its header was.
    """
    count = header.bands * header.height * header.width
    try:
        raw = np.memmap(header.path, header.dtype, "r", header.offset, (count,))
    except (OSError, ValueError) as error:
        raise SceneError(f"{header.path}: its pixels cannot be read, expected {count} of them ({error})") from error
    rows = _bands_first(raw, header)[:, :: -(-header.height // most)]
    return _without_nodata(rows, header, zero_is_nodata=zero_is_nodata)


def write_envi(
    path: str | Path,
    pixels: NDArray[np.float32],
    *,
    band_names: Sequence[str],
    grid: Grid | None,
    sensed: datetime | None = None,
    description: str = "",
) -> None:
    """Write float32 BSQ with NaN for no data, and its header; the same pixels give the same bytes.

    The header comes first and each file whole or not at all, so whoever finds the data
    finds its header.

    Args:
        path: ``stem.bin``; the header becomes ``stem.hdr``. Both are replaced if they exist.
        pixels: (band, y, x), NaN where there is no data.
        band_names: One a band, without commas and braces, which the header cannot hold.
        grid: Where the pixels lie, north up; None writes no map info.
        sensed: Sensing time, written as ``acquisition_time``.
        description: One line.

    Raises:
        GridMismatchError: If the pixels do not fit the grid or the names, or the grid is rotated.
        ValueError: If the path is not a ``.bin``, or a text cannot be written.
    """
    path = Path(path)
    if path.suffix != ".bin":
        raise ValueError(f"{path}: an ENVI raster is written to a name that ends in .bin")
    if pixels.ndim != 3 or len(band_names) != pixels.shape[0] or (grid and pixels.shape[1:] != grid.shape):
        raise GridMismatchError(
            f"{path}: pixels of shape {pixels.shape} do not fit {len(band_names)} band names on {grid and grid.shape}"
        )
    text = _header_text(path, pixels.shape, band_names, grid, sensed, description)
    with whole_file(path.with_suffix(".hdr")) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    with whole_file(path) as part, part.open("wb") as file:
        for band in pixels:  # one NaN for all: 0/0 makes another pattern of bits than np.nan has
            np.where(np.isnan(band), np.float32(np.nan), band).astype("<f4").tofile(file)


def band_name(sensed: datetime, band: str, suffix: str = "") -> str:
    """Spell a band as BC's headers do: ``20250830 20m: B9 945nm``, then the suffix: ``MRAP``."""
    short = band.replace("B0", "B")
    return f"{sensed:%Y%m%d} 20m: {short} {BANDS[band].wavelength}nm {suffix.strip()}".rstrip()


def band_of(name: str) -> str | None:
    """Tell which band a header's band name means: ``B09`` for ``20250830 60m: B9 945nm``; None for other names."""
    found = _BAND.search(name)
    return f"B{found[1].upper().zfill(2)}" if found else None


def _bands_first(raw: NDArray[Any], header: EnviHeader) -> NDArray[Any]:
    bands, height, width = header.bands, header.height, header.width
    if header.interleave == "bil":
        return raw.reshape(height, bands, width).transpose(1, 0, 2)
    if header.interleave == "bip":
        return raw.reshape(height, width, bands).transpose(2, 0, 1)
    return raw.reshape(bands, height, width)


def _without_nodata(raw: NDArray[Any], header: EnviHeader, *, zero_is_nodata: bool) -> NDArray[np.float32]:
    with np.errstate(over="ignore", invalid="ignore"):  # a double beyond float32 becomes inf: no data
        pixels = np.require(raw, np.float32, ["C", "W", "E"])  # a copy only where the file is not float32 BSQ
        nodata = np.float32(np.nan if header.nodata is None else header.nodata)
    for band in pixels:
        band[~np.isfinite(band) | (band == nodata)] = np.nan
    if zero_is_nodata:
        pixels[:, (pixels == 0).all(axis=0)] = np.nan
    return pixels


def _header_text(
    path: Path,
    shape: tuple[int, ...],
    band_names: Sequence[str],
    grid: Grid | None,
    sensed: datetime | None,
    description: str,
) -> str:
    for text in (*band_names, description.replace(",", "")):
        if re.search(r"[,{}=\x00-\x1f]", text):
            raise ValueError(f"{path}: found {text!r}, expected text without commas, braces, = and line ends")
    lines = [
        "ENVI",
        *([f"description = {{{description}}}"] if description else []),
        f"samples = {shape[2]}",
        f"lines = {shape[1]}",
        f"bands = {shape[0]}",
        "header offset = 0",
        "file type = ENVI Standard",
        "data type = 4",
        "interleave = bsq",
        "byte order = 0",
        *(_map_lines(path, grid) if grid else []),
        "band names = {" + ",\n".join(band_names) + "}",
        "data ignore value = nan",
        *([f"acquisition_time = {sensed.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"] if sensed else []),
    ]
    return "\n".join(lines) + "\n"


def _map_lines(path: Path, grid: Grid) -> list[str]:
    dx, skew_x, x, skew_y, dy, y = map(float, grid.transform)  # numpy's floats would print their type
    if skew_x or skew_y:
        raise GridMismatchError(f"{path}: found a rotated grid, expected rows that run east")
    hemisphere, zone = divmod(grid.epsg - 32600, 100)
    utm = hemisphere in (0, 1) and 1 <= zone <= 60
    where = f"1, 1, {x!r}, {y!r}, {dx!r}, {-dy!r}"
    ends = f", {zone}, {('North', 'South')[hemisphere]}, WGS-84" if utm else ""
    return [
        f"map info = {{{'UTM' if utm else 'Arbitrary'}, {where}{ends}}}",
        f"coordinate system string = {{{grid.crs.to_wkt(version=WktVersion.WKT1_ESRI)}}}",
    ]
