from datetime import UTC, datetime
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from s2lookback.errors import GridMismatchError, SceneError
from s2lookback.grid import Grid
from s2lookback.scene import NO_PERCENT, NODATA, Acquisition, Scene
from s2lookback.sources.merge import merge_scenes

SENSED = datetime(2025, 8, 30, 19, 38, 31, tzinfo=UTC)
BANDS = ("B12", "B09")
SHAPE = (3, 5)
GRID = Grid(32609, (20.0, 0.0, 600_000.0, 0.0, -20.0, 5_700_000.0), *SHAPE)


def part(baseline, processed, valid, value, *, grid=GRID, bands=BANDS, **optional):
    product = f"S2C_MSIL2A_20250830T193831_N{baseline.replace('.', '')}_R142_T09UYT_{processed}"
    pixels = np.where(valid, np.int16(value), np.int16(NODATA))
    return Scene(
        about=Acquisition("09UYT", SENSED, baseline=baseline, products=(product,)),
        grid=grid,
        bands=bands,
        pixels=np.stack([pixels, np.where(valid, pixels + 1, NODATA).astype(np.int16)]),
        **optional,
    )


def parts(masks):
    order = (("05.10", "20250831T003315"), ("05.11", "20250830T235959"), ("05.11", "20250831T003315"))
    return [
        part(
            *name, valid, value, cloud_probability=np.full(SHAPE, value, np.uint8), scl=np.full(SHAPE, value, np.uint8)
        )
        for name, valid, value in zip(order, masks, (1, 2, 3), strict=True)
    ]


def same(one, other):
    assert one.about == other.about
    np.testing.assert_array_equal(one.pixels, other.pixels)
    np.testing.assert_array_equal(one.cloud_probability, other.cloud_probability)
    np.testing.assert_array_equal(one.scl, other.scl)


masks = st.lists(arrays(np.bool_, SHAPE), min_size=3, max_size=3)


@given(masks)
def test_every_pixel_comes_from_the_newest_part_that_has_it(masks):
    merged = merge_scenes(parts(masks))
    for y, x in np.ndindex(*SHAPE):
        having = [value for value, valid in zip((1, 2, 3), masks, strict=True) if valid[y, x]]
        expected = [having[-1], having[-1] + 1] if having else [NODATA, NODATA]
        assert merged.pixels[:, y, x].tolist() == expected
        if having:
            assert merged.cloud_probability[y, x] == having[-1]
            assert merged.scl[y, x] == having[-1]


@given(masks)
def test_the_order_given_does_not_matter(masks):
    expected = merge_scenes(parts(masks))
    for shuffled in permutations(parts(masks)):
        same(merge_scenes(shuffled), expected)


def test_the_parts_are_left_as_they_were():
    given_parts = parts([np.ones(SHAPE, bool)] * 3)
    before = [scene.pixels.copy() for scene in given_parts]
    merge_scenes(given_parts)
    for scene, pixels in zip(given_parts, before, strict=True):
        np.testing.assert_array_equal(scene.pixels, pixels)


def test_products_are_joined_oldest_first_and_facts_are_the_newest_ones():
    merged = merge_scenes(parts([np.ones(SHAPE, bool)] * 3)[::-1])
    assert [(name[28:32], name[45:]) for name in merged.about.products] == [
        ("0510", "20250831T003315"),
        ("0511", "20250830T235959"),
        ("0511", "20250831T003315"),
    ]
    assert merged.about.baseline == "05.11"


def test_a_newest_part_without_cloud_probability_leaves_none_on_its_pixels():
    left = np.zeros(SHAPE, bool)
    left[:, :2] = True
    probability = np.full(SHAPE, 40, np.uint8)
    older = part("05.10", "20250831T003315", np.ones(SHAPE, bool), 1, cloud_probability=probability, scl=probability)
    merged = merge_scenes([older, part("05.11", "20250831T003315", left, 2)])
    np.testing.assert_array_equal(merged.cloud_probability, np.where(left, NO_PERCENT, 40))
    np.testing.assert_array_equal(merged.scl, np.where(left, 0, 40))


def test_where_no_part_has_a_cloud_probability_the_scene_has_none():
    everywhere = np.ones(SHAPE, bool)
    merged = merge_scenes([part("05.10", "a", everywhere, 1), part("05.11", "a", everywhere, 2)])
    assert merged.cloud_probability is None
    assert merged.scl is None


def test_every_metadata_document_is_kept():
    everywhere = np.ones(SHAPE, bool)
    older = part("05.10", "a", everywhere, 1, metadata={"MTD_TL.xml": b"old", "INSPIRE.xml": b"only old"})
    newer = part("05.11", "a", everywhere, 2, metadata={"MTD_TL.xml": b"new"})
    assert merge_scenes([newer, older]).metadata == {
        "MTD_TL.xml": b"new",
        "INSPIRE.xml": b"only old",
        f"{older.about.products[0]}.MTD_TL.xml": b"old",
    }


def test_one_part_is_the_scene():
    only = parts([np.ones(SHAPE, bool)] * 3)[0]
    assert merge_scenes([only]) is only


def test_parts_on_different_grids_are_refused():
    elsewhere = Grid(32610, GRID.transform, *SHAPE)
    everywhere = np.ones(SHAPE, bool)
    with pytest.raises(GridMismatchError, match=r"N0510.*different grids.*32609"):
        merge_scenes([part("05.10", "a", everywhere, 1), part("05.11", "a", everywhere, 2, grid=elsewhere)])


def test_parts_with_different_bands_are_refused():
    everywhere = np.ones(SHAPE, bool)
    with pytest.raises(SceneError, match="different bands"):
        merge_scenes([part("05.10", "a", everywhere, 1), part("05.11", "a", everywhere, 2, bands=("B12", "B08"))])
