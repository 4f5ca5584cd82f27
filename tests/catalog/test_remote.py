"""A catalog that lies in a bucket: whole for whoever looks from wherever, and never ahead in anybody's copy."""

import json
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalog import audit, retraction
from catalog.index.upkeep import current
from catalog.place.bucket import Bucket
from catalog.place.push import push
from catalog.search import search
from catalog.store import Store
from flows.cli import app
from s2lookback.errors import CatalogError, TransientError
from tests.buckets import KEY, SECRET, WRITES, KilledError, contents
from tests.catalog.conftest import DAYS, TILE
from tests.faults import chain


def sound(store: Store) -> list[str]:
    """Name what a thorough check finds amiss, with orphans of any age."""
    found = audit.found(store, store.places(), lambda: current(store), deep=True)
    return [f"{one.item}: {one.reason}" for one in found]


def apart(store: Store, bucket: Bucket) -> dict[str, bytes]:
    """Give everything in the bucket that is a function of what was published."""
    return {key: one for key, one in contents(bucket).items() if not key.startswith("executions/")}


def test_another_machine_finds_it_and_reads_the_same_bytes(machine, sample):
    scene = sample("scene")
    here = machine()
    href = scene.publish(here)
    there = machine()
    assert there.find(scene.request) == there.href("scenes", TILE, scene.item["id"]) != href
    assert [item["id"] for item in search(there, tile=TILE)] == [scene.item["id"]]
    item = there.item("scenes", TILE, scene.item["id"])
    assert item == here.read(href)
    for key, asset in item["assets"].items():
        assert there.asset(item, key).read_bytes() == scene.files[asset["href"].rpartition("/")[2]]
    assert sound(there) == []


def test_a_search_reads_items_and_no_file(machine, sample, requests):
    for day, tile in zip(DAYS, ("10UFB", "10UGB", "10UEB"), strict=True):
        sample("scene", sensed=day, tile=tile).publish(machine())
    asked: list[str] = []
    requests(lambda name, answered: asked.extend([] if answered else [name]))
    there = machine()
    assert len(search(there)) == 3
    assert Counter(asked)["GetObject"] == 3 + 5  # and what each collection says of itself
    assert Counter(asked)["ListObjectsV2"] == 5 + 5  # to see what is new, and to fill the index
    asked.clear()
    assert len(search(there)) == 3
    assert Counter(asked) == {"ListObjectsV2": 5}
    assert not list(there.root.rglob("*.tif"))


def test_holds_what_a_catalog_on_disk_holds(machine, store, sample, bucket, tree):
    for catalog in (here := machine(), store):
        sample("scene", sensed=DAYS[0]).publish(catalog)
        sample("mask", sensed=DAYS[0]).publish(catalog)
        sample("mask", sensed=DAYS[0]).with_content(b"newer", threshold=0.6).publish(catalog)
        sample("mrap", sensed=DAYS[1]).publish(catalog)
        catalog.retract("mrap", TILE, sample("mrap", sensed=DAYS[1]).item["id"])
        catalog.gc(older_than=-1)
    found, expected = contents(bucket), tree(store.root)
    assert found.keys() == expected.keys()
    storage = here.place.stored({"stac_extensions": [], "properties": {}, "assets": {}})
    for key, content in expected.items():
        document = json.loads(content) if key.endswith(".json") else {}
        if document.get("type") != "Feature":
            assert found[key] == content, key
            continue
        stored = json.loads(found[key])
        assert stored["properties"].pop("storage:schemes") == storage["properties"]["storage:schemes"]
        assert {tuple(one.pop("storage:refs")) for one in stored["assets"].values()} == {("bucket",)}
        assert set(stored.pop("stac_extensions")) - set(document.pop("stac_extensions")) == {
            *storage["stac_extensions"]
        }
        assert stored | {"stac_extensions": []} == document | {"stac_extensions": []}


def test_what_was_published_into_a_bucket_is_what_a_push_would_send(machine, store, sample, bucket):
    for catalog in (store, machine()):
        sample("scene").publish(catalog)
        sample("mask").publish(catalog)
    before = contents(bucket)
    assert {step.done for step in push(store, bucket)} == {"unchanged"}
    assert contents(bucket) == before


