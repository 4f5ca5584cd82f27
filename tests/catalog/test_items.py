"""Items say everything, in the words of STAC, and nothing that a clock or a host could change."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pystac
import pytest

from catalog.items.builders import COLLECTIONS, item_id, mask_item, scene_item
from catalog.items.extensions import used
from s2lookback.grid import Grid
from s2lookback.masking.classes import MEANINGS, Class
from s2lookback.scene import Acquisition

STAGES = list(COLLECTIONS)


def values(content: Any) -> Iterator[Any]:
    yield content
    if isinstance(content, dict):
        for value in content.values():
            yield from values(value)
    if isinstance(content, list):
        for value in content:
            yield from values(value)


@pytest.mark.parametrize("stage", STAGES)
def test_a_published_item_is_the_one_of_record(stage, sample, store, golden):
    golden(stage, store.read(sample(stage).publish(store)))


@pytest.mark.parametrize("stage", STAGES)
def test_a_published_item_is_valid(stage, sample, store, valid):
    valid(store.read(sample(stage).publish(store)))


@pytest.mark.parametrize("stage", STAGES)
def test_another_validator_agrees(stage, sample, store, second_opinion):
    item = store.read(sample(stage).publish(store))
    second_opinion(item)
    for damage in ({"proj:code": 10}, {"s2lookback:colour": "red"}, {"s2lookback:content": "12:03"}):
        with pytest.raises(AssertionError, match=next(iter(damage))):
            second_opinion({**item, "properties": item["properties"] | damage})


@pytest.mark.parametrize("stage", STAGES)
def test_an_item_holds_no_null_and_no_number_that_is_none(stage, sample, store):
    for value in values(store.read(sample(stage).publish(store))):
        assert value is not None
        assert value == value  # noqa: PLR0124  NaN is the only number that differs from itself


@pytest.mark.parametrize("stage", STAGES)
def test_pystac_reads_an_item_and_finds_its_files(stage, sample, store):
    item = pystac.Item.from_file(sample(stage).publish(store))
    assert item.datetime == datetime.fromisoformat(item.properties["datetime"])
    for asset in item.assets.values():
        assert Path(asset.get_absolute_href()).stat().st_size == asset.extra_fields["file:size"]


def test_the_validator_can_say_no(sample, store, valid):
    item = store.read(sample("mask").publish(store))
    item["properties"]["eo:cloud_cover"] = 101
    with pytest.raises(pystac.errors.STACValidationError, match="101"):
        valid(item)


def test_bands_keep_their_order(sample, store):
    item = store.read(sample("scene").publish(store))
    assert [key for key in item["assets"] if key.startswith("B")] == ["B12", "B8A", "B04"]


def test_a_sensing_time_is_cut_to_whole_utc_seconds():
    pacific = timezone(timedelta(hours=-7))
    sensed = datetime(2025, 8, 30, 12, 38, 31, 999_999, tzinfo=pacific)
    assert item_id("scene", "10UFB", sensed) == "scene-10UFB-20250830T193831"
    eastern = timezone(timedelta(hours=3))
    assert item_id("model", "10UFB", datetime(2025, 9, 1, 4, tzinfo=eastern)) == "model-10UFB-202509"
    assert item_id("model", "10UFB", datetime(2025, 9, 16, 1, tzinfo=eastern)) == "model-10UFB-20250915"


def test_cloud_cover_is_over_valid_pixels_only(sample):
    facts = sample("mask").item["properties"]
    assert facts["eo:cloud_cover"] == pytest.approx(100 * 9 / 30)
    assert facts["s2lookback:valid_fraction"] == pytest.approx(30 / 35, abs=1e-6)
    assert facts["s2lookback:clear_fraction"] == pytest.approx(18 / 30)  # smoke hides no infrared


def test_a_mask_without_a_valid_pixel_claims_no_cover(basis):
    item = mask_item(basis, Acquisition("10UFB", basis.sensed), method="rules", counts={Class.NO_DATA: 35})
    assert "eo:cloud_cover" not in item["properties"]
    assert item["properties"]["s2lookback:valid_fraction"] == 0


def test_what_a_source_does_not_say_is_left_out(basis):
    item = scene_item(basis, Acquisition("10UFB", basis.sensed), ("B12",), valid_fraction=1)
    assert not [name for name in item["properties"] if name.startswith(("sat:", "view:", "s2:", "eo:"))]
    assert "platform" not in item["properties"]


def test_only_previews_that_were_made_are_described(basis):
    item = scene_item(replace(basis, files=["scl.tif"]), Acquisition("10UFB", basis.sensed), ("B12",), valid_fraction=1)
    assert list(item["assets"]) == ["B12", "scl"]


def test_every_class_is_explained(sample):
    classes = sample("mask").item["assets"]["class"]["classification:classes"]
    assert [one["value"] for one in classes] == sorted(code.value for code in MEANINGS)
    assert sum(one["count"] for one in classes) == 35
    assert [one["name"] for one in classes if one.get("nodata")] == ["no_data"]


def test_equal_facts_give_equal_bytes_whatever_their_order(basis):
    turned = replace(basis, software=dict(reversed(basis.software.items())), sources=list(reversed(basis.sources)))
    one, two = (
        mask_item(each, Acquisition("10UFB", basis.sensed), method="rules", counts={Class.CLEAR: 35})
        for each in (basis, turned)
    )
    assert json.dumps(one) == json.dumps(two)


def test_extensions_are_those_whose_fields_occur():
    assert used({"eo:cloud_cover": 1, "other": [{"proj:code": "EPSG:4326"}], "s2lookback:x": {}}) == [
        "https://s2lookback.example/schemas/v1.0.0/schema.json",
        "https://stac-extensions.github.io/eo/v2.0.0/schema.json",
        "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    ]


@pytest.mark.parametrize("damage", [{"s2lookback:colour": "red"}, {"s2lookback:valid_fraction": 1.5}])
def test_our_own_fields_have_a_schema_that_can_say_no(damage, sample, store, valid):
    item = store.read(sample("mask").publish(store))
    item["properties"] |= damage
    with pytest.raises(pystac.errors.STACValidationError, match=next(iter(damage))):
        valid(item)


def test_a_band_is_no_finer_than_it_was_sensed_nor_than_its_grid(basis):
    coarse = replace(basis, grid=Grid(32610, (40.0, 0.0, 600_000.0, 0.0, -40.0, 5_600_040.0), 5, 7))
    for of, expected in ((basis, {"B02": 20, "B12": 20, "B09": 60}), (coarse, {"B02": 40, "B12": 40, "B09": 60})):
        item = scene_item(of, Acquisition("10UFB", of.sensed), list(expected), valid_fraction=1)
        assert {name: item["assets"][name]["gsd"] for name in expected} == expected
        assert item["properties"]["gsd"] == of.grid.transform[0]
        assert {item["assets"][name]["raster:spatial_resolution"] for name in expected} == {of.grid.transform[0]}
