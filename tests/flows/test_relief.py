"""Masks go by the model of the ground that the machine has, name it among their inputs, and follow its heights."""

import shutil
from unittest import mock

import numpy as np
import pytest

from catalog.items.facts import grid_of
from catalog.store import Store
from flows.reproduce import reproduce
from flows.tile import tile as update
from s2lookback.masking.classes import Class
from s2lookback.masking.terrain import terrain_shaded
from s2lookback.raster import read_band, write_band
from s2lookback.relief import read_elevation
from s2lookback.settings import MaskSettings, Settings
from s2lookback.simulate import sensing_times
from tasks import relief
from tasks.products import about
from tasks.relief import elevation_of

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("prefect_server")]
SETTINGS = Settings(mask=MaskSettings(method="rules", dilation=0))


@pytest.fixture
def run(tmp_path, source, scenario):
    """Run the first dates of the tile; give its masks."""

    def masks():
        root = str(tmp_path / "catalog")
        report = update("10UFB", source=source, root=root, settings=SETTINGS, end=sensing_times(scenario)[3])
        return Store(root), list(Store(root).items("masks", "10UFB")), report

    return masks


@pytest.fixture
def model_of_the_ground(tmp_path, run):
    """Write heights: a hill that is steeper than any sun of summer is high."""

    def write(name, height):
        grid = grid_of(run()[1][0])
        heights = np.zeros(grid.shape, np.float32)
        heights[grid.height // 2 :] = height
        write_band(tmp_path / name, heights, grid, nodata=None)
        return str(tmp_path / name)

    return write


def inputs_of(mask):
    return mask["properties"]["s2lookback:recipe"]["inputs"]


def test_what_a_mountain_shades_is_no_clouds_shadow(monkeypatch, run, model_of_the_ground):
    store, before, _ = run()
    monkeypatch.setenv("S2LOOKBACK_ELEVATION", model_of_the_ground("dem.tif", 4000.0))
    heights = elevation_of(grid_of(before[0]))
    shaded = [
        terrain_shaded(heights, about(store.item("scenes", "10UFB", mask["id"].replace("mask", "scene"))), (20, 20))
        for mask in before
    ]

    def shadows(masks):
        return sum(
            int((read_band(store.asset(mask, "class"))[dark] == Class.SHADOW).sum())
            for mask, dark in zip(masks, shaded, strict=True)
        )

    assert shadows(before) > 0
    _, after, report = run()
    assert report.made["mask"] == len(before)
    assert shadows(after) == 0
    assert not any("elevation" in inputs_of(mask) for mask in before)
    assert all("elevation" in inputs_of(mask) for mask in after)
    assert reproduce(after[-1]["id"], str(store.root)).equal


def test_equal_heights_in_another_file_change_nothing(monkeypatch, run, model_of_the_ground, tmp_path):
    monkeypatch.setenv("S2LOOKBACK_ELEVATION", model_of_the_ground("dem.tif", 300.0))
    run()
    shutil.copy(tmp_path / "dem.tif", tmp_path / "moved.tif")
    monkeypatch.setenv("S2LOOKBACK_ELEVATION", str(tmp_path / "moved.tif"))
    assert run()[2].made.total() == 0
    monkeypatch.setenv("S2LOOKBACK_ELEVATION", model_of_the_ground("higher.tif", 301.0))
    assert run()[2].made["mask"] > 0


def test_heights_are_read_once_for_all_masks_of_a_run_and_again_when_their_file_changed(
    monkeypatch, run, model_of_the_ground
):
    monkeypatch.setenv("S2LOOKBACK_ELEVATION", model_of_the_ground("dem.tif", 4000.0))
    with mock.patch.object(relief, "read_elevation", wraps=read_elevation) as reading:
        assert run()[2].made["mask"] == 4
        assert reading.call_count == 1
        model_of_the_ground("dem.tif", 4100.0)
        assert reading.call_count == 1
        assert run()[2].made["mask"] == 4
        assert reading.call_count == 2


def test_a_machine_without_the_heights_says_what_it_lacks(monkeypatch, run, model_of_the_ground):
    monkeypatch.setenv("S2LOOKBACK_ELEVATION", model_of_the_ground("dem.tif", 4000.0))
    store, masks, _ = run()
    monkeypatch.delenv("S2LOOKBACK_ELEVATION")
    for mask in masks:
        found = reproduce(mask["id"], str(store.root))
        assert found.equal or any("the input elevation was" in reason for reason in found.reasons)
