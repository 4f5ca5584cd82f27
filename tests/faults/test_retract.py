"""A scene that is taken out: nothing of it stays, and what held its pixels is as if it had never been there."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from catalog import retraction
from catalog.store import Store
from flows.retract import retract
from s2lookback.errors import CatalogError, SceneError
from s2lookback.simulate import sensing_times
from s2lookback.sources.simulated import SimulatedSource
from tasks.retract import restore_scene, retract_scene, withdraw
from tests.faults import chain

TILE = chain.TILES[0]
TIMES = sensing_times(chain.source(TILE).scenario)


@pytest.fixture
def root(tmp_path):
    chain.run(tmp_path / "catalog")
    return tmp_path / "catalog"


@pytest.fixture
def without(tmp_path, monkeypatch):
    """Offer what a tile gives whose source never had some of the dates."""

    def make(*dates):
        with monkeypatch.context() as patched:
            listed = SimulatedSource.list_scenes

            def list_scenes(self, *given):
                listing = listed(self, *given)
                return type(listing)(tuple(ref for ref in listing.scenes if ref.sensed not in dates))

            patched.setattr(SimulatedSource, "list_scenes", list_scenes)
            chain.run(tmp_path / "without")
        return versions(tmp_path / "without")

    return make


def versions(root):
    """Name the standing version of every item of the tile."""
    store = Store(str(root))
    return {
        item["id"]: item["properties"]["version"]
        for collection in store.collections()
        for item in store.items(collection, TILE)
    }


@pytest.mark.parametrize("number", range(4))
def test_a_retracted_scene_leaves_what_a_source_without_it_gives(root, without, number):
    with chain.without_server():
        report = retract(TILE, TIMES[number], "shifted by a pixel", str(root), chain.SETTINGS)
    assert report.left_out == []
    assert versions(root) == without(TIMES[number])
    assert chain.faults(root) == []


def test_a_retracted_scene_is_not_ingested_again_until_that_is_undone(root):
    before = versions(root)
    retract_scene(str(root), TILE, TIMES[1], "shifted by a pixel")
    report = chain.run(root)
    assert [left.reason.partition(" on ")[0] for left in report.left_out] == [
        "scene-10UFB-20250726T191921: was retracted"
    ]
    assert report.left_out[0].reason.endswith("Z: shifted by a pixel")
    assert set(before) - set(versions(root)) >= {
        f"{stage}-10UFB-20250726T191921" for stage in ("scene", "mask", "mrap", "reduced")
    }
    restore_scene(str(root), TILE, TIMES[1])
    assert chain.run(root).left_out == []
    assert versions(root) == before


def test_other_content_of_a_retracted_scene_may_come_in(root):
    retract_scene(str(root), TILE, TIMES[1], "shifted by a pixel")
    assert chain.run(root, seed=21).left_out == []
    assert Store(str(root)).item("scenes", TILE, "scene-10UFB-20250726T191921")


def test_a_retraction_that_was_only_noted_is_finished_by_the_next_run(root, without):
    store = Store(str(root))
    item = store.item("scenes", TILE, "scene-10UFB-20250801T191921")
    retraction.note(store, TILE, item["id"], "", datetime(2026, 1, 1, tzinfo=UTC))  # and here the process is killed
    chain.run(root)
    assert versions(root) == without(TIMES[2])


def test_a_damaged_scene_may_be_retracted_and_comes_in_again_with_its_files(root, without):
    before = versions(root)
    Path(Store(str(root)).href("scenes", TILE, "scene-10UFB-20250801T191921")).write_text("{")
    with chain.without_server():
        retract(TILE, TIMES[2], "torn", str(root), chain.SETTINGS)
    assert versions(root) == without(TIMES[2])
    assert chain.run(root).left_out == []
    assert versions(root) == before


def test_products_of_a_scene_that_has_gone_go_too(root, without):
    Store(str(root)).retract("scenes", TILE, "scene-10UFB-20250807T191921")
    assert {"mask-10UFB-20250807T191921", "mrap-10UFB-20250807T191921"} < set(withdraw(str(root), TILE))
    assert withdraw(str(root), TILE) == []
    with chain.without_server():
        retract(TILE, TIMES[0], "", str(root), chain.SETTINGS)
    assert versions(root) == without(TIMES[3], TIMES[0])


def test_a_folder_of_scenes_that_is_not_there_takes_nothing_out(root):
    (root / "scenes").rename(root / "elsewhere")
    before = versions(root)
    with pytest.raises(CatalogError, match=r"has 12 products in .* but no scene; is the folder scenes there\?"):
        withdraw(str(root), TILE)
    assert versions(root) == before


def test_the_last_scene_of_a_tile_may_be_retracted(tmp_path):
    chain.run(tmp_path, dates=1)
    retract_scene(str(tmp_path), TILE, TIMES[0], "")
    assert versions(tmp_path) == {}
    assert chain.faults(tmp_path) == []


def test_a_scene_that_is_not_there_is_one_sentence(root):
    with pytest.raises(SceneError, match="0 scenes of 2025-07-21"):
        retract_scene(str(root), TILE, TIMES[0] + timedelta(days=1), "")
    with pytest.raises(SceneError, match="scene-10UFB-20250720T000000: was not retracted; name the sensing time"):
        restore_scene(str(root), TILE, TIMES[0].replace(hour=0, minute=0, second=0))
