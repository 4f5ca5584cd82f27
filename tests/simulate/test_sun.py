import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2lookback.simulate.sun import displacement, sun_position

angles = st.floats(0, 360, exclude_max=True)


PUBLISHED = [
    # middle of the tile, sensing time, and the mean sun angles that ESA's product states
    (-118.57, 33.84, "2015-08-26T18:54:35", 145.69, 27.37),
    (-139.36, -32.12, "2019-02-12T19:33:32", 62.33, 32.71),
    (-53.77, -37.51, "2021-01-22T13:42:49", 64.95, 32.37),
    (17.74, 79.66, "2022-04-13T15:08:07", 246.54, 76.53),
    (178.66, -72.54, "2019-12-28T21:05:52", 52.61, 55.20),
    (179.78, 66.19, "2023-06-25T23:47:55", 174.71, 42.89),
    (93.56, 27.53, "2021-09-08T04:40:48", 142.99, 26.49),
]


@pytest.mark.parametrize(("longitude", "latitude", "sensed", "azimuth", "zenith"), PUBLISHED)
def test_the_sun_stands_where_the_producer_says(longitude, latitude, sensed, azimuth, zenith):
    found = sun_position(datetime.fromisoformat(sensed).replace(tzinfo=UTC), longitude, latitude)
    assert found[0] == pytest.approx(azimuth, abs=1.0)
    assert 90 - found[1] == pytest.approx(zenith, abs=0.5)


@given(st.floats(100, 10_000), angles, st.floats(0, 70))
def test_a_shadow_falls_away_from_the_sun_by_the_height_times_the_tangent_of_the_zenith_angle(height, azimuth, zenith):
    rows, columns = displacement(height, azimuth, zenith)
    length = height * math.tan(math.radians(zenith)) / 20
    assert math.hypot(rows, columns) == pytest.approx(length, abs=1.0)
    north, east = -rows, columns
    toward_sun = north * math.cos(math.radians(azimuth)) + east * math.sin(math.radians(azimuth))
    assert toward_sun == pytest.approx(-length, abs=1.0)


def test_in_a_northern_summer_forenoon_shadows_fall_to_the_north_west():
    rows, columns = displacement(2000.0, 155.0, 30.0)
    assert rows < 0
    assert columns < 0
