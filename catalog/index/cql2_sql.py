"""CQL2 (OGC 21-065r2) as SQL of SQLite: every value is bound, every name is checked; nothing of a question is code."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from catalog.index.protocol import Filter, QueryError, instant

Sql = tuple[str, list[Any]]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_:-]*(\.[A-Za-z_][A-Za-z0-9_:-]*)*")
_COMPARISONS = {sign: sign for sign in ("=", "<>", "<", "<=", ">", ">=")}
_COMPARISONS |= {"t_equals": "=", "t_before": "<", "t_after": ">"}
_DEEPEST = 50

COLUMNS = {
    "id": "id",
    "collection": "collection",
    "datetime": "sensed",
    "start_datetime": "begins",
    "end_datetime": "ends",
    "grid:code": "tile",
    "eo:cloud_cover": "cloud",
}
"""Properties that have a column of their own, and mostly an index."""

TIMES = {"sensed", "begins", "ends"}
"""Columns in microseconds since 1970-01-01 UTC."""


def microseconds(moment: datetime) -> int:
    """Count the microseconds since 1970-01-01 UTC, exactly."""
    return (moment - datetime.fromisoformat("1970-01-01T00:00:00Z")) // timedelta(microseconds=1)


def column(name: str) -> Sql:
    """Name a property of an item as an expression.

    Raises:
        QueryError: If it is not of the form that names of properties have.
    """
    bare = name.removeprefix("properties.")
    if bare in COLUMNS:
        return COLUMNS[bare], []
    if len(bare) > 200 or not _NAME.fullmatch(bare):
        raise QueryError(f"{name[:80]!r} is no name of a property")
    path = ".".join(f'"{part}"' for part in bare.split("."))
    return "json_extract(properties, ?)", [f"$.{path}"]


def where(expression: Filter, spatial: Callable[[Mapping[str, Any]], Sql], depth: int = 0) -> Sql:
    """Translate a filter into a condition.

    Args:
        expression: CQL2 as JSON.
        spatial: Gives the condition that an item meets a GeoJSON geometry.
        depth: How deep it lies inside others.

    Raises:
        QueryError: If it is no CQL2, or more of it than is understood here.
    """
    operator, given = _operation(expression, depth)
    if operator in {"and", "or"}:
        parts = [where(one, spatial, depth + 1) for one in given]
        return "(" + f" {operator} ".join(sql for sql, _ in parts) + ")", [one for _, values in parts for one in values]
    if operator == "not":
        sql, values = where(_only(given, 1, operator)[0], spatial, depth + 1)
        return f"(not {sql})", values
    if operator == "s_intersects":
        name, geometry = _only(given, 2, operator)
        if name != {"property": "geometry"} or not isinstance(geometry, Mapping):
            raise QueryError("s_intersects compares the property geometry with a GeoJSON geometry, in this order")
        return spatial(geometry)
    return _predicate(operator, given, depth)


def _operation(expression: object, depth: int) -> tuple[str, list[Any]]:
    if depth > _DEEPEST:
        raise QueryError(f"the filter is nested deeper than {_DEEPEST}")
    if not isinstance(expression, Mapping) or not isinstance(expression.get("args"), list) or not expression["args"]:
        raise QueryError(f"{str(expression)[:80]!r} is no condition, expected an object with op and args")
    return str(expression.get("op")).lower(), expression["args"]


def _predicate(operator: str, given: list[Any], depth: int) -> Sql:
    if operator in _COMPARISONS:
        left, right = _only(given, 2, operator)
        return _compared(_COMPARISONS[operator], left, right, depth)
    if operator == "between":
        value, low, high = _only(given, 3, operator)
        above, below = _compared(">=", value, low, depth), _compared("<=", value, high, depth)
        return f"({above[0]} and {below[0]})", [*above[1], *below[1]]
    if operator == "in":
        value, listed = _only(given, 2, operator)
        return _among(value, listed, depth)
    if operator == "isnull":
        sql, values = _value(_only(given, 1, operator)[0], depth)
        return f"({sql} is null)", values
    if operator == "like":
        sql, values = _value(_only(given, 2, operator)[0], depth)
        if sql in TIMES:
            raise QueryError("a time is compared with a time, not like a text")
        return f"({sql} glob ?)", [*values, _glob(given[1])]
    raise QueryError(f"the operator {operator[:40]!r} is not understood here")


def _among(value: object, listed: object, depth: int) -> Sql:
    if not isinstance(listed, list) or not listed:
        raise QueryError("in needs a list of values")
    sql, values = _value(value, depth)
    if sql not in TIMES and all(isinstance(one, str | int | float) for one in listed):
        return f"({sql} in ({', '.join('?' * len(listed))}))", [*values, *listed]
    parts = [_compared("=", value, one, depth) for one in listed]
    return "(" + " or ".join(sql for sql, _ in parts) + ")", [one for _, values in parts for one in values]


def _compared(operator: str, left: object, right: object, depth: int) -> Sql:
    (one, ones), (two, twos) = _value(left, depth), _value(right, depth)
    if one in TIMES:
        twos = [_microseconds(right)] if two == "?" else twos
    if two in TIMES:
        ones = [_microseconds(left)] if one == "?" else ones
    return f"({one} {operator} {two})", [*ones, *twos]


def _value(value: object, depth: int) -> Sql:
    """Translate a property or a literal; ``casei`` of either."""
    if isinstance(value, str | int | float):  # true and false are 1 and 0 in SQLite, and in its JSON
        return "?", [value]
    if not isinstance(value, Mapping):
        raise QueryError(f"{str(value)[:80]!r} is no value that can be compared")
    if isinstance(value.get("property"), str):
        return column(value["property"])
    for kind in ("timestamp", "date"):
        if isinstance(value.get(kind), str):
            return "?", [value[kind]]
    operator, given = _operation(value, depth + 1)
    if operator == "casei":
        sql, values = _value(_only(given, 1, operator)[0], depth + 1)
        return f"lower({sql})", values
    raise QueryError(f"the function {operator[:40]!r} is not understood here")


def _microseconds(value: object) -> int:
    text = value.get("timestamp", value.get("date")) if isinstance(value, Mapping) else value
    text = str(text)
    return microseconds(instant(f"{text}T00:00:00Z" if len(text) == len("2025-08-30") else text))


def _glob(pattern: object) -> str:
    """Translate the pattern of ``like``, with % for any text and _ for one character; glob minds the case."""
    if not isinstance(pattern, str):
        raise QueryError("like compares with a text")
    escaped = re.sub(r"[*?\[]", lambda found: f"[{found[0]}]", pattern)
    return escaped.replace("%", "*").replace("_", "?")


def _only(given: list[Any], count: int, operator: str) -> list[Any]:
    if len(given) != count:
        raise QueryError(f"{operator} takes {count} arguments, not {len(given)}")
    return given
