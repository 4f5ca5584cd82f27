"""The subcommands that keep a catalog say what they found and did, and exit with 1 when something is amiss."""

import shutil

import pytest
from typer.testing import CliRunner

from catalog.store import Store
from flows.cli import app
from tests.catalog import publisher


@pytest.fixture
def store(tmp_path):
    store = Store(str(tmp_path / "products"))
    publisher.publish(store, "a")
    return store


def run(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200"})


def test_a_sound_catalog_has_no_problem(store):
    answer = run("catalog", "check", "--root", store.root)
    assert answer.exit_code == 0, answer.output
    assert answer.output == "no problem found\n"


def test_each_problem_is_told_in_a_line_and_mended(store):
    home = store.root / "scenes" / "10UFB" / publisher.ID
    item = store.item("scenes", "10UFB", publisher.ID)
    path = store.asset(item, "B12")
    path.write_bytes(path.read_bytes()[::-1])
    shutil.copytree(home, home.with_name("scene-10UFB-20250101T000000"))
    answer = run("catalog", "check", "--root", store.root)
    assert answer.exit_code == 1
    assert "asset B12: its bytes do not hash to" in answer.output
    assert answer.output.count("\n") == 2
    assert "no problem found" in run("catalog", "check", "--quick", "--root", store.root).output


def test_items_are_judged_by_the_schemas_that_are_at_hand(store, tmp_path):
    named = store.item("scenes", "10UFB", publisher.ID)["stac_extensions"][0]
    (tmp_path / "schema.json").write_text(f'{{"$id": "{named}", "required": ["wings"]}}')
    answer = run("catalog", "check", "--root", store.root, "--schemas", tmp_path)
    assert answer.exit_code == 1
    assert f"{publisher.ID}: the item: 'wings' is a required property ({named})" in answer.output


def test_an_item_that_was_copied_or_removed_by_hand_is_told_until_the_index_is_made_anew(store):
    home = store.root / "scenes" / "10UFB" / publisher.ID
    kept = home.with_name("kept")
    home.rename(kept)
    assert "is in the index, but not there" in run("catalog", "check", "--root", store.root).output
    assert run("catalog", "rebuild", "--root", store.root).output == "0 items are in the index (sqlite)\n"
    kept.rename(home)
    assert f"{publisher.ID}: of scenes is not in the index" in run("catalog", "check", "--root", store.root).output
    assert run("catalog", "rebuild", "--root", store.root).output == "1 items are in the index (sqlite)\n"
    assert run("catalog", "check", "--root", store.root).exit_code == 0


def test_what_killed_processes_left_is_told_and_swept(store):
    home = store.root / "scenes" / "10UFB" / publisher.ID
    (home / "0123456789ab").mkdir()
    assert run("catalog", "check", "--root", store.root).exit_code == 0, "it may still be at work"
    answer = run("catalog", "gc", "--older-than", "0", "--root", store.root)
    assert answer.output.splitlines() == [str(home / "0123456789ab"), "1 removed"]


def test_a_catalog_moves_to_postgresql_and_back(store, empty_pgstac, monkeypatch):
    monkeypatch.setenv("S2LOOKBACK_INDEX", empty_pgstac)
    assert run("catalog", "migrate", "--root", store.root).output == "1 items are in the index (postgresql)\n"
    assert run("catalog", "check", "--root", store.root).exit_code == 0
    monkeypatch.delenv("S2LOOKBACK_INDEX")
    publisher.publish(Store(str(store.root)), "b")
    monkeypatch.setenv("S2LOOKBACK_INDEX", empty_pgstac)
    moved = Store(str(store.root))
    answer = run("search", "--json", "--root", store.root)
    assert moved.item("scenes", "10UFB", publisher.ID)["properties"]["version"] in answer.output
    moved.index.close()


def test_a_word_for_no_index_is_told(store, monkeypatch):
    monkeypatch.setenv("S2LOOKBACK_INDEX", "mysql://host/base")
    answer = run("catalog", "rebuild", "--root", store.root)
    assert answer.exit_code == 1
    assert "expected postgresql://host/database" in answer.output
    assert "mysql" not in answer.output, "an address may hold a password"


def test_every_item_goes_into_one_file(store, tmp_path):
    file = tmp_path / "items.geojson"
    assert run("catalog", "export", file, "--root", store.root).exit_code == 0
    assert publisher.ID in file.read_text()
    assert run("catalog", "export", tmp_path / "items.xls", "--root", store.root).exit_code == 1
