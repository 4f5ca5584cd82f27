"""The fold against the slowest obvious definition, and its laws."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from s2lookback.errors import GridMismatchError, SceneError
from s2lookback.mrap.fold import DAY, NEVER, Composite, expire, fold_scene
from s2lookback.scene import NO_PERCENT, NODATA

SHAPE = (2, 3, 5)  # bands, height, width: all different, so a swapped axis shows
TIMES = st.one_of(st.integers(DAY, 40 * DAY), st.integers(1, 40).map(lambda day: day * DAY))
"""Whole days too, so that effective times are often equal."""
PREFER_DAYS = st.sampled_from([0, 1, 10, 365])


@st.composite
def scenes(draw, most=5):
    """Scenes of distinct times whose pixels lack data in all bands, in one, or in none, and how doubtful they are."""
    series = []
    for time in draw(st.lists(TIMES, max_size=most, unique=True)):
        pixels = draw(hnp.arrays(np.int16, SHAPE, elements=st.sampled_from([NODATA, -3, 0, 7, 1200])))
        clear = draw(hnp.arrays(np.bool_, SHAPE[1:]))
        doubt = draw(hnp.arrays(np.uint8, SHAPE[1:], elements=st.sampled_from([0, 1, 50, 99, 100, NO_PERCENT])))
        series.append((pixels, clear, time, doubt))
    return series


def fold(series, base=None, **options):
    composite = base or Composite.empty(*SHAPE)
    for scene in series:
        composite = fold_scene(composite, *scene, **options)
    return composite


def search(series, at, max_age_days=None, prefer_days=0):
    """Look, per pixel, through all scenes up to ``at`` for the clear one inside the window that counts as newest."""
    found = Composite.empty(*SHAPE)
    for y, x in np.ndindex(*SHAPE[1:]):
        seen = []
        for pixels, clear, time, doubt in series:
            if clear[y, x] and (pixels[:, y, x] != NODATA).all() and time <= at:
                counts_as = time - prefer_days * DAY * Fraction(min(int(doubt[y, x]), 100), 100)
                seen.append((counts_as, time, pixels[:, y, x], doubt[y, x]))
        found.count[y, x] = len(seen)
        inside = [one for one in seen if max_age_days is None or at // DAY - one[0] // DAY <= max_age_days]
        if inside:
            _, found.source[y, x], found.pixels[:, y, x], found.doubt[y, x] = max(inside, key=lambda one: one[:2])
    return found


def assert_same(one, other, *, count=True):
    np.testing.assert_array_equal(one.pixels, other.pixels)
    np.testing.assert_array_equal(one.source, other.source)
    np.testing.assert_array_equal(one.doubt, other.doubt)
    assert (one.pixels.dtype, one.source.dtype) == (other.pixels.dtype, other.source.dtype)
    if count:
        np.testing.assert_array_equal(one.count, other.count)
        assert one.count.dtype == other.count.dtype


@given(scenes(), PREFER_DAYS)
def test_agrees_with_the_definition(series, days):
    assert_same(fold(series, prefer_days=days), search(series, at=50 * DAY, prefer_days=days))


@given(scenes(), PREFER_DAYS, st.randoms())
def test_order_does_not_matter(series, days, random):
    shuffled = random.sample(series, len(series))
    assert_same(fold(shuffled, prefer_days=days), fold(series, prefer_days=days))


@given(scenes(), PREFER_DAYS, st.data())
def test_a_scene_folded_again_changes_neither_pixels_nor_source(series, days, data):
    again = data.draw(st.sampled_from(series)) if series else None
    once = fold(series, prefer_days=days)
    assert_same(fold([again] if again else [], once, prefer_days=days), once, count=False)


@given(scenes(), st.integers(0, SHAPE[1]), st.integers(0, SHAPE[2]))
def test_blocks_give_the_same_as_the_whole(series, row, column):
    whole = fold(series, prefer_days=10)
    for rows in (slice(0, row), slice(row, None)):
        for columns in (slice(0, column), slice(column, None)):
            part = Composite.empty(SHAPE[0], *whole.source[rows, columns].shape)
            for pixels, clear, time, doubt in series:
                at = np.s_[rows, columns]
                part = fold_scene(part, pixels[:, rows, columns], clear[at], time, doubt[at], prefer_days=10)
            expected = Composite(
                whole.pixels[:, rows, columns],
                whole.source[rows, columns],
                whole.count[rows, columns],
                whole.doubt[rows, columns],
            )
            assert_same(part, expected)


@given(scenes(), st.integers(1, 45), PREFER_DAYS)
def test_carrying_an_expired_composite_equals_searching_each_window(series, days, prefer):
    carried = Composite.empty(*SHAPE)
    for scene in sorted(series, key=lambda scene: scene[2]):
        carried = expire(fold([scene], carried, prefer_days=prefer), scene[2], days, prefer_days=prefer)
        assert_same(carried, search(series, scene[2], days, prefer))


@given(scenes(), st.integers(1, 45), PREFER_DAYS)
def test_expiring_once_at_the_end_equals_expiring_at_every_date(series, days, prefer):
    carried = Composite.empty(*SHAPE)
    for scene in sorted(series, key=lambda scene: scene[2]):
        carried = expire(fold([scene], carried, prefer_days=prefer), scene[2], days, prefer_days=prefer)
    whole = fold(series, prefer_days=prefer)
    assert_same(*(expire(one, 50 * DAY, days, prefer_days=prefer) for one in (carried, whole)))


@given(scenes())
def test_floats_fold_as_integers_do(series):
    def real(pixels):
        return np.where(pixels == NODATA, np.nan, pixels).astype(np.float32)

    composite = Composite.empty(*SHAPE, dtype=np.float32)
    for pixels, *others in series:
        composite = fold_scene(composite, real(pixels), *others)
    whole = fold(series)
    assert composite.pixels.dtype == np.float32
    np.testing.assert_array_equal(composite.pixels, real(whole.pixels))
    np.testing.assert_array_equal(composite.source, whole.source)


@given(scenes())
def test_arguments_are_left_untouched(series):
    base = fold(series[:1])
    arrays = [base.pixels, base.source, base.count, base.doubt]
    arrays += [array for pixels, clear, _, doubt in series for array in (pixels, clear, doubt)]
    copies = [array.copy() for array in arrays]
    for scene in series:
        expire(fold([scene], base, prefer_days=3), 50 * DAY, 3, prefer_days=3)
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_the_first_of_two_scenes_of_one_second_stays():
    first, second = np.full(SHAPE, 1, np.int16), np.full(SHAPE, 2, np.int16)
    clear = np.ones(SHAPE[1:], np.bool_)
    assert (fold([(first, clear, 5 * DAY), (second, clear, 5 * DAY)]).pixels == 1).all()


def test_two_scenes_of_one_day_keep_their_order():
    clear = np.ones(SHAPE[1:], np.bool_)
    early, late = (np.full(SHAPE, value, np.int16) for value in (1, 2))
    composite = fold([(late, clear, 5 * DAY + 11), (early, clear, 5 * DAY + 10)])
    assert (composite.pixels == 2).all()
    assert (composite.sensed == 5).all()


def test_a_pixel_that_lacks_one_band_is_not_seen():
    pixels = np.full(SHAPE, 7, np.int16)
    pixels[1, 2, 3] = NODATA
    composite = fold([(pixels, np.ones(SHAPE[1:], np.bool_), 9 * DAY)])
    assert (composite.pixels[:, 2, 3] == NODATA).all()
    assert composite.source[2, 3] == composite.count[2, 3] == 0
    assert np.count_nonzero(composite.source) == 14


def test_age_is_counted_in_calendar_days_and_never_seen_has_its_own_number():
    clear = np.zeros(SHAPE[1:], np.bool_)
    clear[0, 1] = True
    composite = fold([(np.ones(SHAPE, np.int16), clear, 20_000 * DAY + DAY - 1)])
    age = composite.age(20_002 * DAY)
    assert (age.dtype, age[0, 1], age[0, 0]) == (np.uint16, 2, NEVER)
    with pytest.raises(SceneError, match="pixels of day 20000, which is later"):
        composite.age(19_999 * DAY)


def test_a_pixel_expires_on_the_day_after_the_window_whatever_the_hour():
    seen_late = fold([(np.ones(SHAPE, np.int16), np.ones(SHAPE[1:], np.bool_), 10 * DAY + 70_000)])
    assert_same(expire(seen_late, 17 * DAY + 80_000, 7), seen_late)
    gone = expire(seen_late, 18 * DAY, 7)
    assert (gone.pixels == NODATA).all()
    assert not gone.source.any()
    assert (gone.count == 1).all()


def test_doubt_outweighs_as_many_days_as_the_settings_say():
    clear, sure, unsure = np.ones(SHAPE[1:], np.bool_), np.zeros(SHAPE[1:], np.uint8), np.full(SHAPE[1:], 50, np.uint8)
    early, late = (np.full(SHAPE, value, np.int16) for value in (1, 2))
    series = [(early, clear, 9 * DAY, sure), (late, clear, 14 * DAY, unsure)]
    assert (fold(series, prefer_days=11).pixels == 1).all()
    assert (fold(series, prefer_days=10).pixels == 2).all(), "they count the same, and the newer one is shown"
    assert (fold(series).pixels == 2).all()


def test_a_doubtful_pixel_leaves_the_window_early_and_none_leaves_it_late():
    clear, doubt = np.ones(SHAPE[1:], np.bool_), np.full(SHAPE[1:], 50, np.uint8)
    seen = fold([(np.ones(SHAPE, np.int16), clear, 10 * DAY, doubt)], prefer_days=6)
    assert (expire(seen, 14 * DAY, 7, prefer_days=6).source > 0).all()
    gone = expire(seen, 15 * DAY, 7, prefer_days=6)
    assert not gone.source.any()
    assert (gone.doubt == NO_PERCENT).all()


def test_a_single_pixel_and_a_scene_without_data_fold_too():
    empty = Composite.empty(1, 1, 1)
    assert_same(
        fold_scene(empty, np.full((1, 1, 1), NODATA, np.int16), np.ones((1, 1), np.bool_), 3 * DAY),
        Composite.empty(1, 1, 1),
    )
    one = fold_scene(empty, np.full((1, 1, 1), -5, np.int16), np.ones((1, 1), np.bool_), 3 * DAY)
    assert (one.pixels.item(), one.source.item(), one.count.item()) == (-5, 3 * DAY, 1)


@pytest.mark.parametrize(
    ("shape", "clear_shape", "dtype"),
    [
        ((2, 5, 3), (3, 5), np.int16),
        (SHAPE, (5, 3), np.int16),
        (SHAPE, (3, 5), np.float32),
        ((1, 3, 5), (3, 5), np.int16),
    ],
)
def test_a_scene_that_does_not_fit_is_refused(shape, clear_shape, dtype):
    with pytest.raises(GridMismatchError, match="does not fit composite"):
        fold_scene(Composite.empty(*SHAPE), np.zeros(shape, dtype), np.ones(clear_shape, np.bool_), DAY)


@pytest.mark.parametrize("sensed", [-1, 0, DAY - 1, 2**32])
def test_a_time_that_the_source_raster_cannot_hold_is_refused(sensed):
    with pytest.raises(SceneError, match="sensing time must lie between"):
        fold_scene(Composite.empty(*SHAPE), np.zeros(SHAPE, np.int16), np.ones(SHAPE[1:], np.bool_), sensed)
