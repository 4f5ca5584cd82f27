"""Search gives what was asked for, all of it, newest first."""

from datetime import UTC, datetime

import pytest

from catalog.search import find_item, search
from s2lookback.errors import CatalogError
from s2lookback.footprint import outline
from s2lookback.grid import Grid

FIJI = Grid(32701, (20.0, 0.0, 172_000.0, 0.0, -20.0, 8_200_000.0), 5, 700)  # across the antimeridian
DAYS = [datetime(2025, 8, day, 19, tzinfo=UTC) for day in (1, 11, 21)]


@pytest.fixture
def full(store, sample):
    for sensed in DAYS:
        for stage in ("scene", "mask", "mrap"):
            sample(stage, sensed=sensed).publish(store)
    sample("scene", tile="01KAA", sensed=DAYS[1], grid=FIJI).publish(store)
    return store


def ids(found):
    return [item["id"] for item in found]


def test_everything_comes_newest_first_and_by_name_within_a_time(full):
    found = ids(search(full))
    assert len(found) == 10
    assert found[:3] == [f"{stage}-10UFB-20250821T190000" for stage in ("mask", "mrap", "scene")]
    assert found[3:5] == ["mask-10UFB-20250811T190000", "mrap-10UFB-20250811T190000"]


def test_both_ends_of_a_time_are_included(full):
    assert ids(search(full, collections=["masks"], start=DAYS[0], end=DAYS[1])) == [
        "mask-10UFB-20250811T190000",
        "mask-10UFB-20250801T190000",
    ]
    assert search(full, start=datetime(2025, 8, 21, 19, 0, 1, tzinfo=UTC)) == []


def test_a_place_can_be_a_tile_a_point_or_a_box(full):
    (west, south, east, north) = outline(Grid(32610, (20.0, 0.0, 600_000.0, 0.0, -20.0, 5_600_040.0), 5, 7)).bbox
    for place in (
        {"tile": "10UFB"},
        {"point": ((west + east) / 2, (south + north) / 2)},
        {"bbox": (west - 1, south - 1, east + 1, north + 1)},
    ):
        assert {item["properties"]["grid:code"] for item in search(full, **place)} == {"MGRS-10UFB"}
        assert len(search(full, **place)) == 9
    assert search(full, bbox=(west - 2, south, west - 1, north)) == []
    assert search(full, point=(0.0, 0.0)) == []


def test_a_box_across_the_antimeridian_finds_what_lies_there(full):
    fiji = ["scene-01KAA-20250811T190000"]
    west, south, east, north = outline(FIJI).bbox
    assert west > 179.9
    assert east < -179.9
    assert ids(search(full, bbox=(179.0, south, -179.0, north))) == fiji
    assert ids(search(full, bbox=(-179.999, south, -179.998, north))) == fiji
    assert search(full, bbox=(-170.0, south, 170.0, north)) == []


def test_an_item_that_does_not_know_its_cloud_cover_is_left_out_when_that_is_asked(full):
    assert {item["collection"] for item in search(full, max_cloud_cover=100)} == {"scenes", "masks"}
    assert {item["collection"] for item in search(full, max_cloud_cover=30)} == {"masks"}
    assert search(full, max_cloud_cover=0) == []


def test_a_limit_keeps_the_newest(full):
    assert ids(search(full, collections=["mrap"], limit=1)) == ["mrap-10UFB-20250821T190000"]


def test_an_item_is_found_by_its_id_alone(full):
    assert find_item(full, "mask-10UFB-20250811T190000")["collection"] == "masks"


@pytest.mark.parametrize(
    "name", ["", "mask", "mask-10UFB-20240811T190000", "cloud-10UFB-20250811T190000", "mask-../..-1"]
)
def test_an_id_that_names_nothing_is_told(name, full):
    with pytest.raises(CatalogError):
        find_item(full, name)


def test_freshness_is_asked_of_composites_alone(store, sample):
    made = sample("mrap")
    made.item["properties"]["s2lookback:age_days"] = {"min": 0, "p50": 3, "p95": 9, "max": 40}
    made.publish(store)
    sample("scene").publish(store)
    assert [item["id"] for item in search(store, max_age=9)] == [made.item["id"]]
    assert search(store, max_age=8) == []
    assert search(store, max_age=9, limit=0) == []
