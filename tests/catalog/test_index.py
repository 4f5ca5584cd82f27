"""An index answers as a walk over the items would, and is never behind them, whoever is killed or deletes what."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.search import search
from s2lookback.footprint import outline, overlaps
from s2lookback.grid import Grid

DAYS = [datetime(2025, 8, day, 19, tzinfo=UTC) for day in (1, 11, 21)]
FIJI = Grid(32701, (20.0, 0.0, 172_000.0, 0.0, -20.0, 8_200_000.0), 5, 700)  # across the antimeridian
PLACES = [outline(FIJI).bbox, outline(Grid(32610, (20.0, 0.0, 600_000.0, 0.0, -20.0, 5_600_040.0), 5, 7)).bbox]


@pytest.fixture
def full(store, sample):
    for sensed in DAYS:
        for stage in ("scene", "mask", "mrap"):
            sample(stage, sensed=sensed).publish(store)
    sample("scene", tile="01KAA", sensed=DAYS[1], grid=FIJI).publish(store)
    return store


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


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=questions)
def test_search_answers_as_a_walk_over_the_items_would(full, question):
    assert search(full, **question) == walked(full, **question)
