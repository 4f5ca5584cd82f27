"""The index that needs no server: one SQLite file beside the items, an R*Tree for the places.

Any number of processes of one machine may read and write at once (write-ahead log). Every call opens the file anew: a
connection survives neither a fork nor a file that was deleted meanwhile, and opening costs a fifth of a millisecond.
"""

import json
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from catalog.index.cql2_sql import microseconds
from catalog.index.places import intersects, overlaps_box, spans
from catalog.index.protocol import Key, Page, QueryError, SearchRequest, SlowQueryError, instant, reach
from catalog.index.sqlite_query import meets, statement, token_of
from catalog.layout import Item
from s2lookback.errors import CatalogError, TransientError

REVISION = 1
"""Raised when the tables change: an index of another revision is made anew."""

_TABLES = """
CREATE TABLE items (
    number INTEGER PRIMARY KEY, collection TEXT NOT NULL, id TEXT NOT NULL, tile TEXT, cloud REAL,
    sensed INTEGER NOT NULL, begins INTEGER NOT NULL, ends INTEGER NOT NULL,
    geometry TEXT NOT NULL, properties TEXT NOT NULL, item BLOB NOT NULL,
    UNIQUE (collection, id)
);
CREATE INDEX items_by_id ON items (id);
CREATE INDEX items_by_time ON items (sensed DESC, id, collection);
CREATE INDEX items_by_collection ON items (collection, sensed DESC, id);
CREATE INDEX items_by_tile ON items (tile, collection, sensed DESC, id);
CREATE VIRTUAL TABLE boxes USING rtree (number, west, east, south, north);
"""

_WAIT = 10.0
"""Seconds to wait for another process that writes; a single item takes a millisecond."""

_SLOWEST = 30.0
"""Seconds that a question may take."""

_STEPS = 1_000
"""Steps of SQLite between two looks at the clock: some 30 items, of which the worst outline takes 10 s."""


class SqliteIndex:
    """An index in a file, which is made when it is first filled."""

    def __init__(self, path: Path, *, slowest: float = _SLOWEST, name: str = "sqlite") -> None:
        """Name the file, which need not be there; ``slowest`` bounds a question, seconds."""
        self.name = name
        self.path = path
        self.slowest = slowest

    def filled(self) -> bool:
        """Tell whether it was ever filled and can be read."""
        if not self.path.is_file():
            return False
        try:
            with self._open() as base:
                return _revision(base) == REVISION
        except CatalogError:
            return False

    def upsert(self, items: Iterable[Item]) -> int:
        """Take in items, all or none; return how many."""
        with self._writing() as base:
            return sum(_put(base, item) for item in items)

    def delete(self, keys: Iterable[Key]) -> None:
        """Forget items."""
        with self._writing() as base:
            for key in keys:
                _drop(base, key)

    def refill(self, items: Iterable[Item]) -> int:
        """Forget everything but these items; return how many. Until it is done, others see what was there before."""
        self._discard_damaged()
        with self._writing() as base:
            if _revision(base) != REVISION:
                for table in ("items", "boxes"):
                    base.execute(f"DROP TABLE IF EXISTS {table}")
                for sql in filter(None, map(str.strip, _TABLES.split(";"))):
                    base.execute(sql)
            for table in ("items", "boxes"):
                base.execute(f"DELETE FROM {table}")  # noqa: S608 - the names stand above
            count = sum(_put(base, item) for item in items)
            base.execute(f"PRAGMA user_version = {REVISION}")
        with self._open() as base:
            base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return count

    def describe(self, collections: Iterable[Mapping[str, Any]]) -> None:
        """Take in nothing: this index lies beside the collections' own files."""

    def keys(self) -> Iterable[Key]:
        """Name every item, sorted."""
        with self._open() as base:
            return base.execute("SELECT collection, id FROM items ORDER BY collection, id").fetchall()

    def get(self, name: str, collection: str | None = None) -> Item | None:
        """Give an item by its id; None where there is none."""
        sql, values = "SELECT item FROM items WHERE id = ?", [name]
        if collection is not None:
            sql, values = f"{sql} AND collection = ?", [name, collection]
        with self._open() as base:
            row = base.execute(sql, values).fetchone()
        return None if row is None else _unpacked(row[0])

    def search(self, request: SearchRequest) -> Page:
        """Answer a question, a page at a time; what is published meanwhile moves no item to another page.

        Raises:
            QueryError: If it cannot be answered, or not in time.
        """
        sql, values = statement(request)
        with self._open() as base:
            rows = base.execute(sql, values).fetchall()
        more = len(rows) > request.limit
        rows = rows[: request.limit]
        token = token_of(rows[-1][1:]) if more and rows else None
        return Page([_unpacked(row[0]) for row in rows], token)

    def count(self, request: SearchRequest, *, slowest: float | None = None) -> int:
        """Count every item that answers a question."""
        condition, values = meets(request)
        with self._open(slowest=slowest) as base:
            row = base.execute(f"SELECT count(*) FROM items WHERE {condition}", values).fetchone()  # noqa: S608 - bound
        return int(row[0])

    def collections(self) -> Mapping[str, int]:
        """Count the items of every collection that has any."""
        with self._open() as base:
            return dict(base.execute("SELECT collection, count(*) FROM items GROUP BY collection").fetchall())

    @contextmanager
    def _open(self, mode: str = "rw", slowest: float | None = None) -> Iterator[sqlite3.Connection]:
        """Connect; bound the time of questions; tell errors in sentences."""
        with _told(self.path):
            if mode == "rwc":
                self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._connected(mode)) as base:
                base.create_function("overlaps_box", 5, overlaps_box, deterministic=True)
                base.create_function("intersects", 2, intersects, deterministic=True)
                until = time.monotonic() + (self.slowest if slowest is None else slowest)
                if mode == "rw":
                    base.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
                yield base

    def _connected(self, mode: str) -> sqlite3.Connection:
        address = self.path.as_uri()
        try:
            base = sqlite3.connect(f"{address}?mode={mode}", uri=True, timeout=_WAIT, isolation_level=None)
            base.execute("PRAGMA user_version")
        except sqlite3.OperationalError:
            # A folder that cannot be written: nobody writes the file either, and its last writer emptied the log.
            base = sqlite3.connect(f"{address}?mode=ro&immutable=1", uri=True, isolation_level=None)
        return base

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._open("rwc") as base:
            base.execute("PRAGMA journal_mode = WAL")
            base.execute("BEGIN IMMEDIATE")
            try:
                yield base
            except BaseException:
                base.execute("ROLLBACK")
                raise
            base.execute("COMMIT")

    def _discard_damaged(self) -> None:
        """Remove a file that is no database; the caller keeps others from doing the same."""
        try:
            with self._open("rwc") as base:
                if base.execute("PRAGMA quick_check(1)").fetchone() == ("ok",):
                    return
        except CatalogError:
            pass
        for ending in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)


