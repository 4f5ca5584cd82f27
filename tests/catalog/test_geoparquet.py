"""Items as a table: every row an item, and nothing lost."""

import json

import pyarrow.parquet
import pytest
from stac_geoparquet.arrow import stac_table_to_items

from catalog.out.geoparquet import write_geoparquet
from s2lookback.errors import CatalogError

TEXT = ("s2lookback:recipe", "processing:software", "renders", "mlm:hyperparameters")


def told(content):
    """Leave out what a table must say of one item because another says it: nulls."""
    if isinstance(content, dict):
        return {key: told(value) for key, value in content.items() if value is not None}
    return [told(value) for value in content] if isinstance(content, list) else content


def test_items_come_back_as_they_went(store, sample, tmp_path):
    items = [store.read(sample(stage).publish(store)) for stage in ("scene", "mask")]
    write_geoparquet(items, tmp_path / "items.parquet")
    found = list(stac_table_to_items(pyarrow.parquet.read_table(tmp_path / "items.parquet")))
    for item, row in zip(items, found, strict=True):
        facts = told(row["properties"])
        texts = {name: json.loads(facts[name]) for name in TEXT if name in facts}
        time = facts["datetime"].replace(".000000Z", "Z")
        assert {**facts, **texts, "datetime": time} == item["properties"]
        assert told(row["assets"]) == item["assets"]
        assert told(row["links"]) == item["links"]
        assert row["geometry"]["type"] == "Polygon"
        assert row["bbox"] == pytest.approx(item["bbox"])


def test_a_table_of_nothing_is_refused(tmp_path):
    with pytest.raises(CatalogError, match="no item was found"):
        write_geoparquet([], tmp_path / "items.parquet")
    assert list(tmp_path.iterdir()) == []
