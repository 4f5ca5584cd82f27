"""The invariants of composites: each is broken by hand and must be noticed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from s2lookback.errors import CatalogError
from s2lookback.mrap.fold import DAY, Composite, expire, fold_scene
from s2lookback.mrap.quality import check_composite, check_succession, seam_score
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


def test_a_newer_pixel_may_yield_to_one_that_counts_as_newer_but_not_to_one_that_counts_as_older():
    sure, unsure = (np.full(SHAPE[1:], percent, np.uint8) for percent in (0, 50))
    clear, pixels = np.ones(SHAPE[1:], np.bool_), np.full(SHAPE, 7, np.int16)
    late, early = (
        fold_scene(Composite.empty(*SHAPE), pixels, clear, day * DAY, doubt)
        for day, doubt in ((14, unsure), (10, sure))
    )
    check_succession(late, early, at=14 * DAY, prefer_days=10)
    with pytest.raises(CatalogError, match="15 pixels went back"):
        check_succession(late, early, at=14 * DAY, prefer_days=7)


@given(
    hnp.arrays(np.int16, (4, 7), elements=st.sampled_from([NODATA, -50, 0, 900, 32_000])),
    hnp.arrays(np.uint32, (4, 7), elements=st.sampled_from([5 * DAY, 7 * DAY])),
)
def test_the_seam_score_is_the_ratio_of_mean_steps(band, source):
    steps = {True: [], False: []}
    for y, x in np.ndindex(4, 7):
        for v, u in ((y, x + 1), (y + 1, x)):
            if v < 4 and u < 7 and NODATA not in (band[y, x], band[v, u]):
                steps[bool(source[y, x] != source[v, u])].append(abs(int(band[y, x]) - int(band[v, u])))
    if steps[True] and any(steps[False]):
        expected = np.mean(steps[True]) / np.mean(steps[False])
        assert seam_score(band, source) == pytest.approx(expected)
    else:
        assert seam_score(band, source) is None


def test_the_seam_score_rises_with_the_difference_in_light_and_is_one_without():
    surface = np.random.default_rng(4).normal(2500, 60, (60, 45))
    patches = (np.arange(60)[:, np.newaxis] // 5 + np.arange(45) // 5) % 2
    source = np.where(patches, 5 * DAY, 7 * DAY).astype(np.uint32)

    def score(light):
        return seam_score((surface * np.where(source == 5 * DAY, light, 1)).astype(np.int16), source)

    assert score(1) == pytest.approx(1, abs=0.05)
    assert 1.5 < score(0.95) < score(0.9)
