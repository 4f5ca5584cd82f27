"""The reduction's judge against a truth that shares no code with it."""

import numpy as np
import pytest

from s2lookback.bands import DEFAULT_BANDS
from s2lookback.masking.classes import Class, usable
from s2lookback.mrap.fold import Composite, fold_scene, has_data
from s2lookback.reduce_cloud.regression import reduce_scene
from s2lookback.settings import ReduceSettings
from s2lookback.simulate import Scenario, sensing_times, simulate_scene, truth

SCENARIO = Scenario(seed=0, dates=4)


@pytest.fixture(scope="module")
def veiled():
    """The fourth of a series, 5 % of it thin cloud, its true surface, the composite before and the result."""
    composite = None
    *earlier, last = sensing_times(SCENARIO)
    for sensed in earlier:
        scene, seen = simulate_scene(SCENARIO, sensed), usable(truth(SCENARIO, sensed).classes)
        base = Composite.empty_like(scene.pixels) if composite is None else composite
        composite = fold_scene(base, scene.pixels, seen, int(sensed.timestamp()))
    scene, true = simulate_scene(SCENARIO, last), truth(SCENARIO, last)
    reduced = reduce_scene(scene.pixels, true.classes, composite.pixels, bands=DEFAULT_BANDS, settings=ReduceSettings())
    return scene, true, composite, reduced


def test_the_judge_tells_how_far_the_raw_pixels_under_a_real_veil_are_off(veiled):
    scene, true, composite, reduced = veiled
    thin = (true.classes == Class.THIN_CLOUD) & has_data(scene.pixels) & has_data(composite.pixels)
    assert np.count_nonzero(thin) > 2000
    for index, band in enumerate(DEFAULT_BANDS):
        off = np.percentile(np.abs(scene.pixels.astype(int) - true.surface)[index, thin], 68)
        assert 0.75 < reduced.errors[band].raw / off < 1.25


def test_where_next_to_nothing_changed_the_composite_is_preferred(veiled):
    reduced = veiled[-1]
    assert not reduced.used
    assert all(errors.composite < errors.estimate < errors.raw for errors in reduced.errors.values())
