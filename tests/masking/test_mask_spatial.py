import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from s2lookback.masking import spatial as module
from s2lookback.masking.classes import MASKED, Class
from s2lookback.masking.mask import classify
from s2lookback.masking.spatial import outnumber, patches
from s2lookback.settings import MaskSettings

SHAPE = (7, 11)
PIXEL = (20.0, 10.0)
rasters = hnp.arrays(np.bool_, SHAPE)


@given(rasters, rasters, hnp.arrays(np.uint8, SHAPE, elements=st.integers(1, 3)), st.tuples(*[st.integers(0, 2)] * 2))
def test_a_kind_outnumbers_another_by_their_counts_in_the_window(ones, others, worth, reach):
    more = outnumber(ones, others, worth, reach)
    for y, x in np.ndindex(SHAPE):
        window = np.s_[max(0, y - reach[0]) : y + reach[0] + 1, max(0, x - reach[1]) : x + reach[1] + 1]
        assert more[y, x] == (worth[y, x] * ones[window].sum() > others[window].sum())


def test_the_rows_summed_at_a_time_change_nothing(monkeypatch):
    random = np.random.default_rng(4)
    worth, ones, others = random.integers(1, 4, SHAPE, np.uint8), *(random.random((2, *SHAPE)) < 0.6)
    whole = outnumber(ones, others, worth, (2, 1))
    assert whole.any()
    assert not whole.all()
    for rows in (1, 3):
        monkeypatch.setattr(module, "_ROWS", rows)
        np.testing.assert_array_equal(outnumber(ones, others, worth, (2, 1)), whole)


@given(rasters, rasters, st.integers(0, 45))
def test_a_patch_is_kept_that_a_disc_fits_into_or_that_the_swath_cuts(found, valid, metres):
    found &= valid
    centres = np.stack(np.indices(SHAPE), axis=-1)
    kept = np.zeros(SHAPE, np.bool_)
    for centre in np.ndindex(SHAPE):
        disc = np.hypot(*np.moveaxis((centres - centre) * PIXEL, -1, 0)) <= metres
        if (found | ~valid)[disc].all():
            kept |= disc & found
    for _ in range(kept.size):  # whatever touches what is kept, by a side or a corner
        beside = np.pad(kept, 1)
        for y, x in np.ndindex(3, 3):
            kept = kept | (found & beside[y : y + SHAPE[0], x : x + SHAPE[1]])
    np.testing.assert_array_equal(patches(found, valid, metres, PIXEL), kept)


@given(rasters, st.integers(0, 45))
def test_patches_of_patches_are_the_same(found, metres):
    everywhere = np.ones(SHAPE, np.bool_)
    once = patches(found, everywhere, metres, PIXEL)
    np.testing.assert_array_equal(patches(once, everywhere, metres, PIXEL), once)


@pytest.fixture
def forest(paint):
    return paint(np.full((9, 13), "forest", "<U6"), 1).pixels


def test_a_single_pixel_of_cloud_or_shadow_is_taken_for_a_mistake(paint, forest):
    surface = np.full((9, 13), "forest", "<U6")
    surface[4, 3], surface[4, 8] = "thick", "shade"
    mask = classify(paint(surface, 3), forest, None, MaskSettings())
    assert (mask.classes == Class.CLEAR).all()
    assert mask.probability[4, 3] == mask.probability[4, 8] == 49


def test_a_patch_of_cloud_is_kept_and_so_is_one_that_the_edge_cuts(paint, forest):
    surface = np.full((9, 13), "forest", "<U6")
    surface[2:7, 2:7], surface[6:, 9:] = "thick", "shade"
    mask = classify(paint(surface, 3), forest, None, MaskSettings(dilation=0))
    assert (mask.classes[2:7, 2:7] == Class.THICK_CLOUD).sum() == 25
    assert (mask.classes[6:, 9:] == Class.SHADOW).all()
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
    raw = (classify(scene, forest, None, MaskSettings(opening=0)).classes == Class.CLEAR).mean()
    assert share == 1
    assert raw < 0.5
