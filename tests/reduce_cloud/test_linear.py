"""The regression against numpy's own and against what it must find."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from s2lookback.reduce_cloud.linear import fit_alone, fit_repeatedly, predict, spectra
from s2lookback.scene import NODATA
from s2lookback.settings import ReduceSettings

ALL = ReduceSettings(min_samples=20, sample_share=1, percentiles=(0, 100), repeats=1)


def reflectances(seed, pixels=300, bands=3):
    return np.random.default_rng(seed).integers(100, 9000, (pixels, bands))


@given(st.integers(0, 99))
def test_with_every_pixel_it_equals_ordinary_least_squares(seed):
    raw, target = reflectances(seed), reflectances(seed + 100)
    [fit] = fit_repeatedly(raw, target, ALL, np.random.default_rng(seed))
    expected = np.linalg.lstsq(np.column_stack([np.full(len(raw), 10_000.0), raw]), target, rcond=None)[0]
    np.testing.assert_allclose(fit, expected, rtol=1e-6, atol=1e-9)


@given(st.integers(0, 99), st.integers(1, 5))
def test_a_linear_relation_is_found_again_whatever_is_sampled(seed, repeats):
    raw = reflectances(seed)
    target = np.column_stack([2 * raw[:, 0] - raw[:, 1] + 30, raw[:, 2] - 7])
    settings = ReduceSettings(min_samples=50, sample_share=0.2, repeats=repeats)
    fits = fit_repeatedly(raw[:, :3], np.column_stack([target, raw[:, 0]]), settings, np.random.default_rng(seed))
    assert len(fits) == repeats
    held_out = reflectances(seed + 1)
    expected = np.column_stack([2 * held_out[:, 0] - held_out[:, 1] + 30, held_out[:, 2] - 7, held_out[:, 0]])
    np.testing.assert_array_equal(predict(held_out, fits), np.maximum(expected, NODATA + 1))


def test_pixels_of_untypical_difference_do_not_take_part():
    raw = reflectances(1)
    target = raw - 500
    target[::5] = 0  # differences that are as wild as the pixels are, most of them above 500
    settings = ReduceSettings(min_samples=20, sample_share=1, percentiles=(5, 70), repeats=1)
    [fit] = fit_repeatedly(raw, target, settings, np.random.default_rng(1))
    np.testing.assert_allclose(predict(raw, [fit]), raw - 500, atol=60)


def test_a_band_fitted_alone_knows_nothing_of_the_others():
    raw = reflectances(4)
    target = np.column_stack([raw[:, 0] * 2 + 5, raw[:, 1] - 9, raw[:, 0]])
    fit = fit_alone(raw, target)
    np.testing.assert_array_equal(predict(raw, [fit])[:, :2], target[:, :2])
    assert np.count_nonzero(fit[1:] - np.diag(np.diag(fit[1:]))) == 0


def test_the_median_of_the_fits_is_deaf_to_one_that_failed():
    good = np.array([[0.0], [1.0]])
    wild = np.array([[1e6], [-50.0]])
    raw = reflectances(3, bands=1)
    np.testing.assert_array_equal(predict(raw, [good, wild, good]), raw)


def test_predictions_stay_within_int16_and_clear_of_no_data():
    raw = np.array([[20_000], [1]])
    assert predict(raw, [np.array([[0.0], [-1.0]])])[0, 0] == NODATA + 1
    assert predict(raw, [np.array([[0.0], [2.0]])])[0, 0] == 32_767


def test_a_band_that_is_constant_does_no_harm():
    raw = reflectances(5)
    raw[:, 1] = 800
    [fit] = fit_repeatedly(raw, raw, ALL, np.random.default_rng(5))
    np.testing.assert_array_equal(predict(raw, [fit]), raw)


def test_spectra_are_gathered_by_flat_index():
    pixels = np.arange(30, dtype=np.int16).reshape(2, 3, 5)
    np.testing.assert_array_equal(spectra(pixels, np.array([0, 7])), [[0, 15], [7, 22]])
