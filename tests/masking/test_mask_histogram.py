import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from s2lookback.masking.histogram import Histogram, histogram, stability

NUMBERS = hnp.arrays(
    np.float32, st.integers(1, 60), elements=st.one_of(st.floats(-2, 2, width=32), st.sampled_from([0.5, np.nan]))
)


@given(NUMBERS)
def test_numbers_have_not_moved_from_where_they_are(numbers):
    assert stability(histogram(numbers), numbers) == pytest.approx(0, abs=1e-4)


@given(NUMBERS, NUMBERS)
def test_the_index_is_that_of_counting_each_part(before, after):
    was = histogram(before)
    bounds = [-math.inf, *was.edges, math.inf]
    expected = 0.0
    for part in range(len(was.shares)):
        if part <= len(was.edges):
            there = sum(bounds[part] < number <= bounds[part + 1] for number in after.tolist())
        else:
            there = sum(math.isnan(number) for number in after.tolist())
        now, then = max(1e-4, there / after.size), max(1e-4, was.shares[part])
        expected += (now - then) * math.log(now / then)
    assert stability(was, after) == pytest.approx(expected)
    assert stability(was, after) >= 0


def test_deciles_hold_a_tenth_each():
    was = histogram(np.arange(1000, dtype=np.float32))
    assert was.shares == (0.1,) * 10 + (0,)
    assert stability(was, np.arange(1000, dtype=np.float32) + 100) > 0.1
    assert stability(was, np.full(9, np.nan, np.float32)) > 5


def test_a_histogram_comes_back_from_json():
    was = histogram(np.float32([0.1, 0.2, np.nan, 0.7]))
    assert Histogram.model_validate(json.loads(was.model_dump_json())) == was


@pytest.mark.parametrize(
    "wrong",
    [
        {"edges": [0.1, 0.1], "shares": [0.25, 0.25, 0.25, 0.25]}, {"edges": [0.1], "shares": [0.5, 0.5]},
        {"edges": [float("nan")], "shares": [0.5, 0.5, 0]}, {"edges": [], "shares": [3, -2]},
        {"edges": [], "shares": [0.5, 0.1]}, {"edges": [*range(11)], "shares": [0.0] * 12 + [1]},
    ],
)  # fmt: skip
def test_what_is_no_histogram_is_refused(wrong):
    with pytest.raises(ValidationError):
        Histogram.model_validate(wrong)
