"""A question as pgSTAC reads it.

pgSTAC keeps of an item that holds for a range only where it starts and ends. All items of this catalog end where their
``datetime`` is, so that ``end_datetime`` is put to it for that.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from catalog.index.places import spans
from catalog.index.protocol import SearchRequest

ENDS = {"datetime": "end_datetime", "properties.datetime": "end_datetime"}
"""Properties under another name."""


def asked(request: SearchRequest) -> dict[str, Any]:
    """Write a question.

    A box is asked as a shape, since pgSTAC's own would go around the wrong way where it crosses the antimeridian;
    beside another shape as a part of the filter, since pgSTAC takes only one of the two.
    """
    box = None if request.bbox is None else box_shape(request.bbox)
    conditions = [renamed(request.filter)] if request.filter else []
    if box and request.intersects:
        conditions.append({"op": "s_intersects", "args": [{"property": "geometry"}, box]})
    ends = [".." if one is None else one.isoformat() for one in (request.start, request.end)]
    asks: dict[str, Any] = {
        "collections": list(request.collections or ()),
        "ids": list(request.ids or ()),
        "datetime": "" if ends == ["..", ".."] else "/".join(ends),
        "intersects": request.intersects or box,
        "filter": {"op": "and", "args": conditions} if conditions else None,
        "token": request.token,
    }
    named = {name for name, _ in request.sortby}
    keys = [*request.sortby, *((name, "asc") for name in ("id", "collection") if name not in named)]
    return {
        **{name: value for name, value in asks.items() if value},
        "limit": request.limit,
        "sortby": [{"field": ENDS.get(name, name), "direction": direction} for name, direction in keys],
        "filter-lang": "cql2-json",
    }


def renamed(filter_: Any) -> Any:
    """Ask for the end of an item's range where a filter asks for its time."""
    if isinstance(filter_, Mapping):
        name = filter_.get("property")
        if isinstance(name, str):
            return {"property": ENDS.get(name, name)}
        return {key: renamed(value) for key, value in filter_.items()}
    return [renamed(one) for one in filter_] if isinstance(filter_, list) else filter_


def box_shape(bbox: Sequence[float]) -> dict[str, Any]:
    """Draw a box as GeoJSON; one that crosses the antimeridian in two parts."""
    west, south, east, north = bbox
    parts = spans(west, east)
    rings = [[[[low, south], [high, south], [high, north], [low, north], [low, south]]] for low, high in parts]
    if len(rings) == 1:
        return {"type": "Polygon", "coordinates": rings[0]}
    return {"type": "MultiPolygon", "coordinates": rings}
