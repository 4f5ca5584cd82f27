import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2lookback.bands import BANDS
from s2lookback.simulate.air import through_clear_air
from s2lookback.simulate.swath import later_view

ALL = tuple(BANDS)
ground = st.floats(0, 1).map(lambda brightness: np.full((13, 1, 2), brightness, np.float32))


def through(pixels, bottom, top, elevation=45.0):
    return through_clear_air(pixels, ALL, elevation, bottom=bottom, top=top)


def test_no_air_changes_nothing():
    pixels = np.linspace(0, 1, 26, dtype=np.float32).reshape(13, 1, 2)
    np.testing.assert_allclose(through(pixels, 900.0, 900.0), pixels, atol=1e-7)


@given(ground, st.floats(200, 9_000))
def test_air_in_two_layers_is_nearly_the_same_as_in_one(pixels, height):
    once = through(pixels, 0.0, math.inf)
    twice = through(through(pixels, 0.0, height), height, math.inf)
    # What the lower layer adds passes the upper one, which single scattering leaves out.
    np.testing.assert_allclose(twice, once, atol=0.035)


@given(st.floats(20, 70))
def test_the_air_adds_blue_most_and_hides_the_ground_at_1375_nm(elevation):
    black = through(np.zeros((13, 1, 1), np.float32), 0.0, math.inf, elevation)[:, 0, 0]
    assert (np.diff(black[:5]) < 0).all()
    white = through(np.ones((13, 1, 1), np.float32), 0.0, math.inf, elevation)[:, 0, 0]
    assert white[ALL.index("B10")] < 0.001
    assert 0.1 < white[ALL.index("B09")] < 0.6
    assert white[ALL.index("B12")] > 0.9


def test_cirrus_stands_above_the_vapour_and_shows_at_1375_nm():
    cirrus = np.full((13, 1, 1), 0.2, np.float32)
    assert through(cirrus, 9_000.0, math.inf)[ALL.index("B10"), 0, 0] > 0.15
    assert through(cirrus, 1_000.0, math.inf)[ALL.index("B10"), 0, 0] < 0.01


def test_the_air_of_a_clear_day_adds_to_dark_ground_what_l1c_products_show():
    black = through(np.zeros((13, 1, 1), np.float32), 0.0, math.inf, 45.0)[:, 0, 0]
    blue, red, swir = (black[ALL.index(band)] for band in ("B02", "B04", "B12"))
    assert 0.04 < blue < 0.10
    assert 0.01 < red < 0.03
    assert swir < 0.001


@pytest.mark.parametrize("number", [1, 2])
def test_bands_see_high_cloud_apart_by_the_path_of_the_satellite(number):
    height = 10_000.0
    (first, before), (second, after) = later_view("B02", number), later_view("B09", number)
    assert abs(first - second) == pytest.approx(180)
    apart = height * (math.tan(math.radians(before)) + math.tan(math.radians(after)))
    # 2.586 s at 7.45 km/s as seen from 786 km.
    assert apart == pytest.approx(height * 2.586 * 7.45 / 786, rel=1e-3)
    assert later_view("B04", number)[1] == 0


def test_neighbouring_orbits_read_the_bands_in_reverse():
    assert abs(later_view("B09", 1)[0] - later_view("B09", 2)[0]) == pytest.approx(180)
