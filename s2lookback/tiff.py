"""The directories of tiled one-band TIFF files: what is where in a file, read and written.

Source: TIFF 6.0 (Adobe 1992); the layout that GDAL's COG driver announces at the head of its files
(all directories first, then the tiles of the smallest overview up to those of the full resolution, each tile
between its size and a copy of its last four bytes).
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s2lookback.errors import SceneError

Entry = tuple[int, bytes]
"""TIFF type and little-endian value of a tag."""

ZSTD = 50_000
LARGEST = 2**32 - 1
"""Bytes that offsets of 32 bits reach."""

_PROMISE = (
    b"LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n"
    b"BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n "
)
_HEAD = b"GDAL_STRUCTURAL_METADATA_SIZE=%06d bytes\n" % len(_PROMISE) + _PROMISE
_START = 8 + len(_HEAD) + len(_HEAD) % 2
"""Where the first directory begins, at an even byte."""

_SHORT, _LONG = 3, 4
_SIZES = {1: 1, 2: 1, _SHORT: 2, _LONG: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
"""Bytes of a value, by TIFF type."""

_REDUCED, _WIDTH, _HEIGHT, _BITS, _CODEC = 254, 256, 257, 258, 259
_COLOUR, _SAMPLES, _PLANAR, _PREDICTOR = 262, 277, 284, 317
_TILE_WIDTH, _TILE_HEIGHT, _OFFSETS, _COUNTS, _FORMAT = 322, 323, 324, 325, 339
NODATA_TAG = 42_113
TRANSFORM_TAGS = (33_550, 33_922, 34_264)
PLACE_TAGS = (*TRANSFORM_TAGS, 34_735, 34_736, 34_737, 42_112, NODATA_TAG)
"""Where the pixels lie and what they mean: the transform, the CRS, scale and description, no data."""

_MOST_ENTRIES, _MOST_LEVELS, _MOST_BYTES = 64, 24, 2**16
"""More than any file of ours has; what says more is not read."""


@dataclass(frozen=True, slots=True)
class Level:
    """The full resolution or an overview of it."""

    height: int
    width: int
    tile: int
    """Rows and columns of a tile."""
    offsets: NDArray[np.uint32]
    """Where each tile begins in the file, row by row."""
    sizes: NDArray[np.uint32]
    """Bytes of each tile."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What a file holds and where."""

    dtype: np.dtype[np.generic]
    predictor: int
    levels: tuple[Level, ...]
    """Full resolution first."""
    tags: Mapping[int, Entry]
    """Those of ``PLACE_TAGS`` that the file has."""


