"""How fast Prefect's database grows by each kind of run, on SQLite and on PostgreSQL, and how slow questions become."""

import json
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import mkdtemp
from typing import Any, Protocol
from urllib.parse import urlsplit

import psycopg

from s2lookback.simulate import sensing_times
from s2lookback.sources.settings import SourceSettings
from tests.bench.overhead import SETTINGS, scenario
from tests.flows.server import Server, serving, worker
from tests.postgres import running

FIRST = 2
"""Dates of the first night, which is not counted: it makes what later ones find."""
QUESTIONS: Mapping[str, tuple[str, Any]] = {
    "what ran last": ("/flow_runs/filter", {"sort": "START_TIME_DESC", "limit": 200}),
    "what failed": ("/flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": ["FAILED"]}}}, "limit": 200}),
    "how many ran": ("/flow_runs/count", {}),
    "what is at work": ("/flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": ["RUNNING", "PENDING"]}}}}),
    "the newest tasks": ("/task_runs/filter", {"sort": "EXPECTED_START_TIME_DESC", "limit": 200}),
}
"""What the UI, ``reconcile`` and workers ask."""
RUNS = ("flow_run", "flow_run_state", "task_run", "task_run_state")
TABLES = (*RUNS, "log", "artifact", "events", "event_resources")
KEEP = "CREATE TEMP TABLE first_{0} AS SELECT * FROM {0}"
"""What is copied, apart: to look for it in a table that grows would take ever longer."""
IDS = {"id", "flow_run_id", "task_run_id", "state_id", "parent_task_run_id"}
"""Columns that name a run, a task or a state."""


class Database(Protocol):
    """Counts what a server keeps."""

    name: str

    def rows(self) -> dict[str, int]:
        """Count the rows of every table."""

    def size(self) -> int:
        """Give the bytes of all tables with their indexes, as if newly packed where that can be told."""

    def copy_runs(self, times: int) -> None:
        """Add copies of every run, with its states and tasks, as if so many more had run."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What one run adds."""

    rows: Mapping[str, float]
    size: float
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Load:
    """What was measured of one database."""

    name: str
    each: Mapping[str, Growth]
    """By kind of run: ``tile`` with four new products, ``nightly`` that leads one tile, without it; ``reconcile``."""
    hour: Growth
    """One hour in which nothing runs."""
    answers: Mapping[int, Mapping[str, float]]
    """Seconds of each question by runs in the database."""


class Sqlite:
    """The file in a server's home."""

    name = "SQLite"

    def __init__(self, home: Path) -> None:
        self._file = home / "prefect.db"

    def rows(self) -> dict[str, int]:
        with closing(sqlite3.connect(self._file, timeout=60)) as base:
            return {table: base.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}  # noqa: S608

    def size(self) -> int:
        packed = self._file.with_suffix(".packed")
        packed.unlink(missing_ok=True)
        with closing(sqlite3.connect(self._file, timeout=60)) as base:
            base.execute("VACUUM INTO ?", (str(packed),))
        return packed.stat().st_size

    def copy_runs(self, times: int) -> None:
        with closing(sqlite3.connect(self._file, timeout=120)) as base:
            base.execute("PRAGMA foreign_keys = OFF")
            columns = {table: [row[1] for row in base.execute(f"PRAGMA table_info({table})")] for table in RUNS}
            for table in RUNS:
                base.execute(KEEP.format(table))
            for number in range(times):
                for statement in _copies(columns, number):
                    base.execute(statement)
            base.commit()
            base.execute("ANALYZE")


class Postgres:
    """The database of a server, and how it is reached."""

    name = "PostgreSQL"

    def __init__(self, address: str) -> None:
        self._address = address

    def rows(self) -> dict[str, int]:
        return {table: self._ask(f"SELECT count(*) FROM {table}") for table in TABLES}  # noqa: S608  ours

    def size(self) -> int:
        for table in TABLES:
            self._ask(f"VACUUM FULL {table}")
        return sum(self._ask(f"SELECT pg_total_relation_size('{table}')") for table in TABLES)

    def copy_runs(self, times: int) -> None:
        with psycopg.connect(self._address, autocommit=True) as base:
            named = "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position"
            base.execute("SET session_replication_role = replica")  # no foreign key is looked at
            columns = {table: [row[0] for row in base.execute(named, (table,))] for table in RUNS}
            for table in RUNS:
                base.execute(KEEP.format(table).encode())
            for number in range(times):
                for statement in _copies(columns, number, cast="::text", kind="::uuid"):
                    base.execute(statement.encode())
            base.execute("ANALYZE")

    def _ask(self, question: str) -> int:
        with psycopg.connect(self._address, autocommit=True) as base:
            found = base.execute(question.encode())
            row = found.fetchone() if found.description else None
            return int(row[0]) if row else 0


