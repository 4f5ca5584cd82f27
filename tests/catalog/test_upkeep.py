"""The index is never behind the items: not when it is lost, damaged or busy, nor when many publish at once."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from catalog.index.sqlite import SqliteIndex
from catalog.index.upkeep import rebuild
from catalog.place.disk import locked
from catalog.search import search
from catalog.store import Store
from s2lookback.errors import CatalogError, TransientError

INDEX = ".index/items.sqlite"
WRITER = """
import sys
from tests.catalog.test_upkeep import publish_scenes
publish_scenes(sys.argv[1], int(sys.argv[2]))
"""


def publish_scenes(root, number):
    """Publish five scenes of their own, and one that every writer publishes."""
    from tests.catalog import publisher

    store = Store(root)
    for turn in range(5):
        publisher.ID = f"scene-10UFB-20250{number + 1}{turn + 10}T000000"
        publisher.publish(store, "a")
    publisher.ID = "scene-10UFB-20250101T000000"
    publisher.publish(store, f"by {number}")


def notes(store):
    return list((store.root / ".index" / store.index.name).iterdir())


def everything(store):
    """Give the items as a walk finds them, in the order of search."""
    found = [item for collection, tile, name in store.places() if (item := store.item(collection, tile, name))]
    return sorted(found, key=lambda item: (item["properties"]["datetime"], item["id"]), reverse=True)


@pytest.fixture
def two(store, sample):
    for stage in ("scene", "mrap"):
        sample(stage).publish(store)
    return store


@pytest.mark.parametrize("damage", ["removed", "empty", "text", "torn", "of another revision", "with a foreign log"])
def test_an_index_that_is_lost_or_damaged_is_made_anew(damage, two, sample):
    path = two.root / INDEX
    if damage == "removed":
        shutil.rmtree(path.parent)
    elif damage == "of another revision":
        with SqliteIndex(path)._writing() as base:
            base.execute("PRAGMA user_version = 99")
    elif damage == "with a foreign log":
        path.unlink()
        path.with_name("items.sqlite-wal").write_bytes(b"nothing" * 1000)
    else:
        content = path.read_bytes()
        path.write_bytes({"empty": b"", "text": b"no database" * 99, "torn": content[: len(content) // 2]}[damage])
    sample("mask").publish(two)
    assert {item["collection"] for item in search(two)} == {"scenes", "mrap", "masks"}
    sample("reduced").publish(two)
    assert len(search(two)) == 4
    assert notes(two) == []


def test_a_catalog_from_before_there_was_an_index_gets_one_by_being_searched(two, sample):
    shutil.rmtree(two.root / ".index")
    sample("mask").publish(two)
    assert not (two.root / INDEX).exists(), "publishing never reads all that was published before"
    assert len(search(two)) == 3
    assert (two.root / INDEX).exists()
    assert notes(two) == []


def test_publishing_goes_on_while_the_index_is_busy_and_search_catches_up(two, sample, monkeypatch):
    def busy(*_given):
        raise TransientError("busy")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteIndex, "upsert", busy)
        sample("mask").publish(two)
    with locked(two.root / ".index" / "sqlite"):  # as if it were made anew just now
        sample("reduced").publish(two)
    assert len(notes(two)) == 2
    assert len(search(two)) == 4
    assert notes(two) == []


def test_a_retracted_item_is_found_no_more_even_if_its_index_was_busy(two, monkeypatch):
    item = next(two.items("mrap"))

    def busy(*_given):
        raise TransientError("busy")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteIndex, "delete", busy)
        two.retract("mrap", "10UFB", item["id"])
    assert [item["collection"] for item in search(two)] == ["scenes"]


def test_eight_writers_at_once_lose_nothing_and_readers_see_whole_answers(store):
    store.root.mkdir()
    arguments = [sys.executable, "-c", WRITER, str(store.root)]
    writers = [subprocess.Popen([*arguments, str(number)], cwd=Path(__file__).parents[2]) for number in range(8)]
    seen = 0
    while any(writer.poll() is None for writer in writers):
        found = search(store)
        assert len(found) >= seen
        seen = len(found)
        assert len({item["id"] for item in found}) == len(found)
    assert [writer.returncode for writer in writers] == [0] * 8
    assert len(search(store)) == 41
    assert {item["id"]: item for item in search(store)} == {item["id"]: item for item in everything(store)}
    assert notes(store) == []


def test_a_note_that_is_none_is_left_alone(two):
    for name in ("x", "scenes_scene-10UFB-20250830T193831", "scenes_..-.._" + "0" * 32):
        (two.root / ".index" / "sqlite" / name).touch()
    assert len(search(two)) == 2


def test_a_catalog_that_cannot_be_written_is_searched_all_the_same(two, sample, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_given: False)
    before = {path: path.stat().st_mtime_ns for path in two.root.rglob("*")}
    assert len(search(two)) == 2
    shutil.rmtree(two.root / ".index")
    assert len(search(two)) == 2
    assert not (two.root / ".index").exists()
    assert {path: before[path] for path in two.root.rglob("*") if path.is_file()} == {
        path: path.stat().st_mtime_ns for path in two.root.rglob("*") if path.is_file()
    }


def test_an_index_that_is_made_anew_forgets_what_is_gone(two):
    index = two.index
    gone = {**next(two.items("mrap")), "id": "mrap-10UFB-20200101T000000"}
    index.upsert([gone])
    assert len(list(index.keys())) == 3
    assert rebuild(two, index) == 2
    assert len(list(index.keys())) == 2


def test_an_index_on_a_broken_disk_is_told(two, monkeypatch):
    monkeypatch.setattr(SqliteIndex, "filled", lambda _index: True)
    (two.root / INDEX).write_bytes(b"no database" * 1000)
    with pytest.raises(CatalogError, match="the index is damaged"):
        search(two)