def _revision(base: sqlite3.Connection) -> int:
    return int(base.execute("PRAGMA user_version").fetchone()[0])


def _put(base: sqlite3.Connection, item: Item) -> bool:
    """Take in one item, if it differs from what is known."""
    packed = zlib.compress(json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode(), 1)
    key = (item["collection"], item["id"])
    known = base.execute("SELECT number, item FROM items WHERE collection = ? AND id = ?", key).fetchone()
    if known is not None:
        if known[1] == packed:
            return True
        _drop(base, key)
    start, end = reach(item)
    facts = item["properties"]
    row = (
        None if known is None else known[0], *key, facts.get("grid:code"), facts.get("eo:cloud_cover"),
        microseconds(instant(facts["datetime"])), microseconds(start), microseconds(end),
        json.dumps(item["geometry"]), json.dumps(facts, ensure_ascii=False), packed,
    )  # fmt: skip
    number = base.execute("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row).lastrowid or 0
    west, south, east, north = item["bbox"]
    boxes = [(2 * number + half, *span, south, north) for half, span in enumerate(spans(west, east))]
    base.executemany("INSERT INTO boxes VALUES (?, ?, ?, ?, ?)", boxes)
    return True


def _drop(base: sqlite3.Connection, key: Key) -> None:
    row = base.execute("SELECT number FROM items WHERE collection = ? AND id = ?", key).fetchone()
    if row is not None:
        base.execute("DELETE FROM boxes WHERE number IN (?, ?)", (2 * row[0], 2 * row[0] + 1))
        base.execute("DELETE FROM items WHERE number = ?", row)


def _unpacked(packed: bytes) -> Item:
    item: Item = json.loads(zlib.decompress(packed))
    return item


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Sort what SQLite refused: too slow, busy, or damaged."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            raise SlowQueryError("the question takes too long: ask for less") from error
        if "too large" in str(error) or "too many" in str(error):
            raise QueryError("the question is too large: ask for less") from error
        raise TransientError(f"{path}: the index cannot be read or written now ({error})") from error
    except (sqlite3.DatabaseError, zlib.error, json.JSONDecodeError) as error:
        raise CatalogError(f"{path}: the index is damaged ({error}); `s2lookback catalog rebuild` mends it") from error
    except OSError as error:
        raise CatalogError(f"{path}: the index cannot be read or written ({error})") from error
