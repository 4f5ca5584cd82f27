import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from s2lookback.masking import spatial as module
from s2lookback.masking.classes import MASKED, Class
from s2lookback.masking.mask import classify
from s2lookback.masking.spatial import opened, outnumber, smooth
from s2lookback.settings import MaskSettings

SHAPE = (7, 11)
PIXEL = (20.0, 10.0)
rasters = hnp.arrays(np.bool_, SHAPE)


@given(hnp.arrays(np.uint8, (2, *SHAPE), elements=st.integers(0, 100)), rasters, st.tuples(*[st.integers(0, 2)] * 2))
def test_smoothing_is_the_mean_of_the_neighbours_that_vote(percents, votes, reach):
    smoothed = smooth(percents, votes, reach)
    for y, x in np.ndindex(SHAPE):
        window = np.s_[max(0, y - reach[0]) : y + reach[0] + 1, max(0, x - reach[1]) : x + reach[1] + 1]
        for cover in range(2):
            mean = percents[cover][window][votes[window]].mean() if votes[y, x] else 0
            assert abs(smoothed[cover, y, x] - mean) <= 0.5


@given(rasters, rasters, hnp.arrays(np.uint8, SHAPE, elements=st.integers(1, 3)), st.tuples(*[st.integers(0, 2)] * 2))
def test_a_kind_outnumbers_another_by_their_counts_in_the_window(ones, others, worth, reach):
    more = outnumber(ones, others, worth, reach)
    for y, x in np.ndindex(SHAPE):
        window = np.s_[max(0, y - reach[0]) : y + reach[0] + 1, max(0, x - reach[1]) : x + reach[1] + 1]
        assert more[y, x] == (worth[y, x] * ones[window].sum() > others[window].sum())


def test_the_rows_summed_at_a_time_change_nothing(monkeypatch):
    random = np.random.default_rng(4)
    percents, votes = random.integers(0, 101, (3, *SHAPE), np.uint8), random.random(SHAPE) < 0.7
    whole = smooth(percents, votes, (2, 1)), outnumber(votes, percents[0] > 50, percents[1] // 40, (2, 1))
    for rows in (1, 3):
        monkeypatch.setattr(module, "_ROWS", rows)
        parts = smooth(percents, votes, (2, 1)), outnumber(votes, percents[0] > 50, percents[1] // 40, (2, 1))
        np.testing.assert_array_equal(parts[0], whole[0])
        np.testing.assert_array_equal(parts[1], whole[1])


@given(rasters, rasters, st.integers(0, 45))
def test_opening_keeps_what_a_disc_fits_into_or_what_the_swath_cuts(found, valid, metres):
    found &= valid
    centres = np.stack(np.indices(SHAPE), axis=-1)
    kept = np.zeros(SHAPE, np.bool_)
    for centre in np.ndindex(SHAPE):
        disc = np.hypot(*np.moveaxis((centres - centre) * PIXEL, -1, 0)) <= metres
        if (found | ~valid)[disc].all():
            kept |= disc & found
    np.testing.assert_array_equal(opened(found, valid, metres, PIXEL), kept)


@given(rasters, st.integers(0, 45))
def test_opening_twice_is_opening_once(found, metres):
    everywhere = np.ones(SHAPE, np.bool_)
    once = opened(found, everywhere, metres, PIXEL)
    np.testing.assert_array_equal(opened(once, everywhere, metres, PIXEL), once)


@pytest.fixture
def forest(paint):
    return paint(np.full((9, 13), "forest", "<U6"), 1).pixels


def test_a_single_pixel_of_cloud_or_shadow_is_taken_for_a_mistake(paint, forest):
    surface = np.full((9, 13), "forest", "<U6")
    surface[4, 3], surface[4, 8] = "thick", "shade"
    mask = classify(paint(surface, 3), forest, None, MaskSettings())
    assert (mask.classes == Class.CLEAR).all()
    assert mask.probability[4, 3] == mask.probability[5, 9] == 11


def test_a_patch_of_cloud_is_kept_and_so_is_one_that_the_edge_cuts(paint, forest):
    surface = np.full((9, 13), "forest", "<U6")
    surface[2:7, 2:7], surface[6:, 9:] = "thick", "shade"
    mask = classify(paint(surface, 3), forest, None, MaskSettings(dilation=0))
    assert (mask.classes[2:7, 2:7] == Class.THICK_CLOUD).sum() == 21
    assert (mask.classes[7:, 10:] == Class.SHADOW).all()
    assert not np.isin(mask.classes[surface == "forest"], MASKED).any()


def test_burnt_ground_is_no_vote_for_clear(paint, forest):
    surface = np.full((9, 13), "thick", "<U6")
    surface[:, 6] = "burn"
    mask = classify(paint(surface, 3), forest, None, MaskSettings())
    assert (mask.classes[surface == "burn"] == Class.FRESH_BURN).all()
    assert (mask.classes[surface == "thick"] == Class.THICK_CLOUD).all()


def test_speckle_is_clear_ground(paint, forest):
    surface = np.full((9, 13), "forest", "<U6")
    surface[::4, ::4] = "veil"
    scene = paint(surface, 3)
    share = (classify(scene, forest, None, MaskSettings()).classes == Class.CLEAR).mean()
    raw = (classify(scene, forest, None, MaskSettings(smoothing=0, opening=0)).classes == Class.CLEAR).mean()
    assert share == 1
    assert raw < 0.5
