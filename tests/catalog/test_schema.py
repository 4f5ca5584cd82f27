"""Items are judged by the schemas that are at hand, and the network is never asked."""

import json
from pathlib import Path

import pytest

from catalog.audit import check
from catalog.items.extensions import EXTENSIONS
from catalog.items.schema import Judge, own
from s2lookback.errors import CatalogError
from tests.schemas import SCHEMAS

STAGES = ("scene", "mask", "mrap", "reduced", "model")


@pytest.fixture
def item(store, sample):
    return lambda stage: store.read(sample(stage).publish(store))


def test_what_is_published_is_as_the_schemas_say(item):
    judge = Judge(SCHEMAS)
    for stage in STAGES:
        assert list(judge.faults(item(stage))) == []
        assert judge.unknown(item(stage)) == set()


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        (
            "s2lookback:clear_fraction",
            1.5,
            "properties/s2lookback:clear_fraction: 1.5 is greater than the maximum of 1",
        ),
        ("s2lookback:content", "abc", "properties/s2lookback:content: 'abc' does not match"),
    ],
)
def test_a_field_of_our_own_is_always_judged(name, value, fault, item):
    mask = item("mask")
    mask["properties"][name] = value
    assert [found.startswith(fault) for found in own().faults(mask)] == [True]


def test_a_field_of_an_extension_is_judged_where_its_schema_is_at_hand(item):
    mask = item("mask")
    mask["properties"]["eo:cloud_cover"] = 120
    assert list(own().faults(mask)) == []
    assert own().unknown(mask) >= {EXTENSIONS["eo"]}
    assert [EXTENSIONS["eo"] in found for found in Judge(SCHEMAS).faults(mask)] == [True]


def test_the_check_of_a_catalog_tells_of_an_item_that_is_not_as_its_schema_says(store, item):
    href = store.href("masks", "10UFB", item("mask")["id"])
    content = store.read(href)
    content["properties"]["s2lookback:clear_fraction"] = 7
    Path(href).write_text(json.dumps(content))
    problems = list(check(store, store.places(), deep=False))
    assert [one.item for one in problems] == [content["id"]]
    assert "7 is greater than the maximum of 1" in problems[0].reason


def test_a_schema_that_is_no_json_is_told(tmp_path):
    (tmp_path / "schema.json").write_text("{")
    with pytest.raises(CatalogError, match="is damaged, expected JSON"):
        Judge(tmp_path)
