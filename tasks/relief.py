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
        CatalogError: If the file is not there.
    """
    path = _path()
    return _read(path, _changed(path), grid)[0] if path else None


def elevation_content(grid: Grid) -> dict[str, str]:
    """Name the heights of a grid with the digest of what they are, as a recipe lists its inputs; empty without any.

    Another file with equal heights is no other input.

    Raises:
        SceneError: As ``elevation_of``.
        CatalogError: As ``elevation_of``.
    """
    path = _path()
    return {ELEVATION: _read(path, _changed(path), grid)[1]} if path else {}


def elevation_state() -> str:
    """Tell which raster of heights this machine has, and when it was last changed; empty without any.

    Raises:
        CatalogError: If the file is not there.
    """
    path = _path()
    return f"{path} {_changed(path)}" if path else ""


@lru_cache(maxsize=1)
def _read(path: str, _when: int, grid: Grid) -> tuple[NDArray[np.float32], str]:
    """Read heights and hash them once for a run of a tile: every recipe and every mask of it asks."""
    heights = read_elevation(path, grid)
    heights.setflags(write=False)
    return heights, checksum_of(heights.tobytes())


def _path() -> str:
    return os.environ.get("S2LOOKBACK_ELEVATION", "")


def _changed(path: str) -> int:
    with told(path):
        return Path(path).stat().st_mtime_ns
