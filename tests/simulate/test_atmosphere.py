import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from s2lookback.simulate.atmosphere import (
    aerosol_opacity,
    cloud_opacity,
    ice_cloud,
    mix,
    shade,
    shadow_depth,
    water_cloud,
)

BANDS = ("B02", "B8A", "B10", "B12")
SHAPE = (2, 3)
pixels = arrays(np.float32, (4, *SHAPE), elements=st.floats(0, 1.5, width=32))
shares = arrays(np.float32, SHAPE, elements=st.floats(0, 1, width=32))


@given(pixels, shares)
def test_what_is_mixed_lies_between_the_ground_and_the_layer(below, opacity):
    layer = water_cloud(BANDS)
    mixed = mix(below, opacity, layer)
    cloud = layer[:, None, None]
    assert (mixed >= np.minimum(below, cloud) - 1e-6).all()
    assert (mixed <= np.maximum(below, cloud) + 1e-6).all()


@given(pixels)
def test_no_layer_changes_nothing_and_a_black_one_shows_only_itself(below):
    layer = ice_cloud(BANDS)
    np.testing.assert_array_equal(mix(below, np.zeros(SHAPE, np.float32), layer), below)
    np.testing.assert_allclose(
        mix(below, np.ones(SHAPE, np.float32), layer), np.broadcast_to(layer[:, None, None], below.shape), atol=1e-6
    )


@given(st.floats(0, 100), st.floats(0, 100))
def test_more_depth_hides_more_and_shades_more(one, other):
    depths = np.array(sorted((one, other)), np.float32)
    for share in (cloud_opacity(depths), shadow_depth(depths, 45.0), aerosol_opacity(depths[None], BANDS)[0, 0]):
        assert 0 <= share[0] <= share[1] <= 1


def test_smoke_hides_blue_and_lets_the_infrared_through():
    opacity = aerosol_opacity(np.ones((1, 1), np.float32), ("B02", "B04", "B8A", "B12"))[:, 0, 0]
    assert (np.diff(opacity) < 0).all()
    assert opacity[0] > 0.6
    assert opacity[-1] < 0.1


@pytest.mark.parametrize("depth", [0.0, 0.3, 2.0])
def test_smoke_depth_at_550_nm_means_what_it_says(depth):
    # B03 is centred at 560 nm, so Beer's law at 550 nm holds within a few percent.
    opacity = aerosol_opacity(np.full((1, 1), depth, np.float32), ("B03",))[0, 0, 0]
    assert opacity == pytest.approx(1 - np.exp(-depth), abs=0.02)


@given(pixels, shares)
def test_shade_darkens_and_keeps_more_blue_than_infrared(lit, shadow):
    dark = shade(lit, shadow, BANDS)
    assert (dark <= lit).all()
    assert (dark >= 0).all()
    ratio = shade(np.ones_like(lit), shadow, BANDS)
    assert (ratio[0] >= ratio[3]).all()
