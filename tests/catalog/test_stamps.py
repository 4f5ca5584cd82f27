"""What is served says when it was published; what lies on the disk does not."""

import pytest

from catalog.api.stamps import stamped


def test_an_item_tells_when_its_version_was_published(store, sample, valid):
    href = sample("mrap").publish(store)
    store.record_execution(href, {"created": "2026-01-02T03:04:05Z", "seconds": 1.5})
    item = store.read(href)
    (told,) = stamped(store, [item])
    assert told["properties"]["published"] == told["properties"]["created"] == "2026-01-02T03:04:05Z"
    valid(told)
    assert "published" not in store.read(href)["properties"]
    assert "published" not in item["properties"]


@pytest.mark.parametrize("record", [None, {}, {"created": 5}])
def test_a_time_that_was_not_kept_is_not_told(record, store, sample):
    href = sample("mrap").publish(store)
    if record is not None:
        store.record_execution(href, record)
    assert stamped(store, [store.read(href)]) == [store.read(href)]


def test_a_record_outside_the_catalog_is_not_looked_for(store, sample):
    item = store.read(sample("mrap").publish(store))
    for damage in ({"id": "../../x"}, {"collection": "../x"}):
        assert stamped(store, [item | damage]) == [item | damage]
