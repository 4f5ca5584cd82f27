"""A catalog in a bucket: whole at every moment, the same when pushed again, and read by others' programs."""

import json
import posixpath
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import pytest
import rasterio
from botocore.exceptions import HTTPClientError
from fsspec.asyn import sync_wrapper
from pystac.errors import DeprecatedWarning
from pystac.stac_io import DefaultStacIO
from s3fs import S3FileSystem
from typer.testing import CliRunner

from catalog.place.bucket import Bucket, _client
from catalog.place.push import push
from catalog.store import Store
from flows.cli import app
from s2lookback.errors import CatalogError, TransientError
from tests.buckets import KEY, REGION, SECRET, WRITES, KilledError, contents
from tests.catalog.conftest import DAYS, GRID, TILE


@pytest.fixture
def filled(store, sample) -> Store:
    """Offer a catalog of three items, one of them in its second version."""
    scene = sample("scene", sensed=DAYS[0])
    scene.publish(store)
    sample("mrap", sensed=DAYS[0]).publish(store)
    old = sample("mask", sensed=DAYS[0])
    href = old.publish(store)
    store.record_execution(href, {"started": "2025-08-01T20:00:00Z"})
    store.record_execution(
        old.with_content(b"newer", threshold=0.6).publish(store), {"started": "2025-08-02T20:00:00Z"}
    )
    return store


def done(store: Store, bucket: Bucket) -> dict[str, str]:
    return {step.item: step.done for step in push(store, bucket)}


def whole(found: dict[str, bytes]) -> dict[str, bytes]:
    """Demand that everything that an item or a listing in the bucket names is there, whole."""
    for key, content in found.items():
        document = json.loads(content) if key.endswith(".json") else {}
        home, _, file = key.rpartition("/")
        above = f"{posixpath.dirname(home)}/{file}"
        if "stac_version" not in document or (key.count("/") == 4 and above not in found):  # no link leads there
            continue
        named = {"item", "child", "predecessor-version"}
        for one in document["links"]:
            assert one["rel"] not in named or resolved(key, one["href"]) in found, f"{key} links to {one['href']}"
        for asset in document.get("assets", {}).values():
            assert len(found[resolved(key, asset["href"])]) == asset["file:size"]
    return found


def resolved(key: str, href: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(key), href))


class FromBucket(DefaultStacIO):
    """Lets pystac read s3:// addresses."""

    def __init__(self, files: S3FileSystem) -> None:
        super().__init__()
        self.files = files

    def read_text(self, source: Any, *_: Any, **__: Any) -> str:
        return str(self.files.cat_file(str(getattr(source, "href", source))).decode())


@pytest.fixture
def by_steps(requests) -> Callable[[Store, Bucket], int]:
    """Push by pushers of which each is killed after its first write; whatever is seen between is whole."""

    def run(store: Store, bucket: Bucket) -> int:
        writes: list[str] = []

        def tell(name: str, answered: bool) -> None:
            if name in WRITES and writes and not answered:
                raise KilledError
            writes.extend([name] if name in WRITES and not answered else [])

        requests(tell)
        killed = 0
        while True:
            writes.clear()
            try:
                done(store, bucket)
            except KilledError:
                killed += 1
                whole(contents(bucket))
            else:
                requests(lambda *_: None)
                return killed

    return run


def test_holds_what_the_catalog_holds(filled, bucket, tree):
    assert set(done(filled, bucket).values()) == {"pushed"}
    found, here = whole(contents(bucket)), tree(filled.root)
    assert found.keys() == here.keys()
    for key, content in here.items():
        if "storage:refs" not in found[key].decode():
            assert found[key] == content, key


