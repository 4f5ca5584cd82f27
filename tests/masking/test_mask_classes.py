"""What a class may be used for: the published bits, and what a composite takes."""

import numpy as np
import pytest

from s2lookback.masking.classes import MEANINGS, Class, Use, usable, uses
from s2lookback.mrap.policy import counted
from s2lookback.scene import NO_PERCENT
from s2lookback.settings import MrapSettings

CODES = np.array([[*Class], [*reversed(Class)]], np.uint8)


def test_the_bits_say_what_each_class_means():
    for code, bits in zip(CODES[0], uses(CODES)[0], strict=True):
        meaning = MEANINGS[Class(code)]
        assert (bool(bits & Use.INFRARED), bool(bits & Use.VISIBLE)) == (meaning.swir, meaning.visible)
    assert uses(CODES).dtype == np.uint8


def test_smoke_is_open_to_the_infrared_alone_and_nothing_is_outside_the_swath():
    assert uses(np.array([Class.SMOKE, Class.NO_DATA, Class.ACTIVE_FIRE, Class.FRESH_BURN], np.uint8)).tolist() == [
        1, 0, 3, 3,
    ]  # fmt: skip


def test_a_code_that_is_no_class_is_usable_for_nothing():
    assert not uses(np.array([200, 255], np.uint8)).any()


@pytest.mark.parametrize("visible", [False, True])
def test_a_composite_takes_just_the_pixels_whose_bits_say_so(visible):
    bits = uses(CODES)
    demanded = 3 if visible else 1
    doubt = np.full(CODES.shape, NO_PERCENT, np.uint8)
    taken = counted(CODES, doubt, MrapSettings(visible=visible))
    assert (taken == ((bits & demanded) == demanded)).all()
    assert (taken == usable(CODES, visible=visible)).all()
