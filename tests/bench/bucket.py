"""Searches over a catalog that lies in a bucket: what each asks of the bucket, and what it costs this machine.

``python -m tests.bench bucket``. The bucket is simulated, in a process of its own whose time is not counted.
"""

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any
from unittest import mock

from aiobotocore.client import AioBaseClient
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

from catalog.layout import Item, folder_of, tile_of
from catalog.search import search
from catalog.store import Store
from tests.bench.catalog import items
from tests.bench.report import write_block

NAME = "products"
CHANGED = 10
say = sys.stderr.write


def main(options: Sequence[str]) -> None:
    """Measure, say what came out, and write it into ``docs/catalog.md``."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench bucket", description=__doc__)
    parser.add_argument("--items", type=int, default=1000, help="size of the catalog")
    parser.add_argument("--report", action="store_true", help="write the table into docs/catalog.md")
    asked = parser.parse_args(options)
    text = report(asked.items)
    say(text + "\n")
    if asked.report:
        write_block("catalog.md", "python -m tests.bench bucket", text)


def report(size: int = 1000) -> str:
    """Measure a catalog of a size; write it as Markdown."""
    rows: list[str] = []
    with _bucket(size) as (change, objects), tempfile.TemporaryDirectory() as copy:
        os.environ["S2LOOKBACK_CACHE"] = copy
        for what in ("the first of a machine", "the next", f"after {CHANGED} items changed"):
            if what.startswith("after"):
                change()
            rows.append(f"| {what} | {' | '.join(map(str, _measured(size)))} |")
    sizes = f"**{size} items in {objects} objects**"
    return f"{sizes}\n\n| search | lists | reads | processor, s |\n| --- | ---: | ---: | ---: |\n" + "\n".join(rows)


def _measured(size: int) -> tuple[int, int, str]:
    """Search as a program does that was just started; give the lists and reads asked for, and seconds."""
    store, asked = Store(f"s3://{NAME}/bc"), Counter[str]()
    store.place.forget()
    with _counting(asked):
        before = time.process_time()
        found = len(search(store))
        taken = time.process_time() - before
    if found != size:
        raise AssertionError(f"{found} of {size} items were found")
    return asked["ListObjectsV2"], asked["GetObject"], f"{taken:.1f}"


@contextmanager
def _counting(asked: Counter[str]) -> Iterator[None]:
    send = AioBaseClient._make_api_call

    async def counted(client: Any, name: str, asking: Any) -> Any:
        asked[name] += 1
        return await send(client, name, asking)

    with mock.patch.object(AioBaseClient, "_make_api_call", counted):
        yield


@contextmanager
def _bucket(size: int) -> Iterator[tuple[Callable[[], None], int]]:
    """Keep a filled bucket while the block runs; give what changes some items, and how many objects there are."""
    ours, theirs = get_context("spawn").Pipe()
    server = get_context("spawn").Process(target=_serve, args=(theirs, size), daemon=True)
    server.start()
    address, objects = ours.recv()
    place = {"AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}

    def change() -> None:
        ours.send(CHANGED)
        ours.recv()

    with mock.patch.dict(os.environ, {**place, "AWS_DEFAULT_REGION": "ca-central-1"}):
        yield change, objects
    server.terminate()
    server.join()


def _serve(pipe: Connection, size: int) -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # or each request is a line
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    bucket = s3_backends[DEFAULT_ACCOUNT_ID]["global"]
    bucket.create_bucket(NAME, "ca-central-1")
    for item in items(size):
        _put(bucket, item)
    host, port = server.get_host_and_port()
    pipe.send((f"http://{host}:{port}", len(bucket.buckets[NAME].keys)))
    for item in items(pipe.recv()):
        item["properties"]["eo:cloud_cover"] = 1.25
        _put(bucket, item)
    pipe.send(None)
    pipe.recv()


def _put(bucket: Any, item: Item) -> None:
    """Put an item with a stand-in for each of its files: no search reads them."""
    home = f"bc/{folder_of(item['collection'], tile_of(item), item['id'])}"
    for asset in item["assets"].values():
        bucket.put_object(NAME, f"{home}/{item['properties']['version']}/{asset['href'].rpartition('/')[2]}", b"x")
    bucket.put_object(NAME, f"{home}/{item['id']}.json", json.dumps(item).encode())
