"""The index for a province: pgSTAC in PostgreSQL, loaded with pypgstac."""

import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg_pool import PoolTimeout
from pypgstac.db import PgstacDB
from pypgstac.load import Loader, Methods
from pypgstac.migrate import Migrate

from catalog.index.pgstac_query import asked
from catalog.index.protocol import Key, Page, QueryError, SearchRequest, SlowQueryError
from catalog.index.queryables import QUERYABLES
from catalog.items import collections
from catalog.layout import Item
from s2lookback.errors import CatalogError, TransientError

_TRIES = 6
_SLOWEST = 30.0
_HOST = "s2lookback"
_MARK = "s2lookback_filled"
_INDEXED = ("grid:code", "eo:cloud_cover")
"""Properties that searches ask for most; all others are found by reading every item."""

_CLASHES = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.UniqueViolation,
    psycopg.errors.DuplicateTable,
    psycopg.errors.DuplicateObject,
    psycopg.errors.LockNotAvailable,
)
"""What two workers that publish into a new collection at once are told: the same may well work a moment later."""


class PgstacIndex:
    """An index that many machines share."""

    name = "postgresql"

    def __init__(self, address: str, *, slowest: float = _SLOWEST) -> None:
        """Name the database, ``postgresql://user:password@host:port/name``; ``slowest`` bounds a question, seconds."""
        self.slowest = slowest
        self._address = address
        self._local = threading.local()

    def filled(self) -> bool:
        """Tell whether this database was ever filled."""
        with self._base() as base:
            row = base.execute("SELECT to_regclass('pgstac.pgstac_settings') IS NOT NULL").fetchone()
            if not row or not row[0]:
                return False
            return bool(base.execute("SELECT 1 FROM pgstac_settings WHERE name = %s", [_MARK]).fetchone())

    def upsert(self, items: Iterable[Item]) -> int:
        """Take in items, all of one collection or none; return how many.

        By ``delsert``, since ``upsert`` leaves an item that moves in two partitions.
        """
        listed = list(self._described(items))
        if listed:
            self._again(lambda: Loader(self._pgstac()).load_items(iter(listed), Methods.delsert))
        return len(listed)

    def delete(self, keys: Iterable[Key]) -> None:
        """Forget items."""
        with self._base() as base, base.transaction(), base.cursor() as cursor:
            cursor.executemany("DELETE FROM items WHERE collection = %s AND id = %s", list(keys))

    def refill(self, items: Iterable[Item]) -> int:
        """Prepare the database, take in these items and forget all others; return how many.

        Statistics are left to autovacuum: ``ANALYZE`` took 7 % of the time, and searches were no faster for it.
        """
        self.prepare()
        seen: set[Key] = set()

        def watched() -> Iterator[Item]:
            for item in items:
                seen.add((item["collection"], item["id"]))
                yield item

        with self._told():
            Loader(self._pgstac()).load_items(self._described(watched()), Methods.delsert)
        self.delete(key for key in self._unsorted() if key not in seen)
        with self._base() as base:
            base.execute("INSERT INTO pgstac_settings VALUES (%s, '1') ON CONFLICT DO NOTHING", [_MARK])
        return len(seen)

    def prepare(self) -> None:
        """Make pgSTAC's tables, or bring them up to date, and say which properties are searched most."""
        with self._told():
            Migrate(self._pgstac()).run_migration()
        with self._base() as base:
            asked = "SELECT name, definition, property_index_type FROM queryables WHERE collection_ids IS NULL"
            known = {name: (definition, kind) for name, definition, kind in base.execute(asked)}
            for name, definition in QUERYABLES.items():
                kind = "BTREE" if name in _INDEXED else None
                if known.get(name) != (definition, kind):  # each one makes pgSTAC look at the indexes of all partitions
                    told = [name, json.dumps(definition), kind]
                    base.execute("SELECT upsert_queryable(%s, %s::jsonb, NULL, %s)", told)

    def describe(self, collections: Iterable[Mapping[str, Any]]) -> None:
        """Take in what the collections say of themselves."""
        self._again(lambda: Loader(self._pgstac()).load_collections(iter(collections), Methods.upsert))

    def keys(self) -> Iterable[Key]:
        """Name every item, sorted."""
        return sorted(self._unsorted())

    def get(self, name: str, collection: str | None = None) -> Item | None:
        """Give an item by its id; None where there is none."""
        with self._base() as base:
            row = base.execute("SELECT get_item(%s, %s)", [name, collection]).fetchone()
        return row[0] if row else None

    def search(self, request: SearchRequest) -> Page:
        """Answer a question, a page at a time.

        Raises:
            QueryError: If it cannot be answered, or not in time.
        """
        with self._base() as base, base.transaction():
            base.execute(f"SET LOCAL statement_timeout = {int(1000 * self.slowest)}")
            row = base.execute("SELECT search(%s::jsonb)", [json.dumps(asked(request))]).fetchone()
        answer = row[0] if row else {}
        following = next((link["href"] for link in answer.get("links", []) if link["rel"] == "next"), None)
        token = following.partition("token=")[2] if following else None
        return Page(answer.get("features") or [], token or None)

    def count(self, request: SearchRequest, *, slowest: float | None = None) -> int:
        """Count every item that answers a question."""
        with self._base() as base, base.transaction():
            base.execute(f"SET LOCAL statement_timeout = {int(1000 * (self.slowest if slowest is None else slowest))}")
            found = base.execute("SELECT stac_search_to_where(%s::jsonb)", [json.dumps(asked(request))]).fetchone()
            condition = found[0] if found else "false"
            row = base.execute(f"SELECT count(*) FROM items WHERE {condition}").fetchone()  # noqa: S608 - pgSTAC's SQL
        return row[0] if row else 0

    def collections(self) -> Mapping[str, int]:
        """Count the items of every collection that has any."""
        with self._base() as base:
            return dict(base.execute("SELECT collection, count(*) FROM items GROUP BY 1 ORDER BY 1").fetchall())

    def close(self) -> None:
        """Let go of the database; the next call connects anew."""
        kept: PgstacDB | None = self._local.__dict__.pop("base", None)
        if kept is not None:
            pool = kept.pool
            kept.disconnect()
            if pool is not None:
                pool.close()

    def _unsorted(self) -> list[Key]:
        with self._base() as base:
            return base.execute("SELECT collection, id FROM items").fetchall()

    def _described(self, items: Iterable[Item]) -> Iterator[Item]:
        """Pass items on, each after its collection is there."""
        known: set[str] = set()
        for item in items:
            name = str(item["collection"])
            if name not in known:
                self._ensure(name, item)
                known.add(name)
            yield item

    def _ensure(self, name: str, item: Item) -> None:
        """Describe the collection of a first item; its extent follows when that is listed."""
        with self._base() as base:
            there = base.execute("SELECT 1 FROM collections WHERE id = %s", [name]).fetchone()
        if not there:
            self.describe([collections.linked(collections.grown(collections.collection(name, _HOST), item), [])])

    def _again(self, load: Callable[[], None]) -> None:
        """Load; where another worker was in the way, try again after a moment that no two choose alike."""
        for attempt in range(_TRIES):
            try:
                with self._told():
                    load()
                return
            except _ClashError:
                time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - only to wait
        raise TransientError("the index is being written by too many at once")

    @contextmanager
    def _base(self) -> Iterator[psycopg.Connection[Any]]:
        with self._told():
            yield self._pgstac().connect()

    def _pgstac(self) -> PgstacDB:
        """Give the connection of this thread, and of this process: neither may share one."""
        if getattr(self._local, "owner", None) != os.getpid():
            self._local.base, self._local.owner = PgstacDB(self._address), os.getpid()
        base: PgstacDB = self._local.base
        return base

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Sort what PostgreSQL refused: a clash, too slow, not there, not understood, or a fault."""
        try:
            yield
        except psycopg.errors.QueryCanceled as error:
            raise SlowQueryError("the question takes too long: ask for less") from error
        except _CLASHES as error:
            raise _ClashError(str(error)) from error
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise TransientError("the index in PostgreSQL cannot be reached or written now") from error
        except (psycopg.errors.RaiseException, psycopg.errors.UndefinedFunction, psycopg.DataError) as error:
            raise QueryError(f"the question is not understood: {_first_line(error)}") from error
        except psycopg.Error as error:
            raise CatalogError(f"the index in PostgreSQL refused: {_first_line(error)}") from error


class _ClashError(TransientError):
    """Another worker was in the way."""


def _first_line(error: Exception) -> str:
    return str(error).split("\n", maxsplit=1)[0][:200]
