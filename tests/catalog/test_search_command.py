"""The program's search: plain words in; a table, GeoJSON or stac-geoparquet out."""

import json
from pathlib import Path

import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from flows.cli import app

RUN = CliRunner()


@pytest.fixture
def root(store, sample):
    for stage in ("scene", "mask", "mrap"):
        sample(stage).publish(store)
    return str(store.root)


def test_what_was_found_goes_where_it_is_wanted(root, tmp_path):
    found = RUN.invoke(app, ["search", "--root", root, "--json"])
    geojson, table = tmp_path / "found.geojson", tmp_path / "found.parquet"
    for file in (geojson, table):
        assert RUN.invoke(app, ["search", "--root", root, "--out", str(file)]).exit_code == 0
    assert json.loads(geojson.read_text()) == json.loads(found.stdout)
    items = json.loads(found.stdout)["features"]
    assert all(Path(asset["href"]).is_file() for item in items for asset in item["assets"].values())
    assert pyarrow.parquet.read_table(table)["id"].to_pylist() == [item["id"] for item in items]
    refused = RUN.invoke(app, ["search", "--root", root, "--out", str(tmp_path / "found.csv")])
    assert refused.exit_code == 1
    assert "expected .geojson, .json or .parquet" in refused.stderr


def test_a_search_that_finds_nothing_names_the_newest(root):
    found = RUN.invoke(app, ["search", "--root", root, "--product", "mrap", "--since", "yesterday"])
    assert found.exit_code == 0
    assert "nothing found; the newest is mrap-10UFB-20250830T193831" in " ".join(found.stdout.split())


def test_plain_words_find_what_they_say(root):
    wanted = ["--tile", "10UFB", "--since", "10 days", "--until", "2025-08-31"]
    found = RUN.invoke(app, ["search", "--root", root, *wanted, "--product", "masks", "--cloud-below", "30"])
    assert "mask-10UFB-20250830T193831" in found.stdout
    found = RUN.invoke(app, ["search", "--root", root, *wanted, "--product", "masks", "--cloud-below", "29"])
    assert "nothing found" in found.stdout
