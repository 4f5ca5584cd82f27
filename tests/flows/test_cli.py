"""The program, as a person types it."""

import json
import os
from datetime import datetime
from unittest import mock

import numpy as np
import pytest
import rasterio.warp
from typer.testing import CliRunner

from flows.cli import app
from flows.tile import tile as update

RUN = CliRunner()


@pytest.fixture(autouse=True)
def untouched_environment():
    """Give back the environment that the program set up for itself."""
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture(scope="module")
def root(tmp_path_factory, prefect_server, source, settings):
    root = tmp_path_factory.mktemp("catalog")
    update("10UFB", source=source, root=str(root), settings=settings)
    return str(root)


@pytest.mark.parametrize("command", [[], *([name] for name in (
    "demo", "nightly", "tile", "ingest", "mask", "mrap", "reduce", "train", "retract", "search", "show", "explain",
    "export", "lineage", "reproduce", "settings", "deploy", "ledger", "rerun", "backfill", "landing", "drain", "resume"
))], ids=lambda command: " ".join(command) or "itself")  # fmt: skip
def test_every_command_helps_and_gives_an_example(command):
    result = RUN.invoke(app, [*command, "--help"])
    assert result.exit_code == 0
    assert "s2lookback" in result.output.split("Usage:")[1].split("\n", 1)[1]


@pytest.mark.flow
def test_search_lists_the_newest_first_and_says_when_there_is_more(root):
    result = RUN.invoke(app, ["search", "--root", root, "--product", "mrap", "--limit", "2"])
    lines = [line for line in result.stdout.splitlines() if line.startswith("mrap-")]
    assert [line.split()[0] for line in lines] == ["mrap-10UFB-20250813T191921", "mrap-10UFB-20250808T191921"]
    assert "--limit" in result.stderr


@pytest.mark.flow
def test_search_gives_geojson(root):
    result = RUN.invoke(app, ["search", "--root", root, "--tile", "10UFB", "--cloud-below", "20", "--json"])
    found = json.loads(result.stdout)
    assert found["type"] == "FeatureCollection"
    assert all(item["properties"]["eo:cloud_cover"] <= 20 for item in found["features"])
    assert found["features"]


@pytest.mark.flow
def test_show_names_what_an_item_was_made_from(root):
    result = RUN.invoke(app, ["show", "mrap-10UFB-20250813T191921", "--root", root])
    assert "mask-10UFB-20250813T191921" in result.stdout
    assert "mrap-10UFB-20250808T191921" in result.stdout


@pytest.mark.parametrize("tile", ["10IOO", "tile", "../etc"])
def test_a_name_that_is_no_tile_is_one_sentence(tile, tmp_path):
    result = RUN.invoke(app, ["mask", tile, "2025-08-13", "--root", str(tmp_path)])
    assert result.exit_code == 2
    assert "expected one like 10UFB" in " ".join(result.output.split())


def test_an_item_that_is_not_there_is_one_sentence(tmp_path):
    result = RUN.invoke(app, ["show", "mrap-10UFB-20250813T191921", "--root", str(tmp_path)])
    assert result.exit_code == 1
    assert "there is no such item" in result.stderr


@pytest.mark.flow
def test_explain_names_the_scene_that_a_pixel_shows_and_its_winner_is_that_of_the_source_raster(root):
    shown = json.loads(RUN.invoke(app, ["show", "mrap-10UFB-20250813T191921", "--root", root, "--json"]).stdout)
    with rasterio.open(f"{root}/mrap/10UFB/{shown['id']}/{shown['assets']['source']['href']}") as raster:
        (second,) = raster.read(1)[20:21, 30]
        point = rasterio.warp.transform(raster.crs, "OGC:CRS84", *([number] for number in raster.xy(20, 30)))
    place = [str(number) for (number,) in point]
    assert place[0].startswith("-120.")
    result = RUN.invoke(app, ["explain", *place, "--root", root, "--json"])
    (found,) = json.loads(result.stdout)
    assert datetime.fromisoformat(found["winner"]["sensed"]).timestamp() == second
    result = RUN.invoke(app, ["explain", *place, "--root", root, "--at", "2025-08-13"])
    assert result.stdout.startswith(f"10UFB on 2025-08-13 shows the scene of {found['winner']['sensed'][:10]}")
    assert "shown: newest clear view" in result.stdout
    result = RUN.invoke(app, ["explain", *place, "--root", root, "--at", "2025-08-12", "--product", "reduced"])
    assert result.stdout.startswith("10UFB on 2025-08-08: ")
    assert "as observed" in result.stdout


@pytest.mark.flow
def test_a_point_outside_every_tile_is_one_sentence(root):
    result = RUN.invoke(app, ["explain", "-100.5", "51", "--root", root])
    assert result.exit_code == 1
    assert result.stderr.strip().endswith("has mrap items of 10UFB")


@pytest.mark.flow
def test_export_writes_what_burn_mappers_read(root, tmp_path):
    command = ["export", "mrap-10UFB-20250813T191921", "--root", root, "--out", str(tmp_path), "--add-offset"]
    result = RUN.invoke(app, command)
    assert result.exit_code == 0, result.output
    with rasterio.open(tmp_path / "mrap-10UFB-20250813T191921.bin") as raster:
        assert raster.descriptions == (
            "20250813 20m: B12 2190nm MRAP", "20250813 20m: B11 1610nm MRAP",
            "20250813 20m: B9 945nm MRAP", "20250813 20m: B8 842nm MRAP",
        )  # fmt: skip
        assert (raster.driver, raster.dtypes[0], raster.crs.to_epsg()) == ("ENVI", "float32", 32610)
        written = raster.read(1)
    found = json.loads(RUN.invoke(app, ["show", "mrap-10UFB-20250813T191921", "--root", root, "--json"]).stdout)
    path = f"{root}/mrap/10UFB/{found['id']}/{found['assets']['B12']['href']}"
    with rasterio.open(path) as raster:
        band = raster.read(1)
    np.testing.assert_array_equal(np.isnan(written), band == -9999)
    np.testing.assert_array_equal(written[band != -9999], band[band != -9999] + 1000)


@pytest.mark.flow
@pytest.mark.parametrize("stage", ["mask", "mrap", "reduce"])
def test_one_stage_of_one_scene_can_be_asked_for_again(root, stage, settings, tmp_path, prefect_server):
    file = tmp_path / "settings.json"
    file.write_text(settings.model_dump_json())
    result = RUN.invoke(app, [stage, "10UFB", "2025-08-13", "--root", root, "--settings", str(file)])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("up to date: ")
