import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2lookback.simulate.water import glint

winds = st.floats(0.5, 14)


@given(winds, st.floats(5, 70))
def test_glitter_is_brightest_where_a_flat_sea_would_mirror_the_sun(wind, zenith):
    mirror = glint((150.0, zenith), (330.0, zenith), wind)
    assert mirror > glint((150.0, zenith), (150.0, zenith), wind)
    assert mirror > glint((150.0, zenith), (240.0, zenith), wind)


def test_wind_spreads_the_glitter():
    away, mirror = ((150.0, 40.0), (284.0, 5.0)), ((150.0, 30.0), (330.0, 30.0))
    assert glint(*away, wind=10.0) > glint(*away, wind=2.0)
    assert glint(*mirror, wind=10.0) < glint(*mirror, wind=2.0)


def test_a_calm_sea_away_from_the_mirror_is_dark():
    assert glint((150.0, 60.0), (284.0, 5.0), wind=1.0) < 1e-4


@pytest.mark.parametrize("wind", [2.0, 8.0])
def test_all_directions_together_send_back_no_more_than_a_mirror_would(wind):
    """Integrated over the upper hemisphere, the glitter of a high sun is Fresnel's 2 %, near enough."""
    steps = np.radians(np.arange(0.5, 80.0, 1.0))
    sent = 0.0
    for zenith in steps:
        for azimuth in range(0, 360, 10):
            reflected = glint((0.0, 10.0), (float(azimuth), math.degrees(zenith)), wind)
            sent += reflected * math.cos(zenith) * math.sin(zenith) * math.radians(1) * math.radians(10) / math.pi
    assert sent == pytest.approx(0.021, rel=0.15)


def test_the_sun_straight_behind_the_eye_is_no_special_case():
    assert glint((150.0, 20.0), (150.0, 20.0), 5.0) == pytest.approx(
        glint((150.0, 20.0), (150.0, 20.001), 5.0), rel=0.01
    )