def _copies(columns: Mapping[str, list[str]], number: int, cast: str = "", kind: str = "") -> Iterator[str]:
    """Write what copies every run with its states and tasks: the first eight digits of each id are replaced."""
    mark = f"c0c0{number:04x}"
    for table in RUNS:
        names = columns[table]
        values = [f"('{mark}' || substr({name}{cast}, 9)){kind}" if name in IDS else f'"{name}"' for name in names]
        values = [f"'{mark}' || idempotency_key" if value == '"idempotency_key"' else value for value in values]
        yield f"INSERT INTO {table} ({_quoted(names)}) SELECT {', '.join(values)} FROM first_{table}"  # noqa: S608  ours


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def measured(size: int, nights: int, copies: int) -> list[Load]:
    """Measure some nights of one tile on both databases."""
    folder = Path(mkdtemp(prefix="bench-growth-"))
    try:
        loads = [_sqlite(folder, size, nights, copies)]
        with running() as address:
            url = urlsplit(address)._replace(scheme="postgresql+asyncpg").geturl()
            settings = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": url}
            (folder / "postgres").mkdir()
            with _served(folder / "postgres", settings) as server:
                loads.append(_load(server, Postgres(address), size, nights, copies))
        return loads
    finally:
        shutil.rmtree(folder)


def _sqlite(folder: Path, size: int, nights: int, copies: int) -> Load:
    (folder / "sqlite").mkdir()
    with _served(folder / "sqlite", {}) as server:
        return _load(server, Sqlite(server.home), size, nights, copies)


@contextmanager
def _served(folder: Path, settings: Mapping[str, str]) -> Iterator[Server]:
    with serving(folder, "--tiles", "1", **settings) as server, worker(server, "hpc", PREFECT_LOGGING_LEVEL="INFO"):
        yield server


def _load(server: Server, base: Database, size: int, nights: int, copies: int) -> Load:
    given = scenario("10UFB", size, FIRST + 2 * nights)
    times = iter(sensing_times(given)[FIRST - 1 :])
    source = SourceSettings(kind="simulated", scenario=given).model_dump(mode="json")

    def ask(name: str, **more: Any) -> None:
        how = {"source": source, "settings": SETTINGS.model_dump(mode="json"), "root": str(server.products), **more}
        last = {} if name == "reconcile" else how | {"end": f"{next(times) + timedelta(seconds=1):%Y-%m-%d}"}
        if server.end(server.trigger(name, **last)) != "COMPLETED":
            raise RuntimeError(f"{name} did not complete: see {server.home}")

    ask("tile", tile="10UFB")
    tile = _growth(server, base, lambda: ask("tile", tile="10UFB"), nights)
    night = _growth(server, base, lambda: ask("nightly", tiles=["10UFB"]), nights)
    reconcile = _growth(server, base, lambda: ask("reconcile"), nights)
    hour = _growth(server, base, lambda: time.sleep(60), 1)
    each = {"tile": tile, "nightly": _less(night, tile), "reconcile": reconcile}
    answers = {base.rows()["flow_run"]: _answers(server)}
    if copies:
        base.copy_runs(copies)
        answers[base.rows()["flow_run"]] = _answers(server)
    return Load(base.name, each, _times(hour, 60), answers)


def _growth(server: Server, base: Database, work: Callable[[], None], count: int) -> Growth:
    """Give what each repetition of some work adds."""
    before = _settled(base)
    size = base.size()
    for _ in range(count):
        work()
    after = _settled(base)
    return Growth({name: (after[name] - before[name]) / count for name in after}, (base.size() - size) / count)


def _settled(base: Database) -> dict[str, int]:
    """Count rows once what a server writes later is written."""
    found = base.rows()
    while True:
        time.sleep(5)
        now = base.rows()
        if all(now[name] == found[name] for name in ("task_run", "log", "artifact", "flow_run_state")):
            return now
        found = now


def _answers(server: Server) -> dict[str, float]:
    found: dict[str, list[float]] = {name: [] for name in QUESTIONS}
    for _ in range(5):
        for name, (path, body) in QUESTIONS.items():
            began = time.perf_counter()
            server.ask(path, body)
            found[name].append(time.perf_counter() - began)
    return {name: median(times) for name, times in found.items()}


def _less(more: Growth, less: Growth) -> Growth:
    return Growth({name: more.rows[name] - less.rows[name] for name in more.rows}, more.size - less.size)


def _times(growth: Growth, factor: float) -> Growth:
    return Growth({name: factor * rows for name, rows in growth.rows.items()}, factor * growth.size)


if __name__ == "__main__":
    found = measured(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    sys.stdout.write(json.dumps([asdict(one) for one in found], indent=1) + "\n")
