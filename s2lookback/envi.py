"""The ENVI edge: float32 rasters beside text headers, as BC's tools read and write them.

Source: the ENVI header format as GDAL 3.10 reads and writes it; BC's band names and file names.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import WktVersion
from rasterio.errors import CRSError

from s2lookback.bands import BANDS
from s2lookback.errors import GridMismatchError, SceneError
from s2lookback.files import whole_file
from s2lookback.grid import Grid

_MOST_HEADER_BYTES = 1_000_000  # real headers have 1-3 kB
_DTYPES = {1: "u1", 2: "i2", 3: "i4", 4: "f4", 5: "f8", 12: "u2", 13: "u4", 14: "i8", 15: "u8"}
_ORDERS = {"0": "<", "1": ">"}
_INTERLEAVES = ("bsq", "bil", "bip")
_STAMP = re.compile(r"(?<!\d)((?:19|20)\d{6})(?:T(\d{6}))?(?!\d)")
_BAND = re.compile(r"(?:^|\d+m:\s*)B(8A|1[0-2]|0?[1-9])(?![0-9A-Z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class EnviHeader:
    """What an ENVI header says, checked against the size of its data file."""

    path: str
    """The data file."""
    height: int
    width: int
    bands: int
    band_names: tuple[str, ...]
    """As written; ``Band 1`` … where the header names none."""
    sensed: datetime | None
    """Sensing time, UTC, whole seconds; midnight where only the day is known."""
    grid: Grid | None
    """None where the header does not say, or has no CRS with an EPSG code."""
    dtype: np.dtype[Any]
    interleave: str
    """``bsq``, ``bil`` or ``bip``."""
    offset: int
    """Bytes before the first pixel."""
    nodata: float | None
    fields: dict[str, str]
    """Every field of the header as text without braces, keys in lower case."""


def find_images(folder: str | Path) -> list[Path]:
    """List the ``.bin`` files of a folder that have a header, sorted by name.

    Raises:
        SceneError: If there is no such folder.
    """
    folder = Path(folder)
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".bin" and _header_of(path) is not None)
    except OSError as error:
        raise SceneError(
            f"{folder}: expected a folder of ENVI images; it cannot be listed ({error.strerror})"
        ) from error


def read_header(path: str | Path) -> EnviHeader:
    """Read the header of an ENVI raster and check it against the data file.

    Args:
        path: The data file (``stem.bin``, header ``stem.hdr`` or ``stem.bin.hdr``) or the header.

    Raises:
        SceneError: If either file is missing, the header cannot be understood, or the
            data file has another size than the header says.
    """
    data, header = _files(Path(path))
    fields = _parse(_read_text(header), header)
    height, width, bands = (_whole(fields, key, header, least=1) for key in ("lines", "samples", "bands"))
    dtype = _dtype(fields, header)
    offset = _whole(fields, "header offset", header, default="0")
    _check_size(data, offset, (bands, height, width), dtype)
    names = _band_names(fields, bands, header)
    return EnviHeader(
        path=str(data),
        height=height,
        width=width,
        bands=bands,
        band_names=names,
        sensed=sensed_of(data, fields, names),
        grid=_grid(fields, height, width, header),
        dtype=dtype,
        interleave=_one_of(fields, "interleave", _INTERLEAVES, header),
        offset=offset,
        nodata=_number(fields["data ignore value"], header) if "data ignore value" in fields else None,
        fields=fields,
    )


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
    with np.errstate(over="ignore", invalid="ignore"):  # a double beyond float32 becomes inf: no data
        pixels = np.ascontiguousarray(_bands_first(raw, header), np.float32)
        for band in pixels:
            band[~np.isfinite(band)] = np.nan
            if header.nodata is not None:
                band[band == np.float32(header.nodata)] = np.nan
    if zero_is_nodata:
        pixels[:, (pixels == 0).all(axis=0)] = np.nan
    return pixels


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


def sensed_of(path: str | Path, fields: Mapping[str, str], band_names: Sequence[str]) -> datetime | None:
    """Tell when a raster was sensed, UTC, whole seconds; None where nothing says so.

    The first of these that exists counts: the header's ``acquisition_time``; the third
    ``_`` field of the file name, as in Sentinel-2 product names; any date, with or without
    a time, in the file name; one in the first band name.

    Raises:
        SceneError: If it exists and is no date.
    """
    written = fields.get("acquisition_time") or fields.get("acquisition time")
    if written:
        return _moment(written, path)
    third = "".join(Path(path).stem.split("_")[2:3])
    for text in (third, Path(path).stem, *band_names[:1]):
        if found := _STAMP.search(text):
            return _moment(f"{found[1]}T{found[2] or '000000'}", path)
    return None


def _moment(text: str, path: str | Path) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        aware = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise SceneError(
            f"{path}: found sensing time {text[:40]!r}, expected a UTC time such as 20250830T193831"
        ) from error
    return aware.replace(microsecond=0)


def _header_of(data: Path) -> Path | None:
    names = (data.with_suffix(".hdr"), data.with_name(f"{data.name}.hdr"))
    return next((name for name in names if name.is_file()), None)


def _files(path: Path) -> tuple[Path, Path]:
    if path.suffix == ".hdr":
        named = path.with_suffix("")
        return (named if named.suffix == ".bin" else path.with_suffix(".bin")), path
    header = _header_of(path)
    if header is None:
        raise SceneError(f"{path}: found no header, expected {path.stem}.hdr or {path.name}.hdr beside it")
    return path, header


def _read_text(header: Path) -> str:
    try:
        with header.open("rb") as file:
            raw = file.read(_MOST_HEADER_BYTES + 1)
    except OSError as error:
        raise SceneError(f"{header}: the header cannot be read ({error.strerror})") from error
    if len(raw) > _MOST_HEADER_BYTES or b"\0" in raw or raw.split(maxsplit=1)[:1] != [b"ENVI"]:
        raise SceneError(f"{header}: expected text that begins with ENVI, at most {_MOST_HEADER_BYTES} bytes")
    return raw.decode("utf-8", "replace")


def _parse(text: str, header: Path) -> dict[str, str]:
    """Split a header into fields; as in GDAL, a line without ``=`` is passed over and the last of a key counts."""
    fields = {}
    lines = iter(text.splitlines())
    for line in lines:
        key, equals, value = line.partition("=")
        if not equals or line.startswith(";"):
            continue
        value = value.strip()
        if value.startswith("{"):
            value = _braced(value, lines, key, header)
        fields[" ".join(key.lower().split())] = value
    return fields


def _braced(value: str, lines: Iterator[str], key: str, header: Path) -> str:
    parts = [value]
    while "}" not in parts[-1]:
        following = next(lines, None)
        if following is None:
            raise SceneError(f"{header}: the braces of {key.strip()[:40]!r} are not closed")
        parts.append(following)
    inner = "\n".join(parts)[1:].partition("}")[0]
    if "{" in inner:
        raise SceneError(f"{header}: found braces within the braces of {key.strip()[:40]!r}, expected none")
    return inner.strip()


def _whole(fields: Mapping[str, str], key: str, header: Path, *, least: int = 0, default: str = "missing") -> int:
    text = fields.get(key, default)
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < least:
        raise SceneError(f"{header}: found {key!r} {text[:40]!r}, expected a whole number from {least} to 999999999")
    return int(text)


def _one_of(fields: Mapping[str, str], key: str, known: Sequence[str], header: Path, default: str = "missing") -> str:
    text = fields.get(key, default).lower()
    if text not in known:
        raise SceneError(f"{header}: found {key!r} {text[:40]!r}, expected one of {', '.join(known)}")
    return text


def _number(text: str, header: Path) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise SceneError(f"{header}: found {text[:40]!r}, expected a number") from error


def _dtype(fields: Mapping[str, str], header: Path) -> np.dtype[Any]:
    kind = int(_one_of(fields, "data type", [str(code) for code in _DTYPES], header))
    order = _one_of(fields, "byte order", tuple(_ORDERS), header, default="0")
    return np.dtype(_ORDERS[order] + _DTYPES[kind])


def _check_size(data: Path, offset: int, shape: tuple[int, int, int], dtype: np.dtype[Any]) -> None:
    try:
        found = data.stat().st_size
    except OSError as error:
        raise SceneError(f"{data}: the data file cannot be read ({error.strerror})") from error
    expected = offset + math.prod(shape) * dtype.itemsize
    if found != expected:
        raise SceneError(f"{data}: found {found} bytes, expected {expected} from its header")


def _band_names(fields: Mapping[str, str], bands: int, header: Path) -> tuple[str, ...]:
    if bands > 10_000:
        raise SceneError(f"{header}: found {bands} bands, expected at most 10000")
    if "band names" not in fields:
        return tuple(f"Band {number}" for number in range(1, bands + 1))
    names = tuple(" ".join(name.split()) for name in fields["band names"].split(","))
    if len(names) != bands:
        raise SceneError(f"{header}: found {len(names)} band names, expected {bands}")
    return names


def _grid(fields: Mapping[str, str], height: int, width: int, header: Path) -> Grid | None:
    words = [word.strip() for word in fields.get("map info", "").split(",")]
    epsg = _epsg(fields.get("coordinate system string", "")) or _utm(words)
    if epsg is None or words == [""]:
        return None
    if len(words) < 7:
        raise SceneError(f"{header}: found {len(words)} fields of map info, expected at least 7")
    column, row, x, y, dx, dy = (_number(word, header) for word in words[1:7])
    turned = [word.partition("=")[2] for word in words[7:] if word.replace(" ", "").startswith("rotation=")]
    angle = math.radians(_number(turned[0], header)) if turned else 0.0
    cos, sin = math.cos(angle), math.sin(angle)
    transform = (cos * dx, sin * dx, x - (column - 1) * dx, sin * dy, -cos * dy, y + (row - 1) * dy)
    if not all(map(math.isfinite, transform)) or dx == 0 or dy == 0:
        raise SceneError(f"{header}: found map info {', '.join(words)[:80]!r}, expected finite numbers and pixel sizes")
    return Grid(epsg, transform, height, width)


@lru_cache(maxsize=64)
def _epsg(wkt: str) -> int | None:
    """Look up the EPSG code of a CRS given as WKT, Esri's included; None where it has none."""
    try:
        with rasterio.Env():  # without it GDAL writes its complaints to stderr
            return CRS.from_wkt(wkt).to_epsg() if wkt else None
    except CRSError:
        return None


def _utm(words: Sequence[str]) -> int | None:
    """Tell the EPSG code of map info such as ``UTM, 1, 1, x, y, 20, 20, 31, North, WGS-84``; None for others."""
    if words[0].upper() != "UTM" or len(words) < 9 or not any("WGS" in word for word in words[9:10] or ["WGS"]):
        return None
    zone, base = words[7], {"north": 32600, "south": 32700}.get(words[8].lower())
    return base + int(zone) if base and re.fullmatch(r"[1-9]|[1-5][0-9]|60", zone) else None


def _bands_first(raw: NDArray[Any], header: EnviHeader) -> NDArray[Any]:
    bands, height, width = header.bands, header.height, header.width
    if header.interleave == "bil":
        return raw.reshape(height, bands, width).transpose(1, 0, 2)
    if header.interleave == "bip":
        return raw.reshape(height, width, bands).transpose(2, 0, 1)
    return raw.reshape(bands, height, width)


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
    dx, skew_x, x, skew_y, dy, y = grid.transform
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
