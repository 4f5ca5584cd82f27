"""What failed and what was left out, for whoever asks weeks later: a JSON line each, beside the records of runs."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from catalog.disk import locked, told

FILE = Path("executions", "ledger.jsonl")
LARGEST = 8 * 2**20
"""Bytes at which a ledger is put aside as ``ledger.1.jsonl`` and a new one begun: some 20 000 entries."""
LONGEST = 2000
"""Characters kept of a message."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that went wrong."""

    when: str
    """When it was noted, ISO 8601, UTC."""
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
    """Id of the flow run; empty where there was none."""


def note(root: str, entries: Iterable[Entry]) -> None:
    """Append entries, each whole or not at all, whoever else appends at the same time.

    Raises:
        CatalogError: If the catalog is read-only.
        TransientError: If the disk is full.
    """
    lines = "".join(json.dumps(asdict(_bounded(entry)), ensure_ascii=False) + "\n" for entry in entries)
    if not lines:
        return
    path = Path(root) / FILE
    with told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.parent):
            if path.exists() and path.stat().st_size > LARGEST:
                path.replace(path.with_suffix(".1.jsonl"))
            with path.open("ab+") as file:
                # A writer that was killed leaves half a line: the next one begins a line of its own.
                torn = file.tell() and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n"
                file.write((b"\n" if torn else b"") + lines.encode())


def _bounded(entry: Entry) -> Entry:
    cut = {name: str(value)[:LONGEST] for name, value in asdict(entry).items()}
    return Entry(**cut)


def entries(root: str, *, since: datetime | None = None, errors: Iterable[str] = (), tile: str = "") -> list[Entry]:
    """Read the ledger, oldest entry first.

    Args:
        root: Folder of the catalog.
        since: Time, UTC, from which entries are wanted.
        errors: Classes of errors that are wanted; by default all.
        tile: Tile that is wanted; by default all.
    """
    wanted = set(errors)
    start = since.astimezone(UTC).isoformat(timespec="seconds") if since else ""
    return [
        one
        for name in (FILE.with_suffix(".1.jsonl"), FILE)
        for one in _read(Path(root) / name)
        if one.when >= start and (not wanted or one.error in wanted) and (not tile or one.tile == tile)
    ]


def _read(path: Path) -> Iterator[Entry]:
    """Read what whole lines a file holds; half a line, of a writer that was killed, is no entry."""
    if not path.is_file():
        return
    with told(path), path.open("rb") as file:
        while line := file.readline(64 * LONGEST):
            try:
                yield Entry(**json.loads(line))
            except (ValueError, TypeError, RecursionError):
                continue
