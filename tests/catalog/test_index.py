"""An index answers as a walk over the items would, and is never behind them, whoever is killed or deletes what."""

from datetime import UTC, datetime, timedelta

import cql2
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.index.protocol import SearchRequest
from catalog.index.upkeep import current
from catalog.search import every, search
from s2lookback.footprint import outline, overlaps
from s2lookback.grid import Grid

DAYS = [datetime(2025, 8, day, 19, tzinfo=UTC) for day in (1, 11, 21)]
PLACES = [
    outline(Grid(32701, (20.0, 0.0, 172_000.0, 0.0, -20.0, 8_200_000.0), 5, 700)).bbox,  # across the antimeridian
    outline(Grid(32610, (20.0, 0.0, 600_000.0, 0.0, -20.0, 5_600_040.0), 5, 7)).bbox,
]


def walked(store, *, collections, tile, start, end, bbox, point, max_cloud_cover, limit):
    """Answer the slowest obvious way."""
    boxes = [box for box in (bbox, point and (*point, *point)) if box]
    found = [
        item
        for collection in collections or store.collections()
        for item in store.items(collection, tile)
        if (start is None or start <= datetime.fromisoformat(item["properties"]["datetime"]))
        and (end is None or datetime.fromisoformat(item["properties"]["datetime"]) <= end)
        and all(overlaps(item["geometry"], box) for box in boxes)
        and (max_cloud_cover is None or item["properties"].get("eo:cloud_cover", 101) <= max_cloud_cover)
    ]
    found.sort(key=lambda item: item["id"])
    found.sort(key=lambda item: item["properties"]["datetime"], reverse=True)
    return found[:limit]


near = st.sampled_from(PLACES).flatmap(
    lambda box: st.tuples(*(st.sampled_from([limit - 0.001, limit, limit + 0.001]) for limit in box))
)
points = near.map(lambda box: (box[0], box[1]))
times = st.sampled_from(DAYS).flatmap(lambda day: st.sampled_from([day + timedelta(seconds=s) for s in (-1, 0, 1)]))
questions = st.fixed_dictionaries(
    {
        "collections": st.none() | st.lists(st.sampled_from(["scenes", "masks", "mrap", "models"]), unique=True),
        "tile": st.none() | st.sampled_from(["10UFB", "01KAA", "10UGB"]),
        "start": st.none() | times,
        "end": st.none() | times,
        "bbox": st.none() | near.filter(lambda box: box[1] <= box[3]),
        "point": st.none() | points,
        "max_cloud_cover": st.none() | st.sampled_from([0, 25.7, 31.25, 100]),
        "limit": st.none() | st.integers(1, 11),
    }
)


@settings(max_examples=100)
@given(question=questions)
def test_search_answers_as_a_walk_over_the_items_would(full, question):
    assert search(full, **question) == walked(full, **question)


def test_each_store_asks_the_index_that_its_environment_names(full, request):
    assert full.index.name == current(full).name == request.node.callspec.params["full"]


def test_an_index_gives_back_every_item_as_it_was_published(full):
    published = [item for name in full.collections() for item in full.items(name)]
    index = current(full)
    assert sorted(index.keys()) == sorted((item["collection"], item["id"]) for item in published)
    for item in published:
        assert index.get(item["id"]) == item
        assert index.get(item["id"], item["collection"]) == item
        assert index.get(item["id"], "models") is None
    assert index.get("mrap-10UFB-20240101T000000") is None
    assert index.collections() == {"masks": 3, "mrap": 3, "scenes": 4}


@settings(max_examples=25)
@given(
    sortby=st.lists(
        st.tuples(
            st.sampled_from(["id", "datetime", "eo:cloud_cover", "properties.grid:code", "collection", "unknown"]),
            st.sampled_from(["asc", "desc"]),
        ),
        unique_by=lambda key: key[0],
    ),
    limit=st.integers(1, 11),
)
def test_pages_of_any_length_in_any_order_make_the_whole_answer(full, sortby, limit):
    index = current(full)
    whole = index.search(SearchRequest(sortby=sortby, limit=100))
    assert whole.token is None
    pages = list(every(index, SearchRequest(sortby=sortby, limit=limit)))
    assert [item["id"] for item in pages] == [item["id"] for item in whole.items]
    assert len({item["id"] for item in pages}) == 10
    expected = pages
    for name, direction in reversed([*sortby, ("id", "asc"), ("collection", "asc")]):
        known = [item for item in expected if property_of(item, name) is not None]
        unknown = [item for item in expected if property_of(item, name) is None]
        known.sort(key=lambda item, name=name: property_of(item, name), reverse=direction == "desc")
        expected = known + unknown if direction == "asc" else unknown + known
    assert expected == pages


def property_of(item, name):
    return item.get(name, item["properties"].get(name.removeprefix("properties.")))


POLYGON = {"type": "Polygon", "coordinates": [[[-121.6, 50.5], [-121.5, 50.4], [-121.5, 50.6], [-121.6, 50.5]]]}
PREDICATES = [
    *('"eo:cloud_cover" <= 30', '"eo:cloud_cover" between 25 and 31.25', '"eo:cloud_cover" is null'),
    *("id like 'm%-10UFB-202508__T%'", "collection in ('masks', 'mrap')", "\"grid:code\" <> 'MGRS-10UFB'"),
    *("platform = 'sentinel-2b'", "platform is null", "casei(platform) = casei('SENTINEL-2B')"),
    *("datetime >= TIMESTAMP('2025-08-11T19:00:00Z')", "t_before(datetime, TIMESTAMP('2025-08-11T19:00:00Z'))"),
    *('"view:sun_azimuth" > 165', "gsd = 20", "\"s2lookback:method\" = 'lookback'"),
    "s_intersects(geometry, POLYGON((-124 50, -120 50, -120 51, -124 50)))",
    "s_intersects(geometry, POINT(-121.5 50.5))",
]


def truth(expression, item):
    """Say whether a filter is true of an item, false, or neither, since a property is unknown."""
    parts = [truth(one, item) for one in expression["args"]] if expression["op"] in {"and", "or", "not"} else []
    if expression["op"] == "not":
        return None if parts[0] is None else not parts[0]
    if parts:
        decisive = expression["op"] == "or"
        return decisive if decisive in parts else None if None in parts else not decisive
    try:
        return cql2.Expr(expression).matches(item)
    except Exception:  # noqa: BLE001 - cql2 raises no other where a property is not there
        return None


filters = st.recursive(
    st.sampled_from(PREDICATES),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: f"({' '.join(parts)})")
        | inner.map(lambda one: f"not ({one})")
    ),
    max_leaves=4,
)


@settings(max_examples=60)
@given(text=filters)
def test_a_filter_means_what_another_implementation_of_cql2_says_it_means(full, text):
    index = current(full)
    expression = cql2.parse_text(text)
    found = {item["id"] for item in every(index, SearchRequest(filter=expression.to_json(), limit=4))}
    published = [item for name in full.collections() for item in full.items(name)]
    assert found == {item["id"] for item in published if truth(expression.to_json(), item)}
    assert index.count(SearchRequest(filter=expression.to_json())) == len(found)
