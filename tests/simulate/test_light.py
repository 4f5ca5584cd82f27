import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2lookback.simulate.light import rayleigh_depth, sky_share, slope_light, terrain_shadow

SHAPE = (9, 14)
suns = st.tuples(st.floats(0, 359), st.floats(12, 80))


def relief(seed, height=300.0):
    return (height * np.random.default_rng(seed).random(SHAPE)).astype(np.float32)


@given(st.integers(0, 20), suns)
def test_a_slope_is_lit_by_the_cosine_of_the_angle_between_its_normal_and_the_sun(seed, sun):
    azimuth, elevation = map(math.radians, sun)
    ground = relief(seed, 30.0)
    toward = np.array(
        [math.cos(elevation) * math.sin(azimuth), math.cos(elevation) * math.cos(azimuth), math.sin(elevation)]
    )
    found = slope_light(ground, *sun)
    for y, x in np.ndindex(SHAPE):
        east = (ground[y, (x + 1) % SHAPE[1]] - ground[y, x - 1]) / 40
        north = (ground[y - 1, x] - ground[(y + 1) % SHAPE[0], x]) / 40
        normal = np.array([-east, -north, 1.0]) / math.sqrt(east**2 + north**2 + 1)
        ratio = max(0.0, float(normal @ toward)) / math.sin(elevation)
        assert found[y, x] == pytest.approx(math.sqrt(min(ratio, 3.0)), abs=2e-3)


def test_flat_ground_is_lit_fully_and_never_in_shade():
    flat = np.full(SHAPE, 700.0, np.float32)
    np.testing.assert_allclose(slope_light(flat, 150.0, 30.0), 1.0, atol=1e-6)
    assert not terrain_shadow(flat, 150.0, 30.0).any()


@pytest.mark.parametrize(
    ("azimuth", "step"), [(0.0, (1, 0)), (90.0, (0, -1)), (180.0, (-1, 0)), (270.0, (0, 1))], ids=["N", "E", "S", "W"]
)
def test_a_tower_casts_a_shadow_away_from_the_sun_as_long_as_its_height_over_the_tangent(azimuth, step):
    tower = np.zeros((41, 51), np.float32)
    tower[20, 25] = 200.0
    shade = terrain_shadow(tower, azimuth, 45.0)
    # At 45° a tower of 200 m reaches 10 pixels of 20 m.
    for length in range(1, 14):
        there = shade[20 + length * step[0], 25 + length * step[1]]
        assert there == pytest.approx(1.0 if length < 10 else 0.0, abs=0.01) or length == 10
    assert shade[20 - 3 * step[0], 25 - 3 * step[1]] == 0


@given(st.integers(0, 20), suns)
def test_a_lower_sun_shades_no_less(seed, sun):
    ground = relief(seed)
    azimuth, elevation = sun
    assert (terrain_shadow(ground, azimuth, elevation) <= terrain_shadow(ground, azimuth, elevation - 5) + 1e-6).all()


def test_the_blue_sky_lights_shadows_most_in_the_blue_and_under_a_low_sun():
    bands = ("B01", "B02", "B03", "B04", "B8A", "B11", "B12")
    high, low = sky_share(bands, 60.0), sky_share(bands, 18.0)
    assert (np.diff(high) < 0).all()
    assert (low > high).all()
    assert 0 < high[-1] < 0.15
    assert low[0] < 1


def test_the_depth_of_the_air_is_what_tables_say():
    # Bodhaine et al. (1999), J. Atmos. Oceanic Technol. 16:1854, table 3: 0.2361 at 440 nm, 0.04338 at 665 nm or so.
    blue, red = rayleigh_depth(("B01", "B04"))
    assert blue == pytest.approx(0.2305, rel=0.03)
    assert red == pytest.approx(0.0446, rel=0.03)
