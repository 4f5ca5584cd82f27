"""Tiles by sensed dates: what became of every scene of the last weeks."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from catalog.items.builders import COLLECTIONS
from catalog.items.facts import sensed_of
from catalog.layout import Item, tile_of
from catalog.origin.replaced import execution
from catalog.search import search
from catalog.store import Store
from tasks.ledger import Entry, entries
from tasks.page import listed, plain

PERIOD = timedelta(days=30)
"""Sensed dates that are looked at, back from the newest scene."""

FRESH = timedelta(hours=36)
"""For how long the failure of a tile as a whole is told: a night and the day after it."""

_UNKNOWN = datetime(2015, 6, 23, tzinfo=UTC)

WIDEST, TALLEST = 62, 500
"""Dates and tiles of one matrix, the newest and the first."""


class Fate(StrEnum):
    """What became of a tile's scenes of one date."""

    DONE = "done"
    LATE = "late"
    SKIPPED = "skipped"
    FAILED = "failed"


WORSE = (Fate.DONE, Fate.LATE, Fate.SKIPPED, Fate.FAILED)
"""Of two scenes of one date the worse fate is told."""

SYMBOLS = {Fate.DONE: "●", Fate.LATE: "◆", Fate.SKIPPED: "○", Fate.FAILED: "✕"}
NOTHING = "·"
LEGEND = {
    "●": "done",
    "◆": "done, but came when newer scenes were there",
    "○": "skipped: could not be used",
    "✕": "failed: its products are not all there",
    "·": "nothing sensed, or nothing came",
}


@dataclass(frozen=True, slots=True)
class Matrix:
    """What became of the scenes of some dates."""

    days: Sequence[date]
    """Dates of which any tile has something, oldest first."""
    tiles: Mapping[str, Mapping[date, Fate]]
    """By tile, sorted; a date that is missing has nothing."""
    failing: Mapping[str, str]
    """Why tiles failed as a whole of late, by tile."""


def matrix(root: str, *, since: datetime | None = None, until: datetime | None = None) -> Matrix:
    """Look up what became of the scenes of a catalog.

    Args:
        root: Folder of the catalog.
        since: First sensing time; by default thirty days before the last.
        until: Last sensing time; by default all that came.
    """
    store = Store(root)
    newest = next(map(sensed_of, search(store, collections=["scenes"], end=until, limit=1)), datetime.now(UTC))
    since = since or (until or newest) - PERIOD
    found: dict[str, dict[date, Fate]] = {tile: {} for tile in store.tiles("scenes")}
    skipped = _skipped(root, since, until)
    for tile, day, fate, ended in _made(store, since, until):
        again = skipped.get((tile, day))
        told = Fate.SKIPPED if again and (ended is None or ended < again) else fate
        row = found.setdefault(tile, {})
        row[day] = max(told, row.get(day, told), key=WORSE.index)
    for tile, day in skipped:
        found.setdefault(tile, {}).setdefault(day, Fate.SKIPPED)
    days = sorted({day for row in found.values() for day in row})[-WIDEST:]
    failing = {one.tile: f"{one.when[:16].replace('T', ' ')} {one.error}: {one.message}" for one in _failures(root)}
    return Matrix(days, {tile: found.get(tile, {}) for tile in sorted({*found, *failing})[:TALLEST]}, failing)


def _failures(root: str) -> list[Entry]:
    return [one for one in entries(root, since=datetime.now(UTC) - FRESH) if one.outcome == "failed" and one.tile]


def _skipped(root: str, since: datetime, until: datetime | None) -> dict[tuple[str, date], datetime]:
    """Tell by tile and date when a scene was last skipped, of those whose name tells when it was sensed."""
    skipped = [(one, _day_in(one.scene)) for one in entries(root) if one.outcome == "skipped"]
    inside = [
        (one, day) for one, day in skipped if day and since.date() <= day and (until is None or day <= until.date())
    ]
    return {(one.tile, day): datetime.fromisoformat(one.when) for one, day in inside}


def _day_in(name: str) -> date | None:
    """Read the first date in a name: of a Sentinel-2 product that is when it was sensed."""
    found = re.search(r"(20\d\d)-?([01]\d)-?([0-3]\d)", name)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def _made(store: Store, since: datetime, until: datetime | None) -> Iterator[tuple[str, date, Fate, datetime | None]]:
    """Give the fate of each scene of the catalog, and when the last thing was made of it: its reduced scene."""
    last = search(store, collections=[COLLECTIONS["reduced"]], start=since, end=until)
    done = {(tile_of(item), sensed_of(item)): item for item in last}
    scenes: dict[str, list[Item]] = defaultdict(list)
    for item in search(store, collections=[COLLECTIONS["scene"]], start=since, end=until):
        scenes[tile_of(item)].append(item)
    for tile, items in scenes.items():
        late = _late(store, items)
        for item in items:
            sensed, ended = sensed_of(item), done.get((tile, sensed_of(item)))
            if ended is None:
                yield tile, sensed.date(), Fate.FAILED, None
            else:
                yield tile, sensed.date(), Fate.LATE if item["id"] in late else Fate.DONE, _made_by(store, ended)[0]


def _late(store: Store, items: Sequence[Item]) -> set[str]:
    """Name the scenes of a tile that came in by a later run than a newer one; the newest is given first."""
    late: set[str] = set()
    newer: list[tuple[datetime, str]] = []
    for item in items:
        when, run = _made_by(store, item)
        if any(other != run and then < when for then, other in newer):
            late.add(item["id"])
        newer.append((when, run))
    return late


def _made_by(store: Store, item: Item) -> tuple[datetime, str]:
    """Tell when an item was made and by which run; the day of the first Sentinel-2 where that is not recorded."""
    made = execution(store, item)
    when = datetime.fromisoformat(made["created"]) if made.get("created") else _UNKNOWN
    return when, str(made.get("prefect", {}).get("flow_run", ""))


def text(found: Matrix) -> str:
    """Lay a matrix out in lines of equal width, dates written downwards."""
    width = max(map(len, found.tiles), default=0)
    dates = [f"{day:%m%d}" for day in found.days]
    names = ("month", "", "day", "")
    heads = [
        f"{name:<{width}}  {' '.join(digits)}" for name, digits in zip(names, zip(*dates, strict=True), strict=False)
    ]
    rows = [
        f"{tile:<{width}}  {' '.join(SYMBOLS[row[day]] if day in row else NOTHING for day in found.days)}"
        for tile, row in found.tiles.items()
    ]
    return "\n".join([*heads, *rows])


def in_markdown(found: Matrix) -> str:
    """Write a matrix down as a page, with its legend and the tiles that failed as a whole."""
    legend = " · ".join(f"`{symbol}` {meaning}" for symbol, meaning in LEGEND.items())
    failing = [f"{tile}: {plain(why)}" for tile, why in found.failing.items()]
    parts = [f"```\n{text(found)}\n```" if found.tiles else "No scene came yet.", legend]
    return "\n\n".join(
        [*parts, *(["### Failed of late", listed(failing, 40, "`s2lookback ledger`")] if failing else [])]
    )
