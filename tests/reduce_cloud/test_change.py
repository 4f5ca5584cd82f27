"""A burn is told from a veil."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2lookback.errors import SceneError
from s2lookback.reduce_cloud.change import surface_changed

BANDS = ("B12", "B08")
REFLECTANCE = st.integers(50, 5000)


def changed(today, before, bands=BANDS, share=0.3):
    columns = (np.array(spectrum, np.int16)[:, None, None] for spectrum in (today, before))
    return bool(surface_changed(*columns, bands, max_contrast_loss=share).item())


@given(REFLECTANCE, REFLECTANCE, st.floats(0.71, 1), st.integers(0, 4000))
def test_a_grey_veil_that_lets_most_light_through_is_no_change(short, near, transmitted, added):
    today = [round(transmitted * band) + added for band in (short, near)]
    assert not changed(today, [short, near])


@given(st.floats(0.6, 1), st.integers(0, 2500), st.integers(0, 1000))
def test_a_burn_is_a_change_with_or_without_a_veil_and_an_offset(transmitted, added, offset):
    today = [round(transmitted * band) + added + offset for band in (2200, 1100)]
    assert changed(today, [700 + offset, 2900 + offset])


def test_growth_is_no_burn():
    assert not changed([700, 3500], [1500, 2000])


def test_the_best_bands_there_are_are_compared():
    assert changed([2200, 0, 1100], [700, 0, 2900], bands=("B11", "B04", "B09"))
    assert not changed([2200, 700, 2900, 1100], [700, 700, 2900, 2900], bands=("B11", "B12", "B8A", "B08"))


@pytest.mark.parametrize("bands", [("B04", "B08"), ("B12", "B04"), ("B04", "B03")])
def test_without_one_of_either_it_cannot_be_told(bands):
    with pytest.raises(SceneError, match="a burn is told by one of"):
        changed([1, 2], [1, 2], bands=bands)