@pytest.mark.parametrize("standing", ["nothing", "another version", "the same of another recipe"])
def test_a_publisher_killed_at_any_request_shows_nothing_half_made(standing, machine, sample, bucket, requests):
    scene, mask = sample("scene"), sample("mask")
    scene.publish(machine())
    if standing == "another version":
        mask.with_content(b"older", threshold=0.1).publish(machine())
    if standing == "the same of another recipe":
        mask.with_content(b"", threshold=0.1).publish(machine())
    expected, killed, left = None, 0, 0
    mine = machine()

    def die(name: str, answered: bool) -> None:
        nonlocal left
        left -= name in WRITES or answered
        if left < 0:
            raise KilledError

    while expected is None:
        left = killed
        requests(die)
        try:
            mask.publish(mine if killed % 2 else machine())  # it is tried again with the copy that was left, or anew
        except KilledError:
            killed += 1 if standing == "nothing" else 4
            requests(lambda *_: None)
            other = machine()
            assert sound(other) == []
            versions = {item["id"]: item["properties"]["s2lookback:recipe"] for item in other.items("masks")}
            assert len(versions) == 1 or standing == "nothing"
        else:
            requests(lambda *_: None)
            expected = contents(bucket)
    assert killed > 10
    last = machine()
    assert last.find(mask.request)
    last.gc(older_than=-1)
    assert contents(bucket) == expected
    assert not [key for key in expected if key.endswith(".unlisted")]
    assert [item["id"] for item in search(mine)] == [item["id"] for item in search(last)]


def test_a_retraction_killed_at_any_request_is_finished_by_the_next(machine, sample, bucket, requests):
    scene, mask = sample("scene"), sample("mask")
    scene.publish(machine())
    expected = contents(bucket)
    left = killed = 0

    def die(name: str, answered: bool) -> None:
        nonlocal left
        left -= name in WRITES or answered
        if left < 0:
            raise KilledError

    while True:
        mask.publish(machine())
        left = killed
        requests(die)
        try:
            machine().retract("masks", TILE, mask.item["id"])
        except KilledError:
            killed += 1
            requests(lambda *_: None)
            other = machine()
            other.relist()
            other.gc(older_than=-1)
            assert sound(other) == []
        else:
            break
    requests(lambda *_: None)
    assert killed > 5
    found = contents(bucket)
    assert {key: found[key] for key in expected} == expected
    assert not [key for key in found if mask.item["id"] in key]


def test_of_two_machines_that_publish_one_item_both_are_kept_and_one_stands(machine, sample, bucket):
    mask = sample("mask")
    sample("scene").publish(machine())
    rivals = [(machine(), mask.with_content(b"%d" % n, number=n)) for n in range(3)] + [(machine(), mask)] * 2
    with ThreadPoolExecutor(len(rivals)) as all_at_once:
        list(all_at_once.map(lambda one: one[1].publish(one[0]), rivals))
    last = machine()
    assert sound(last) == []
    assert last.gc(older_than=-1) == []
    home = f"masks/{TILE}/{mask.item['id']}"
    assert len({key.split("/")[3] for key in contents(bucket) if key.startswith(home) and key.count("/") == 4}) == 4


def test_many_machines_fill_one_collection_and_every_item_is_listed(machine, sample, bucket):
    tiles = ["10UFB", "10UGB", "10UEB", "10UDB"]
    stores = [machine() for _ in tiles]
    with ThreadPoolExecutor(len(tiles)) as all_at_once:
        list(all_at_once.map(lambda n: sample("scene", tile=tiles[n]).publish(stores[n]), range(len(tiles))))
    listed = json.loads(contents(bucket)["scenes/collection.json"])["links"]
    assert [one["href"][2:7] for one in listed if one["rel"] == "child"] == sorted(tiles)
    assert {item["properties"]["grid:code"][5:] for item in search(stores[0])} == {*tiles}


def test_a_copy_that_was_damaged_or_lost_is_read_again(machine, sample):
    mask = sample("mask")
    sample("scene").publish(machine())
    store = machine()
    href = Path(mask.publish(store))
    path = store.asset(store.read(str(href)), "class")
    whole = href.read_bytes(), path.read_bytes()
    for damage in (lambda: (href.unlink(), path.unlink()), lambda: (href.write_bytes(b"{"), path.write_bytes(b"x"))):
        damage()
        item = store.item("masks", TILE, mask.item["id"])
        assert (href.read_bytes(), store.asset(item, "class").read_bytes()) == whole
        assert store.find(mask.request) == str(href)


