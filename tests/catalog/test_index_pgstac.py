"""What pgSTAC does unlike the items, and that it does not show through the index."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from pypgstac.load import Loader, Methods

from catalog.index.pgstac import PgstacIndex
from catalog.index.protocol import SearchRequest
from catalog.search import search
from catalog.store import Store

SENSED = datetime(2025, 8, 30, 19, 38, 31, tzinfo=UTC)
WHOLE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def index(empty_pgstac):
    index = PgstacIndex(empty_pgstac)
    index.refill([])
    yield index
    index.close()


@pytest.fixture
def item(sample, tmp_path):
    """Offer a scene as it was published."""
    store = Store(str(tmp_path / "products"))
    return store.read(sample("scene", sensed=SENSED).publish(store))


def at(item, sensed):
    """Give an item at another time, under the same id."""
    moved = deepcopy(item)
    moved["properties"]["datetime"] = f"{sensed:%Y-%m-%dT%H:%M:%SZ}"
    return moved


def by_month(index, item):
    """Let pgSTAC part the collection by month, as an operator may."""
    index.upsert([item])
    index.delete([("scenes", item["id"])])
    with index._base() as base:
        base.execute("UPDATE collections SET partition_trunc = 'month' WHERE id = 'scenes'")
    index.upsert([item])


def test_an_item_that_moves_to_another_partition_is_one_item(index, item):
    by_month(index, item)
    moved = at(item, SENSED + timedelta(60))
    index.upsert([moved])
    assert list(index.keys()) == [("scenes", item["id"])]
    assert index.search(SearchRequest()).items == [moved]
    with index._base() as base:
        parts = base.execute("SELECT count(DISTINCT tableoid) FROM items").fetchone()
    assert parts == (1,)


def test_what_pypgstac_calls_upsert_would_make_it_two(index, item):
    by_month(index, item)
    Loader(index._pgstac()).load_items(iter([at(item, SENSED + timedelta(60))]), Methods.upsert)
    assert len(list(index.keys())) == 2


def test_eight_that_publish_into_a_new_collection_at_once_lose_nothing(index, item):
    begin = Barrier(8)

    def publish(number):
        begin.wait()
        for turn in range(3):
            index.upsert([{**at(item, SENSED + timedelta(8 * turn + number)), "id": f"scene-10UFB-2025{number}{turn}"}])
        index.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(publish, range(8)))
    found = list(index.keys())
    assert [name for _, name in found] == [f"scene-10UFB-2025{n}{turn}" for n in range(8) for turn in range(3)]
    assert index.collections() == {"scenes": 24}


def test_a_null_would_be_dropped_and_so_none_is_published(index, item):
    item["properties"]["unknown"] = None
    index.upsert([item])
    assert "unknown" not in index.get(item["id"])["properties"]


def test_no_null_comes_out_of_either_index_or_its_api(full, api):
    published = [item for name in full.collections() for item in full.items(name)]
    assert "null" not in json.dumps([published, search(full)])
    for path in ("/search?limit=100", "/collections", "/collections/masks/items/mask-10UFB-20250821T190000", "/"):
        assert "null" not in api.get(path).text


def test_times_are_whole_seconds_from_the_scene_to_the_database(index, sample, tmp_path):
    store = Store(str(tmp_path / "others"))
    for stage in ("scene", "mrap"):
        item = store.read(sample(stage, sensed=SENSED.replace(microsecond=24_000)).publish(store))
        times = [value for name, value in item["properties"].items() if name.endswith("datetime")]
        assert times
        assert all(WHOLE.fullmatch(time) for time in times)
        index.upsert([item])
        assert index.get(item["id"]) == item
    with index._base() as base:
        rows = base.execute("SELECT datetime, end_datetime FROM items").fetchall()
    assert rows
    assert all(time.microsecond == 0 for row in rows for time in row)


def test_the_tile_has_an_index_of_the_database(index, item):
    index.upsert([item])
    with index._base() as base:
        rows = base.execute("SELECT indexdef FROM pg_indexes WHERE tablename LIKE '\\_items\\_%'").fetchall()
    for name in ("grid:code", "eo:cloud_cover"):
        assert any(name in row[0] for row in rows), name
