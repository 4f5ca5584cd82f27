"""The nightly flow on scenes that nobody in this project made."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pystac
import pytest

from catalog.store import Store
from flows.nightly import nightly
from flows.tile import tile as update
from s2lookback.masking.classes import usable
from s2lookback.mrap.fold import Composite
from s2lookback.raster import read_band
from s2lookback.scene import NODATA
from s2lookback.settings import IngestSettings, Settings
from s2lookback.sources.settings import SourceSettings, open_source
from tasks.history import scenes_of, steps_before
from tasks.products import bands_of, read_pixels

pytestmark = [pytest.mark.flow, pytest.mark.real, pytest.mark.usefixtures("prefect_server")]
TILE = "31UDS"
EVER = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def folders(realdata, tmp_path_factory) -> SourceSettings:
    """Write the 118 dates of tile 31UDS as the ENVI folders that BC Wildfire Service uses."""
    folder = tmp_path_factory.mktemp("envi")
    subprocess.run([sys.executable, str(realdata / "to_envi.py"), str(folder)], check=True, capture_output=True)
    return SourceSettings(scenes=str(folder / "images"), masks=str(folder / "masks"))


@pytest.fixture(scope="module")
def night(folders, tmp_path_factory, prefect_server):
    root = tmp_path_factory.mktemp("night")
    (report,) = nightly(source=folders, root=str(root))
    return root, report


def test_all_118_dates_get_every_product(night):
    _root, report = night
    assert report.left_out == []
    assert {stage: report.made[stage] for stage in ("scene", "mask", "mrap", "reduced")} == dict.fromkeys(
        ("scene", "mask", "mrap", "reduced"), 118
    )
    assert report.made["model"] >= 12


def test_every_item_validates_and_pystac_finds_them_all(night, valid):
    root, report = night
    catalog = pystac.Catalog.from_file(str(root / "catalog.json"))
    items = list(catalog.get_items(recursive=True))
    assert len(items) == report.made.total()
    for item in items:
        valid(Store(str(root)).read(f"{item.collection_id}/{TILE}/{item.id}/{item.id}.json"))
        assert all(Path(asset.get_absolute_href()).is_file() for asset in item.assets.values())
    assert Store(str(root)).check(deep=True) == []


def test_the_second_night_does_nothing_and_says_so(night, folders):
    root, report = night
    (again,) = nightly(source=folders, root=str(root))
    assert not again.made
    assert again.kept == report.made
    assert "nothing to do" in again.sentence()


def test_every_composite_is_for_each_pixel_the_newest_usable_scene(night):
    store = Store(str(night[0]))
    observations = []
    for step in steps_before(str(night[0]), TILE, EVER):
        scene, mask, composite = (store.read(href) for href in (step.scene.href, step.mask, step.composite))
        bands = bands_of(scene)
        clear = usable(read_band(store.asset(mask, "class")))
        observations.append((int(step.scene.sensed.timestamp()), clear, read_pixels(store, scene, bands)))
        expected = by_definition(observations, len(bands))
        np.testing.assert_array_equal(read_pixels(store, composite, bands), expected.pixels)
        np.testing.assert_array_equal(read_band(store.asset(composite, "source")), expected.source)
        np.testing.assert_array_equal(read_band(store.asset(composite, "count")), expected.count)


def by_definition(observations, bands):
    """For each pixel look through all observations for the newest clear one, and count the clear ones."""
    times = np.array([time for time, _, _ in observations], np.uint32)
    clear = np.stack([clear for _, clear, _ in observations])
    pixels = np.stack([pixels for _, _, pixels in observations])
    composite = Composite.empty(bands, *clear.shape[1:])
    for y, x in np.argwhere(clear.any(axis=0)):
        newest = max(np.flatnonzero(clear[:, y, x]), key=lambda index: times[index])
        composite.pixels[:, y, x] = pixels[newest, :, y, x]
        composite.source[y, x] = times[newest]
    composite.count[:] = clear.sum(axis=0)
    return composite


def test_real_scenes_that_arrive_in_any_order_give_the_same_bytes(folders, tmp_path):
    settings = Settings()
    times = [ref.sensed for ref in open_source(folders, settings.ingest).list_scenes(TILE).scenes][:16]
    shuffled = np.random.default_rng(7).permutation(times)
    for arrived in shuffled:
        update(TILE, source=folders, root=str(tmp_path / "shuffled"), settings=settings, start=arrived, end=arrived)
    update(TILE, source=folders, root=str(tmp_path / "ordered"), settings=settings, end=times[-1])
    found, expected = (Store(str(tmp_path / name)) for name in ("shuffled", "ordered"))
    for collection in ("scenes", "masks", "mrap", "reduced", "models"):
        versions = [
            {item["id"]: item["properties"]["version"] for item in one.items(collection)} for one in (found, expected)
        ]
        assert versions[0] == versions[1]


def test_a_real_product_goes_from_safe_to_a_reduced_scene(realdata, tmp_path, valid):
    source = SourceSettings(scenes=str(realdata / "safe_T22HBD_20210122_mini"))
    (report,) = nightly(source=source, root=str(tmp_path))
    assert dict(report.made) == {"scene": 1, "mask": 1, "mrap": 1, "reduced": 1}
    store = Store(str(tmp_path))
    (scene,) = store.items("scenes", "22HBD")
    assert scene["properties"]["s2:processing_baseline"] == "02.14"
    assert scene["properties"]["s2lookback:offset_removed"] == 0
    assert {"MTD_MSIL2A.xml", "MTD_TL.xml", "scl", "cloud-probability"} <= set(scene["assets"])
    for collection in store.collections():
        for item in store.items(collection):
            valid(item)


def test_the_active_fire_of_british_columbia_is_never_masked(realdata, tmp_path):
    source = SourceSettings(scenes=str(realdata / "bcgov_wps_research"), tile="10VDH")
    bands = IngestSettings(bands=("B12", "B11", "B09"))
    nightly(source=source, root=str(tmp_path), settings=Settings(ingest=bands))
    store = Store(str(tmp_path))
    (mask,) = store.items("masks")
    (arrival,) = scenes_of(str(tmp_path), "10VDH")
    b12, b11, b09 = read_pixels(store, store.read(arrival.href), ("B12", "B11", "B09")).astype(int)
    # No sunlit ground reflects all light at 2.2 µm; only what glows is brighter there than at 1.6 and 0.9 µm, and more.
    burning = (b12 >= 10_000) & (b12 > b11) & (b12 > b09) & (b09 != NODATA)
    assert burning.sum() > 10
    assert usable(read_band(store.asset(mask, "class")))[burning].all()
