"""The geomedian, against the slowest definition and its laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import minimize

from s2lookback.errors import SceneError
from s2lookback.masking.medians import geomedian

SHAPE = (6, 2, 3, 4)  # time, y, x, band
STACKS = hnp.arrays(np.float64, SHAPE, elements=st.floats(0, 1).map(lambda number: round(number, 3)))


def sum_of_distances(point, seen):
    return float(np.sqrt(((seen - point) ** 2).sum(axis=1)).sum())


def slowest(seen):
    """Search from every date and from their mean for the least sum of distances."""
    starts = [*seen, seen.mean(axis=0)]
    found = [minimize(sum_of_distances, start, args=(seen,), method="Powell").x for start in starts]
    return min((*found, *seen), key=lambda point: sum_of_distances(point, seen))


@pytest.mark.parametrize("seed", range(3))
def test_no_point_is_nearer_to_all_dates(seed):
    stack = np.random.default_rng(seed).uniform(0, 0.6, SHAPE)
    found = geomedian(stack)
    for y, x in np.ndindex(SHAPE[1:3]):
        best = slowest(stack[:, y, x])
        assert sum_of_distances(found[y, x], stack[:, y, x]) <= sum_of_distances(best, stack[:, y, x]) + 1e-6
        assert found[y, x] == pytest.approx(best, abs=1e-3)


@given(STACKS)
def test_no_date_is_nearer_to_all_dates_than_it(stack):
    found = geomedian(stack)
    for y, x in np.ndindex(SHAPE[1:3]):
        ours = sum_of_distances(found[y, x], stack[:, y, x])
        assert ours <= min(sum_of_distances(date, stack[:, y, x]) for date in stack[:, y, x]) + 1e-4


@given(STACKS, st.permutations(range(SHAPE[0])))
def test_the_order_of_dates_does_not_matter(stack, order):
    cost = geomedian(stack[order])
    for y, x in np.ndindex(SHAPE[1:3]):  # on a straight line the middle need not be one point
        there, here = (sum_of_distances(point[y, x], stack[:, y, x]) for point in (cost, geomedian(stack)))
        assert there == pytest.approx(here, abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_it_moves_and_scales_with_the_dates(seed):
    stack = np.random.default_rng(seed).uniform(0, 0.4, SHAPE)
    shift = np.array([0.1, 0.0, 0.3, 0.2])
    assert geomedian(stack + shift) == pytest.approx(geomedian(stack) + shift, abs=1e-5)
    assert geomedian(2 * stack) == pytest.approx(2 * geomedian(stack), abs=1e-5)


@given(STACKS)
def test_it_is_what_most_dates_show(stack):
    ground = np.array([0.03, 0.05, 0.3, 0.1])
    stack = stack.copy()
    stack[1:5] = ground
    assert geomedian(stack) == pytest.approx(np.broadcast_to(ground, SHAPE[1:]), abs=1e-4)


@given(STACKS, hnp.arrays(np.bool_, SHAPE[:3]))
def test_a_date_without_data_does_not_count(stack, lost):
    holed = stack.copy()
    holed[lost, 2] = np.nan
    found = geomedian(holed)
    for y, x in np.ndindex(SHAPE[1:3]):
        kept = stack[~lost[:, y, x], y, x]
        expected = geomedian(kept[:, None, None])[0, 0] if len(kept) else np.full(SHAPE[3], np.nan)
        np.testing.assert_array_equal(found[y, x], expected)


def test_one_date_is_its_own_geomedian():
    stack = np.random.default_rng(1).uniform(0, 1, (1, *SHAPE[1:])).astype(np.float32)
    assert geomedian(stack) == pytest.approx(stack[0], abs=1e-6)


def test_the_stack_is_left_untouched():
    stack = np.random.default_rng(2).uniform(0, 1, SHAPE)
    before = stack.copy()
    geomedian(stack)
    assert (stack == before).all()


@pytest.mark.parametrize("shape", [(2, 3, 4), (0, 2, 3, 4)])
def test_what_is_no_stack_is_refused(shape):
    with pytest.raises(SceneError, match="expected \\(time, y, x, band\\)"):
        geomedian(np.zeros(shape))
