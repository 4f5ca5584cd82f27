from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from s2lookback.masking import cast
from s2lookback.masking.cast import shadow_possible
from s2lookback.scene import Acquisition

PIXEL = (100.0, 80.0)
SHAPE = (300, 380)  # 30 km from north to south and from west to east
EVERYWHERE = np.ones(SHAPE, np.bool_)
ABOUT = Acquisition("10UFB", datetime(2025, 7, 1, 19, tzinfo=UTC), sun_azimuth=150.0, sun_elevation=45.0)


@pytest.fixture
def cloud():
    """One cloud of 3 by 4 pixels in 114 000: too little to speak of clouds beyond the edge."""
    cloud = np.zeros(SHAPE, np.bool_)
    cloud[200:203, 160:164] = True
    return cloud


@pytest.mark.parametrize("azimuth", [20.0, 150.0, 200.0, 290.0])
@pytest.mark.parametrize("height", [300.0, 2_000.0, 11_000.0])
def test_a_shadow_is_possible_where_the_sun_casts_it(cloud, azimuth, height):
    about = replace(ABOUT, sun_azimuth=azimuth)
    length = height / np.tan(np.radians(45.0))
    south, east = np.cos(np.radians(azimuth)) * length, -np.sin(np.radians(azimuth)) * length
    row, column = round(201 + south / PIXEL[0]), round(162 + east / PIXEL[1])
    possible = shadow_possible(cloud, EVERYWHERE, about, PIXEL)
    if 0 <= row < SHAPE[0] and 0 <= column < SHAPE[1]:
        assert possible[row, column]
    mirrored = round(201 - 1.5 * south / PIXEL[0]), round(162 - 1.5 * east / PIXEL[1])
    if height > 1_000 and 0 <= mirrored[0] < SHAPE[0] and 0 <= mirrored[1] < SHAPE[1]:
        assert not possible[mirrored]


def test_shadows_lie_in_a_sector_away_from_the_sun(cloud):
    possible = shadow_possible(cloud, EVERYWHERE, ABOUT, PIXEL)
    assert 0.02 < possible.mean() < 0.12
    rows, columns = np.nonzero(possible)
    assert rows.mean() < 200
    assert columns.mean() < 160


def test_without_a_cloud_there_is_no_shadow_in_a_fair_piece_of_sky():
    assert not shadow_possible(~EVERYWHERE, EVERYWHERE, ABOUT, PIXEL).any()
    assert not shadow_possible(~EVERYWHERE, EVERYWHERE, replace(ABOUT, sun_azimuth=None), PIXEL).any()


def test_a_small_piece_may_be_shaded_from_beyond_its_edge():
    little = np.zeros((32, 32), np.bool_)
    assert shadow_possible(little, ~little, ABOUT, (20.0, 20.0)).all()
    seen = np.zeros(SHAPE, np.bool_)
    seen[:20, :20] = True
    assert shadow_possible(~EVERYWHERE, seen, ABOUT, PIXEL).all()


def test_under_a_cloudy_sky_clouds_beyond_the_edge_cast_shadows_too(cloud):
    cloud[:, :20] = True
    possible = shadow_possible(cloud, EVERYWHERE, replace(ABOUT, sun_azimuth=90.0), PIXEL)
    assert possible[:, -20:].all()


def test_where_the_place_of_the_sun_is_not_told_a_cloud_may_shade_anything(cloud):
    assert shadow_possible(cloud, EVERYWHERE, replace(ABOUT, sun_elevation=None), PIXEL).all()


def test_heights_are_taken_so_close_together_that_no_shadow_falls_between(cloud, monkeypatch):
    possible = shadow_possible(cloud, EVERYWHERE, ABOUT, PIXEL)
    one = {}
    for height in np.arange(300.0, 11_900.0, 150.0):
        monkeypatch.setattr(cast, "LOWEST", height)
        monkeypatch.setattr(cast, "HIGHEST", height)
        one[height] = shadow_possible(cloud, EVERYWHERE, ABOUT, PIXEL).sum()
        row, column = (
            round(201 + np.cos(np.radians(150.0)) * height / PIXEL[0]),
            round(162 - np.sin(np.radians(150.0)) * height / PIXEL[1]),
        )
        assert possible[row, column]
    assert one[300.0] < one[11_850.0]
