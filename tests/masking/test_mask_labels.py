import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from s2lookback.masking.classes import Class
from s2lookback.masking.labels import weak_labels
from s2lookback.settings import MaskSettings

SETTINGS = MaskSettings(label_threshold=0.2)
SHAPE = (3, 5)
SCL = hnp.arrays(np.uint8, SHAPE, elements=st.integers(0, 11))
PERCENT = hnp.arrays(np.uint8, SHAPE, elements=st.one_of(st.integers(0, 100), st.just(255)))
VALID = hnp.arrays(np.bool_, SHAPE)


def slowly(scl, percent, valid):
    """The definition, pixel by pixel."""
    if not valid:
        return Class.NO_DATA
    known = percent is not None and percent != 255
    if not scl and known:
        return Class.THICK_CLOUD if percent >= 65 else Class.THIN_CLOUD if percent >= 20 else Class.CLEAR
    if scl in (4, 5, 6) and known and percent >= 20:
        return Class.NO_DATA
    if scl == 8 and known and percent >= 65:
        return Class.THICK_CLOUD
    table = {3: Class.SHADOW, 4: Class.CLEAR, 5: Class.CLEAR, 6: Class.WATER, 11: Class.SNOW}
    return table.get(scl, {8: Class.THIN_CLOUD, 9: Class.THICK_CLOUD, 10: Class.THIN_CLOUD}.get(scl, Class.NO_DATA))


@given(st.none() | SCL, st.none() | PERCENT, VALID)
def test_labels_agree_with_the_definition(scl, percent, valid):
    labels = weak_labels(scl, percent, valid, SETTINGS)
    assert labels.dtype == np.uint8
    for at in np.ndindex(SHAPE):
        one = (None if scl is None else int(scl[at]), None if percent is None else int(percent[at]), valid[at])
        assert labels[at] == slowly(*one), one


@pytest.mark.parametrize("code", [0, 1, 2, 7])
def test_dark_defective_and_unclassified_pixels_have_no_label(code):
    labels = weak_labels(np.full(SHAPE, code, np.uint8), None, np.ones(SHAPE, bool), SETTINGS)
    assert not labels.any()


def test_a_shadow_folder_and_a_probability_are_joined():
    scl, percent = np.array([[0, 3, 0]], np.uint8), np.array([[0, 0, 90]], np.uint8)
    labels = weak_labels(scl, percent, np.ones((1, 3), bool), SETTINGS)
    assert labels.tolist() == [[Class.CLEAR, Class.SHADOW, Class.THICK_CLOUD]]
