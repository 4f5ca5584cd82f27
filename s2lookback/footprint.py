"""Where on the Earth the data of a raster lie: outlines in longitude and latitude."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.warp import transform
from scipy.spatial import ConvexHull

from s2lookback.grid import Grid

Point = tuple[float, float]
Ring = list[Point]

_PIECE = 20_000
"""Metres between the corners of an outline. A straight edge of a UTM tile bows by up to 296 m in longitude and
latitude; in pieces of 20 km what is left is less than one pixel."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """An outline as GeoJSON wants it (RFC 7946)."""

    geometry: dict[str, Any]
    """Polygon, or MultiPolygon where the antimeridian cuts it; degrees, counter-clockwise, closed."""
    bbox: list[float]
    """West, south, east, north in degrees; west is greater than east where it crosses the antimeridian."""


def outline(grid: Grid) -> Footprint:
    """Outline a whole raster."""
    corners = [(0, 0), (0, grid.height), (grid.width, grid.height), (grid.width, 0)]
    return _footprint([grid.affine @ corner for corner in corners], grid)


def footprint(valid: NDArray[np.bool_], grid: Grid) -> Footprint:
    """Outline the convex hull of the valid pixels, (y, x); of the whole raster where there are none."""
    rows = np.flatnonzero(valid.any(axis=1))
    if rows.size == 0:
        return outline(grid)
    first = valid[rows].argmax(axis=1)
    last = grid.width - valid[rows, ::-1].argmax(axis=1)
    columns = np.concatenate([first, first, last, last])
    a, b, c, d, e, f = grid.transform
    lines = np.concatenate([rows, rows + 1, rows, rows + 1])
    corners = np.stack([a * columns + b * lines + c, d * columns + e * lines + f], axis=1)
    return _footprint([(float(x), float(y)) for x, y in corners[ConvexHull(corners).vertices]], grid)


def overlaps(geometry: dict[str, Any], bbox: Sequence[float]) -> bool:
    """Tell whether an outline and a box share at least a point; a point is a box without extent.

    Args:
        geometry: Polygon or MultiPolygon as ``Footprint`` has it.
        bbox: West, south, east, north in degrees; west greater than east crosses the antimeridian.
    """
    west, south, east, north = bbox
    spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    return any(
        _cut(_cut(_cut(_cut(ring, 0, low, 1), 0, high, -1), 1, south, 1), 1, north, -1)
        for ring in ([(x, y) for x, y in polygon[0]] for polygon in polygons)
        for low, high in spans
    )


def _footprint(corners: Ring, grid: Grid) -> Footprint:
    piece = _PIECE if grid.crs.is_projected else math.inf
    ring = _unwrapped(_lonlat(_densified(_counter_clockwise(corners), piece), grid))
    shift = 360.0 if min(x for x, _ in ring) < -180 else 0.0
    ring = [(x + shift, y) for x, y in ring]
    parts = [_cut(ring, 0, 180.0, -1), [(x - 360, y) for x, y in _cut(ring, 0, 180.0, 1)]]
    polygons = [[_closed(part)] for part in parts if len(set(part)) > 2]
    south, north = min(y for _, y in ring), max(y for _, y in ring)
    west = min(x for x, _ in ring)
    east = max(x for x, _ in ring)
    bbox = [_rounded(west if west < 180 else west - 360), _rounded(south)]
    bbox += [_rounded(east if east <= 180 else east - 360), _rounded(north)]
    if len(polygons) == 1:
        return Footprint({"type": "Polygon", "coordinates": polygons[0]}, bbox)
    return Footprint({"type": "MultiPolygon", "coordinates": polygons}, bbox)


def _counter_clockwise(ring: Ring) -> Ring:
    """Turn a ring around where needed, and let it start where every equal ring does."""
    area = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1], strict=True))
    turned = ring if area > 0 else ring[::-1]
    start = turned.index(min(turned))
    return turned[start:] + turned[:start]


def _densified(ring: Ring, piece: float) -> Ring:
    points: Ring = []
    for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1], strict=True):
        count = max(1, math.ceil(math.hypot(x1 - x0, y1 - y0) / piece))
        points += [(x0 + (x1 - x0) * step / count, y0 + (y1 - y0) * step / count) for step in range(count)]
    return points


def _lonlat(ring: Ring, grid: Grid) -> Ring:
    longitudes, latitudes = transform(grid.crs, "OGC:CRS84", [x for x, _ in ring], [y for _, y in ring])
    return list(zip(longitudes, latitudes, strict=True))


def _unwrapped(ring: Ring) -> Ring:
    """Let longitudes run on past ±180° instead of jumping by 360°."""
    longitudes = np.unwrap([x for x, _ in ring], period=360.0)
    return [(float(x), y) for x, (_, y) in zip(longitudes, ring, strict=True)]


def _cut(ring: Ring, axis: int, limit: float, side: int) -> Ring:
    """Keep the part of an open or closed ring on one side of a line (Sutherland and Hodgman 1974).

    Args:
        ring: Corners.
        axis: 0 for a meridian, 1 for a parallel.
        limit: Where the line is; what lies on it is kept.
        side: 1 keeps what is greater, -1 what is less.
    """
    kept: Ring = []
    for one, two in zip(ring, ring[1:] + ring[:1], strict=True):
        inside, next_inside = (side * (point[axis] - limit) >= 0 for point in (one, two))
        if inside:
            kept.append(one)
        if inside != next_inside:
            share = (limit - one[axis]) / (two[axis] - one[axis])
            other = one[1 - axis] + share * (two[1 - axis] - one[1 - axis])
            kept.append((limit, other) if axis == 0 else (other, limit))
    return kept


def _closed(ring: Ring) -> list[list[float]]:
    points = [[_rounded(x), _rounded(y)] for x, y in ring]
    points = [point for before, point in zip([points[-1], *points[:-1]], points, strict=True) if point != before]
    return [*points, points[0]]


def _rounded(degrees: float) -> float:
    """Round to 0.1 m; never to minus zero."""
    return round(degrees, 6) + 0.0
