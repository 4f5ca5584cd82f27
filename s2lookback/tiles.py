"""Tiles of a raster: compressed and back, and halved for the overviews."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from s2lookback.buffers import Buffers
from s2lookback.grid import Grid
from s2lookback.overviews import average, nearest
from s2lookback.steps import steps_of, sum_up
from s2lookback.tiff import tiles_of

TILE = 512
"""Rows and columns of a tile; an overview no larger is the last."""

_LEVEL = 1
"""ZSTD level 1 writes 4× and reads 3× faster than DEFLATE 6, for 7 % more bytes."""

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


class _Thread(Buffers):
    """A compressor, a decompressor and memory of each thread: none may be shared."""

    def __init__(self) -> None:
        super().__init__()
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_OWN = _Thread()


def encode(pixels: Pixels, spec: Spec) -> bytes:
    """Compress one tile, (y, x); one at an edge is filled up with its last row and column."""
    floating, size = spec.dtype.kind == "f", spec.dtype.itemsize
    rows = _planes(pixels, spec.tile) if floating else np.ascontiguousarray(pixels, spec.dtype).view(f"u{size}")
    steps = _OWN.array("steps", (spec.tile, spec.tile * size // rows.itemsize), rows.dtype)
    steps_of(rows, steps)
    return _OWN.compressor.compress(steps.data)


def decode(content: bytes | memoryview, dtype: np.dtype[Any], predictor: int, tile: int, into: Pixels) -> None:
    """Decompress one whole tile into an array, (y, x), which is smaller if the tile is at an edge.

    Raises:
        zstandard.ZstdError: If the content is damaged.
        ValueError: If it is not of the right size.
    """
    size = tile * tile * dtype.itemsize
    if zstandard.frame_content_size(content) not in (-1, size):
        raise ValueError(f"it holds {zstandard.frame_content_size(content)} bytes, expected {size}")
    flat = _OWN.array("steps", (size,), np.uint8)
    with _OWN.decompressor.stream_reader(content) as reader:
        if (found := reader.readinto(flat.data)) < size or reader.read(1):
            raise ValueError(f"it holds {found} bytes{' and more' * (found == size)}, expected {size}")
    height, width = into.shape
    if predictor == 1:
        into[:] = flat.view(dtype).reshape(tile, tile)[:height, :width]
    elif predictor == 2:
        kind = f"u{dtype.itemsize}"
        sum_up(flat.view(kind).reshape(tile, tile), into.view(kind))
    else:
        bytewise = _OWN.array("planes", (tile, tile * dtype.itemsize), np.uint8)
        sum_up(flat.reshape(tile, -1), bytewise)
        numbers = np.ascontiguousarray(bytewise.reshape(tile, dtype.itemsize, tile).transpose(0, 2, 1))
        into[:] = numbers.view(dtype.newbyteorder(">"))[:height, :width, 0]


def _planes(pixels: Pixels, tile: int) -> NDArray[np.uint8]:
    """Set, row by row, the most significant byte of every number before all the next ones (TIFF Technical Note 3)."""
    beyond = [(0, tile - side) for side in pixels.shape]
    numbers = np.ascontiguousarray(np.pad(pixels, beyond, mode="edge"), pixels.dtype.newbyteorder(">"))
    bytewise = numbers.view(np.uint8).reshape(tile, tile, -1)
    return np.ascontiguousarray(bytewise.transpose(0, 2, 1)).reshape(tile, -1)


def halve(pixels: Pixels, spec: Spec) -> Pixels:
    """Reduce pixels, (y, x), to half the rows and columns, rounded up."""
    return average(pixels, spec.nodata) if spec.continuous else nearest(pixels)
