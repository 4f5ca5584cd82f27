"""The landscapes of the families: relief, what lies on it, and how its season is shifted from place to place."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from s2lookback.simulate.fractal import fractal
from s2lookback.simulate.spectra import (
    BASALT,
    BOG,
    BROADLEAF,
    CONIFER,
    CROP,
    GLACIER,
    GRASS,
    OLD_BURN,
    PLAYA,
    RED_SOIL,
    ROCK,
    ROOF,
    SAND,
    SEA,
    SHRUB,
    SOIL,
    TOWN,
    TURBID,
    WATER,
)

Shape = tuple[int, int]
Field = NDArray[np.float32]
Index = NDArray[np.intp]
Ground = tuple[Field, NDArray[np.uint8], Field]
"""Elevation, m; cover; days by which the season comes later: each (y, x)."""


def valley(random: np.random.Generator, shape: Shape) -> Ground:
    """Lay out a valley with a river and a lake, grass on its floor, forest with cutblocks above, and rock on top."""
    height, width = shape
    y = np.linspace(0, 2 * np.pi, height, endpoint=False)
    phase = random.uniform(0, 2 * np.pi, 2)
    middle = width * (0.30 + 0.05 * np.sin(y + phase[0]) + 0.025 * np.sin(3 * y + phase[1]))
    distance = np.abs(np.arange(width)[None, :] - middle[:, None]).astype(np.float32)
    slopes = 1.0 - np.exp(-((distance / (0.16 * width)) ** 2))
    ridges = fractal(random, shape, slope=1.9, outer=0.45 * max(shape))
    elevation = (420.0 + slopes * np.clip(960.0 + 430.0 * ridges, 60.0, None)).astype(np.float32)
    patches = fractal(random, shape, slope=1.4, outer=40.0)
    cover = np.full(shape, CONIFER, np.uint8)
    cover[_blocks(random, shape, 11, 14, 0.13, crooked=3.0) | (patches > 1.5)] = BROADLEAF
    cover[elevation + 90 * patches < 640] = GRASS
    cover[elevation + 130 * patches > 1_620] = ROCK
    cover[(distance < max(1.0, 0.008 * width)) | (elevation < np.quantile(elevation, 0.02))] = WATER
    return elevation, cover, np.zeros(shape, np.float32)


def lowland(random: np.random.Generator, shape: Shape) -> Ground:
    """Lay out low hills with lakes and bogs in their hollows, spruce with stands of poplar, and cutblocks."""
    hills, patches = _field(random, shape, 2.2, 0.4), _field(random, shape, 1.3, 0.15)
    hollows = 0.7 * hills + 0.6 * _field(random, shape, 2.3, 0.14) + 0.06 * patches
    cover = np.full(shape, CONIFER, np.uint8)
    cover[patches > 0.9] = BROADLEAF
    cover[_blocks(random, shape, 12, 16, 0.1)] = GRASS
    cover[hollows < np.quantile(hollows, 0.25)] = BOG
    cover[hollows < np.quantile(hollows, 0.10)] = WATER
    return 350.0 + 22.0 * hills, cover, 6.0 * patches


def massif(random: np.random.Generator, shape: Shape) -> Ground:
    """Raise a sharp-crested massif: valleys of forest and meadow, rock above, glaciers in the high hollows."""
    # Folding a field at zero makes crests where it crosses: Musgrave's ridged noise.
    folds = 1.0 - np.abs(_field(random, shape, 2.9, 0.8)) - 0.08 * np.abs(_field(random, shape, 2.6, 0.15))
    broad = _field(random, shape, 2.8, 0.9)
    elevation = 1_650.0 + 300.0 * folds + 140.0 * broad
    patches = _field(random, shape, 1.3, 0.1)
    cover = np.full(shape, CONIFER, np.uint8)
    cover[(elevation < 1_450.0) & (patches > 0.2)] = BROADLEAF
    cover[(elevation < 1_300.0) & (patches > -0.3)] = GRASS
    cover[elevation + 60.0 * patches > 1_800.0] = GRASS
    cover[elevation + 70.0 * patches > 1_920.0] = ROCK
    cover[(elevation + 40.0 * patches > 2_010.0) & (patches > -0.2)] = GLACIER
    cover[elevation < np.quantile(elevation, 0.015)] = WATER
    return elevation.astype(np.float32), cover, ((elevation - 1_500.0) / 40.0).astype(np.float32)


def hills(random: np.random.Generator, shape: Shape) -> Ground:
    """Roll wooded hills: spruce with much larch and poplar, meadows and a lake in the dales, bare tops."""
    elevation = 780.0 + 125.0 * _field(random, shape, 2.7, 0.45)
    patches, stands = _field(random, shape, 1.3, 0.1), _field(random, shape, 1.5, 0.25)
    cover = np.full(shape, CONIFER, np.uint8)
    cover[stands + 0.4 * patches > 0.3] = BROADLEAF
    cover[_blocks(random, shape, 11, 14, 0.08, crooked=3.0)] = GRASS
    cover[elevation + 30.0 * patches < 640.0] = GRASS
    cover[elevation + 30.0 * patches > 1_000.0] = ROCK
    cover[elevation < np.quantile(elevation, 0.03)] = WATER
    return elevation.astype(np.float32), cover, (7.0 * patches - elevation / 100.0 + 8.0).astype(np.float32)


def fields(random: np.random.Generator, shape: Shape) -> Ground:
    """Divide a plain into fields, each sown on its own day, with pasture, woods along a creek, ponds and farmsteads."""
    plain, patches = _field(random, shape, 2.1, 0.6), _field(random, shape, 1.4, 0.2)
    y, x = np.indices(shape)
    rows, columns = _cells(y, x, 40, 40), _cells(y, x, 20, 40)
    kind, sown = random.random((64, 64)), random.normal(0.0, 14.0, (64, 64))
    cover = np.full(shape, CROP, np.uint8)
    cover[kind[rows] < 0.22] = SOIL
    cover[kind[columns] > 0.72] = GRASS
    cover[patches > 1.4] = BROADLEAF
    cover[np.abs(plain + 0.2 * patches) < 0.02] = BROADLEAF
    cover[_field(random, shape, 2.2, 0.06) + 0.15 * patches < -1.9] = WATER
    cover[(y % 80 == 0) | (x % 80 == 0)] = TOWN
    cover[_blocks(random, shape, 3, 4, 0.012)] = ROOF
    return 700.0 + 12.0 * plain, cover, sown[columns].astype(np.float32)


def shore(random: np.random.Generator, shape: Shape) -> Ground:
    """Sink the west of a wooded country into the sea: islands, beaches, lakes, a muddy plume, and a town."""
    y, x = np.indices(shape, np.float32)
    hills = _field(random, shape, 2.5, 0.35)
    # The land rises and falls once across the grid, so that it too repeats at its edges.
    elevation = 90.0 * hills - 190.0 * np.cos(2 * np.pi * (x / shape[1] - 0.15)) + 55.0
    patches = _field(random, shape, 1.4, 0.15)
    cover = np.full(shape, CONIFER, np.uint8)
    cover[patches > 0.8] = BROADLEAF
    cover[(elevation < 60.0) & (patches < -0.2)] = GRASS
    town = (elevation < 80.0) & (_field(random, shape, 1.8, 0.3) > 0.9)
    cover[town] = TOWN
    cover[town & _blocks(random, shape, 3, 3, 0.25)] = ROOF
    cover[(elevation < 130.0) & (hills < -1.3)] = WATER
    cover[elevation < 5.0] = SAND
    sea = elevation < 0.0
    cover[sea] = SEA
    mouth = np.hypot(y - 0.5 * shape[0], x - 0.35 * shape[1]) / min(shape) + 0.1 * _field(random, shape, 2.2, 0.2)
    cover[sea & (mouth < 0.3)] = TURBID
    return np.maximum(elevation, 0.0).astype(np.float32), cover, 5.0 * patches


def plateau(random: np.random.Generator, shape: Shape) -> Ground:
    """Spread sagebrush over a plateau with playas in its basins, lava, red badlands and old burns."""
    basins, patches = _field(random, shape, 2.5, 0.5), _field(random, shape, 1.3, 0.12)
    flows = _field(random, shape, 1.6, 0.3)
    cover = np.full(shape, SHRUB, np.uint8)
    cover[patches > 1.1] = GRASS
    cover[basins + 0.2 * patches > 1.2] = RED_SOIL
    cover[_field(random, shape, 1.9, 0.3) > 1.3] = OLD_BURN
    cover[flows > 1.2] = BASALT
    cover[basins < np.quantile(basins, 0.08)] = PLAYA
    cover[basins < np.quantile(basins, 0.007)] = TURBID
    return (1_400.0 + 60.0 * basins + 12.0 * np.sin(6.0 * basins)).astype(np.float32), cover, 8.0 * patches


LAYOUTS: dict[str, Callable[[np.random.Generator, Shape], Ground]] = {
    "valley": valley,
    "lowland": lowland,
    "hills": hills,
    "massif": massif,
    "fields": fields,
    "shore": shore,
    "plateau": plateau,
}


def _field(random: np.random.Generator, shape: Shape, slope: float, outer: float) -> Field:
    """Draw a field whose largest structures are a share ``outer`` of 240 pixels, whatever the grid."""
    return fractal(random, shape, slope=slope, outer=min(240.0 * outer, 0.8 * max(shape)))


def _cells(y: NDArray[np.generic], x: NDArray[np.generic], height: int, width: int) -> tuple[Index, Index]:
    """Number the rectangles of a chequered grid, rows and columns, modulo 64."""
    return np.mod(y // height, 64).astype(np.intp), np.mod(x // width, 64).astype(np.intp)


def _blocks(
    random: np.random.Generator, shape: Shape, height: int, width: int, share: float, *, crooked: float = 0.0
) -> NDArray[np.bool_]:
    """Mark a share of the rectangles of a chequered grid, their edges crooked by some pixels."""
    y, x = np.indices(shape, np.float32)
    if crooked:
        y += crooked * fractal(random, shape, slope=1.8, outer=30.0)
        x += crooked * fractal(random, shape, slope=1.8, outer=30.0)
    cells = _cells(y, x, height, width)
    marked: NDArray[np.bool_] = random.random((64, 64))[cells] < share
    return marked
