from itertools import pairwise

import numpy as np
import pytest

from s2lookback.simulate import Scenario, sensing_times
from s2lookback.simulate.fire import burn, emission
from s2lookback.simulate.spectra import ROCK, WATER
from s2lookback.simulate.surface import landscape


@pytest.fixture(scope="module")
def series(scenario):
    ground = landscape(scenario)
    return ground, [burn(scenario, ground, sensed) for sensed in sensing_times(scenario)]


def test_nothing_burns_before_the_ignition(series, scenario):
    _, fires = series
    before = sum(5 * number < scenario.ignition_day for number in range(scenario.dates))
    assert before == 5
    assert all(not fire.burnt.any() and not fire.heat.any() and not fire.smoke.any() for fire in fires[:before])
    assert fires[before + 1].burnt.any()


def test_what_is_burnt_stays_burnt_and_the_fire_grows(series):
    _, fires = series
    areas = [np.count_nonzero(fire.burnt) for fire in fires]
    for earlier, later in pairwise(fires):
        assert (later.burnt >= earlier.burnt).all()
    assert all(after > before for before, after in pairwise(areas[5:]))
    assert 0.05 < areas[-1] / fires[-1].burnt.size < 0.5


def test_water_and_rock_never_burn_and_islands_are_left(series):
    ground, fires = series
    burnt = fires[-1].burnt > 0
    assert not burnt[np.isin(ground.cover, (WATER, ROCK))].any()
    rows, columns = np.nonzero(burnt)
    inside = burnt[rows.min() : rows.max(), columns.min() : columns.max()]
    assert not inside.all()


def test_flames_stand_on_freshly_burnt_ground(series):
    _, fires = series
    for before, fire in pairwise(fires[5:]):
        assert not fire.heat[fire.burnt == 0].any()
        hot = fire.heat > 0.5
        assert hot.any()
        assert (before.burnt[hot] == 0).mean() > 0.5


def test_smoke_drifts_to_the_east_of_the_flames(series):
    _, fires = series
    for fire in fires[7:]:
        columns = np.arange(fire.heat.shape[1])
        source = (fire.heat.sum(0) * columns).sum() / fire.heat.sum()
        drift = (fire.smoke.sum(0) * columns).sum() / fire.smoke.sum()
        assert drift > source


def test_flames_shine_most_beyond_two_micrometres():
    b04, b8a, b11, b12 = emission(np.ones((1, 1), np.float32), ("B04", "B8A", "B11", "B12"))[:, 0, 0]
    assert b04 == 0
    assert b8a < 0.05
    assert 2 * b11 < b12


def test_without_a_fire_there_is_none():
    calm = Scenario(height=24, width=30, fire=False)
    last = burn(calm, landscape(calm), sensing_times(calm)[-1])
    assert not last.burnt.any()
    assert not last.smoke.any()
