"""Collections grow over their items in any order, and say under which terms they may be used."""

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.items.builders import COLLECTIONS
from catalog.items.collections import NAMES, collection, grown, linked
from s2lookback.errors import CatalogError

TIMES = st.integers(1, 28).map("2025-08-{:02}T00:00:00Z".format)
BOXES = st.tuples(*[st.floats(-180, 180), st.floats(-90, 90)] * 2).map(
    lambda box: [box[0], min(box[1], box[3]), box[2], max(box[1], box[3])]
)
ITEMS = st.fixed_dictionaries(
    {
        "bbox": BOXES,
        "properties": st.fixed_dictionaries(
            {"datetime": TIMES, "platform": st.sampled_from(["sentinel-2a", "sentinel-2b"])},
            optional={"instruments": st.just(["msi"]), "grid:code": st.sampled_from(["MGRS-10UFB", "MGRS-09UYT"])},
        ),
    }
)
EMPTY = collection("scenes", "agency")


def test_there_is_a_collection_for_every_stage():
    assert sorted(NAMES) == sorted(COLLECTIONS.values())


@given(st.lists(ITEMS, min_size=1, max_size=6), st.randoms())
def test_neither_order_nor_repetition_matters(items, random):
    shuffled = random.sample(items + items, 2 * len(items))
    assert reduce(grown, shuffled, EMPTY) == reduce(grown, items, EMPTY)


@given(st.lists(ITEMS, min_size=1, max_size=6))
def test_the_extent_encloses_every_item(items):
    whole = reduce(grown, items, EMPTY)
    west, south, east, north = whole["extent"]["spatial"]["bbox"][0]
    start, end = whole["extent"]["temporal"]["interval"][0]
    for item in items:
        one = item["bbox"]
        assert south <= one[1]
        assert one[3] <= north
        assert (west, east) == (-180, 180) or west <= one[0] <= one[2] <= east
        assert start <= item["properties"]["datetime"] <= end
        assert item["properties"]["platform"] in whole["summaries"]["platform"]
    assert start in {item["properties"]["datetime"] for item in items}


def test_a_composite_reaches_back_to_its_oldest_pixel():
    facts = {"datetime": "2025-08-30T00:00:00Z", "start_datetime": "2025-07-01T00:00:00Z"}
    whole = grown(EMPTY, {"bbox": [0, 0, 1, 1], "properties": facts})
    assert whole["extent"]["temporal"]["interval"] == [["2025-07-01T00:00:00Z", "2025-08-30T00:00:00Z"]]


def test_growing_leaves_its_argument_alone():
    before = repr(EMPTY)
    grown(EMPTY, {"bbox": [0, 0, 1, 1], "properties": {"datetime": "2025-08-30T00:00:00Z", "gsd": 20}})
    assert repr(EMPTY) == before


@pytest.mark.parametrize("name", NAMES)
def test_a_collection_names_its_terms_and_who_made_it(name, valid):
    whole = linked(collection(name, "agency"), ["10UFB"])
    assert [link["rel"] for link in whole["links"]].count("license") == 1
    assert {role for provider in whole["providers"] for role in provider["roles"]} >= {"producer", "processor", "host"}
    assert "agency" in [provider["name"] for provider in whole["providers"]]
    assert all("href" not in asset for asset in whole["item_assets"].values())
    valid(grown(whole, {"bbox": [0, 0, 1, 1], "properties": {"datetime": "2025-08-30T00:00:00Z"}}))


def test_a_collection_that_nobody_knows_is_refused():
    with pytest.raises(CatalogError, match="'burns' is no collection, expected one of scenes"):
        collection("burns", "agency")
