"""The model of the ground that this machine has, if any: what mountains shade is then no cloud's shadow."""

import os
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.place.disk import told
from s2lookback.files import checksum_of
from s2lookback.grid import Grid
from s2lookback.relief import read_elevation

ELEVATION = "elevation"
"""Name of the heights among the inputs of a mask's recipe."""


def elevation_of(grid: Grid) -> NDArray[np.float32] | None:
    """Read the heights of a grid, m, (y, x), from the raster that ``S2LOOKBACK_ELEVATION`` names; None without one.

    Raises:
        SceneError: If it cannot be read, or knows no height there.
    """
    path = _path()
    return read_elevation(path, grid) if path else None


def elevation_content(grid: Grid) -> dict[str, str]:
    """Name the heights of a grid with the digest of what they are, as a recipe lists its inputs; empty without any.

    Another file with equal heights is no other input.

    Raises:
        SceneError: As ``elevation_of``.
        CatalogError: If the file is not there.
    """
    path = _path()
    if not path:
        return {}
    with told(path):
        changed = Path(path).stat().st_mtime_ns
    return {ELEVATION: _digest(path, changed, grid)}


@lru_cache(maxsize=8)
def _digest(path: str, _changed: int, grid: Grid) -> str:
    """Hash the heights once for a run of a tile: every scene of it asks."""
    return checksum_of(read_elevation(path, grid).tobytes())


def _path() -> str:
    return os.environ.get("S2LOOKBACK_ELEVATION", "")
