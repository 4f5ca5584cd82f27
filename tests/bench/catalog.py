"""The two indexes of the catalog: how fast they take items in and answer, what they weigh. ``make bench-catalog``."""

import argparse
import copy
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from statistics import quantiles
from typing import Any

from pypgstac.db import PgstacDB
from pypgstac.load import Loader, Methods

from catalog.index.pgstac import PgstacIndex
from catalog.index.protocol import Index, SearchRequest
from catalog.index.sqlite import SqliteIndex
from catalog.index.upkeep import rebuild
from catalog.layout import Item
from catalog.store import Store
from tests.bench.measure import stat_of
from tests.bench.report import write_block
from tests.postgres import running

GOLDEN = Path(__file__).parents[1] / "catalog" / "golden"
KINDS = {"scenes": "scene", "masks": "mask", "mrap": "mrap", "reduced": "reduced"}
TILES = [f"10U{east}{north}" for east in "ABCDEFGH" for north in "ABCDEFGHJKLMNPQRSTUV"]
"""160 tiles, as a province has."""
FIRST = datetime(2018, 1, 1, 19, 0, 0, tzinfo=UTC)
SETTINGS = "-c shared_buffers=512MB -c max_connections=40"
"""What differs from PostgreSQL's own: it is as sure to have written as SQLite is."""

say = sys.stderr.write


