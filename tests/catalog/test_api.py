"""What the API answers is what the catalog holds, in the words of STAC, and nothing else can be had or done."""

import json

import pytest

from catalog.index.protocol import SlowQueryError


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["features"]]


def test_every_asset_and_link_of_an_item_can_be_fetched(api, full):
    answer = api.get("/collections/mrap/items/mrap-10UFB-20250821T190000").json()
    for asset in answer["assets"].values():
        assert asset["href"].startswith(f"{api.base_url}/files/mrap/10UFB/")
        assert len(api.get(asset["href"]).content) == asset["file:size"]
    followed = {link["rel"] for link in answer["links"] if api.get(link["href"]).status_code == 200}
    assert {"self", "root", "parent", "collection", "derived_from"} <= followed


def test_the_first_page_and_the_next_make_the_whole(api):
    seen, page = [], api.get("/search", params={"limit": 3}).json()
    while True:
        seen += [item["id"] for item in page["features"]]
        following = [link for link in page["links"] if link["rel"] == "next"]
        if not following:
            break
        page = api.get(following[0]["href"]).json()
    assert seen == ids(api.post("/search", json={"limit": 100}))
    assert len(seen) == 10


@pytest.mark.parametrize(
    ("question", "matched"),
    [
        ({}, 10),
        ({"limit": 10}, 10),
        ({"limit": 4}, 10),
        ({"collections": ["masks"], "limit": 1}, 3),
        ({"bbox": [-122, 50, -121, 51], "limit": 5}, 9),
        ({"filter": {"op": "=", "args": [{"property": "grid:code"}, "MGRS-01KAA"]}, "limit": 1}, 1),
        ({"datetime": "2025-08-11T19:00:00Z", "collections": ["scenes"], "limit": 1}, 2),
        ({"ids": ["nothing"]}, 0),
    ],
)
def test_every_page_tells_how_many_there_are_on_all(question, matched, api, monkeypatch):
    monkeypatch.setattr("catalog.api.client.COUNTING", 60)
    seen, body = 0, {"limit": 100, **question}
    while body:
        answer = api.post("/search", json=body, timeout=60).json()
        assert answer["numberReturned"] == len(answer["features"])
        assert answer["numberMatched"] == matched
        seen += answer["numberReturned"]
        body = next((link["body"] for link in answer["links"] if link["rel"] == "next"), None)
    assert seen == matched


def test_a_page_is_given_where_counting_takes_too_long(api, full, monkeypatch):
    def slow(*_given, **_named):
        raise SlowQueryError("the question takes too long")

    monkeypatch.setattr(type(full.index), "count", slow)
    answer = api.post("/search", json={"limit": 3}).json()
    assert answer["numberReturned"] == 3
    assert "numberMatched" not in answer


@pytest.mark.parametrize(
    ("bbox", "same"),
    [
        ([-190, -17, -170, -16], [170, -17, -170, -16]),
        ([170, -17, 190, -16], [170, -17, -170, -16]),
        ([530, -17, 550, -16], [170, -17, -170, -16]),
        ([-482, 49, -480, 51], [-122, 49, -120, 51]),
        ([-482, 49, 0, -480, 51, 9000], [-122, 49, -120, 51]),
        ([-540, -90, 540, 90], [-180, -90, 180, 90]),
        ([-200, -90, -180, 90], [160, -90, 180, 90]),
    ],
)
def test_a_box_drawn_on_a_map_that_goes_around_is_turned_back(bbox, same, api):
    found = ids(api.post("/search", json={"bbox": bbox, "limit": 100}))
    assert found == ids(api.post("/search", json={"bbox": same, "limit": 100}))
    assert found or same == [160, -90, 180, 90]
    text = ",".join(map(str, bbox))
    assert ids(api.get("/search", params={"bbox": text, "limit": 100})) == found
    inside = api.get("/collections/scenes/items", params={"bbox": text, "limit": 100})
    assert ids(inside) == [name for name in found if name.startswith("scene-")]


