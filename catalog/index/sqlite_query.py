"""A question as one statement of SQLite, and the tokens that lead from page to page."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from catalog.index.cql2_sql import Sql, column, microseconds, where
from catalog.index.places import bounds, spans
from catalog.index.protocol import QueryError, SearchRequest

_MOST_KEYS = 8

_KNOWN = {"id", "collection", "sensed", "begins", "ends"}
"""Columns that are never null: told where nulls go, SQLite would not follow an index."""

_NULLS = {"ASC": " NULLS LAST", "DESC": " NULLS FIRST"}
"""What is unknown counts as greatest, as in PostgreSQL."""


def statement(request: SearchRequest) -> Sql:
    """Write the statement that answers a question: the item, then what it is sorted by; one more than the limit."""
    condition, values = meets(request)
    keys = _keys(request.sortby)
    if request.token is not None:
        after, bound = _after(keys, _values_of(request.token, len(keys)))
        condition, values = f"{condition} AND {after}", [*values, *bound]
    columns = ", ".join(sql for (sql, _), _ in keys)
    order = ", ".join(f"{sql} {direction}{'' if sql in _KNOWN else _NULLS[direction]}" for (sql, _), direction in keys)
    named = [value for (_, bound), _ in keys for value in bound]
    sql = f"SELECT item, {columns} FROM items WHERE {condition} ORDER BY {order} LIMIT ?"  # noqa: S608 - values are bound
    return sql, [*named, *values, *named, request.limit + 1]


def meets(request: SearchRequest) -> Sql:
    """Write the condition that an item answers a question."""
    parts: list[Sql] = [("1", [])]
    for name, listed in (("collection", request.collections), ("id", request.ids)):
        if listed:
            parts.append((f"{name} IN ({', '.join('?' * len(listed))})", list(listed)))
    if request.start is not None:
        parts.append(("ends >= ?", [microseconds(request.start)]))
    if request.end is not None:
        parts.append(("begins <= ?", [microseconds(request.end)]))
    if request.bbox is not None:
        parts.append(_in_box(request.bbox))
    if request.intersects is not None:
        parts.append(intersecting(request.intersects))
    if request.filter is not None:
        parts.append(where(request.filter, intersecting))
    return " AND ".join(sql for sql, _ in parts), [value for _, values in parts for value in values]


def token_of(values: Sequence[Any]) -> str:
    """Write where a page ended."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _values_of(token: str, count: int) -> list[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, RecursionError) as error:
        raise QueryError("the token is none that was given out") from error
    plain = isinstance(values, list) and all(one is None or isinstance(one, str | int | float) for one in values)
    if not plain or len(values) != count:
        raise QueryError("the token is none that was given out for a question sorted so")
    return list(values)


def _keys(sortby: Sequence[tuple[str, str]]) -> list[tuple[Sql, str]]:
    if len(sortby) > _MOST_KEYS:
        raise QueryError(f"sorted by {len(sortby)} properties, at most {_MOST_KEYS} are understood")
    named = list(sortby)
    named += [(name, "asc") for name in ("id", "collection") if name not in {one for one, _ in sortby}]
    return [(column(name), "DESC" if direction == "desc" else "ASC") for name, direction in named]


def _after(keys: Sequence[tuple[Sql, str]], values: Sequence[Any]) -> Sql:
    """Write the condition that an item comes after the one that had these values."""
    options: list[str] = []
    bound: list[Any] = []
    same, same_bound = "1", list[Any]()
    for ((sql, named), direction), value in zip(keys, values, strict=True):
        if direction == "ASC" and value is not None:
            options.append(f"({same} AND ({sql} > ? OR {sql} IS NULL))")
            bound += [*same_bound, *named, value, *named]
        elif direction == "DESC":
            options.append(f"({same} AND {sql} {'IS NOT' if value is None else '<'} ?)")
            bound += [*same_bound, *named, value]
        same, same_bound = f"{same} AND {sql} IS ?", [*same_bound, *named, value]
    return f"({' OR '.join(options) or '0'})", bound


def _in_box(bbox: Sequence[float]) -> Sql:
    """Write the condition that an item's outline shares a point with a box; west greater than east goes around."""
    west, south, east, north = bbox
    sql: list[str] = []
    values: list[Any] = []
    for low, high in spans(west, east):
        near, bound = _near((low, south, high, north))
        sql.append(f"({near} AND overlaps_box(geometry, ?, ?, ?, ?))")
        values += [*bound, low, south, high, north]
    return f"({' OR '.join(sql)})", values


def _near(bbox: Sequence[float]) -> Sql:
    west, south, east, north = bbox
    found = "SELECT number / 2 FROM boxes WHERE east >= ? AND west <= ? AND north >= ? AND south <= ?"
    return f"number IN ({found})", [west, east, south, north]


def intersecting(geometry: Mapping[str, Any]) -> Sql:
    """Write the condition that an item's outline shares a point with a geometry.

    Raises:
        QueryError: If it is no geometry.
    """
    near, values = _near(bounds(geometry))
    return f"({near} AND intersects(geometry, ?))", [*values, json.dumps(geometry)]
