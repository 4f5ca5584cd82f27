"""Cloud-optimised GeoTIFFs of one band, tile by tile: a tile that did not change is copied as it is compressed.

GDAL's COG driver makes the same files, but spends most of its time on overviews and cannot take over tiles.
"""

import math
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import rasterio
import zstandard

from s2lookback.buffers import Buffers
from s2lookback.errors import GridMismatchError, SceneError
from s2lookback.tiff import LARGEST, PLACE_TAGS, TRANSFORM_TAGS, Entry, Layout, Level, entries_of, pack, parse, tiles_of
from s2lookback.tiles import Pixels, Spec, decode, encode, halve

_DIRECTORIES = 2**17
"""First bytes of a file, in which its directories lie: enough for 50 000² pixels in tiles of ``TILE``."""

_KEYS = 34_735
"""Tag of the keys of a CRS; those of interest are model, geographic and projected CRS (OGC GeoTIFF 1.1)."""

_CODES = (1024, 2048, 3072)


_READ = Buffers()


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

    def pixels(self, level: int, row: int, column: int, into: Pixels | None = None) -> Pixels:
        """Read a tile, (y, x), without what lies beyond the edge of the raster, into an array if one is given.

        Raises:
            SceneError: If the file is gone or damaged.
        """
        one, stored = self.layout.levels[level], self.stored(level, row, column)
        if into is None:
            height, width = one.height - row * one.tile, one.width - column * one.tile
            into = np.empty((min(one.tile, height), min(one.tile, width)), self.layout.dtype)
        try:
            content = stored.read(_READ.array("tile", (stored.size,), np.uint8).data)
            decode(content, self.layout.dtype, self.layout.predictor, one.tile, into)
        except (zstandard.ZstdError, ValueError) as error:
            raise SceneError(f"{self.path}: tile {row}, {column} is damaged ({error})") from error
        return into


@dataclass(frozen=True, slots=True)
class Stored:
    """A compressed tile in some file."""

    path: Path
    offset: int
    size: int

    def read(self, into: memoryview | None = None) -> memoryview:
        """Read it as it is compressed, into memory of at least its size if some is given.

        Raises:
            SceneError: If the file is gone or shorter than it was.
        """
        content = memoryview(bytearray(self.size) if into is None else into)[: self.size]
        try:
            file = os.open(self.path, os.O_RDONLY)  # Path.open takes five times as long
            try:
                found = os.preadv(file, [content], self.offset)
            finally:
                os.close(file)
        except OSError as error:
            raise SceneError(f"{self.path}: cannot be read ({error.strerror})") from error
        if found < self.size:
            raise SceneError(f"{self.path}: ends at byte {self.offset + found} in the middle of a tile")
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
                size = _size(tile)
                content = tile.read(_READ.array("tile", (size,), np.uint8).data) if isinstance(tile, Stored) else tile
                file.writelines((size.to_bytes(4, "little"), content, content[-4:]))


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
