"""Where an item is and where was asked for, as SQLite's functions see it: outlines are JSON texts."""

import json
import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from catalog.index.protocol import QueryError
from s2lookback.footprint import overlaps

_KINDS = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
"""How many lists lie around the points of a geometry."""

_MOST_POINTS = 10_000


def spans(west: float, east: float) -> list[tuple[float, float]]:
    """Give the longitudes from west to east, as two ranges where they cross the antimeridian."""
    return [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]


def bounds(geometry: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """Enclose a GeoJSON geometry: west, south, east, north.

    Raises:
        QueryError: If it is none, or has too many points.
    """
    points: list[tuple[float, float]] = []
    for point in _points(geometry, 0):
        points.append(point)
        if len(points) > _MOST_POINTS:
            raise QueryError(f"the geometry has more than {_MOST_POINTS} points")
    if not points:
        raise QueryError("the geometry has no points")
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def _points(geometry: Mapping[str, Any], depth: int) -> Iterator[tuple[float, float]]:
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    if kind == "GeometryCollection" and isinstance(geometry.get("geometries"), list) and depth < 4:
        for part in geometry["geometries"]:
            yield from _points(part, depth + 1)
    elif kind in _KINDS:
        yield from _flat(geometry.get("coordinates"), _KINDS[kind])
    else:
        raise QueryError(f"{str(geometry)[:80]!r} is no GeoJSON geometry")


def _flat(coordinates: Any, depth: int) -> Iterator[tuple[float, float]]:
    if not isinstance(coordinates, list | tuple):
        raise QueryError(f"{str(coordinates)[:80]!r} are no coordinates")
    if depth:
        for part in coordinates:
            yield from _flat(part, depth - 1)
        return
    numbers = all(isinstance(one, int | float) and math.isfinite(one) for one in coordinates)
    if not numbers or len(coordinates) not in {2, 3}:
        raise QueryError(f"{str(coordinates)[:80]!r} is no longitude and latitude")
    yield float(coordinates[0]), float(coordinates[1])


def overlaps_box(geometry: str, west: float, south: float, east: float, north: float) -> bool:
    """Tell whether an outline and a box share a point."""
    return overlaps(_outline(geometry), (west, south, east, north))


def intersects(geometry: str, other: str) -> bool:
    """Tell whether an outline and a GeoJSON geometry share a point."""
    wanted = _outline(other)
    if wanted["type"] == "Point":
        x, y = wanted["coordinates"][:2]
        return overlaps_box(geometry, x, y, x, y)
    return bool(_intersection(other).matches({"type": "Feature", "geometry": _outline(geometry), "properties": {}}))


@lru_cache(maxsize=4096)
def _outline(geometry: str) -> dict[str, Any]:
    outline: dict[str, Any] = json.loads(geometry)
    return outline


@lru_cache(maxsize=64)
def _intersection(geometry: str) -> Any:
    from cql2 import Expr  # of the extra `serve`: only a server is asked for shapes

    return Expr({"op": "s_intersects", "args": [{"property": "geometry"}, json.loads(geometry)]})
