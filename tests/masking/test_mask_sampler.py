import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from s2lookback.masking.classes import Class
from s2lookback.masking.sampler import draw
from s2lookback.settings import MaskSettings

LABELS = hnp.arrays(np.uint8, st.integers(1, 300), elements=st.integers(0, 6))


@given(LABELS, st.integers(100, 400))
def test_each_group_gets_its_share_but_never_too_much_of_what_there_is(labels, size):
    drawn = labels[draw(labels, MaskSettings(sample_size=size), (1,))]
    masked, clear = np.isin(labels, (2, 3, 4)).sum(), np.isin(labels, (1, 5, 6)).sum()
    assert np.isin(drawn, (2, 3, 4)).sum() == int(min(size * 0.5, 0.8 * masked))
    assert np.isin(drawn, (1, 5, 6)).sum() == int(min(size * 0.5, 0.5 * clear))
    assert (drawn != Class.NO_DATA).all()


@given(LABELS)
def test_no_pixel_is_drawn_twice_and_the_same_seed_draws_the_same(labels):
    settings = MaskSettings(sample_size=100)
    drawn = draw(labels, settings, (7, 8))
    assert (np.diff(drawn) > 0).all()
    np.testing.assert_array_equal(drawn, draw(labels, settings, (7, 8)))


def test_another_seed_draws_other_pixels():
    labels = np.tile(np.array([1, 2], np.uint8), 500)
    settings = MaskSettings(sample_size=100)
    assert (draw(labels, settings, (1,)) != draw(labels, settings, (2,))).any()
