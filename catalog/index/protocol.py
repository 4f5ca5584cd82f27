"""What an index of the items answers, whichever it is: one protocol, one question, one page of answers."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from catalog.layout import Item

Key = tuple[str, str]
"""Collection and id: together they name one item."""

Filter = Mapping[str, Any]
"""CQL2 as JSON."""

NEWEST_FIRST = (("datetime", "desc"), ("id", "asc"), ("collection", "asc"))
"""The order of every answer that asks for no other; it leaves no two items in doubt."""

VARIABLE = "S2LOOKBACK_INDEX"
"""Environment variable that names another index than the one beside the items: ``postgresql://host/database``."""

COPIES = "S2LOOKBACK_CACHE"
"""Environment variable that names the folder for copies of what lies elsewhere."""

FOLDER = ".index"
"""Below the root: what can be made anew from the items at any time."""


class QueryError(ValueError):
    """A question that cannot be answered: the asker must change it."""


class SlowQueryError(QueryError):
    """A question that takes longer than it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """A question; what is None or empty asks nothing."""

    collections: Sequence[str] | None = None
    ids: Sequence[str] | None = None
    bbox: Sequence[float] | None = None
    """West, south, east, north in degrees; west greater than east crosses the antimeridian."""
    intersects: Mapping[str, Any] | None = None
    """GeoJSON geometry."""
    start: datetime | None = None
    """The item's time, or the range from its start to its end, must reach this one or a later."""
    end: datetime | None = None
    """The item's time, or the range from its start to its end, must reach this one or an earlier."""
    filter: Filter | None = None
    sortby: Sequence[tuple[str, str]] = NEWEST_FIRST
    """Property and ``asc`` or ``desc``; id and collection decide what is left open."""
    limit: int = 10
    token: str | None = None
    """Of the page before."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of an answer."""

    items: list[Item]
    token: str | None
    """Asks for what follows; None at the end."""


class Index(Protocol):
    """Finds items; all that it holds can be made anew from the items' JSON."""

    name: str
    """Short, lower case: the folder of what it must still be told."""

    def filled(self) -> bool:
        """Tell whether it was ever filled and can be read."""

    def upsert(self, items: Iterable[Item]) -> int:
        """Take in items, replacing those of the same id; return how many."""

    def delete(self, keys: Iterable[Key]) -> None:
        """Forget items."""

    def refill(self, items: Iterable[Item]) -> int:
        """Forget everything but these items; return how many."""

    def describe(self, collections: Iterable[Mapping[str, Any]]) -> None:
        """Take in what the collections say of themselves."""

    def keys(self) -> Iterable[Key]:
        """Name every item."""

    def get(self, name: str, collection: str | None = None) -> Item | None:
        """Give an item by its id; None where there is none."""

    def search(self, request: SearchRequest) -> Page:
        """Answer a question.

        Raises:
            QueryError: If it cannot be answered.
        """

    def count(self, request: SearchRequest, *, slowest: float | None = None) -> int:
        """Count every item that answers a question; ``slowest`` bounds it, seconds.

        Raises:
            SlowQueryError: If that takes too long.
        """

    def collections(self) -> Mapping[str, int]:
        """Count the items of every collection that has any."""


def copies() -> Path:
    """Give the folder of this machine where copies of what lies elsewhere are kept."""
    return Path(os.environ.get(COPIES) or "~/.cache/s2lookback").expanduser().absolute()


def instant(text: str) -> datetime:
    """Read a time as STAC writes it, RFC 3339.

    Raises:
        QueryError: If it is none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise QueryError(f"{text!r} is no time, expected one like 2025-08-30T19:38:31Z") from error
    if moment.tzinfo is None:
        raise QueryError(f"{text!r} has no time zone, expected one like 2025-08-30T19:38:31Z")
    return moment.astimezone(UTC)


def reach(item: Item) -> tuple[datetime, datetime]:
    """Read from when to when an item holds."""
    facts = item["properties"]
    start, end = facts.get("start_datetime", facts["datetime"]), facts.get("end_datetime", facts["datetime"])
    return instant(start), instant(end)