def tiles_of(height: int, width: int, tile: int) -> tuple[int, int]:
    """Count the rows and columns of tiles of a raster."""
    return -(-height // tile), -(-width // tile)


def pack(layout: Layout) -> bytes:
    """Write everything that stands before the first tile; offsets are taken from ``layout``."""
    head = b"II*\0" + struct.pack("<I", _START) + _HEAD
    packed = bytearray(head.ljust(_START, b"\0"))
    for number, level in enumerate(layout.levels):
        last = number == len(layout.levels) - 1
        packed += _directory(_entries(layout, number, level), len(packed), last=last)
    return bytes(packed)


def _entries(layout: Layout, number: int, level: Level) -> dict[int, Entry]:
    short = {
        _WIDTH: level.width,
        _HEIGHT: level.height,
        _BITS: 8 * layout.dtype.itemsize,
        _CODEC: ZSTD,
        _COLOUR: 1,
        _SAMPLES: 1,
        _PLANAR: 1,
        _PREDICTOR: layout.predictor,
        _TILE_WIDTH: level.tile,
        _TILE_HEIGHT: level.tile,
        _FORMAT: "uif".index(layout.dtype.kind) + 1,
    }
    entries = {tag: (_SHORT, struct.pack("<H", value)) for tag, value in short.items()}
    entries[_OFFSETS] = _LONG, level.offsets.astype("<u4").tobytes()
    entries[_COUNTS] = _LONG, level.sizes.astype("<u4").tobytes()
    if number:
        entries[_REDUCED] = _LONG, struct.pack("<I", 1)
    kept = (NODATA_TAG,) if number else PLACE_TAGS
    return entries | {tag: layout.tags[tag] for tag in kept if tag in layout.tags}


def _directory(entries: Mapping[int, Entry], start: int, *, last: bool) -> bytes:
    """Write one directory that begins at byte ``start``, followed by the values that do not fit into it."""
    table, beyond = bytearray(struct.pack("<H", len(entries))), bytearray()
    after = start + 2 + 12 * len(entries) + 4
    for tag, (kind, value) in sorted(entries.items()):
        table += struct.pack("<HHI", tag, kind, len(value) // _SIZES[kind])
        if len(value) <= 4:
            table += value.ljust(4, b"\0")
        else:
            table += struct.pack("<I", after + len(beyond))
            beyond += value + b"\0" * (len(value) % 2)
    table += struct.pack("<I", 0 if last else after + len(beyond))
    return bytes(table + beyond)


def parse(name: str | Path, content: bytes | memoryview, length: int) -> Layout:
    """Read the directories of a little-endian, tiled, one-band TIFF with ZSTD tiles.

    Args:
        name: Of the file, for messages.
        content: Its first bytes, as far as the directories reach.
        length: Of the whole file, bytes; no tile may lie beyond.

    Raises:
        SceneError: If the file is of another kind, cut off or contradicts itself.
    """
    try:
        directories = _directories(content)
        return _layout(directories, length)
    except (struct.error, KeyError, ValueError, IndexError) as error:
        raise SceneError(
            f"{name}: found no tiled ZSTD GeoTIFF of one band, as this platform writes them ({error})"
        ) from error


def entries_of(content: bytes) -> dict[int, Entry]:
    """Read the first directory of a little-endian TIFF; the caller vouches for the content."""
    return _directories(content)[0]


def _directories(content: bytes | memoryview) -> list[dict[int, Entry]]:
    if bytes(content[:4]) != b"II*\0":
        raise ValueError("it does not begin like a little-endian TIFF")
    found: list[dict[int, Entry]] = []
    (at,) = struct.unpack_from("<I", content, 4)
    while at:
        if len(found) == _MOST_LEVELS:
            raise ValueError(f"it has more than {_MOST_LEVELS} directories")
        (count,) = struct.unpack_from("<H", content, at)
        if count > _MOST_ENTRIES:
            raise ValueError(f"a directory has {count} entries, expected {_MOST_ENTRIES} at most")
        found.append(dict(_entry(content, at + 2 + 12 * index) for index in range(count)))
        (at,) = struct.unpack_from("<I", content, at + 2 + 12 * count)
    return found


def _entry(content: bytes | memoryview, at: int) -> tuple[int, Entry]:
    tag, kind, count = struct.unpack_from("<HHI", content, at)
    size = _SIZES[kind] * count
    if size > _MOST_BYTES and tag not in (_OFFSETS, _COUNTS):
        raise ValueError(f"tag {tag} has {size} bytes, expected {_MOST_BYTES} at most")
    start = at + 8 if size <= 4 else struct.unpack_from("<I", content, at + 8)[0]
    value = bytes(content[start : start + size])
    if len(value) < size:
        raise ValueError(f"tag {tag} is cut off")
    return tag, (kind, value)


def _layout(directories: Sequence[Mapping[int, Entry]], length: int) -> Layout:
    first = directories[0]
    fixed = {_CODEC: ZSTD, _SAMPLES: 1}
    for tag, expected in fixed.items():
        if _number(first, tag) != expected:
            raise ValueError(f"tag {tag} is {_number(first, tag)}, expected {expected}")
    dtype = np.dtype(f"{'uif'[_number(first, _FORMAT) - 1]}{_number(first, _BITS) // 8}")
    predictor = _number(first, _PREDICTOR) if _PREDICTOR in first else 1
    levels = tuple(_level(entries, length) for entries in directories)
    return Layout(dtype, predictor, levels, {tag: first[tag] for tag in PLACE_TAGS if tag in first})


def _level(entries: Mapping[int, Entry], length: int) -> Level:
    height, width, tile = (_number(entries, tag) for tag in (_HEIGHT, _WIDTH, _TILE_HEIGHT))
    if _number(entries, _TILE_WIDTH) != tile or not 16 <= tile <= 4096 or not height or not width:
        raise ValueError(f"{height} × {width} pixels in tiles of {tile} rows")
    rows, columns = tiles_of(height, width, tile)
    offsets, sizes = (_numbers(entries, tag) for tag in (_OFFSETS, _COUNTS))
    if not offsets.size == sizes.size == rows * columns:
        raise ValueError(f"{offsets.size} offsets and {sizes.size} sizes of {rows} × {columns} tiles")
    if int((offsets.astype(np.uint64) + sizes).max()) > length:
        raise ValueError(f"a tile ends beyond the end of the file, byte {length}")
    return Level(height, width, tile, offsets, sizes)


def _numbers(entries: Mapping[int, Entry], tag: int) -> NDArray[np.uint32]:
    kind, value = entries[tag]
    return np.frombuffer(value, {_SHORT: "<u2", _LONG: "<u4"}[kind]).astype(np.uint32)


def _number(entries: Mapping[int, Entry], tag: int) -> int:
    return int(_numbers(entries, tag)[0])
