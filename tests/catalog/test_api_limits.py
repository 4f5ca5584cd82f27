"""What asks for too much is refused at once, in a sentence; what may be asked is answered in time."""

import json
from math import cos, pi, sin
from time import monotonic

import pytest

from catalog.api.limits import LARGEST_BODY, LONGEST_QUERY
from catalog.index.pgstac import PgstacIndex
from catalog.index.protocol import QueryError, SearchRequest, SlowQueryError
from catalog.index.sqlite import SqliteIndex

PATIENCE = 30
"""Seconds of a busy machine; on an idle one each takes a twentieth of one."""

PROPERTY = {"property": "eo:cloud_cover"}
SMALL = {"op": "<", "args": [PROPERTY, 1]}


def ring(points):
    """Draw a star of many points around the tile."""
    corners = [[-121.6 + (number % 7) / 100 + number / 1e6, 50.5 + (number % 11) / 100] for number in range(points)]
    return {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}


def perimeter(points):
    """Draw a ragged fire of many points around the tile."""
    turns = [(2 * pi * number / points, 0.05 + 0.002 * sin(17 * number)) for number in range(points)]
    corners = [[-121.5876 + size * cos(turn), 50.543 + size * sin(turn)] for turn, size in turns]
    return {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}


def nested(count, inner, wrap):
    """Put a condition into others."""
    for _ in range(count):
        inner = wrap(inner)
    return inner


MONSTERS = {
    "an outline of many points": {"intersects": ring(10_001)},
    "many outlines": {"intersects": {"type": "GeometryCollection", "geometries": [ring(1200)] * 10}},
    "outlines in outlines": {
        "intersects": nested(50, ring(4), lambda one: {"type": "GeometryCollection", "geometries": [one]})
    },
    "an outline of many points in a filter": {
        "filter": {"op": "s_intersects", "args": [{"property": "geometry"}, ring(10_001)]}
    },
    "many outlines in a filter": {
        "filter": {
            "op": "or",
            "args": [{"op": "s_intersects", "args": [{"property": "geometry"}, ring(300)]} for _ in range(60)],
        }
    },
    "a filter in a filter": {"filter": nested(200, SMALL, lambda one: {"op": "not", "args": [one]})},
    "a filter deep in filters": {"filter": nested(400, SMALL, lambda one: {"op": "and", "args": [one, SMALL]})},
    "many conditions": {"filter": {"op": "or", "args": [SMALL] * 15_000}},
    "a long list of values": {"filter": {"op": "in", "args": [PROPERTY, list(range(100_000))]}},
    "a long pattern": {"filter": {"op": "like", "args": [{"property": "id"}, "%a" * 100_000]}},
    "functions of functions": {
        "filter": {"op": "=", "args": [nested(300, PROPERTY, lambda one: {"op": "casei", "args": [one]}), "x"]}
    },
    "many ids": {"ids": [f"scene-{number}" for number in range(60_000)]},
    "many collections": {"collections": ["scenes"] * 60_000},
    "many keys to sort by": {
        "sortby": [{"field": f"properties.x{number}", "direction": "asc"} for number in range(2000)]
    },
    "a long name of a property": {"filter": {"op": "=", "args": [{"property": "x" * 100_000}, 1]}},
    "a long name to sort by": {"sortby": [{"field": "x" * 100_000, "direction": "asc"}]},
    "a long time": {"datetime": "2" * 100_000},
    "a long token": {"token": "next:" + "x" * 100_000},
}


@pytest.mark.parametrize("monster", MONSTERS)
def test_a_monstrous_question_is_refused_at_once(monster, api):
    text = json.dumps(MONSTERS[monster])
    assert len(text) < LARGEST_BODY
    began = monotonic()
    answer = api.post("/search", content=text, headers={"Content-Type": "application/json"}, timeout=60)
    assert monotonic() - began < PATIENCE
    assert answer.status_code == 400, (answer.status_code, answer.text[:300])
    assert len(answer.text) < 2000


LARGE = {
    "a perimeter": {"intersects": perimeter(9_990)},
    "a perimeter in a filter": {"filter": {"op": "s_intersects", "args": [{"property": "geometry"}, perimeter(9_990)]}},
    "conditions": {"filter": {"op": "or", "args": [SMALL] * 295}},
    "a filter in a filter": {"filter": nested(25, SMALL, lambda one: {"op": "not", "args": [one]})},
    "a list of values": {"filter": {"op": "in", "args": [PROPERTY, [*range(2_900)]]}},
    "ids": {"ids": [f"scene-{number}" for number in range(2_900)]},
    "a long pattern": {"filter": {"op": "like", "args": [{"property": "id"}, "%a" * 3_000]}},
}


@pytest.mark.parametrize("large", LARGE)
def test_what_may_just_be_asked_is_answered_in_time(large, api):
    began = monotonic()
    answer = api.post("/search", json=LARGE[large], timeout=60)
    assert monotonic() - began < PATIENCE
    assert answer.status_code == 200, answer.text[:300]


def test_an_address_is_no_longer_than_it_may_be(api):
    for query in ("filter=" + "(" * LONGEST_QUERY, "ids=" + "x" * LONGEST_QUERY, "x" * 2 * LONGEST_QUERY):
        assert api.get(f"/search?{query}").status_code == 414


@pytest.mark.parametrize(
    "text",
    [
        "(" * 2_000 + "gsd = 20" + ")" * 2_000,
        "NOT (" * 1_000 + "gsd = 20" + ")" * 1_000,
        "(" * 40,
        "gsd = 1 AND (" * 40 + "gsd =",
        "(')' = id OR " * 40 + "gsd =",
        "(id = 'it\\') OR " * 40 + "gsd =",
        '(")" = 1 OR ' * 40 + "gsd =",
        ")" * 40 + "(" * 40,
        json.dumps(nested(300, SMALL, lambda one: {"op": "not", "args": [one]})),
    ],
)
def test_a_text_that_would_keep_the_parser_busy_or_end_it_is_refused(text, api):
    for path in ("/search", "/collections/masks/items"):
        for language in ("cql2-text", "cql2-json"):
            began = monotonic()
            answer = api.get(path, params={"filter": text, "filter-lang": language}, timeout=60)
            assert answer.status_code == 400, (answer.status_code, answer.text[:300])
            assert monotonic() - began < PATIENCE


def test_a_filter_in_some_parentheses_is_read(api):
    for inner, matched in (("gsd = 20 OR gsd = 10", 10), ("id LIKE '%(a)%' OR \"eo:cloud_cover\" <= 30", 3)):
        text = "(" * 10 + inner + ")" * 10
        answer = api.get("/search", params={"filter": text, "limit": 100})
        assert answer.status_code == 200, answer.text
        assert answer.json()["numberMatched"] == matched


def test_a_question_that_takes_longer_than_it_may_is_ended(full, tmp_path, monkeypatch):
    if full.index.name == "sqlite":
        monkeypatch.setattr("catalog.index.sqlite._STEPS", 1)
        index = SqliteIndex(full.index.path, slowest=0)
    else:
        index = PgstacIndex(full.index._address, slowest=0.001)
    for ask in (index.search, index.count):
        with pytest.raises(SlowQueryError, match="the question takes too long: ask for less"):
            ask(SearchRequest(intersects=perimeter(9_990)))


def test_an_index_by_itself_says_that_a_question_is_too_large(full):
    if full.index.name == "sqlite":
        with pytest.raises(QueryError, match="too large"):
            full.index.search(SearchRequest(filter={"op": "or", "args": [SMALL] * 15_000}))
