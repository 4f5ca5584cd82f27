"""How two versions of a composite differ."""

from collections.abc import Mapping

import numpy as np

from s2lookback.cog import Cog, open_cog
from s2lookback.tiff import tiles_of


def changed_pixels(before: Mapping[str, str], after: Mapping[str, str]) -> int:
    """Count the pixels that differ in any raster; a tile that is compressed to the same bytes is not unpacked.

    Args:
        before: Raster name to file.
        after: The same rasters of another version; those that only one version has are not compared,
            and on another grid every pixel counts.

    Raises:
        SceneError: If a file cannot be read.
    """
    pairs = [(open_cog(before[name]), open_cog(after[name])) for name in sorted(before.keys() & after.keys())]
    if not pairs:
        return 0
    height, width, tile = shape = _shape(pairs[0][1])
    if any(_shape(cog) != shape for pair in pairs for cog in pair):
        return height * width
    return sum(_changed(pairs, *at) for at in np.ndindex(*tiles_of(height, width, tile)))


def _shape(cog: Cog) -> tuple[int, int, int]:
    """Give the rows, columns and tile size of a file."""
    full = cog.layout.levels[0]
    return full.height, full.width, full.tile


def _changed(pairs: list[tuple[Cog, Cog]], row: int, column: int) -> int:
    differ = [
        old.pixels(0, row, column) != new.pixels(0, row, column)
        for old, new in pairs
        if _packed(old, row, column) != _packed(new, row, column)
    ]
    return int(np.count_nonzero(np.any(differ, axis=0))) if differ else 0


def _packed(cog: Cog, row: int, column: int) -> bytes:
    return cog.stored(0, row, column).read().tobytes()  # bytes are compared many times faster than views of them