def test_a_damaged_object_is_told_counts_as_absent_and_is_made_again(machine, sample, bucket, files):
    mask = sample("mask")
    sample("scene").publish(machine())
    store = machine()
    item = store.read(mask.publish(store))
    before = contents(bucket)
    address = store.address(item, "class").removeprefix("s3://")
    for damage in (lambda: files.rm_file(address), lambda: files.pipe_file(address, b"cut")):
        damage()
        assert machine().find(mask.request) is None
        assert [problem.item for problem in machine().check()] == [mask.item["id"]]
        mask.publish(machine())
        assert contents(bucket) == before
    files.pipe_file(address, mask.files["class.tif"][::-1])
    assert machine().check() == []
    assert "do not hash to" in next(iter(machine().check(deep=True))).reason
    other = machine()
    with pytest.raises(CatalogError, match="do not hash to"):
        other.asset(other.item("masks", TILE, mask.item["id"]), "class")
    mask.publish(machine())
    assert contents(bucket) == before


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"id": 1}', b"[" * 100_000])
def test_json_of_a_bucket_is_taken_for_no_more_than_it_is(damage, machine, sample, bucket, files):
    scene = sample("scene")
    scene.publish(machine())
    before, name = contents(bucket), scene.item["id"]
    files.pipe_file(f"{bucket.name}/{bucket.prefix}/scenes/{TILE}/{name}/{name}.json", damage)
    store = machine()
    assert store.find(scene.request) is None
    assert [problem.item for problem in store.check()] == [name]
    assert store.gc(older_than=-1) == []
    scene.publish(store)
    assert contents(bucket) == before


def test_names_of_a_bucket_lead_nowhere_else(machine, sample, bucket, files, tmp_path):
    sample("scene").publish(machine())
    home = f"scenes/{TILE}/scene-10UFB-20250830T193831"
    for key in ("../../outside.json", f"scenes/{TILE}/../../x.json", f"{home}/../x.json", "scenes/x/y/y.json"):
        files.call_s3("put_object", Bucket=bucket.name, Key=f"{bucket.prefix}/{key}", Body=b"{}")
    store = machine()
    assert len(search(store)) == 1
    assert not list(tmp_path.rglob("outside.json"))
    assert not list(tmp_path.rglob("x.json"))
    with pytest.raises(CatalogError, match="is not below"):
        store.read("../../../etc/passwd")


def test_gc_takes_what_the_killed_left_and_nothing_that_is_new(machine, sample, bucket, files):
    scene = sample("scene")
    scene.publish(machine())
    before = contents(bucket)
    home = f"{bucket.name}/{bucket.prefix}/scenes/{TILE}"
    for key in ("scene-10UFB-20250830T193831/0123456789ab/B12.tif", "scene-10UFB-20250101T000000/.unlisted"):
        files.pipe_file(f"{home}/{key}", b"left")
    store = machine()
    assert store.gc(older_than=3600) == []
    assert sorted(one.rpartition("/")[2] for one in store.gc(older_than=-1)) == [".unlisted", "B12.tif"]
    assert contents(bucket) == before


def test_how_a_file_looks_is_the_same_for_every_machine_until_it_is_written(machine, sample, bucket):
    here = machine()
    href = sample("mask").publish(here)
    item = here.read(href)
    home = f"masks/{TILE}/{item['id']}"
    names = [f"{home}/{item['id']}.json", f"{home}/{item['properties']['version']}/class.tif"]
    before = here.state(names)
    assert machine().state([*names, f"{home}/no.tif"]) == f"{before} -"
    bucket.write(names[1], b"x" * item["assets"]["class"]["file:size"], "image/tiff")
    assert here.state(names[:1]) == before.split()[0]
    assert here.state(names) == machine().state(names) != before


def test_records_retractions_and_times_are_seen_by_every_machine(machine, sample):
    here = machine()
    href = sample("scene").publish(here)
    here.record_execution(href, {"host": "here"})
    here.touch(href, datetime(2025, 8, 31, tzinfo=UTC))
    there = machine()
    item = there.item("scenes", TILE, sample("scene").item["id"])
    at = there.href("scenes", TILE, item["id"])
    assert there.verified(at) == here.verified(href) == 1_756_598_400_000_000_000
    path = there.root / "executions" / "scenes" / item["id"] / f"{item['properties']['version']}.json"
    assert there.document(path) == {"host": "here"}
    assert retraction.retracted(there, TILE) == set()
    retraction.note(here, "10UFB", item["id"], "shifted", datetime(2025, 9, 1, tzinfo=UTC))
    assert retraction.retracted(there, TILE) == {item["id"]}
    sample("scene", sensed=DAYS[0]).publish(there)
    assert here.verified(here.href("scenes", TILE, sample("scene", sensed=DAYS[0]).item["id"])) == 0


