"""A tile from scenes to reduced scenes, on simulated scenes and Prefect's own server."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pystac
import pytest

from catalog.items.facts import bands_of
from catalog.store import Store
from flows.backfill import backfill
from flows.nightly import nightly
from flows.tile import tile as update
from s2lookback.errors import SceneError
from s2lookback.masking.classes import usable
from s2lookback.raster import read_band
from s2lookback.scene import NODATA
from s2lookback.simulate import sensing_times
from s2lookback.sources.simulated import SimulatedSource
from tasks.history import steps_before
from tasks.products import read_pixels

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("prefect_server")]
TILE = "10UFB"
EVER = datetime(2100, 1, 1, tzinfo=UTC)


def files_of(folder: Path) -> dict[str, bytes]:
    """Read every file below a folder that readers see."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {"executions", ".index"} & {*path.relative_to(folder).parts}
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory, prefect_server, source, settings):
    """Run the tile once; the tests copy what came out before they change it."""
    root = tmp_path_factory.mktemp("made")
    return root, update(TILE, source=source, root=str(root), settings=settings)


@pytest.fixture
def copied(made, tmp_path):
    """Give a copy of the catalog whose times of change are kept."""
    return Path(shutil.copytree(made[0], tmp_path / "catalog"))


def test_every_date_gets_every_product(made, scenario):
    root, report = made
    dates = len(sensing_times(scenario))
    assert report.made["scene"] == report.made["mask"] == report.made["mrap"] == report.made["reduced"] == dates
    assert report.left_out == []
    assert {row.method for row in report.dates} == {"rules", "lookback"}
    items = list(pystac.Catalog.from_file(str(root / "catalog.json")).get_items(recursive=True))
    assert len(items) == 4 * dates + report.made["model"]


def test_a_second_run_makes_nothing_and_changes_no_byte(made, source, settings, copied):
    before = files_of(copied)
    report = update(TILE, source=source, root=str(copied), settings=settings)
    assert not report.made
    assert report.kept.total() == made[1].made.total()
    assert "nothing to do" in report.sentence()
    assert files_of(copied) == before


@pytest.mark.parametrize("collection", ["scenes", "masks", "mrap", "reduced", "models"])
def test_a_product_that_was_deleted_is_restored_byte_for_byte_and_nothing_else_is_made(
    source, settings, copied, collection
):
    before = files_of(copied)
    store = Store(str(copied))
    victim = store.ids(collection, TILE)[-1]
    shutil.rmtree(copied / collection / TILE / victim)
    report = update(TILE, source=source, root=str(copied), settings=settings)
    assert report.made.total() == 1
    assert files_of(copied) == before


def test_a_product_that_lost_one_file_is_restored(source, settings, copied):
    before = files_of(copied)
    band = next((copied / "mrap" / TILE).glob("*/*/B11.tif"))
    band.unlink()
    report = update(TILE, source=source, root=str(copied), settings=settings)
    assert dict(report.made) == {"mrap": 1}
    assert files_of(copied) == before


