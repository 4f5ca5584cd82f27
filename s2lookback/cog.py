"""Cloud-optimised GeoTIFFs of one band, tile by tile: a tile that did not change is copied as it is compressed.

GDAL's COG driver makes the same files, but spends most of its time on overviews and cannot take over tiles.
"""

import math
import os
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import zstandard
from numpy.typing import NDArray

from s2lookback.errors import GridMismatchError, SceneError
from s2lookback.grid import Grid
from s2lookback.tiff import LARGEST, PLACE_TAGS, TRANSFORM_TAGS, Entry, Layout, Level, entries_of, pack, parse, tiles_of

TILE = 512
"""Rows and columns of a tile; an overview no larger is the last."""

THREADS = min(8, os.cpu_count() or 1)
"""Tiles that are worked on side by side."""

_LEVEL = 1
"""ZSTD level 1 writes 4× and reads 3× faster than DEFLATE 6, for 7 % more bytes."""

_DIRECTORIES = 2**17
"""First bytes of a file, in which its directories lie: enough for 50 000² pixels in tiles of ``TILE``."""

_KEYS = 34_735
"""Tag of the keys of a CRS; those of interest are model, geographic and projected CRS (OGC GeoTIFF 1.1)."""

_CODES = (1024, 2048, 3072)

Pixels = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Spec:
    """What a file is to hold, apart from the pixels."""

    grid: Grid
    dtype: np.dtype[Any]
    nodata: float | None
    """The number that means "no data", or None where every pixel has a value."""
    description: str = ""
    """The band's name."""
    scale: float = 1.0
    """Physical value = pixel · scale."""
    continuous: bool = False
    """True for reflectance, whose overviews are averages; classes, dates and counts take the nearest pixel."""
    tile: int = TILE
    """Rows and columns of a tile, a multiple of 16."""

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Rows and columns of the full resolution and of each overview."""
        shapes = [self.grid.shape]
        while max(shapes[-1]) > self.tile:
            height, width = shapes[-1]
            shapes.append(((height + 1) // 2, (width + 1) // 2))
        return shapes

    @property
    def tiles(self) -> list[tuple[int, int]]:
        """Rows and columns of tiles of the full resolution and of each overview."""
        return [tiles_of(*shape, self.tile) for shape in self.shapes]

    def tile_shape(self, level: int, row: int, column: int) -> tuple[int, int]:
        """Rows and columns of pixels of a tile: fewer at the far edges."""
        height, width = self.shapes[level]
        return min(self.tile, height - row * self.tile), min(self.tile, width - column * self.tile)

    @property
    def predictor(self) -> int:
        """Differences of neighbours; of floating-point numbers, byte by byte."""
        return 3 if self.dtype.kind == "f" else 2


@dataclass(frozen=True, slots=True)
class Cog:
    """A file of tiles; opened anew for each tile, so that hundreds of files may be in use by any number of threads."""

    path: Path
    layout: Layout

    def stored(self, level: int, row: int, column: int) -> "Stored":
        """Tell where a tile lies."""
        one = self.layout.levels[level]
        index = row * tiles_of(one.height, one.width, one.tile)[1] + column
        return Stored(self.path, int(one.offsets[index]), int(one.sizes[index]))

    def pixels(self, level: int, row: int, column: int) -> Pixels:
        """Read a tile, (y, x), without what lies beyond the edge of the raster.

        Raises:
            SceneError: If the file is gone or damaged.
        """
        one, stored = self.layout.levels[level], self.stored(level, row, column)
        try:
            tile = decode(stored.read(), self.layout.dtype, one.tile, self.layout.predictor)
        except (zstandard.ZstdError, ValueError) as error:
            raise SceneError(f"{self.path}: tile {row}, {column} is damaged ({error})") from error
        return tile[: one.height - row * one.tile, : one.width - column * one.tile]


@dataclass(frozen=True, slots=True)
class Stored:
    """A compressed tile in some file."""

    path: Path
    offset: int
    size: int

    def read(self) -> bytes:
        """Read it as it is compressed.

        Raises:
            SceneError: If the file is gone or shorter than it was.
        """
        try:
            file = os.open(self.path, os.O_RDONLY)  # Path.open takes five times as long
            try:
                content = os.pread(file, self.size, self.offset)
            finally:
                os.close(file)
        except OSError as error:
            raise SceneError(f"{self.path}: cannot be read ({error.strerror})") from error
        if len(content) < self.size:
            raise SceneError(f"{self.path}: ends at byte {self.offset + len(content)} in the middle of a tile")
        return content


Tile = bytes | Stored
"""A compressed tile, at hand or in some file."""


def open_cog(path: str | Path) -> Cog:
    """Read where the tiles of a file are.

    Raises:
        SceneError: If it cannot be read or is not as this platform writes files.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            return Cog(path, parse(path, file.read(_DIRECTORIES), os.fstat(file.fileno()).st_size))
    except OSError as error:
        raise SceneError(f"{path}: cannot be read ({error.strerror})") from error


