"""What failed and what was left out, for whoever asks weeks later: a JSON line each, beside the records of runs."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from catalog.store import Store

FILE = Path("executions", "ledger.jsonl")
LARGEST = 8 * 2**20
"""Bytes of a ledger, some 20 000 entries; what was not seen for longest is forgotten first."""
LONGEST = 2000
"""Characters kept of a message."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that went wrong."""

    when: str
    """When it was last seen, ISO 8601, UTC."""
    outcome: str
    """``skipped``: one scene was left out. ``failed``: the tile as a whole could not be done."""
    tile: str
    scene: str
    """Which scene; empty where the tile failed."""
    error: str
    """Class of the error, as in ``SceneError``."""
    message: str
    flow: str
    run: str
    """Id of the flow run that saw it last; empty where there was none."""
    first: str = ""
    """When it was first seen; filled in by the ledger."""
    nights: int = 1
    """On how many days, UTC, it was seen."""

    @property
    def what(self) -> tuple[str, ...]:
        """Tell it from all else that went wrong; the same thing may be seen night after night."""
        return self.outcome, self.tile, self.scene, self.error, self.message


def note(root: str, entries: Iterable[Entry]) -> None:
    """Write entries down, whoever else does at the same time; what is there already keeps its line and counts nights.

    Raises:
        CatalogError: If the catalog is read-only.
        TransientError: If the disk is full.
    """
    new = [_bounded(entry) for entry in entries]
    if not new:
        return
    store = Store(root)

    def added(before: bytes | None) -> bytes:
        known = {entry.what: entry for entry in _read(before)}
        for entry in new:
            known[entry.what] = _seen(entry, known.pop(entry.what, None))
        return _newest([*known.values()])

    store.place.revise(store.root / FILE, added)


def _seen(entry: Entry, before: Entry | None) -> Entry:
    """Count the nights of what was seen before."""
    if before is None:
        return replace(entry, first=entry.when)
    another = entry.when[:10] != before.when[:10]
    return replace(entry, first=before.first or before.when, nights=before.nights + another)


def _newest(entries: list[Entry]) -> bytes:
    """Give the lines of those that were seen last, as many as a ledger holds."""
    lines: list[bytes] = []
    room = LARGEST
    for entry in reversed(entries):
        line = (json.dumps(asdict(entry), ensure_ascii=False) + "\n").encode(errors="backslashreplace")
        room -= len(line)
        if room < 0:
            break
        lines.append(line)
    return b"".join(reversed(lines))


def _bounded(entry: Entry) -> Entry:
    cut = {name: str(value)[:LONGEST] for name, value in asdict(entry).items() if name != "nights"}
    return Entry(**cut, nights=int(entry.nights))


def entries(root: str, *, since: datetime | None = None, errors: Iterable[str] = (), tile: str = "") -> list[Entry]:
    """Read the ledger, what was seen last at its end.

    Args:
        root: Folder of the catalog.
        since: Time from which entries are wanted, by when they were last seen.
        errors: Classes of errors that are wanted; by default all.
        tile: Tile that is wanted; by default all.
    """
    wanted, store = set(errors), Store(root)
    start = since.astimezone(UTC).isoformat(timespec="seconds") if since else ""
    return [
        one
        for one in _read(store.content(store.root / FILE))
        if one.when >= start and (not wanted or one.error in wanted) and (not tile or one.tile == tile)
    ]


def _read(content: bytes | None) -> Iterator[Entry]:
    """Read the entries of a ledger; a line that is damaged costs itself alone."""
    for line in (content or b"").splitlines():
        try:
            yield _bounded(Entry(**json.loads(line)))
        except (ValueError, TypeError, RecursionError):
            continue