def test_what_is_pushed_again_is_not_sent_again(filled, bucket, requests):
    done(filled, bucket)
    asked: list[str] = []
    requests(lambda name, answered: asked.extend([] if answered else [name]))
    assert set(done(filled, bucket).values()) == {"unchanged"}
    # Of each tile its items and its records, and of each collection its tiles; a look at the listings, and no read.
    assert Counter(asked) == {"ListObjectsV2": 2 * 3 + 5 + 3, "HeadObject": 3 + 5 + 1}


def test_a_pusher_killed_after_any_write_shows_nothing_half_made(filled, bucket, by_steps, sample):
    assert by_steps(filled, bucket) > 30
    pushed = contents(bucket)
    filled.retract("scenes", TILE, "scene-10UFB-20250801T190000")
    filled.retract("mrap", TILE, "mrap-10UFB-20250801T190000")
    sample("scene", sensed=DAYS[1]).publish(filled)
    sample("mask", sensed=DAYS[0]).with_content(b"newest", threshold=0.7).publish(filled)
    assert by_steps(filled, bucket) > 15
    gone = ("mrap-10UFB-20250801T190000.json", "scene-10UFB-20250801T190000.json")
    assert not [key for key in whole(contents(bucket)) if key.endswith(gone)]
    assert pushed.keys() != contents(bucket).keys()
    assert set(done(filled, bucket).values()) == {"unchanged"}


def test_ends_the_same_however_often_it_was_killed(filled, bucket, by_steps, files):
    by_steps(filled, bucket)
    files.call_s3("create_bucket", Bucket=f"{bucket.name}-2", CreateBucketConfiguration={"LocationConstraint": REGION})
    other = Bucket(f"s3://{bucket.name}-2/bc/2025")
    done(filled, other)
    assert {key: one.replace(b"-2", b"") for key, one in contents(other).items()} == {
        key: one.replace(b"-2", b"") for key, one in contents(bucket).items()
    }


class Interrupted(Bucket):
    """Lets something happen before one of its writes."""

    def __init__(self, url: str, write: int, happens: Callable[[], object]) -> None:
        super().__init__(url)
        self.left, self.happens = write, happens

    def _count(self) -> None:
        self.left -= 1
        if self.left == -1:
            self.happens()

    def put(self, *args: Any) -> bool:
        self._count()
        return super().put(*args)

    def upload(self, *args: Any) -> None:
        self._count()
        super().upload(*args)

    def remove(self, keys: Any) -> None:
        self._count()
        super().remove(keys)


@pytest.mark.parametrize("meanwhile", ["pushes the same", "replaces it", "retracts it"])
def test_of_two_pushers_one_yields_and_the_newer_stands(meanwhile, store, bucket, sample, tmp_path):
    mask = sample("mask")
    sample("scene").publish(store)
    yielded, write = 0, 0
    while True:
        mask.with_content(b"%d" % write, number=write).publish(store)
        happened: list[str] = []

        def another(write: int = write, happened: list[str] = happened) -> None:
            happened.append(meanwhile)
            if meanwhile == "replaces it":
                mask.with_content(b"newer than %d" % write, number=-write).publish(store)
            if meanwhile == "retracts it":
                store.retract("masks", TILE, mask.item["id"])
            done(store, Bucket(bucket.url))

        steps = done(store, Interrupted(bucket.url, write, another))
        if not happened:
            break
        yielded += steps.get(mask.item["id"]) == "yielded"
        found = whole(contents(bucket))
        here = store.item("masks", TILE, mask.item["id"])
        there = found.get(f"masks/{TILE}/{mask.item['id']}/{mask.item['id']}.json")
        assert (here and here["properties"]["version"]) == (there and json.loads(there)["properties"]["version"])
        assert set(done(store, bucket).values()) <= {"unchanged", "removed"}
        write += 5  # every fifth: the versions that each leaves behind make the next slower
    assert write > 5
    assert yielded or meanwhile != "replaces it"


