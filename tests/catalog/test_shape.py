"""What counts as a published item, and which part of another thing shows that it is none."""

import pytest

from catalog.shape import check_shape, is_time
from s2lookback.errors import CatalogError


@pytest.fixture
def item(store, sample):
    return store.read(sample("mask").publish(store))


@pytest.mark.parametrize("part", ["id", "collection", "properties", "geometry", "bbox", "assets", "links"])
@pytest.mark.parametrize("wrong", [None, 1, [1], [None] * 4, {"a": 1}])
def test_the_part_that_is_wrong_is_named(item, part, wrong):
    check_shape(item, "here")
    if part == "geometry" and isinstance(wrong, dict):
        return
    with pytest.raises(CatalogError, match=f"^here: is no item that this catalog published, to judge by its {part}$"):
        check_shape({**item, part: wrong}, "here")


@pytest.mark.parametrize("fact", ["version", "datetime", "start_datetime", "s2lookback:content", "s2lookback:recipe"])
@pytest.mark.parametrize("wrong", ["", 1, [], {"inputs": {}}, "2025-08-30T19:38:31", "2025-13-45T00:00:00Z"])
def test_facts_that_readers_rely_on_are_of_their_kind(item, fact, wrong):
    if fact == "s2lookback:content" and isinstance(wrong, str):
        return
    with pytest.raises(CatalogError, match="to judge by its properties"):
        check_shape({**item, "properties": {**item["properties"], fact: wrong}}, "here")


def test_a_time_has_a_zone():
    assert is_time("2025-08-30T19:38:31.024Z")
    assert is_time("2025-08-30T19:38:31+02:00")
    assert not is_time("2025-08-30")
