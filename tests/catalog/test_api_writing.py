"""Whoever shows the key writes what the catalog can hold, whole or not at all; nobody else writes anything."""

import copy
import errno
import json
import shutil
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings

from catalog.api.app import create_app
from catalog.index.upkeep import current
from catalog.search import search
from catalog.store import Store
from s2lookback.errors import CatalogError, TransientError
from tests.catalog.conftest import DAYS
from tests.catalog.serving import served

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of packages that it needs and that were renamed; it still judges
    from stac_api_validator import validations

KEY = "a key that nobody can guess"
SHOWN = {"X-API-Key": KEY}
SCENES = "/collections/scenes/items"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def opened(request, sample, tmp_path_factory):
    """Offer a catalog with a scene and its mask, and a client of its API, with each of the indexes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("S2LOOKBACK_API_KEY", KEY)
        if request.param == "postgresql":
            patch.setenv("S2LOOKBACK_INDEX", request.getfixturevalue("another_pgstac")("written"))
        store = Store(str(tmp_path_factory.mktemp(request.param) / "products"))
        scene = store.read(sample("scene", sensed=DAYS[0]).publish(store))
        sample("mask", sensed=DAYS[0], sources=[scene]).publish(store)
        with served(create_app(str(store.root))) as address, httpx.Client(base_url=address, trust_env=False) as client:
            yield store, client
        if request.param == "postgresql":
            store.index.close()


@pytest.fixture
def store(opened):
    return opened[0]


@pytest.fixture
def client(opened):
    return opened[1]


@pytest.fixture
def put(sample, tmp_path, monkeypatch):
    """Put the files of a scene where they belong, but not its JSON; give that."""
    elsewhere = Store(str(tmp_path / "elsewhere"))
    with monkeypatch.context() as patch:
        patch.delenv("S2LOOKBACK_INDEX", raising=False)
        assert elsewhere.index.name == "sqlite"  # an index of its own

    def files(store, number, **settings):
        made = sample("scene", sensed=datetime(2024, 1, 1, tzinfo=UTC) + timedelta(number))
        if settings:
            made = made.with_content(b"other", **settings)
        item = elsewhere.read(made.publish(elsewhere))
        version = f"scenes/10UFB/{item['id']}/{item['properties']['version']}"
        shutil.copytree(elsewhere.root / version, store.root / version)
        homes.append((store.root / version).parent)
        return item

    homes = []
    yield files
    for home in homes:
        if not (home / f"{home.name}.json").exists():
            shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def scene(store, client, put):
    """Write a scene; give it as the API does."""
    item = put(store, 900)
    answer = client.post(SCENES, json=item, headers=SHOWN)
    yield answer.json()
    store.retract("scenes", "10UFB", item["id"])


def refused(store, client, item, status=400, address=SCENES):
    """Check that an item is refused and leaves nothing behind; give the reason."""
    before = list(store.places())
    text = item if isinstance(item, bytes) else json.dumps(item).encode()
    answer = client.post(address, content=text, headers=SHOWN)
    assert answer.status_code == status, answer.text
    assert list(store.places()) == before
    assert sorted(current(store).keys()) == sorted((collection, name) for collection, _, name in before)
    return answer.json()["description" if "description" in answer.json() else "detail"]


# With the key


def test_an_item_whose_files_are_there_is_taken_in_and_found(store, client, put):
    item = put(store, 1)
    answer = client.post(SCENES, json=item, headers=SHOWN)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{client.base_url}{SCENES}/{item['id']}"
    assert answer.json()["id"] == item["id"]
    assert store.item("scenes", "10UFB", item["id"]) == item
    assert item in search(store)
    assert store.check(deep=True) == []
    listed = json.loads((store.root / "scenes" / "10UFB" / "catalog.json").read_text())
    assert any(one["href"] == f"./{item['id']}/{item['id']}.json" for one in listed["links"])
    assert client.post(SCENES, json=item, headers={"Authorization": f"Bearer {KEY}"}).status_code == 409


def test_what_a_client_got_it_can_send_back_changed(store, client, scene):
    address = f"{SCENES}/{scene['id']}"
    before = store.item("scenes", "10UFB", scene["id"])
    assert client.put(address, json=client.get(address).json(), headers=SHOWN).status_code == 204
    assert store.item("scenes", "10UFB", scene["id"]) == before
    scene["properties"]["title"] = "Before the fire"
    assert client.put(address, json=scene, headers=SHOWN).status_code == 204
    assert client.get(address).json()["properties"]["title"] == "Before the fire"
    told = [item for item in search(store) if item["properties"].get("title")]
    assert [item["id"] for item in told] == [scene["id"]]


def test_a_part_of_an_item_can_be_changed_and_null_takes_away(store, client, scene):
    address, patch = f"{SCENES}/{scene['id']}", {"properties": {"title": "Smoke in the valley"}}
    before = store.item("scenes", "10UFB", scene["id"])
    assert client.patch(address, json=patch, headers=SHOWN).status_code == 204
    assert client.get(address).json()["properties"]["title"] == "Smoke in the valley"
    assert client.patch(address, json={"properties": {"title": None}}, headers=SHOWN).status_code == 204
    assert store.item("scenes", "10UFB", scene["id"]) == before
    assert client.patch(address, json={"properties": {"version": None}}, headers=SHOWN).status_code == 400


def test_an_item_with_other_files_replaces_the_version_that_stood(store, client, put, scene):
    item = put(store, 900, other=True)
    assert client.put(f"{SCENES}/{item['id']}", json=item, headers=SHOWN).status_code == 204
    standing = store.item("scenes", "10UFB", item["id"])
    assert standing["properties"]["version"] == item["properties"]["version"] != scene["properties"]["version"]
    replaced = next(one for one in standing["links"] if one["rel"] == "predecessor-version")
    assert replaced["href"] == f"./{scene['properties']['version']}/{item['id']}.json"


def test_a_removed_item_is_gone_with_its_files(store, client, scene):
    address = f"{SCENES}/{scene['id']}"
    assert client.delete(address, headers=SHOWN).status_code == 204
    assert client.get(address).status_code == client.delete(address, headers=SHOWN).status_code == 404
    assert not (store.root / "scenes" / "10UFB" / scene["id"]).exists()
    assert scene["id"] not in {item["id"] for item in search(store)}


def test_what_something_was_made_from_is_not_removed(store, client):
    answer = client.delete(f"{SCENES}/scene-10UFB-20250801T190000", headers=SHOWN)
    assert answer.status_code == 409
    assert "mask-10UFB-20250801T190000 was made from it" in answer.json()["description"]
    assert store.item("scenes", "10UFB", "scene-10UFB-20250801T190000") is not None


def test_what_changed_meanwhile_is_not_overwritten(store, client, scene, monkeypatch):
    from catalog.api import writing

    def late(*given, **named):
        changed = store.item("scenes", "10UFB", scene["id"])
        changed["properties"]["title"] = "First"
        writing_before(store, changed, old=store.item("scenes", "10UFB", scene["id"]))
        return writing_before(*given, **named)

    writing_before = writing.write
    monkeypatch.setattr(writing, "write", late)
    patch = {"properties": {"title": "Second"}}
    assert client.patch(f"{SCENES}/{scene['id']}", json=patch, headers=SHOWN).status_code == 409
    assert store.item("scenes", "10UFB", scene["id"])["properties"]["title"] == "First"


def test_what_is_not_there_is_not_found(client):
    for name in ("scene-10UFB-19990101T000000", "mask-10UFB-20250801T190000", "x", "..", "%2e%2e%2fx"):
        for method in ("PUT", "PATCH", "DELETE"):
            assert client.request(method, f"{SCENES}/{name}", json={}, headers=SHOWN).status_code in {404, 405}, name
    for collection in ("nothing", "executions", ".index"):
        assert client.post(f"/collections/{collection}/items", json={}, headers=SHOWN).status_code == 404


def test_a_disk_that_fails_before_the_commit_leaves_nothing_behind(store, client, put, monkeypatch):
    item = put(store, 5)

    def full(*_given):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("catalog.place.protocol.save", full)
        assert "try again" in refused(store, client, item, status=503)
    assert client.post(SCENES, json=item, headers=SHOWN).status_code == 201


def test_an_index_that_fails_after_the_commit_is_told_later(store, client, put, monkeypatch):
    item = put(store, 6)

    def busy(*_given):
        raise TransientError("busy")

    with monkeypatch.context() as patch:
        patch.setattr(type(store.index), "upsert", busy)
        assert client.post(SCENES, json=item, headers=SHOWN).status_code == 201
    assert client.get(f"{SCENES}/{item['id']}").status_code == 200
    assert item["id"] in {one["id"] for one in search(store)}


def test_of_eight_that_write_the_same_item_at_once_one_is_taken_in(store, client, put):
    item = put(store, 7)
    with ThreadPoolExecutor(8) as pool:
        sent = pool.map(lambda _turn: client.post(SCENES, json=item, headers=SHOWN).status_code, range(8))
    assert sorted(sent) == [201, *[409] * 7]
    assert store.item("scenes", "10UFB", item["id"]) == item


# As STAC's own tools write


THEIRS = {"id": "S2A_47XNF_20230423_0_L2A", "datetime": "2023-04-23T06:47:03.048000Z"}


def test_the_validator_of_stac_apis_finds_no_error_in_writing(store, client, put, scene, monkeypatch):
    """Its sample is fixed, with a file elsewhere and cloud cover as text; one of ours takes its place on the way."""
    item, asks, told = store.item("scenes", "10UFB", scene["id"]), validations.retrieve, []

    def facts(given):
        return {name: float(value) if name == "eo:cloud_cover" else value for name, value in given.items()}

    def retrieve(method, url, *, body=None, **named):
        told.append(method.value)
        if method.value == "POST":
            put(store, 900)  # with the item before it, its files were removed
        given = facts({name: value for name, value in (body or {}).get("properties", {}).items() if name != "datetime"})
        sent = (
            {"properties": given}
            if method.value == "PATCH"
            else changed(item, "properties", to=item["properties"] | given)
        )
        url = url.replace(THEIRS["id"], item["id"])
        status, answer, headers = asks(method, url, body=body and sent, **named)
        if status == 200:
            assert answer["properties"]["datetime"] == item["properties"]["datetime"]
            cloud = str(answer["properties"]["eo:cloud_cover"])
            answer["properties"] |= {"datetime": THEIRS["datetime"], "eo:cloud_cover": cloud}
        return status, answer, headers

    monkeypatch.setattr(validations, "retrieve", retrieve)
    monkeypatch.setattr(validations.time, "sleep", lambda _seconds: None)
    errors, warned = validations.Errors(), validations.Warnings()
    with requests.Session() as session:
        session.trust_env = False
        session.headers.update(SHOWN)
        validations.validate_transaction(
            client.get("/").json(), "scenes", errors, warned, session, validations.Context.FEATURES_TXN, "scenes"
        )
    assert told == ["DELETE", "POST", "GET", "PUT", "GET", "PATCH", "GET", "DELETE", "GET"]
    assert errors.errors == warned.errors == []


# Without it


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": f"Basic {KEY}"}, 401),
        ({"X-API-Key": ""}, 401),
        ({"X-API-Key": KEY[:-1]}, 403),
        ({"X-API-Key": KEY + "x"}, 403),
        ({"X-API-Key": b"\xff" * 30}, 403),
        ({"Authorization": "Bearer nothing"}, 403),
        ({"X-API-Key": "wrong", "Authorization": f"Bearer {KEY}"}, 403),
    ],
)
def test_without_the_key_nothing_is_even_read(headers, status, store, client):
    name, before = "scene-10UFB-20250801T190000", list(store.places())
    for method, address in (("POST", SCENES), *((one, f"{SCENES}/{name}") for one in ("PUT", "PATCH", "DELETE"))):
        answer = client.request(method, address, content=b"no JSON", headers=headers)
        assert answer.status_code == status, (method, answer.text)
        assert KEY not in answer.text
        assert ("www-authenticate" in answer.headers) == (status == 401)
    assert list(store.places()) == before


def test_without_a_key_in_the_environment_there_is_nothing_to_open(tmp_path, monkeypatch):
    monkeypatch.delenv("S2LOOKBACK_INDEX", raising=False)
    for key in (None, ""):
        monkeypatch.setenv("S2LOOKBACK_API_KEY", key or "")
        if key is None:
            monkeypatch.delenv("S2LOOKBACK_API_KEY")
        with served(create_app(str(tmp_path))) as address:
            assert httpx.post(address + SCENES, json={}, headers={"X-API-Key": ""}, trust_env=False).status_code == 405
            said = httpx.get(f"{address}/conformance", trust_env=False).json()["conformsTo"]
        assert not any("transaction" in name for name in said)
    monkeypatch.setenv("S2LOOKBACK_API_KEY", "x" * 15)
    with pytest.raises(CatalogError, match="has 15 characters, expected at least 16"):
        create_app(str(tmp_path))


def test_the_description_tells_of_the_key_and_not_which(client):
    described = client.get("/api").json()
    assert described["paths"]["/collections/{collection_id}/items"]["post"]["security"]
    assert {one["type"] for one in described["components"]["securitySchemes"].values()} == {"apiKey", "http"}
    assert KEY not in json.dumps(described)
    assert any(name.endswith("ogcapi-features/extensions/transaction") for name in client.get("/").json()["conformsTo"])


# What cannot be held


def changed(item, *path, to):
    """Give an item with another value somewhere; none at all where that is None."""
    other = copy.deepcopy(item)
    part = other
    for name in path[:-1]:
        part = part[name]
    if to is ...:
        del part[path[-1]]
    else:
        part[path[-1]] = to
    return other


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("id",), "../../../etc"),
        (("id",), "scene-10UFB-20240103T000000/../x"),
        (("id",), "scene-10UFB-20240103T000000\x00"),
        (("id",), "mask-10UFB-20240103T000000"),
        (("id",), 7),
        (("id",), ...),
        (("collection",), "masks"),
        (("collection",), "../masks"),
        (("type",), "Collection"),
        (("geometry",), None),
        (("geometry",), {"type": "Point", "coordinates": [0, 0]}),
        (("geometry",), {"type": "Polygon", "coordinates": [[[999, 0], [0, 1], [1, 1], [999, 0]]]}),
        (("geometry",), {"type": "Polygon", "coordinates": "x"}),
        (("bbox",), [1, 2]),
        (("bbox",), [0, 0, 1, 1]),
        (("properties",), []),
        (("properties", "datetime"), None),
        (("properties", "datetime"), "2024-01-03T00:00:00.5Z"),
        (("properties", "datetime"), "2024-13-03T00:00:00Z"),
        (("properties", "end_datetime"), "2025-01-03T00:00:00Z"),
        (("properties", "grid:code"), "MGRS-10UGB"),
        (("properties", "version"), "0123456789ab"),
        (("properties", "version"), "../.."),
        (("properties", "s2lookback:content"), "12" * 32),
        (("properties", "s2lookback:recipe"), ...),
        (("properties", "s2lookback:recipe", "digest"), "12" * 32),
        (("properties", "s2lookback:valid_fraction"), 2),
        (("properties", "processing:software"), {}),
        (("properties", "title"), "\x1b[31m"),
        (("properties", "title"), "\ud800"),
        (("properties", "eo:cloud_cover"), float("nan")),
        (("properties", "eo:cloud_cover"), 10**30),
        (("assets",), {}),
        (("assets", "B12", "href"), "../../../../secret"),
        (("assets", "B12", "href"), "/etc/passwd"),
        (("assets", "B12", "href"), "file:///etc/passwd"),
        (("assets", "B12", "href"), "./0123456789ab/B12.tif"),
        (("assets", "B12", "href"), "https://elsewhere.example/B12.tif"),
        (("assets", "B12", "href"), "http://127.0.0.1/files/scenes/../../secret"),
        (("assets", "B12", "href"), "%2e%2e/B12.tif"),
        (("assets", "B12", "file:size"), 1),
        (("assets", "B12", "file:checksum"), "1220" + "ab" * 32),
        (("assets", "B12"), ...),
        (("links",), [{"rel": "about", "href": "javascript:alert(1)"}]),
        (("links",), [{"rel": "about", "href": "../../../../secret"}]),
        (("links",), [{"rel": "derived_from", "href": "https://elsewhere.example/x.json"}]),
        (("links",), [{"rel": "derived_from", "href": "../../../scenes/10UFB/x/../y.json"}]),
        (("links",), [7]),
        (("stac_extensions",), [{}]),
    ],
)
def test_an_item_that_cannot_be_held_is_refused_whole(path, value, store, client, put):
    item = put(store, 2)
    assert refused(store, client, changed(item, *path, to=value))


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{", b"null", b"\xff", b'{"a":' * 100_000, b"[" * 500_000, b'{"id": 1e999}', b"1" * 10_000]
)
def test_a_body_that_is_no_item_is_refused(text, store, client):
    assert refused(store, client, text)


def test_a_body_of_ten_megabytes_is_refused_before_it_is_read(store, client):
    assert "bytes" in refused(store, client, b" " * 10_000_000, status=413)


@pytest.mark.parametrize("trick", ["missing", "other bytes", "link", "folder is a link"])
def test_files_that_are_not_there_whole_are_refused(trick, store, client, put, tmp_path):
    item = put(store, 3)
    folder = store.root / "scenes" / "10UFB" / item["id"] / item["properties"]["version"]
    content = (folder / "B12.tif").read_bytes()
    if trick == "folder is a link":
        folder.rename(tmp_path / "outside")
        folder.symlink_to(tmp_path / "outside")
    else:
        (folder / "B12.tif").unlink()
    if trick == "link":
        (tmp_path / "secret").write_bytes(content)
        (folder / "B12.tif").symlink_to(tmp_path / "secret")
    if trick == "other bytes":
        (folder / "B12.tif").write_bytes(content[::-1])
    assert refused(store, client, item)


def test_an_item_of_another_catalog_whose_files_lie_elsewhere_is_refused_with_the_reason(store, client, put):
    item = changed(put(store, 4), "id", to="scene-10UFB-20240204T000000")
    assert "asset" in refused(store, client, item)


@pytest.mark.parametrize("headers", [{}, SHOWN])
def test_nothing_that_its_description_allows_breaks_it_or_is_written(headers, store, client):
    described = schemathesis.openapi.from_dict(client.get("/api").json())
    before, tried = list(store.places()), 0
    for found in described.get_all_operations():
        operation = found.ok()
        if operation.method.upper() == "GET" or operation.path == "/search":
            continue

        @settings(max_examples=12, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def survives(case):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                answer = case.call(base_url=str(client.base_url), headers=headers)
            assert answer.status_code in ({400, 403, 404, 405} if headers else {401, 403, 404, 405}), answer.text

        survives()
        tried += 1
    assert tried == 4
    assert list(store.places()) == before
