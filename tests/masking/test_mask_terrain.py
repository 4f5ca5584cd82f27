from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from s2lookback.masking.terrain import terrain_shaded
from s2lookback.scene import Acquisition

SHAPE = (9, 13)
PIXEL = (20.0, 20.0)
ABOUT = Acquisition("10UFB", datetime(2025, 7, 1, 19, tzinfo=UTC), sun_azimuth=90.0, sun_elevation=45.0)


def test_a_wall_shades_as_far_as_the_sun_is_low():
    elevation = np.zeros(SHAPE, np.float32)
    elevation[4, 9] = 70
    shaded = terrain_shaded(elevation, ABOUT, PIXEL)
    expected = np.zeros(SHAPE, np.bool_)
    expected[4, 6:9] = True  # 70 m high, 45 degrees: 20, 40 and 60 m west of it
    np.testing.assert_array_equal(shaded, expected)


@given(hnp.arrays(np.float32, SHAPE, elements=st.floats(0, 300, width=32)), st.sampled_from([0.0, 90.0, 180.0, 270.0]))
def test_shade_is_where_any_ground_toward_the_sun_stands_above_its_ray(elevation, azimuth):
    shaded = terrain_shaded(elevation, replace(ABOUT, sun_azimuth=azimuth), PIXEL)
    down, right = {0.0: (-1, 0), 90.0: (0, 1), 180.0: (1, 0), 270.0: (0, -1)}[azimuth]
    for y, x in np.ndindex(SHAPE):
        steps = range(1, max(SHAPE))
        ray = [(y + n * down, x + n * right, n) for n in steps]
        inside = [(r, c, n) for r, c, n in ray if 0 <= r < SHAPE[0] and 0 <= c < SHAPE[1]]
        margin = [elevation[r, c] - 20.0 * n - elevation[y, x] for r, c, n in inside]
        if margin and abs(max(margin)) > 1e-3:
            assert shaded[y, x] == (max(margin) > 0)


@pytest.mark.parametrize("about", [replace(ABOUT, sun_azimuth=None), replace(ABOUT, sun_elevation=None)])
def test_without_the_sun_nothing_is_shaded(about):
    assert not terrain_shaded(np.arange(117, dtype=np.float32).reshape(SHAPE), about, PIXEL).any()


def test_unknown_ground_shades_nothing():
    assert not terrain_shaded(np.full(SHAPE, np.nan, np.float32), ABOUT, PIXEL).any()