def test_two_at_once_leave_what_one_leaves(filled, bucket):
    with ThreadPoolExecutor(2) as both:
        steps = [*both.map(lambda _: done(filled, Bucket(bucket.url)), range(2))]
    assert {one for some in steps for one in some.values()} <= {"pushed", "unchanged", "yielded"}
    whole(contents(bucket))
    assert set(done(filled, bucket).values()) == {"unchanged"}


def test_a_lost_answer_is_no_failure(filled, bucket, requests):
    lost: set[int] = set()
    count = iter(range(10_000))

    def lose(name: str, answered: bool) -> None:
        if name == "PutObject" and answered and (number := next(count)) % 7 == 0:
            lost.add(number)
            raise HTTPClientError(error="lost")

    requests(lose)
    assert set(done(filled, bucket).values()) == {"pushed"}
    assert len(lost) > 3
    requests(lambda *_: None)
    assert set(done(filled, bucket).values()) == {"unchanged"}


def test_pystac_opens_it_as_it_is(filled, bucket, files):
    done(filled, bucket)
    root = pystac.Catalog.from_file(f"{bucket.url}/catalog.json", stac_io=FromBucket(files))
    assert {item.id for item in root.get_items(recursive=True)} == {name for _, _, name in filled.places()}
    mask = next(root.get_items("mask-10UFB-20250801T190000", recursive=True))
    with pytest.warns(DeprecatedWarning):
        before = mask.get_single_link("predecessor-version").resolve_stac_object(root).target
    assert before.properties["deprecated"]
    assert before.assets["class"].get_absolute_href().startswith(bucket.url)


def test_rasterio_reads_the_pixels_from_the_bucket(store, bucket, sample, monkeypatch, endpoint):
    monkeypatch.setenv("AWS_S3_ENDPOINT", endpoint.removeprefix("http://"))
    monkeypatch.setenv("AWS_HTTPS", "NO")
    monkeypatch.setenv("AWS_VIRTUAL_HOSTING", "FALSE")
    scene, pixels = sample("scene"), np.arange(35, dtype=np.int16).reshape(5, 7) - 9
    with rasterio.MemoryFile() as memory:
        form = {"driver": "COG", "height": 5, "width": 7, "count": 1, "dtype": "int16", "crs": "EPSG:32610"}
        with memory.open(**form, transform=rasterio.Affine(*GRID.transform)) as file:
            file.write(pixels, 1)
        scene.files["B12.tif"] = memory.read()
    item = store.read(scene.publish(store))
    done(store, bucket)
    href = f"{bucket.name}/{bucket.prefix}/scenes/{TILE}/{item['id']}/{item['assets']['B12']['href']}"
    # rasterio keeps the interpreter to itself while it opens a file, and the server is in this one.
    reader = f"import rasterio; print(rasterio.open('/vsis3/{href}').read(1).tolist())"
    done_reading = subprocess.run([sys.executable, "-c", reader], check=True, capture_output=True, timeout=60)
    assert json.loads(done_reading.stdout) == pixels.tolist()


def test_items_say_where_they_are_stored(filled, bucket, valid, endpoint):
    done(filled, bucket)
    items = [json.loads(one) for one in contents(bucket).values() if b"storage:schemes" in one]
    assert len(items) == 4
    scheme = {"type": "custom-s3", "platform": endpoint, "bucket": bucket.name, "region": REGION}
    for item in items:
        assert item["properties"]["storage:schemes"] == {"bucket": scheme}
        assert all(asset["storage:refs"] == ["bucket"] for asset in item["assets"].values())
        assert all(asset["href"].startswith("./") for asset in item["assets"].values())
        valid(item)


