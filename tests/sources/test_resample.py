from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from s2lookback.errors import GridMismatchError
from s2lookback.sources.resample import area_mean, fit, interpolate, split

HEIGHT, WIDTH = 3, 5

numbers = st.one_of(st.just(0), st.integers(1, 65535))
factors = st.sampled_from([1, 2, 3, 6])


def coarse():
    return arrays(np.uint16, (HEIGHT, WIDTH), elements=numbers)


@given(st.data(), factors)
def test_a_block_is_the_mean_of_its_valid_pixels_if_they_are_at_least_half(data, factor):
    fine = data.draw(arrays(np.uint16, (HEIGHT * factor, WIDTH * factor), elements=numbers))
    averaged = area_mean(fine, factor)
    assert averaged.shape == (HEIGHT, WIDTH)
    for y, x in product(range(HEIGHT), range(WIDTH)):
        block = fine[y * factor : (y + 1) * factor, x * factor : (x + 1) * factor]
        having = [int(number) for number in block.flat if number > 0]
        expected = sum(having) / len(having) if 2 * len(having) >= factor**2 else 0
        assert averaged[y, x] == pytest.approx(expected, rel=1e-6)


def bilinear_by_definition(numbers, y, x, factor):
    """The mean of the centres within one coarse pixel that have data, weighted by nearness."""
    centre_y, centre_x = (y + 0.5) / factor - 0.5, (x + 0.5) / factor - 0.5
    total = weight = 0.0
    for row, column in np.ndindex(*numbers.shape):
        nearness = max(0.0, 1 - abs(row - centre_y)) * max(0.0, 1 - abs(column - centre_x))
        if numbers[row, column] > 0:
            total += nearness * float(numbers[row, column])
            weight += nearness
    return total / weight


@given(coarse(), factors)
def test_a_cut_pixel_is_bilinear_between_the_valid_centres_around_it(numbers, factor):
    fine = interpolate(numbers, factor)
    assert fine.shape == (HEIGHT * factor, WIDTH * factor)
    for y, x in np.ndindex(*fine.shape):
        if numbers[y // factor, x // factor] == 0:
            assert fine[y, x] == 0
        else:
            assert fine[y, x] == pytest.approx(bilinear_by_definition(numbers, y, x, factor), rel=1e-5)


def test_a_slope_is_kept_by_both_ways():
    fine = np.add.outer(100 * np.arange(9), 10 * np.arange(15)).astype(np.float32) + 1000
    averaged = area_mean(fine, 3)
    np.testing.assert_allclose(averaged, fine[1::3, 1::3])
    np.testing.assert_allclose(interpolate(averaged, 3)[1:-1, 1:-1], fine[1:-1, 1:-1], rtol=1e-6)


@given(coarse(), factors)
def test_cutting_and_averaging_classes_gives_them_back(codes, factor):
    np.testing.assert_array_equal(area_mean(split(codes, factor), factor), codes)


@given(coarse())
def test_a_factor_of_one_is_a_copy(numbers):
    for same in (fit(numbers, numbers.shape), interpolate(numbers, 1), split(numbers, 1)):
        np.testing.assert_array_equal(same, numbers)
        assert not np.shares_memory(same, numbers)


@given(coarse())
def test_no_argument_is_changed(numbers):
    before = numbers.copy()
    interpolate(numbers, 3)
    area_mean(numbers, 1)
    np.testing.assert_array_equal(numbers, before)


def test_fit_averages_finer_and_interpolates_coarser_bands():
    fine = np.arange(1, 61, dtype=np.uint16).reshape(6, 10)
    np.testing.assert_array_equal(fit(fine, (3, 5)), area_mean(fine, 2))
    np.testing.assert_array_equal(fit(fine, (18, 30)), interpolate(fine, 3))


@pytest.mark.parametrize("shape", [(3, 4), (4, 10), (42, 70), (6, 20)])
def test_shapes_that_are_no_whole_multiple_are_refused(shape):
    with pytest.raises(GridMismatchError, match="not 1 to 6 times"):
        fit(np.ones((6, 10), np.uint16), shape)
