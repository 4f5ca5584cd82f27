import numpy as np
import pytest
import rasterio

from s2lookback.sources.offset import contradiction, darkest


def test_the_darkest_band_decides_by_a_real_share_of_its_pixels():
    numbers = np.full((2, 20, 25), 4000, np.uint16)
    numbers[1] = 1300
    numbers[1, 0, :4] = 3  # four pixels of 500 are fewer than a hundredth
    assert darkest(numbers, np.ones((20, 25), bool)) == 1300
    numbers[1, 0, :6] = 3
    assert darkest(numbers, np.ones((20, 25), bool)) == 3


def test_pixels_outside_the_swath_do_not_count_as_dark():
    numbers = np.zeros((2, 3, 5), np.uint16)
    valid = np.zeros((3, 5), bool)
    assert darkest(numbers, valid) is None
    valid[1, 2] = True
    numbers[:, 1, 2] = 2500, 1800
    assert darkest(numbers, valid) == 1800


def test_numbers_far_below_a_claimed_offset_contradict_it():
    reason = contradiction(112.0, 1000)
    assert reason is not None
    assert "offset of 1000 is claimed" in reason
    assert "112" in reason


def test_numbers_that_begin_just_above_1000_contradict_a_claimed_absence():
    reason = contradiction(1050.0, 0)  # where BC's own composites begin
    assert reason is not None
    assert "no offset is claimed" in reason
    assert "1050" in reason


@pytest.mark.parametrize(("darkest", "offset"), [(960.0, 1000), (1050.0, 1000), (1.0, 0), (819.0, 0)])
def test_dark_pixels_that_fit_the_claim_pass(darkest, offset):
    assert contradiction(darkest, offset) is None


@pytest.mark.parametrize("offset", [0, 1000])
def test_a_tile_of_bright_cloud_says_nothing_either_way(offset):
    assert contradiction(2400.0, offset) is None


@pytest.mark.real
def test_a_real_tile_without_offset_contradicts_a_claim_of_one_and_no_other(realdata):
    hrefs = sorted((realdata / "safe_T22HBD_20210122_mini").glob("*.SAFE/GRANULE/*/IMG_DATA/R20m/*_B*_20m.jp2"))
    numbers = np.stack([rasterio.open(href).read(1) for href in hrefs])
    dark = darkest(numbers, (numbers > 0).all(axis=0))
    assert dark is not None
    assert contradiction(dark, 0) is None
    assert contradiction(dark, 1000) is not None
    assert contradiction(dark + 1000, 0) is not None
    assert contradiction(dark + 1000, 1000) is None
