"""The subcommands that keep a catalog say what they found and did, and exit with 1 when something is amiss."""

import copy
import json
import random
import shutil

import pytest
from typer.testing import CliRunner

from catalog.store import Store
from flows.cli import app
from tests.bench import soak
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


COMPOSITE = "mrap-10UFB-20240407T191921"
WRONG = (None, "", [], {}, -1, 1e308, True, "../../../etc/passwd", "2025-13-45T00:00:00Z", [None], {"a": None}, 10**30)


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    """Make a catalog of every kind of item, but for models."""
    root = tmp_path_factory.mktemp("nights") / "products"
    soak.nights(str(root), ["10UFB"], 3)
    return root


def places(content, above=()):
    """Name all parts of a JSON."""
    parts = enumerate(content) if isinstance(content, list) else content.items() if isinstance(content, dict) else ()
    for key, part in parts:
        yield (*above, key)
        yield from places(part, (*above, key))


def damaged(content, numbers):
    """Change or leave out one part."""
    wrong = copy.deepcopy(content)
    *above, last = numbers.choice([*places(content)])
    part = wrong
    for key in above:
        part = part[key]
    if isinstance(part, dict) and numbers.random() < 0.3:
        del part[last]
    else:
        part[last] = numbers.choice(WRONG)
    return json.dumps(wrong)


@pytest.mark.parametrize("seed", range(24))
def test_whatever_one_file_of_a_catalog_says_each_command_does_its_work_or_says_why_not(seed, nights, tmp_path):
    numbers = random.Random(seed)  # noqa: S311  rubbish, not a secret
    path = numbers.choice(sorted(nights.rglob("*.json")))
    sound = path.read_text()
    path.write_text(damaged(json.loads(sound), numbers))
    try:
        for command in (
            ["catalog", "rebuild"],
            ["catalog", "check", "--quick"],
            ["search", "--limit", "1000"],
            ["lineage", COMPOSITE, "--prov"],
            ["explain", "-120.9707", "51.0546"],
            ["matrix"],
            ["catalog", "export", tmp_path / "items.parquet"],
        ):
            answer = run(*command, "--root", nights)
            assert answer.exception is None or isinstance(answer.exception, SystemExit), (path, command)
            assert answer.exit_code in {0, 1}, answer.output
    finally:
        path.write_text(sound)


def test_what_is_made_anew_leaves_out_a_damaged_item_and_says_so(nights):
    path = next(nights.glob("masks/10UFB/*/mask-*.json"))
    sound = path.read_text()
    path.write_text(sound.replace('"datetime": "2024', '"datetime": "20x24'))
    (nights / "masks" / "collection.json").unlink()
    try:
        answer = run("catalog", "rebuild", "--root", nights)
        assert answer.exit_code == 1
        assert "11 items are in the index" in answer.output
        assert "1 of 12 is damaged and was left out" in answer.output
        assert "to judge by its properties" in run("catalog", "check", "--root", nights).output
        assert (nights / "masks" / "collection.json").exists()
    finally:
        path.write_text(sound)
    assert run("catalog", "rebuild", "--root", nights).output == "12 items are in the index (sqlite)\n"
    assert run("catalog", "check", "--root", nights).exit_code == 0