def main(options: Sequence[str]) -> None:
    """Measure, say what came out, and write it into ``docs/performance.md``."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench catalog", description=__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000], help="sizes of the catalog")
    parser.add_argument("--questions", type=int, default=200, help="searches of each client")
    parser.add_argument("--report", action="store_true", help="write the tables into docs/performance.md")
    asked = parser.parse_args(options)
    text = report(asked.items, asked.questions)
    say(text + "\n")
    if asked.report:
        write_block("performance.md", "make bench-catalog", text)


def report(sizes: Sequence[int] = (10_000, 100_000), questions: int = 200) -> str:
    """Measure catalogs of several sizes; write it as Markdown."""
    return "\n\n".join(_table(size, questions) for size in sizes)


def _table(size: int, questions: int) -> str:
    with running(SETTINGS) as address:
        folder = Path(tempfile.mkdtemp(prefix="bench-catalog-"))
        try:
            lines = folder / "items.ndjson"
            with lines.open("w") as file:
                file.writelines(json.dumps(item) + "\n" for item in items(size + 500))
            pgstac = PgstacIndex(address)
            pgstac.prepare()
            ours = _measured(partial(SqliteIndex, folder / "items.sqlite"), lines, size, questions)
            theirs = _measured(partial(PgstacIndex, address), lines, size, questions)
            theirs["on disk, MB"] = _asked(pgstac, "SELECT pg_database_size(current_database())") / 1e6
            ours["on disk, MB"] = sum(path.stat().st_size for path in folder.glob("items.sqlite*")) / 1e6
            theirs.update(_alone(lines, size))
            ours.update(_rebuilt(folder / "products", lines, size))
            pgstac.close()
        finally:
            shutil.rmtree(folder)
    rows = [f"| {name} | {_cell(ours, name)} | {_cell(theirs, name)} |" for name in {**theirs, **ours}]
    head = f"**{size:,} items**\n\n| | embedded | pgSTAC |\n| --- | ---: | ---: |\n"
    return head.replace(",", " ") + "\n".join(rows)


def _cell(found: dict[str, float], name: str) -> str:
    return f"{found[name]:,.1f}".replace(",", " ") if name in found else ""


def _measured(make: Callable[[], Index], lines: Path, size: int, questions: int) -> dict[str, float]:
    """Fill an index and ask it, by one client and by four at once."""
    index, span = make(), max(1, 3 * size // (len(KINDS) * len(TILES)) - 30)
    say(f"{index.name}: {size} items\n")
    server = _Server(index)
    found = dict(_rates("bulk", size, lambda: index.refill(_read(lines, 0, size)), server))
    for clients in (1, 4):
        who = "1 client" if clients == 1 else f"{clients} clients"
        with ProcessPoolExecutor(clients, get_context("fork")) as pool:
            turns = range(clients)
            began = time.perf_counter()
            starts = [size + 100 * turn + (100 if clients > 1 else 0) for turn in turns]
            count = sum(pool.map(_insert, [make] * clients, [lines] * clients, starts))
            found[f"one by one, {who}, items/s"] = count / (time.perf_counter() - began)
            asked = pool.map(_ask, [make] * clients, [questions + 1] * clients, [span] * clients, turns)
            first, *times = zip(*asked, strict=True)
        if clients == 1:
            found["first answer of a process, ms"] = 1000 * first[0]
            before = time.process_time() + server.seconds()
            _ask(make, questions, span, 9)
            found["CPU of a search, ms"] = 1000 * (time.process_time() + server.seconds() - before) / questions
        cut = quantiles([one for turn in times for one in turn], n=100)
        found[f"search p50, {who}, ms"], found[f"search p95, {who}, ms"] = 1000 * cut[49], 1000 * cut[94]
    return found


def _rates(name: str, count: int, work: Callable[[], object], server: "_Server") -> Iterator[tuple[str, float]]:
    """Do a piece of work; tell how many items it takes in a second by the clock, and of CPU."""
    clock, cpu = time.perf_counter(), time.process_time() + server.seconds()
    work()
    yield f"{name}, items/s", count / (time.perf_counter() - clock)
    yield f"{name}, items per CPU second", count / (time.process_time() + server.seconds() - cpu)


class _Server:
    """What the processes of PostgreSQL have used of the CPU; nothing where there is none."""

    def __init__(self, index: Index) -> None:
        self.main = 0
        if isinstance(index, PgstacIndex):
            self.main = int(stat_of(_asked(index, "SELECT pg_backend_pid()"))[1])

    def seconds(self) -> float:
        """Add up the seconds, user and system, of those that run and those that ended."""
        if not self.main:
            return 0.0
        found = [stat_of(int(path.name)) for path in Path("/proc").iterdir() if path.name.isdigit()]
        ticks = [sum(map(int, one[11:13])) for one in found if one and int(one[1]) == self.main]
        return (sum(ticks) + sum(map(int, stat_of(self.main)[11:15]))) / os.sysconf("SC_CLK_TCK")


def _read(lines: Path, start: int, stop: int) -> Iterator[Item]:
    with lines.open("rb") as file:
        yield from map(json.loads, islice(file, start, stop))


def _insert(make: Callable[[], Index], lines: Path, start: int) -> int:
    """Publish 100 new items, one at a time."""
    index = make()
    for item in _read(lines, start, start + 100):
        index.upsert([item])
    return 100


def _ask(make: Callable[[], Index], count: int, span: int, client: int) -> list[float]:
    """Ask for the newest ten of a product in an area of about four tiles and in a month; give the seconds of each."""
    chance, taken = random.Random(client), []  # noqa: S311 - questions, not secrets
    index = make()
    for _ in range(count):
        east, north = -127 + 9 * chance.random(), 48 + 9 * chance.random()
        start = FIRST + timedelta(chance.randrange(span))
        request = SearchRequest(
            collections=[chance.choice(list(KINDS))],
            bbox=(east, north, east + 2, north + 1),
            start=start,
            end=start + timedelta(days=30),
        )
        began = time.perf_counter()
        index.search(request)
        taken.append(time.perf_counter() - began)
    return taken


def items(count: int) -> Iterator[Item]:
    """Give items of a province, all kinds of every tile and date in turn; the same for the same count."""
    templates = [json.loads((GOLDEN / f"{name}.json").read_text()) for name in KINDS.values()]
    for number in range(count):
        date, place = divmod(number // len(KINDS), len(TILES))
        yield _item(templates[number % len(KINDS)], TILES[place], place, FIRST + timedelta(days=3 * date))


def _item(template: Item, tile: str, place: int, sensed: datetime) -> Item:
    west, south = -127 + 1.4 * (place // 20), 48 + 0.45 * (place % 20)
    item = copy.deepcopy(template)
    item["id"] = f"{item['id'].split('-')[0]}-{tile}-{sensed:%Y%m%dT%H%M%S}"
    item["bbox"] = [west, south, west + 1.5, south + 1]
    corners = [(0, 0), (1.5, 0), (1.5, 1), (0, 1), (0, 0)]
    item["geometry"] = {"type": "Polygon", "coordinates": [[[west + x, south + y] for x, y in corners]]}
    facts = item["properties"]
    facts |= {"datetime": f"{sensed:%Y-%m-%dT%H:%M:%SZ}", "grid:code": f"MGRS-{tile}", "version": "0123456789ab"}
    if "end_datetime" in facts:
        facts |= {"end_datetime": facts["datetime"], "start_datetime": f"{sensed - timedelta(40):%Y-%m-%dT%H:%M:%SZ}"}
    item["links"] = [{"rel": "root", "href": "../../../catalog.json", "type": "application/json"}, *item["links"]]
    return item


def _rebuilt(root: Path, lines: Path, size: int) -> Iterator[tuple[str, float]]:
    """Write the items' files, and measure how fast an index is made of them."""
    store = Store(str(root))
    for item in _read(lines, 0, size):
        folder = root / item["collection"] / item["properties"]["grid:code"].removeprefix("MGRS-") / item["id"]
        folder.mkdir(parents=True)
        (folder / f"{item['id']}.json").write_text(json.dumps(item, indent=2))
    yield from _rates("rebuild from the items' files", size, lambda: rebuild(store, store.index), _Server(store.index))
    if len(list(store.index.keys())) != size:
        raise AssertionError(f"not all of {size} items were indexed")


def _alone(lines: Path, size: int) -> Iterator[tuple[str, float]]:
    """Load the same items with pypgstac and nothing of ours, where there is as little as there was for us."""
    with running(SETTINGS) as address:
        index, base = PgstacIndex(address), PgstacDB(address)
        index.prepare()
        list(index._described(_read(lines, 0, len(KINDS))))  # pypgstac wants the collections to be there
        server = _Server(index)
        index.close()

        def load() -> None:
            Loader(base).load_items(_read(lines, 0, size), Methods.delsert)

        yield from _rates("bulk by pypgstac alone", size, load, server)
        base.disconnect()


def _asked(index: PgstacIndex, question: str) -> Any:
    with index._base() as base:
        row = base.execute(question).fetchone()  # type: ignore[call-overload]
    return row[0] if row else 0
