"""Every subcommand takes a bucket for a folder, and finds there what another machine made."""

import json
import os
from collections.abc import Callable
from unittest import mock

import pytest
import rasterio
from typer.testing import CliRunner, Result

from catalog.place.bucket import Bucket
from catalog.search import search
from catalog.store import Store
from flows.cli import app
from tasks.ledger import note
from tests.buckets import contents
from tests.faults import chain
from tests.flows.test_ledger import ENTRY

Run = Callable[..., Result]


@pytest.fixture
def run(bucket: Bucket, tmp_path, monkeypatch) -> Run:
    """Offer the program on a machine that knows nothing yet of two dates that another made."""
    monkeypatch.setenv("S2LOOKBACK_CACHE", str(tmp_path / "one"))
    chain.run(bucket.url, dates=2)
    monkeypatch.setenv("S2LOOKBACK_CACHE", str(tmp_path / "another"))

    def invoke(*arguments: str, expected: int = 0) -> Result:
        with mock.patch.dict(os.environ, {"COLUMNS": "200"}):
            answer = CliRunner().invoke(app, [*arguments, "--root", bucket.url])
        assert answer.exit_code == expected, f"{arguments}: {answer.output}{answer.stderr}"
        return answer

    return invoke


@pytest.mark.flow
def test_each_command_over_a_bucket(run, bucket, tmp_path, prefect_server):
    before = contents(bucket)
    composite, older = json.loads(run("search", "--product", "mrap", "--json").stdout)["features"]
    name, day = composite["id"], composite["properties"]["datetime"][:10]

    # Commands that look.
    west, south, east, north = composite["bbox"]
    (found,) = json.loads(run("explain", f"{(west + east) / 2}", f"{(south + north) / 2}", "--json").stdout)
    assert found["composite"]["id"] == name
    went = json.loads(run("lineage", older["id"], "--json").stdout)["went_into"]
    assert name in {node["id"] for node in went}
    assert f"scene-{name[5:]}" in run("lineage", name).stdout
    assert "wasDerivedFrom" in json.loads(run("lineage", name, "--prov").stdout)
    run("lineage", name, "--picture", str(tmp_path / "lineage.png"))
    assert "no model is stale" in run("stale").stdout
    assert [*json.loads(run("matrix", "--json").stdout)["tiles"]] == ["10UFB"]
    run("export", name, "--bands", "B12,B11", "--out", str(tmp_path))
    with rasterio.open(tmp_path / f"{name}.bin") as raster:
        assert (raster.height, raster.width, raster.count) == (14, 22, 2)
    run("catalog", "export", str(tmp_path / "items.parquet"))
    run("search", "--out", str(tmp_path / "items.geojson"))
    assert len(json.loads((tmp_path / "items.geojson").read_text())["features"]) == len(search(Store(bucket.url)))
    assert "equal in every byte" in run("reproduce", name).stdout
    assert contents(bucket) == before

    # Commands that change something.
    (settings := tmp_path / "settings.json").write_text(chain.SETTINGS.model_dump_json())
    (empty := tmp_path / "empty").mkdir()
    note(bucket.url, [ENTRY])
    assert [one["message"] for one in json.loads(run("ledger", "--json").stdout)] == [ENTRY.message]
    tried = run("rerun", "--failed", "--since", ENTRY.when[:10], "--scenes", str(empty), expected=1)
    assert "10UFB: failed" in tried.output
    assert len(json.loads(run("ledger", "--json").stdout)) == 2
    run("retract", "10UFB", day, "--reason", "a test", "--settings", str(settings))
    left = {key.partition("/")[0] for key in contents(bucket) if name[5:] in key}
    assert left <= {"executions", "retractions"}
    run("retract", "10UFB", composite["properties"]["datetime"][:19], "--undo")
    assert "no problem found" in run("catalog", "check").stdout