MRAPS = ["mrap-10UFB-20250821T190000", "mrap-10UFB-20250811T190000", "mrap-10UFB-20250801T190000"]
FIJI = ["scene-01KAA-20250811T190000"]
FIRST = ["mask-10UFB-20250801T190000"]
EARLY = {"op": "<", "args": [{"property": "datetime"}, {"timestamp": "2025-08-02T00:00:00Z"}]}


def written(value):
    """Write a part of a question as it stands in an address."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return json.dumps(value) if isinstance(value, dict) else value


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ({"collections": ["mrap"]}, MRAPS),
        ({"ids": [*FIRST, "mask-10UFB-20240811T190000"]}, FIRST),
        ({"bbox": [179, -90, -179, 90]}, FIJI),
        ({"bbox": [179, -90, 0, -179, 90, 9000]}, FIJI),
        ({"bbox": [-170, -90, 170, 90], "limit": 1}, ["mask-10UFB-20250821T190000"]),
        ({"intersects": {"type": "Point", "coordinates": [-179.99, -16.26]}}, FIJI),
        ({"datetime": "2025-08-11T19:00:00Z", "collections": ["scenes"], "bbox": [-180, -90, 180, 0]}, FIJI),
        # A composite holds from its oldest pixel to its newest.
        ({"datetime": "../2025-07-22T00:00:00Z"}, MRAPS),
        ({"sortby": [{"field": "properties.datetime", "direction": "asc"}], "limit": 1}, FIRST),
        ({"filter": {"op": "=", "args": [{"property": "grid:code"}, "MGRS-01KAA"]}}, FIJI),
        ({"filter": EARLY, "limit": 1}, FIRST),
    ],
)
def test_a_question_is_answered_alike_whether_it_is_posted_or_stands_in_the_address(question, found, api):
    assert ids(api.post("/search", json=question)) == found
    address = {name: written(value) for name, value in question.items()}
    if "sortby" in question:
        address["sortby"] = "+properties.datetime"
    if "filter" in question:
        address["filter-lang"] = "cql2-json"
    assert ids(api.get("/search", params=address)) == found


def test_a_filter_may_be_written_as_text(api):
    hazy = '"eo:cloud_cover" <= 30 AND "grid:code" = \'MGRS-10UFB\''
    assert ids(api.get("/search", params={"filter": hazy})) == [
        f"mask-10UFB-202508{day}T190000" for day in (21, 11, "01")
    ]
    early = {"filter": "datetime < TIMESTAMP('2025-08-02T00:00:00Z')"}
    assert ids(api.get("/collections/masks/items", params=early)) == FIRST


def test_only_the_parts_that_are_asked_for_are_given(api):
    def first(fields):
        question = {"limit": 1, "collections": ["masks"], "fields": fields}
        posted = api.post("/search", json=question).json()["features"][0]
        text = ",".join([*fields.get("include", []), *(f"-{name}" for name in fields.get("exclude", []))])
        asked = {"limit": 1, "collections": "masks", "fields": text}
        assert api.get("/search", params=asked).json()["features"][0] == posted
        return posted

    cover = {"include": ["properties.eo:cloud_cover"]}
    assert first(cover).keys() == {"id", "collection", "properties"}
    assert first({**cover, "exclude": ["properties"]})["properties"].keys() == {"eo:cloud_cover"}
    rest = first({"exclude": ["assets", "properties.proj:code"]})
    assert "assets" not in rest
    assert "proj:code" not in rest["properties"]
    assert "proj:shape" in rest["properties"]


@pytest.mark.parametrize(
    "question",
    [
        {"bbox": [0, 0, 1, 1], "intersects": {"type": "Point", "coordinates": [0, 0]}},
        {"bbox": [0, 1, 1, 0]},
        {"bbox": [0, 0, 1]},
        {"bbox": [-181, 0, -182, 1]},
        {"bbox": [0, 0, 1, 91]},
        {"datetime": "yesterday"},
        {"datetime": "2025-08-12T00:00:00Z/2025-08-11T00:00:00Z"},
        {"limit": 0},
        {"limit": -1},
        {"token": "next:zz"},
        {"token": "x" * 5000},
        {"filter": {"op": "="}},
        {"filter": {"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Circle"}]}},
        {"intersects": {"type": "Polygon", "coordinates": []}},
    ],
)
def test_a_question_that_makes_no_sense_is_refused(question, api):
    answer = api.post("/search", json=question)
    assert answer.status_code == 400, answer.text


def test_what_is_not_there_is_not_found(api):
    for path in ("nothing", "nothing/items", "mrap/items/nothing", "masks/items/mrap-10UFB-20250821T190000"):
        assert api.get(f"/collections/{path}").status_code == 404, path


def test_a_page_is_never_longer_than_it_may_be(api, monkeypatch):
    monkeypatch.setattr("catalog.api.pgstac.MOST", 4)  # which takes its own from the client's
    monkeypatch.setattr("catalog.api.client.MOST", 4)
    assert len(ids(api.post("/search", json={"limit": 10_000}))) == 4


def test_a_body_that_is_too_large_is_refused(api):
    assert api.post("/search", content=b" " * (2**20 + 1)).status_code == 413
    assert api.post("/search", content=(b" " * 2**16 for _ in range(17))).status_code == 413


# Files


def test_a_file_can_be_read_in_ranges_from_any_origin(api):
    href = api.get("/collections/masks/items/mask-10UFB-20250821T190000").json()["assets"]["class"]["href"]
    whole = api.get(href)
    assert whole.headers["content-type"] == "image/tiff; application=geotiff; profile=cloud-optimized"
    part = api.get(href, headers={"Range": "bytes=1-3", "Origin": "https://elsewhere.example", "Accept-Encoding": "br"})
    assert part.status_code == 206
    assert part.content == whole.content[1:4]
    assert part.headers["content-range"] == f"bytes 1-3/{len(whole.content)}"
    assert part.headers["access-control-allow-origin"] == "*"
    assert "Content-Range" in part.headers["access-control-expose-headers"]
    assert api.head(href).headers["content-length"] == str(len(whole.content))
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range"}
    assert api.options(href, headers={**asked, "Origin": "https://elsewhere.example"}).status_code == 200


def test_the_catalog_can_be_walked_as_files_too(api):
    root = api.get("/files/catalog.json").json()
    child = next(link["href"] for link in root["links"] if link["rel"] == "child")
    assert api.get(f"/files/{child}").json()["type"] == "Collection"


@pytest.mark.parametrize(
    "path",
    [
        *(
            "../secret",
            "%2e%2e/secret",
            "..%2fsecret",
            "masks/../../secret",
            "masks/%2e%2e/%2e%2e/secret",
            "/etc/passwd",
        ),
        *("//etc/passwd", ".index/items.sqlite", "%2eindex/items.sqlite", "masks/.stage-1/class.tif", "masks/10UFB"),
        *("masks", "", "retractions/10UFB/x.json", "masks/leak", "masks/leak/secret", "masks/secret%00.json"),
        *("masks\\..\\..\\secret", "masks/10UFB/catalog.json/"),
    ],
)
def test_no_file_outside_the_products_can_be_had(path, api, full):
    secret = full.root.parent / "secret"
    secret.write_text("secret")
    (full.root / "retractions" / "10UFB").mkdir(parents=True, exist_ok=True)
    (full.root / "retractions" / "10UFB" / "x.json").write_text("secret")
    (full.root / "masks" / ".stage-1").mkdir(exist_ok=True)
    (full.root / "masks" / ".stage-1" / "class.tif").write_text("secret")
    for name, target in (("leak", secret), ("secret.json", secret)):
        if not (full.root / "masks" / name).exists():
            (full.root / "masks" / name).symlink_to(target)
    request = api.build_request("GET", f"/files/{path}")
    answer = api.send(request)
    assert answer.status_code in {404, 307, 405}, answer.text
    assert "secret" not in answer.text
    assert api.get("/files/masks/secret.json").status_code == 404


def test_nothing_can_be_written(api, full):
    item = api.get("/collections/masks/items/mask-10UFB-20250821T190000").json()
    place = "/collections/masks/items"
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in (place, f"{place}/{item['id']}", "/collections", "/collections/masks", "/files/masks/x.json"):
            assert api.request(method, path, json=item).status_code in {404, 405}, (method, path)
    assert full.item("masks", "10UFB", item["id"]) is not None
