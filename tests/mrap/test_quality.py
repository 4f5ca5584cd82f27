"""The invariants of composites: each is broken by hand and must be noticed."""

import numpy as np
import pytest

from s2lookback.errors import CatalogError
from s2lookback.mrap.fold import DAY, Composite, expire, fold_scene
from s2lookback.mrap.quality import check_composite, check_succession
from s2lookback.scene import NODATA

SHAPE = (2, 3, 5)


@pytest.fixture
def composite() -> Composite:
    clear = np.arange(15).reshape(3, 5) % 4 > 0
    return fold_scene(Composite.empty(*SHAPE), np.full(SHAPE, 900, np.int16), clear, 10 * DAY)


def test_what_the_fold_makes_passes(composite):
    later = fold_scene(composite, np.full(SHAPE, 800, np.int16), np.eye(3, 5, dtype=np.bool_), 14 * DAY)
    check_composite(Composite.empty(*SHAPE, dtype=np.float32))
    check_composite(later)
    check_succession(composite, later, at=14 * DAY)


def test_a_pixel_without_data_in_one_band_is_noticed(composite):
    composite.pixels[1, 0, 1:3] = NODATA
    with pytest.raises(CatalogError, match="2 pixels have data in some bands only"):
        check_composite(composite)


def test_a_source_without_data_and_data_without_a_source_are_noticed(composite):
    composite.source[0, 0] = 9 * DAY
    composite.source[0, 1] = 0
    with pytest.raises(CatalogError, match="2 pixels have data without a source"):
        check_composite(composite)


def test_a_pixel_that_reverts_to_nothing_is_noticed(composite):
    with pytest.raises(CatalogError, match="11 pixels went back"):
        check_succession(composite, Composite.empty(*SHAPE), at=11 * DAY)


def test_a_pixel_that_goes_back_in_time_is_noticed(composite):
    older = fold_scene(Composite.empty(*SHAPE), composite.pixels, composite.source > 0, 9 * DAY)
    with pytest.raises(CatalogError, match="11 pixels went back"):
        check_succession(composite, older, at=11 * DAY, max_age_days=7)


def test_a_pixel_that_left_the_window_may_go(composite):
    check_succession(composite, expire(composite, 18 * DAY, 7), at=18 * DAY, max_age_days=7)
    with pytest.raises(CatalogError, match="11 pixels went back"):
        check_succession(composite, Composite.empty(*SHAPE), at=17 * DAY, max_age_days=7)