def open_aligned(path: str | Path, spec: Spec) -> Cog:
    """Open a file whose tiles may stand in a file of ``spec``, pixel for pixel and byte for byte.

    Raises:
        GridMismatchError: If its grid, dtype, tiles or predictor are others.
        SceneError: If it cannot be read or is not as this platform writes files.
    """
    cog = open_cog(path)
    found, expected = cog.layout, _arranged(spec, [[0] * math.prod(shape) for shape in spec.tiles])
    if _kind(found) != _kind(expected):
        raise GridMismatchError(f"{path}: found {_kind(found)}, expected {_kind(expected)}")
    if _where(found) != _where(expected):
        raise GridMismatchError(f"{path}: lies elsewhere than on {spec.grid}")
    return cog


def _kind(layout: Layout) -> str:
    shapes = " and ".join(f"{level.height} × {level.width}" for level in layout.levels)
    return f"{shapes} pixels of {layout.dtype} in tiles of {layout.levels[0].tile}, predictor {layout.predictor}"


def _where(layout: Layout) -> tuple[object, ...]:
    """Tell what decides where pixels lie; titles of a CRS, which differ between versions of GDAL, do not."""
    keys = np.frombuffer(layout.tags[_KEYS][1], "<u2").reshape(-1, 4) if _KEYS in layout.tags else np.empty((0, 4))
    codes = {int(key): int(value) for key, _, _, value in keys if key in _CODES}
    return codes, *(layout.tags.get(tag) for tag in TRANSFORM_TAGS)


def encode_band(band: Pixels, spec: Spec, pool: Executor) -> list[list[Tile]]:
    """Compress a whole band, (y, x), and its overviews, full resolution first, tiles row by row."""
    levels: list[list[Tile]] = []
    for _, columns in spec.tiles:
        done = list(pool.map(lambda tile: (encode(tile, spec), halve(tile, spec)), _cut(band, spec.tile)))
        levels.append([tile for tile, _ in done])
        halves = [half for _, half in done]
        band = np.block([halves[first : first + columns] for first in range(0, len(halves), columns)])
    return levels


def write_cog(path: str | Path, spec: Spec, levels: Sequence[Sequence[Tile]]) -> None:
    """Write compressed tiles to a file from the first byte to the last; the caller sees to atomicity.

    Args:
        path: Where to; replaced if it exists. None of the tiles may be stored in it.
        spec: What the file holds.
        levels: For the full resolution and each overview its tiles, row by row.

    Raises:
        SceneError: If the file would exceed 4 GiB or 50 000² pixels, or a stored tile cannot be read.
    """
    layout = _arranged(spec, [[_size(tile) for tile in tiles] for tiles in levels])
    head = pack(layout)
    length = len(head) + sum(int(level.sizes.sum(dtype=np.uint64)) + 8 * level.sizes.size for level in layout.levels)
    if len(head) > _DIRECTORIES or length > LARGEST:
        raise SceneError(f"{path}: {length} bytes and {len(head)} of directories are more than one file can hold")
    with Path(path).open("wb") as file:
        file.write(head)
        for tiles in reversed(levels):
            for tile in tiles:
                content = tile.read() if isinstance(tile, Stored) else tile
                file.writelines((len(content).to_bytes(4, "little"), content, content[-4:]))


def _arranged(spec: Spec, sizes: Sequence[Sequence[int]]) -> Layout:
    """Lay the tiles out one after the other, the smallest overview first, each with four bytes before and behind."""
    levels = [
        Level(height, width, spec.tile, np.zeros(len(each), np.uint32), np.array(each, np.uint32))
        for (height, width), each in zip(spec.shapes, sizes, strict=True)
    ]
    layout = Layout(spec.dtype, spec.predictor, tuple(levels), _place(spec))
    at = len(pack(layout))
    for number in reversed(range(len(levels))):
        ends = at + np.cumsum(levels[number].sizes.astype(np.uint64) + 8)
        levels[number] = replace(levels[number], offsets=(ends - levels[number].sizes - 4).astype(np.uint32))
        at = int(ends[-1])
    return replace(layout, levels=tuple(levels))


def _size(tile: Tile) -> int:
    return tile.size if isinstance(tile, Stored) else len(tile)


@lru_cache(maxsize=64)
def _place(spec: Spec) -> dict[int, Entry]:
    """Let GDAL write the tags that say where the pixels lie and what they mean: one pixel has the same as a tile."""
    with rasterio.MemoryFile() as memory:
        with memory.open(
            driver="GTiff", height=1, width=1, count=1, dtype=spec.dtype, crs=spec.grid.crs,
            transform=spec.grid.affine, nodata=spec.nodata, ENDIANNESS="LITTLE",
        ) as raster:  # fmt: skip
            raster.set_band_description(1, spec.description)
            if spec.scale != 1.0:
                raster.scales = (spec.scale,)
        entries = entries_of(memory.read())
    return {tag: entries[tag] for tag in PLACE_TAGS if tag in entries}


