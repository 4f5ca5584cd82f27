"""A catalog that lies in a bucket, served and written over HTTP by a machine that copies what it needs."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from catalog.api.app import create_app
from catalog.search import search
from catalog.store import Store
from tests.buckets import contents
from tests.catalog.conftest import DAYS, TILE
from tests.catalog.serving import served

KEY = {"X-API-Key": "a key that nobody can guess"}


@contextmanager
def client_of(store: Store) -> Iterator[httpx.Client]:
    with served(create_app(store.place.url)) as address, httpx.Client(base_url=address, trust_env=False) as client:
        yield client


def test_a_page_asks_the_bucket_for_the_record_of_each_item_once(machine, sample, requests):
    for day in DAYS:
        publishing = machine()
        publishing.record_execution(sample("scene", sensed=day).publish(publishing), {"created": f"{day:%Y}"})
    store = machine()
    asked: list[str] = []
    requests(lambda name, answered: asked.extend([] if answered else [name]))
    with client_of(store) as client:
        for _ in range(2):
            found = client.get("/search").json()["features"]
            assert [item["properties"]["published"] for item in found] == ["2025"] * 3
            last, asked[:] = Counter(asked), []
        assert last == {"ListObjectsV2": 5}


def test_a_file_is_served_by_a_machine_that_knows_nothing_yet_and_is_not_held_for_long(machine, sample, monkeypatch):
    scenes = {tile: sample("scene", tile=tile) for tile in ("10UFB", "10UGB", "10UEB")}
    items = {tile: (one := machine()).read(scene.publish(one)) for tile, scene in scenes.items()}
    monkeypatch.setenv("S2LOOKBACK_CACHE_GB", "0")
    store = machine()
    with client_of(store) as client:
        for tile, item in items.items():
            home = f"files/scenes/{tile}/{item['id']}"
            assert client.get(f"{home}/{item['assets']['B12']['href']}").content == scenes[tile].files["B12.tif"]
            assert client.get(f"{home}/{item['id']}.json").json() == item
            assert client.get(f"{home}/0123456789ab/B12.tif").status_code == 404
    assert len(list(store.root.rglob("*.tif"))) <= 1


def test_what_a_bucket_holds_is_served_with_its_files(machine, sample):
    scene = sample("scene")
    old = scene.with_content(b"older", threshold=0.1)
    old.publish(machine())
    scene.publish(machine())
    store = machine()
    with client_of(store) as client:
        (item,) = client.get("/search", params={"collections": "scenes"}).json()["features"]
        for asset in item["assets"].values():
            name = asset["href"].rpartition("/")[2]
            assert client.get(asset["href"]).content == scene.files[name]
            assert client.get(asset["href"], headers={"Range": "bytes=1-3"}).content == scene.files[name][1:4]
        replaced = next(one["href"] for one in item["links"] if one["rel"] == "predecessor-version")
        archived = client.get(replaced).json()
        asset = replaced.rpartition("/")[0] + archived["assets"]["B12"]["href"][1:]
        assert client.get(asset).content == old.files["B12.tif"]
        assert client.get(asset.replace("B12", "B99")).status_code == 404


def test_an_item_is_taken_in_changed_and_removed_over_http(machine, sample, store, bucket, files, monkeypatch):
    monkeypatch.setenv("S2LOOKBACK_API_KEY", KEY["X-API-Key"])
    scene = sample("scene")
    scene.publish(machine())
    expected = contents(bucket)
    new = store.read(sample("scene", sensed=DAYS[0]).publish(store))
    home = f"scenes/{TILE}/{new['id']}/{new['properties']['version']}"
    with client_of(machine()) as client:
        assert client.post("/collections/scenes/items", json=new, headers=KEY).status_code == 400  # no file is there
        for path in sorted((store.root / home).iterdir()):
            files.pipe_file(f"{bucket.name}/{bucket.prefix}/{home}/{path.name}", path.read_bytes())
        assert client.post("/collections/scenes/items", json=new).status_code == 401
        made = client.post("/collections/scenes/items", json=new, headers=KEY)
        assert made.status_code == 201, made.text
        item = f"/collections/scenes/items/{new['id']}"
        changed = client.patch(item, json={"properties": {"eo:cloud_cover": 12.5}}, headers=KEY)
        assert changed.status_code == 204, changed.text
        other = machine()
        (found,) = search(other, max_cloud_cover=20)
        assert found["id"] == new["id"]
        assert found["properties"]["storage:schemes"]["bucket"]["bucket"] == bucket.name
        assert other.check(deep=True) == []
        assert client.delete(item, headers=KEY).status_code == 204
    assert contents(bucket) == expected