def test_the_composite_is_for_each_pixel_the_newest_usable_scene(made):
    store = Store(str(made[0]))
    steps = steps_before(str(made[0]), TILE, EVER)
    expected = None
    for step in steps:
        scene, mask, composite = (store.read(href) for href in (step.scene.href, step.mask, step.composite))
        bands = bands_of(scene)
        pixels, clear = read_pixels(store, scene, bands), usable(read_band(store.asset(mask, "class")))
        if expected is None:
            expected = np.full_like(pixels, NODATA)
            seconds = np.zeros(clear.shape, np.uint32)
        for y, x in np.ndindex(*clear.shape):
            if clear[y, x]:
                expected[:, y, x] = pixels[:, y, x]
                seconds[y, x] = int(step.scene.sensed.timestamp())
        np.testing.assert_array_equal(read_pixels(store, composite, bands), expected)
        np.testing.assert_array_equal(read_band(store.asset(composite, "source")), seconds)
        np.testing.assert_array_equal(read_band(store.asset(composite, "sensed")), seconds // 86_400)


def test_scenes_that_arrive_late_and_out_of_order_give_the_same_pixels(
    made, tmp_path, scenario, source, settings, prefect_server
):
    times = sensing_times(scenario)
    for arrived in (times[3], times[0], times[5], times[1], times[6], times[4], times[2]):
        report = update(TILE, source=source, root=str(tmp_path), settings=settings, start=arrived, end=arrived)
    assert report.made["scene"] == 1
    store, reference = Store(str(tmp_path)), Store(str(made[0]))
    for collection in ("scenes", "masks", "mrap", "reduced", "models"):
        expected = {item["id"]: item["properties"]["version"] for item in reference.items(collection, TILE)}
        found = {item["id"]: item["properties"]["version"] for item in store.items(collection, TILE)}
        assert found == expected


def test_a_composite_that_a_late_scene_changes_says_how_many_pixels_moved_and_why(tmp_path, scenario, source, settings):
    first, late, last = sensing_times(scenario)[1:4]
    for start, end in ((first, first), (last, last)):
        update(TILE, source=source, root=str(tmp_path), settings=settings, start=start, end=end)
    store, name = Store(str(tmp_path)), f"mrap-{TILE}-{last:%Y%m%dT%H%M%S}"
    old = store.item("mrap", TILE, name)
    before = {key: read_band(store.asset(old, key)) for key in (*bands_of(old), "source", "sensed", "count")}
    update(TILE, source=source, root=str(tmp_path), settings=settings, start=late, end=late)
    new = store.item("mrap", TILE, name)
    (link,) = [link for link in new["links"] if link["rel"] == "predecessor-version"]
    moved = np.any([band != read_band(store.asset(new, key)) for key, band in before.items()], axis=0)
    assert link["s2lookback:changed_pixels"] == int(moved.sum()) > 0
    assert f"the scene of {late:%Y-%m-%d} came in" in link["s2lookback:cause"]


def test_a_scene_that_cannot_be_opened_is_left_out_and_the_rest_published(
    tmp_path, scenario, source, settings, monkeypatch
):
    broken = sensing_times(scenario)[2]
    opened = SimulatedSource.open_scene

    def open_scene(self, ref):
        if ref.sensed == broken:
            raise SceneError("T10UFB_B12.jp2: ends after 7 of 900 bytes")
        return opened(self, ref)

    monkeypatch.setattr(SimulatedSource, "open_scene", open_scene)
    report = update(TILE, source=source, root=str(tmp_path), settings=settings, end=broken + timedelta(days=6))
    assert [left.reason for left in report.left_out] == ["T10UFB_B12.jp2: ends after 7 of 900 bytes"]
    assert report.made["scene"] == report.made["mrap"] == 3


def test_a_tile_that_fails_does_not_stop_the_night(tmp_path, source, settings, scenario):
    end = sensing_times(scenario)[1]
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "10UEB").write_text("a file where the catalog needs a folder")
    reports = nightly(source=source, root=str(tmp_path), settings=settings, tiles=["nonsense", TILE], end=end)
    assert reports[0].failed
    assert reports[1].made["mrap"] == 2


def test_a_backfill_makes_its_dates_anew_mends_what_was_damaged_and_changes_no_other_byte(copied, scenario, settings):
    before = files_of(copied)
    start, end = sensing_times(scenario)[2], sensing_times(scenario)[4]
    damaged = next((copied / "masks" / TILE).glob(f"*{start:%Y%m%dT%H%M%S}/*/class.tif"))
    damaged.write_bytes(bytes(len(damaged.read_bytes())))
    (report,) = backfill([TILE], start, end, anew=True, root=str(copied), settings=settings)
    assert report.made["mask"] == report.made["mrap"] == report.made["reduced"] == 3
    assert files_of(copied) == before


def test_no_item_says_when_or_where_it_was_made(made):
    for path in made[0].glob("*/10UFB/*/*-*.json"):
        item = json.loads(path.read_text())
        assert not {"created", "updated"} & set(item["properties"])
        assert str(made[0]) not in path.read_text()
        record = made[0] / "executions" / item["collection"] / item["id"] / f"{item['properties']['version']}.json"
        assert json.loads(record.read_text())["seconds"] >= 0
