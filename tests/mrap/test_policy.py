"""What counts and what is preferred, against the slowest definition."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from s2lookback.bands import BANDS
from s2lookback.masking.classes import MEANINGS, Class
from s2lookback.mrap.policy import Group, counted, groups_of
from s2lookback.scene import NO_PERCENT
from s2lookback.settings import MrapSettings

SHAPE = (3, 5)
CLASSES = hnp.arrays(np.uint8, SHAPE, elements=st.sampled_from([*Class]))
DOUBT = hnp.arrays(np.uint8, SHAPE, elements=st.sampled_from([*range(101), NO_PERCENT]))


@given(CLASSES, DOUBT, st.integers(0, 100), st.booleans())
def test_a_pixel_counts_if_its_class_is_usable_and_the_mask_sure_enough(classes, doubt, percent, visible):
    settings = MrapSettings(min_clear_probability=percent / 100, visible=visible)
    found = counted(classes, doubt, settings)
    for y, x in np.ndindex(*SHAPE):
        meaning = MEANINGS[Class(classes[y, x])]
        seen = meaning.swir and (meaning.visible or not visible)
        sure = 1 - Fraction(int(doubt[y, x]), 100) >= Fraction(percent, 100)
        assert found[y, x] == (seen and (sure or percent == 0))


def test_a_pixel_of_which_the_mask_does_not_say_how_sure_it_is_counts_only_if_nothing_is_demanded():
    classes, doubt = np.full(SHAPE, Class.CLEAR, np.uint8), np.full(SHAPE, NO_PERCENT, np.uint8)
    assert counted(classes, doubt, MrapSettings()).all()
    assert not counted(classes, doubt, MrapSettings(min_clear_probability=0.01)).any()


@pytest.mark.parametrize("wrong", [{"min_clear_probability": 1.1}, {"prefer": "oldest"}, {"prefer_days": 0}])
def test_a_policy_out_of_bounds_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        MrapSettings(**wrong)


@given(st.permutations([*BANDS]), st.integers(1, len(BANDS)))
def test_groups_share_out_the_bands_in_their_order(names, number):
    bands = tuple(names[:number])
    assert groups_of(bands, MrapSettings()) == [Group("", bands, MrapSettings())]
    groups = {group.suffix: group for group in groups_of(bands, MrapSettings(groups="split"))}
    visible = tuple(name for name in bands if name in ("B01", "B02", "B03", "B04", "B05"))
    others = tuple(name for name in bands if name not in visible)
    if visible and others:
        assert (groups[""].bands, groups["-visible"].bands) == (others, visible)
        assert (groups[""].settings.visible, groups["-visible"].settings.visible) == (False, True)
    else:
        assert [(group.bands, group.settings.visible) for group in groups.values()] == [(bands, bool(visible))]
        assert list(groups) == [""], "bands of one kind need no ending"
