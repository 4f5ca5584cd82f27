"""The text beside an ENVI raster: what it says, checked against the size of the data file.

A header comes from outside: it is read up to a bound, every number is checked before it
is used, and one that lies about its data is refused. Source: the ENVI header format as
GDAL 3.10 reads it.
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
from rasterio.crs import CRS
from rasterio.errors import CRSError

from s2lookback.errors import SceneError
from s2lookback.grid import Grid

_MOST_HEADER_BYTES = 1_000_000  # real headers have 1-3 kB
_DTYPES = {"1": "u1", "2": "i2", "3": "i4", "4": "f4", "5": "f8", "12": "u2", "13": "u4", "14": "i8", "15": "u8"}
_ORDERS = {"0": "<", "1": ">"}
_INTERLEAVES = ("bsq", "bil", "bip")
_STAMP = re.compile(r"(?<!\d)((?:19|20)\d{6})(?:T(\d{6}))?(?!\d)")


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


def header_of(data: Path) -> Path | None:
    """Find the header of a data file: ``stem.hdr``, else ``stem.bin.hdr``; None where there is neither."""
    names = (data.with_suffix(".hdr"), data.with_name(f"{data.name}.hdr"))
    return next((name for name in names if name.is_file()), None)


def _files(path: Path) -> tuple[Path, Path]:
    if path.suffix == ".hdr":
        named = path.with_suffix("")
        return (named if named.suffix == ".bin" else path.with_suffix(".bin")), path
    header = header_of(path)
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
    kind = _one_of(fields, "data type", tuple(_DTYPES), header)
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
    zone, hemisphere, datum = [*words[7:10], *("", "", "WGS-84")[len(words[7:10]) :]]
    base = {"north": 32600, "south": 32700}.get(hemisphere.lower())
    known = words[0].upper() == "UTM" and re.fullmatch(r"[1-9]|[1-5][0-9]|60", zone)
    return base + int(zone) if known and base and ("WGS" in datum or "=" in datum) else None