def test_a_bucket_of_the_first_provider_is_named_so(files, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    assert Bucket("s3://products").storage() == {
        "type": "aws-s3",
        "platform": "https://{bucket}.s3.{region}.amazonaws.com",
        "bucket": "products",
        "region": REGION,
    }


def test_a_damaged_item_stays_as_it_was_in_the_bucket(filled, bucket, sample):
    done(filled, bucket)
    before = contents(bucket)
    href = sample("mask", sensed=DAYS[0]).with_content(b"worse", threshold=0.9).publish(filled)
    path = filled.asset(filled.read(href), "class")
    path.write_bytes(path.read_bytes()[::-1])
    assert Counter(done(filled, bucket).values()) == {"unchanged": 2, "damaged": 1}
    assert contents(bucket) == before


def test_what_is_not_the_catalog_s_is_left_alone(filled, bucket, files):
    foreign = {"readme.txt": b"ours", f"masks/{TILE}/notes/notes.json": b"{}", "masks/collection.json.bak": b"x"}
    for key, content in foreign.items():
        files.pipe_file(f"{bucket.name}/{bucket.prefix}/{key}", content)
    done(filled, bucket)
    filled.retract("masks", TILE, "mask-10UFB-20250801T190000")
    assert done(filled, bucket)["mask-10UFB-20250801T190000"] == "removed"
    assert not [key for key in contents(bucket) if "mask-10UFB" in key]
    assert not [
        one for one in json.loads(contents(bucket)[f"masks/{TILE}/catalog.json"])["links"] if one["rel"] == "item"
    ]
    assert foreign.items() <= contents(bucket).items()


def test_an_empty_catalog_empties_no_bucket(filled, bucket, tmp_path):
    done(filled, bucket)
    before = contents(bucket)
    with pytest.raises(CatalogError, match="holds nothing"):
        done(Store(str(tmp_path / "elsewhere")), bucket)
    assert contents(bucket) == before


def test_keys_are_told_to_nobody(filled, bucket, caplog, monkeypatch):
    caplog.set_level("INFO")
    done(filled, bucket)
    assert not [key for key, one in contents(bucket).items() if KEY.encode() in one or SECRET.encode() in one]
    with pytest.raises(CatalogError) as refused:
        done(filled, Bucket("s3://there-is-no-such-bucket"))
    with pytest.raises(CatalogError) as unread:
        Bucket(f"s3://{KEY}:{SECRET}@products")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{KEY}:word@127.0.0.1:1")
    with pytest.raises(CatalogError, match="holds a user") as endpoint:
        done(filled, Bucket(bucket.url))
    for text in (caplog.text, str(refused.value), str(unread.value), str(endpoint.value)):
        assert KEY not in text
        assert SECRET not in text
    assert "NoSuchBucket" in str(refused.value)


def test_a_server_that_is_away_is_worth_another_try(filled, bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(S3FileSystem, "retries", 1)
    with pytest.raises(TransientError, match="cannot be reached"):
        done(filled, bucket)


def test_bytes_that_arrive_otherwise_are_noticed(filled, bucket, monkeypatch):
    send = S3FileSystem._put_file

    async def garbled(self, lpath, rpath, **kwargs):
        bad = Path(lpath).with_name(".garbled")
        bad.write_bytes(Path(lpath).read_bytes()[::-1])
        await send(self, str(bad), rpath, **kwargs)

    monkeypatch.setattr(S3FileSystem, "put_file", sync_wrapper(garbled))
    monkeypatch.setattr("catalog.place.bucket._client", _client.__wrapped__)  # a client that was made before sends well
    with pytest.raises(CatalogError, match="does not hold the bytes"):
        done(filled, bucket)
    assert not [key for key in contents(bucket) if key.endswith(f"{TILE}/catalog.json")]


def test_the_command_tells_how_many(filled, bucket):
    ran = CliRunner().invoke(app, ["catalog", "push", bucket.url, "--root", str(filled.root)])
    assert (ran.exit_code, ran.stdout.strip()) == (0, "3 pushed")
    ran = CliRunner().invoke(app, ["catalog", "push", "https://bucket/products", "--root", str(filled.root)])
    assert ran.exit_code == 1
    assert "not of the form s3://bucket/prefix" in ran.stderr
