import numpy as np
import pytest

from s2lookback.simulate import Scenario, sensing_times
from s2lookback.simulate.cloud import cloud_cover, clouds, seen_from
from s2lookback.simulate.sun import displacement


def covers(**how):
    scenario = Scenario(height=16, width=20, dates=200, **how)
    return np.array([cloud_cover(scenario, sensed) for sensed in sensing_times(scenario)])


@pytest.mark.parametrize("cloudiness", [0.0, 0.45, 1.0])
def test_every_fourth_scene_is_clear_whatever_the_weather(cloudiness):
    assert (covers(cloudiness=cloudiness)[1::4] == 0).all()


@pytest.mark.parametrize("cloudiness", [0.2, 0.5, 0.8])
def test_the_mean_cover_of_other_scenes_is_about_the_cloudiness(cloudiness):
    cloudy = np.delete(covers(cloudiness=cloudiness), np.s_[1::4])
    assert cloudy.mean() == pytest.approx(cloudiness, abs=0.08)


def test_the_extremes_are_a_clear_and_a_covered_sky():
    assert (covers(cloudiness=0.0) == 0).all()
    assert (np.delete(covers(cloudiness=1.0), np.s_[1::4]) == 1).all()


def test_the_default_series_is_clear_early_and_late_and_has_every_weather_between():
    scenario = Scenario()
    cover = np.array([cloud_cover(scenario, sensed) for sensed in sensing_times(scenario)])
    assert (cover[:4] == 0).any()
    assert (cover[-4:] == 0).any()
    assert (cover == 1).any()
    assert ((cover > 0.1) & (cover < 0.8)).sum() >= 4


def test_clouds_cover_the_share_of_the_sky_that_was_drawn(scenario):
    for sensed in sensing_times(scenario):
        low = clouds(scenario, sensed)[0]
        assert (low.depth > 0).mean() == pytest.approx(cloud_cover(scenario, sensed), abs=0.01)


def test_a_cloud_is_moved_as_a_whole(scenario):
    cloud = np.zeros(scenario.grid.shape, np.float32)
    cloud[20, 30] = 5.0
    moved = seen_from(cloud, 400.0, 150.0, 35.0)
    rows, columns = displacement(400.0, 150.0, 35.0)
    assert (rows, columns) != (0, 0)
    assert moved[20 + rows, 30 + columns] == 5.0
    assert moved.sum() == 5.0
