"""The compiled loops, against the slowest obvious definition; and what compiles them."""

import threading

import numba.core.caching
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from s2lookback.buffers import Buffers
from s2lookback.compiled import compiled
from s2lookback.mrap.select import drop_incomplete, overwrite
from s2lookback.overviews import average, nearest
from s2lookback.scene import NODATA
from s2lookback.steps import steps_of, sum_up

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)
TILE = 9, 11


@given(hnp.arrays(st.sampled_from(["u1", "u2", "u4", "u8"]), SHAPES))
def test_steps_go_on_with_the_last_row_and_number(pixels):
    steps, back, kept = np.full(TILE, 7, pixels.dtype), np.empty_like(pixels), pixels.copy()
    steps_of(pixels, steps)
    height, width = pixels.shape
    for y, x in np.ndindex(*TILE):
        row = [int(number) for number in pixels[min(y, height - 1)]]
        before = row[min(x, width) - 1] if x else 0
        assert int(steps[y, x]) == (row[min(x, width - 1)] - before) % 2 ** (8 * pixels.itemsize)
    sum_up(steps, back)
    np.testing.assert_array_equal(back, pixels)
    np.testing.assert_array_equal(pixels, kept)


@given(
    hnp.arrays(st.sampled_from(["i2", "u1", "f4"]), SHAPES, elements=st.integers(0, 9)),
    st.sampled_from([None, 3]),
)
def test_halves_are_means_of_what_has_data_and_the_upper_left_of_four(pixels, nodata):
    halves, first = average(pixels, nodata), nearest(pixels)
    for y, x in np.ndindex(*halves.shape):
        bottom, right = pixels.shape[0] - 1, pixels.shape[1] - 1
        four = [float(pixels[min(2 * y + i, bottom), min(2 * x + j, right)]) for i, j in np.ndindex(2, 2)]
        known = [number for number in four if number != nodata]
        mean = sum(known) / len(known) if known else nodata
        expected = mean if pixels.dtype.kind == "f" else np.floor(mean + 0.5)
        assert halves[y, x] == pixels.dtype.type(expected)
        assert first[y, x] == four[0]


PIXELS = hnp.arrays("i2", (2, 3, 5), elements=st.sampled_from([NODATA, -3, 0, 32_767]))


@given(PIXELS, PIXELS, hnp.arrays(np.bool_, (3, 5)))
def test_a_pixel_is_overwritten_in_every_band_or_in_none(shown, observed, newer):
    expected, given_ = np.where(newer, observed, shown), observed.copy()
    overwrite(shown, observed, newer)
    np.testing.assert_array_equal(shown, expected)
    np.testing.assert_array_equal(observed, given_)


@given(PIXELS, hnp.arrays(np.bool_, (3, 5)))
def test_a_pixel_without_data_in_some_band_was_not_seen(pixels, seen):
    expected = [[bool(seen[y, x]) and NODATA not in pixels[:, y, x] for x in range(5)] for y in range(3)]
    drop_incomplete(seen, pixels)
    assert seen.tolist() == expected


def test_where_no_folder_can_be_written_a_loop_is_compiled_all_the_same(monkeypatch):
    monkeypatch.setattr(numba.core.caching.FunctionCache._impl_class, "_locator_classes", [])

    @compiled
    def doubled(number):
        return 2 * number

    assert doubled(4) == 8
    assert doubled.stats.cache_path is None


def test_memory_is_the_same_for_a_name_and_of_each_thread_its_own():
    memory, found = Buffers(), []
    one = memory.array("bands", (2, 3), np.int16)
    assert np.shares_memory(memory.array("bands", (3,), np.uint8), one)
    thread = threading.Thread(target=lambda: found.append(memory.array("bands", (2, 3), np.int16)))
    thread.start()
    thread.join()
    assert not np.shares_memory(found[0], one)
    assert not np.shares_memory(memory.array("count", (2, 3), np.int16), one)


@pytest.mark.parametrize("shape", [(7, 3), (2, 2)])
def test_memory_grows_with_what_is_asked_for(shape):
    memory = Buffers()
    memory.array("bands", (1, 2), np.uint8)
    assert memory.array("bands", shape, np.float64).shape == shape
