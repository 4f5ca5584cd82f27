"""Where a shadow can lie: it needs a cloud between the ground and the sun."""

import numpy as np
from numpy.typing import NDArray

from s2lookback.masking.dilation import grow
from s2lookback.masking.terrain import LOW_SUN
from s2lookback.scene import Acquisition

LOWEST, HIGHEST = 200.0, 12_000.0
"""Heights of clouds above the ground, m. Source: Zhu & Woodcock 2012, section 3.2.2, which searches these."""

CELL = 400.0
"""Side of the cells that are reckoned with, m; a shadow is looked for within one of where it would fall."""

SIDEWAYS = 0.25
"""Metres that a cloud may seem to lie beside its place, per metre of height: Sentinel-2 looks up to 12 degrees off the
vertical (tangent 0.21), and the sun moves through a tile by a degree."""

FAIR = 10e6
"""Square metres of swath that say something of the sky around it; less may lie in the gap between two clouds."""

CLOUDLESS = 0.01
"""Share of cloud in a fair piece of sky below which the sky around it is taken to be clear too."""

Cells = NDArray[np.bool_]


def shadow_possible(
    cloud: NDArray[np.bool_], valid: NDArray[np.bool_], about: Acquisition, pixel: tuple[float, float]
) -> NDArray[np.bool_]:
    """Mark where a cloud of any height could cast its shadow, clouds beyond the edge included.

    Args:
        cloud: (y, x).
        valid: True inside the swath; the sky elsewhere is unknown, and taken for cloudy unless a fair piece is not.
        about: The place of the sun is used; where it is not told, a shadow may fall to any side.
        pixel: Height and width of a pixel in metres.
    """
    side = max(1, int(CELL / pixel[0])), max(1, int(CELL / pixel[1]))
    size = side[0] * pixel[0], side[1] * pixel[1]
    area = np.count_nonzero(valid) * pixel[0] * pixel[1]
    around = area < FAIR or np.count_nonzero(cloud) >= CLOUDLESS * np.count_nonzero(valid)
    cells = _coarse(cloud | (~valid & around), side)
    shaded = _cast(cells, about, size, around=bool(around))
    return _fine(shaded, side, cloud.shape)


def within(found: NDArray[np.bool_], metres: float, pixel: tuple[float, float]) -> NDArray[np.bool_]:
    """Mark what lies within many metres of what was found, to the nearest cell.

    Args:
        found: (y, x).
        metres: Radius, of several cells.
        pixel: Height and width of a pixel in metres.
    """
    side = max(1, int(CELL / pixel[0])), max(1, int(CELL / pixel[1]))
    return _fine(grow(_coarse(found, side), metres, (side[0] * pixel[0], side[1] * pixel[1])), side, found.shape)


def _fine(cells: Cells, side: tuple[int, int], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Give every pixel what its cell has."""
    return cells.repeat(side[0], axis=0).repeat(side[1], axis=1)[: shape[0], : shape[1]]


def _coarse(found: NDArray[np.bool_], side: tuple[int, int]) -> Cells:
    """Mark the cells that hold something."""
    rows, columns = (-length % step for length, step in zip(found.shape, side, strict=True))
    padded = np.pad(found, ((0, rows), (0, columns)))
    blocks = padded.reshape(padded.shape[0] // side[0], side[0], padded.shape[1] // side[1], side[1])
    return np.asarray(blocks.any(axis=(1, 3)))


def _cast(cells: Cells, about: Acquisition, size: tuple[float, float], *, around: bool) -> Cells:
    """Move cells to where their shadows fall, for one height after the other, each a tolerance above the last."""
    if about.sun_azimuth is None or about.sun_elevation is None:
        return np.full_like(cells, around or cells.any())
    away = 1 / np.tan(np.radians(max(about.sun_elevation, LOW_SUN)))
    north, east = -np.cos(np.radians(about.sun_azimuth)), -np.sin(np.radians(about.sun_azimuth))
    shaded, height = np.zeros_like(cells), LOWEST
    while height <= HIGHEST:
        moved = round(-north * away * height / size[0]), round(east * away * height / size[1])
        spread = SIDEWAYS * height + max(size)
        shaded |= grow(_moved(cells, moved, around=around), spread, size)
        # The next height casts a shadow that overlaps this one's.
        height += max(size[0], SIDEWAYS * height) / max(1.0, away)
    return shaded


def _moved(cells: Cells, by: tuple[int, int], *, around: bool) -> Cells:
    """Move cells by rows and columns; what comes in from beyond the edge is ``around``."""
    moved = np.full_like(cells, around)
    steps = [*zip(by, cells.shape, strict=True)]
    into = tuple(slice(max(0, step), max(0, length + min(0, step))) for step, length in steps)
    out_of = tuple(slice(max(0, -step), max(0, length - max(0, step))) for step, length in steps)
    moved[into] = cells[out_of]
    return moved
