from datetime import timedelta

import numpy as np
import pytest

from s2lookback.errors import SceneError
from s2lookback.settings import IngestSettings
from s2lookback.simulate import Scenario, sensing_times, simulate_scene
from s2lookback.sources.protocol import Source
from s2lookback.sources.simulated import SimulatedSource

SCENARIO = Scenario(height=24, width=30, dates=6)
BANDS = ("B12", "B04")


@pytest.fixture
def source() -> Source:
    return SimulatedSource(SCENARIO, settings=IngestSettings(bands=BANDS))


def test_its_scenes_are_listed_by_time_both_ends_included(source):
    times = sensing_times(SCENARIO)
    assert [ref.sensed for ref in source.list_scenes("10UFB").scenes] == list(times)
    assert [ref.sensed for ref in source.list_scenes("10UFB", times[1], times[3]).scenes] == list(times[1:4])
    assert source.list_scenes("10UFB").scenes[0].files == ("simulated:10UFB:20250628T191921",)


def test_it_has_one_tile(source):
    assert source.tiles() == ("10UFB",)
    assert source.list_scenes("10UGB").scenes == ()


def test_a_scene_is_opened_with_the_bands_of_the_settings(source):
    ref = source.list_scenes("10UFB").scenes[2]
    scene = source.open_scene(ref)
    assert scene.bands == BANDS
    assert scene.about.products == ref.files
    np.testing.assert_array_equal(scene.pixels, simulate_scene(SCENARIO, ref.sensed, BANDS).pixels)


def test_checksums_tell_scenes_and_scenarios_apart_but_not_the_length_of_a_series(source):
    def digests(scenario):
        of = SimulatedSource(scenario, settings=IngestSettings(bands=BANDS))
        return [next(iter(of.checksums(ref).values())) for ref in of.list_scenes("10UFB").scenes]

    mine = digests(SCENARIO)
    assert len(set(mine)) == 6
    assert all(digest.startswith("1220") and len(digest) == 68 for digest in mine)
    assert digests(SCENARIO.model_copy(update={"dates": 8}))[:6] == mine
    assert not set(digests(SCENARIO.model_copy(update={"seed": 1}))) & set(mine)


def test_a_scene_it_does_not_have_is_refused(source):
    ref = source.list_scenes("10UFB").scenes[0]
    stranger = type(ref)(ref.tile, ref.sensed + timedelta(hours=1), ref.files, ref.changed)
    with pytest.raises(SceneError, match="20250628T201921: is none of the scenes"):
        source.open_scene(stranger)


@pytest.mark.parametrize("family", ["alpine", "coast"])
def test_a_family_is_a_source_like_any_other(family):
    source = SimulatedSource(Scenario(family=family, height=24, width=30, dates=3), settings=IngestSettings())
    [tile] = source.tiles()
    ref = source.list_scenes(tile).scenes[2]
    scene = source.open_scene(ref)
    assert scene.about.tile == tile != "10UFB"
    assert scene.scl.shape == scene.grid.shape == (24, 30)