def _cut(band: Pixels, tile: int) -> Iterable[Pixels]:
    """Give the tiles of a band, row by row; those at its far edges are smaller."""
    for top in range(0, band.shape[0], tile):
        for left in range(0, band.shape[1], tile):
            yield band[top : top + tile, left : left + tile]


def encode(pixels: Pixels, spec: Spec) -> bytes:
    """Compress one tile, (y, x); one at an edge is filled up with its last row and column."""
    beyond = [(0, spec.tile - side) for side in pixels.shape]
    whole = np.pad(pixels, beyond, mode="edge") if any(pad for _, pad in beyond) else pixels
    rows = _planes(whole) if spec.dtype.kind == "f" else np.asarray(whole, spec.dtype.newbyteorder("<"))
    steps = np.empty_like(rows, order="C")
    steps[:, 0] = rows[:, 0]
    np.subtract(rows[:, 1:], rows[:, :-1], out=steps[:, 1:])
    return _CODECS.compressor.compress(steps.data)


_SUMMED = {1: "i1", 2: "<u2", 4: "<i4", 8: "<i8"}
"""Integers to sum up differences in, by size: numpy does it 4× faster in these than in ``u1`` and ``i2``."""


def decode(content: bytes, dtype: np.dtype[Any], tile: int, predictor: int) -> Pixels:
    """Decompress one whole tile, (y, x).

    Raises:
        zstandard.ZstdError: If the content is damaged.
        ValueError: If it is not of the right size.
    """
    size = tile * tile * dtype.itemsize
    if zstandard.frame_content_size(content) not in (-1, size):
        raise ValueError(f"it holds {zstandard.frame_content_size(content)} bytes, expected {size}")
    flat = _CODECS.decompressor.decompress(content, max_output_size=size)
    kind = np.dtype(_SUMMED[1 if predictor == 3 else dtype.itemsize])
    steps = np.frombuffer(flat, kind, size // kind.itemsize).reshape(tile, -1)
    rows = steps if predictor == 1 else np.cumsum(steps, axis=1, dtype=kind)
    if predictor < 3:
        return rows.view(dtype)
    bytewise = rows.reshape(tile, dtype.itemsize, tile).transpose(0, 2, 1)
    return np.ascontiguousarray(bytewise).view(dtype.newbyteorder(">"))[..., 0].astype(dtype)


def _planes(pixels: Pixels) -> NDArray[np.uint8]:
    """Set, row by row, the most significant byte of every number before all the next ones (TIFF Technical Note 3)."""
    numbers = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(">"))
    bytewise = numbers.view(np.uint8).reshape(*pixels.shape, pixels.dtype.itemsize)
    return bytewise.transpose(0, 2, 1).reshape(len(pixels), -1)


class _Codecs(threading.local):
    """A compressor and a decompressor of each thread: they must not be shared."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_CODECS = _Codecs()


def halve(pixels: Pixels, spec: Spec) -> Pixels:
    """Reduce pixels, (y, x), to half the rows and columns, rounded up.

    Averages are over the pixels with data among four, halves rounded up, no data where there is none;
    the nearest pixel is the upper left one. Tiles of even size may be halved one by one.
    """
    if not spec.continuous:
        return np.ascontiguousarray(pixels[::2, ::2])
    height, width = pixels.shape
    even = np.pad(pixels, ((0, height % 2), (0, width % 2)), mode="edge") if height % 2 or width % 2 else pixels
    exact = np.float32 if spec.dtype.itemsize <= 2 else np.float64
    lacking = np.isnan(even) if spec.nodata is not None and np.isnan(spec.nodata) else even == spec.nodata
    if spec.nodata is None or not lacking.any():
        return _rounded(_quads(even, exact) / 4, spec.dtype)
    count = _quads(~lacking, exact)
    mean = _quads(np.where(lacking, 0, even), exact) / np.maximum(count, 1)
    return np.where(count > 0, _rounded(mean, spec.dtype), np.array(spec.nodata, spec.dtype))


def _quads(pixels: Pixels, exact: type[np.floating[Any]]) -> Pixels:
    """Sum up squares of 2 × 2 pixels."""
    pairs = np.add(pixels[::2], pixels[1::2], dtype=exact)
    return pairs[:, ::2] + pairs[:, 1::2]


def _rounded(mean: Pixels, dtype: np.dtype[Any]) -> Pixels:
    return (mean if dtype.kind == "f" else np.floor(mean + 0.5)).astype(dtype)
