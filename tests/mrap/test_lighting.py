"""Filling from dates in another light."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from s2lookback.envi import read_header, write_envi
from s2lookback.mrap.lighting import fill_matched
from s2lookback.mrap.series import Date
from s2lookback.sources.envi import Pair

SHAPE = (3, 12, 17)
FOREST, BURN = np.array([700.0, 1500, 2900]), np.array([2400.0, 2100, 1000])
GAIN = 0.8


@pytest.fixture
def dates(tmp_path):
    """A factory of dates: bright surface, light, and which columns are clouded."""
    random = np.random.default_rng(3)
    surface = FOREST[:, None, None] * random.uniform(0.7, 1.6, SHAPE)
    surface[:, 2:6, 1:4] = BURN[:, None, None] * random.uniform(0.9, 1.1, (3, 4, 3))

    def date(day, light, clouded):
        path = tmp_path / f"S2A_MSIL1C_{datetime(2025, 8, 1, 19, tzinfo=UTC) + timedelta(days=day):%Y%m%dT%H%M%S}.bin"
        write_envi(path, np.ones((1, 2, 3), np.float32), band_names=["B12"], grid=None)
        header = read_header(path)
        clear = np.broadcast_to(~np.isin(np.arange(SHAPE[2]), clouded), SHAPE[1:]).copy()
        noise = np.random.default_rng(day).normal(0, 5, SHAPE)
        return Date(
            Pair(sensed=header.sensed, image=header), (light * surface + noise).astype(np.float32), clear, ~clear
        )

    return date


def test_filled_pixels_are_in_the_light_of_the_date_and_flagged(dates):
    now, past = dates(5, GAIN, range(8)), dates(0, 1.0, [])
    composite, estimated = fill_matched(now, iter([past]), sample_size=60, seed=1)
    truth = now.pixels
    np.testing.assert_allclose(composite.pixels, truth, atol=80)
    assert np.abs(past.pixels - truth)[:, :, :8].mean() > 5 * np.abs(composite.pixels - truth)[:, :, :8].mean()
    np.testing.assert_array_equal(estimated, ~now.clear)
    assert (composite.source[~now.clear] == past.sensed).all()
    np.testing.assert_array_equal(composite.pixels[:, now.clear], now.pixels[:, now.clear])


def test_a_burn_that_is_filled_in_stays_a_burn(dates):
    composite, estimated = fill_matched(dates(5, GAIN, range(8)), iter([dates(0, 1.0, [])]), sample_size=60, seed=1)
    assert estimated[2:6, 1:4].all()
    swir, _, near = composite.pixels[:, 2:6, 1:4]
    assert (swir > 1.5 * near).all()


def test_with_too_few_common_pixels_the_past_is_copied_and_not_flagged(dates):
    now, past = dates(5, GAIN, range(8)), dates(0, 1.0, [])
    composite, estimated = fill_matched(now, iter([past]), sample_size=10_000, seed=1)
    assert not estimated.any()
    np.testing.assert_array_equal(composite.pixels[:, ~now.clear], past.pixels[:, ~now.clear])


def test_the_newest_clear_date_wins_and_nothing_is_read_once_all_is_filled(dates):
    read = []

    def earlier():
        for date in (dates(3, 1, range(4)), dates(1, 1, []), dates(0, 1, [])):
            read.append(date.sensed)
            yield date

    now = dates(5, GAIN, range(8))
    composite, _ = fill_matched(now, earlier(), sample_size=60, seed=1)
    assert (composite.source[:, :4] == read[1]).all()
    assert (composite.source[:, 4:8] == read[0]).all()
    assert len(read) == 2


def test_the_same_dates_and_seed_give_the_same_bytes(dates):
    def fill():
        return fill_matched(dates(5, GAIN, range(8)), iter([dates(0, 1.0, [])]), sample_size=60, seed=1)[
            0
        ].pixels.tobytes()

    assert fill() == fill()
