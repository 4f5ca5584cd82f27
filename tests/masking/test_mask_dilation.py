import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from s2lookback.grid import Grid
from s2lookback.masking.classes import Class
from s2lookback.masking.dilation import Rim, dilate, grow, pixel_metres

FOUND = hnp.arrays(np.bool_, (6, 9))
CLASSES = hnp.arrays(np.uint8, (6, 9), elements=st.integers(0, 9))
FREE = (Class.CLEAR, Class.SNOW, Class.WATER)
RIMS = hnp.arrays(np.uint8, (6, 9), elements=st.integers(0, 3))
CLOUDS = (Class.THIN_CLOUD, Class.THICK_CLOUD)


@given(FOUND, st.integers(0, 90), st.sampled_from([(20.0, 20.0), (20.0, 10.0), (7.5, 30.0)]))
def test_growth_agrees_with_the_distance_to_every_pixel(found, metres, pixel):
    expected = np.zeros_like(found)
    for y, x in np.ndindex(found.shape):
        near = [((y - v) * pixel[0]) ** 2 + ((x - u) * pixel[1]) ** 2 <= metres**2 for v, u in np.argwhere(found)]
        expected[y, x] = any(near)
    np.testing.assert_array_equal(grow(found, metres, pixel), expected)


@given(CLASSES, RIMS, st.integers(0, 90))
def test_growth_takes_ground_snow_and_water_that_may_be_a_rim(classes, rims, metres):
    before = classes.copy(), rims.copy()
    dilated = dilate(classes, rims, metres, (20.0, 20.0))
    np.testing.assert_array_equal((classes, rims), before)
    near_cloud = grow(np.isin(classes, CLOUDS), metres, (20.0, 20.0))
    near_shadow = grow(classes == Class.SHADOW, metres, (20.0, 20.0))
    for place in np.ndindex(classes.shape):
        expected = classes[place]
        if expected in FREE and near_cloud[place] and rims[place] & Rim.CLOUD:
            expected = Class.THIN_CLOUD
        elif expected in FREE and near_shadow[place] and rims[place] & Rim.SHADOW:
            expected = Class.SHADOW
        assert dilated[place] == expected


@pytest.mark.parametrize("kept", [Class.ACTIVE_FIRE, Class.FRESH_BURN, Class.SMOKE, Class.NO_DATA])
def test_a_burning_or_smoky_pixel_amid_cloud_stays(kept):
    classes = np.full((5, 7), Class.THICK_CLOUD, np.uint8)
    classes[2, 3] = kept
    assert dilate(classes, np.full_like(classes, 3), 500, (20.0, 20.0))[2, 3] == kept


def test_pixels_are_measured_in_metres_in_degrees_too():
    assert pixel_metres(Grid(32610, (20.0, 0.0, 5e5, 0.0, -10.0, 5e6), 5, 7)) == (10.0, 20.0)
    height, width = pixel_metres(Grid(4326, (0.001, 0.0, -120.0, 0.0, -0.001, 60.5), 1000, 7))
    assert height == pytest.approx(111.3, abs=0.1)
    assert width == pytest.approx(111.3 / 2, abs=0.1)