def test_files_that_nobody_reads_give_way_to_new_ones(machine, sample, monkeypatch):
    tiles = ["10UFB", "10UGB", "10UEB"]
    for tile in tiles:
        sample("scene", tile=tile).publish(machine())
    size = sum(len(one) for one in sample("scene").files.values())
    monkeypatch.setenv("S2LOOKBACK_CACHE_GB", str(1.5 * size / 1e9))
    store = machine()
    reading = Store(store.place.url)
    for turn, tile in enumerate(tiles):
        item = reading.item("scenes", tile, sample("scene", tile=tile).item["id"])
        for key in item["assets"]:
            path = (reading if tile == tiles[0] else Store(store.place.url)).asset(item, key)
            os.utime(path, (turn, turn))
    left = Counter(path.parts[-4] for path in store.root.rglob("*") if path.is_file() and path.suffix != ".sqlite")
    whole = len(sample("scene").files)
    assert left[tiles[0]] >= whole  # it is in use
    assert left[tiles[1]] < whole  # it is not, and was read first
    assert reading.asset(reading.item("scenes", tiles[1], sample("scene", tile=tiles[1]).item["id"]), "B12").is_file()


def test_a_server_that_is_away_is_worth_another_try(machine, sample, monkeypatch):
    sample("scene").publish(machine())
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)
    with pytest.raises(TransientError, match="cannot be reached"):
        search(machine())


def test_keys_are_told_to_nobody(machine, sample, bucket, caplog):
    caplog.set_level("DEBUG", logger="catalog")
    store = machine()
    sample("scene").publish(store)
    search(store)
    texts = [*contents(bucket).values(), *(path.read_bytes() for path in store.root.rglob("*") if path.is_file())]
    assert not [one for one in [*texts, caplog.text.encode()] if KEY.encode() in one or SECRET.encode() in one]
    with pytest.raises(CatalogError) as refused:
        Store(f"s3://{KEY}:{SECRET}@products/x")
    assert SECRET not in str(refused.value)


# A whole chain


def asked(found: dict[str, bytes]) -> dict[str, bytes]:
    """Leave out what says when and by whom a product was made, and where its files are."""
    cut: dict[str, bytes] = {}
    for key, content in found.items():
        document = json.loads(content) if key.endswith(".json") and content[:1] == b"{" else {}
        if document.get("type") == "Feature":
            document["properties"].pop("storage:schemes", None)
            document["stac_extensions"] = [one for one in document["stac_extensions"] if "/storage/" not in one]
            for asset in document["assets"].values():
                asset.pop("storage:refs", None)
        if key.split("/")[0] not in {"executions", "retractions"}:
            cut[key] = json.dumps(document, sort_keys=True).encode() if document.get("type") == "Feature" else content
    return cut


def test_a_night_makes_in_a_bucket_what_it_makes_on_a_disk_and_another_machine_goes_on(machine, bucket, tmp_path):
    disk = tmp_path / "disk"
    chain.run(disk, dates=2)
    first = machine()
    assert chain.run(bucket.url, dates=2).made["mrap"] == 2
    assert asked(contents(bucket)) == asked(chain.tree(disk))

    chain.run(disk)
    second = machine()
    report = chain.run(bucket.url)
    assert (report.made["scene"], report.kept["scene"], report.left_out) == (2, 2, [])
    assert asked(contents(bucket)) == asked(chain.tree(disk))
    assert sound(second) == sound(first) == []
    assert not chain.run(bucket.url).made


# For people


def test_commands_take_a_bucket_for_a_folder(machine, sample, tmp_path):
    scene = sample("scene")
    root = machine().place.url
    scene.publish(machine())
    sample("mask").publish(machine())
    ran = {
        words: CliRunner().invoke(app, [*words.split(), "--root", root])
        for words in ("search --json", f"show {scene.item['id']}", "catalog check", "catalog rebuild", "catalog gc")
    }
    assert {words: one.exit_code for words, one in ran.items()} == dict.fromkeys(ran, 0)
    found = json.loads(ran["search --json"].stdout)["features"]
    assert all(one["href"].startswith(f"{root}/") for item in found for one in item["assets"].values())
    assert f"{root}/scenes/{TILE}/" in ran[f"show {scene.item['id']}"].stdout
    assert ran["catalog check"].stdout.strip() == "no problem found"
    refused = CliRunner().invoke(app, ["catalog", "push", "s3://other/x", "--root", root])
    assert (refused.exit_code, "lies in a bucket already" in refused.stderr) == (1, True)
    refused = CliRunner().invoke(app, ["search", "--root", "https://bucket/x"])
    assert refused.exit_code == 2
    assert "s3://bucket/prefix" in refused.stderr
