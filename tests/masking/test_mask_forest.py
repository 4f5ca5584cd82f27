from concurrent.futures import ThreadPoolExecutor

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from s2lookback.errors import SceneError
from s2lookback.masking import forest
from s2lookback.masking.forest import Forest
from s2lookback.masking.trees import Tree, read_trees

FEATURES, CLASSES = 3, 2
EDGES = (-np.inf, -2.5, -1.0, -0.0, 1e-20, 0.1, 0.5, 1.0, 1.0 + 1e-9, 7e4, 1e300, np.inf, np.nan)
NUMBERS = [np.float32(edge) for edge in EDGES if abs(edge) < 1e38] + [
    np.float32(number) for number in (np.nan, np.inf, -np.inf, 0.0, 0.3, -0.7, 0.1, np.nextafter(np.float32(1), 2))
]


@st.composite
def trees(draw):
    """Grow a tree by splitting leaves, as LightGBM does: a new node stands where the leaf stood."""
    splits = draw(st.integers(0, 9))
    left, right = [], []
    for node in range(splits):
        leaf = -1 - draw(st.integers(0, node))
        for children in (left, right):
            children[:] = [node if child == leaf else child for child in children]
        left.append(leaf)
        right.append(-2 - node)
    return Tree(
        feature=np.array(draw(st.lists(st.integers(0, FEATURES - 1), min_size=splits, max_size=splits)), np.intp),
        threshold=np.array(draw(st.lists(st.sampled_from(EDGES), min_size=splits, max_size=splits)), np.float64),
        missing_left=np.array(draw(st.lists(st.booleans(), min_size=splits, max_size=splits)), np.bool_),
        left=np.array(left, np.intp),
        right=np.array(right, np.intp),
        value=np.array(draw(st.lists(st.floats(-1, 1), min_size=splits + 1, max_size=splits + 1))),
    )


def walked(tree, numbers):
    """Follow one pixel down one tree."""
    node = 0 if tree.feature.size else -1
    while node >= 0:
        number = float(numbers[tree.feature[node]])
        goes_left = tree.missing_left[node] if np.isnan(number) else number <= tree.threshold[node]
        node = (tree.left if goes_left else tree.right)[node]
    return tree.value[-1 - node]


@settings(max_examples=300)
@given(
    st.lists(st.tuples(trees(), trees()), min_size=1, max_size=3),
    hnp.arrays(np.float32, st.tuples(st.just(FEATURES), st.integers(1, 40)), elements=st.sampled_from(NUMBERS)),
)
def test_scores_are_those_of_walking_every_tree_summed_in_their_order(rounds, columns):
    grown = [tree for one in rounds for tree in one]
    expected = np.zeros((CLASSES, columns.shape[1]))
    for number, tree in enumerate(grown):
        expected[number % CLASSES] += [walked(tree, pixel) for pixel in columns.T]
    given_columns = columns.copy()
    np.testing.assert_array_equal(Forest.of(grown, FEATURES, CLASSES).scores(columns), expected)
    np.testing.assert_array_equal(columns, given_columns)


def grow(seed, *, classes=4, leaves=15, pixels=900, rounds=6, categories="auto", **how):
    """Train a model on noise that leans on its features; some of these are often missing."""
    random = np.random.default_rng(seed)
    columns = random.normal(size=(7, pixels)).astype(np.float32)
    columns[1] = np.round(columns[1])
    columns[2, random.random(pixels) < 0.3] = np.nan
    columns[3] = random.integers(0, 2, pixels)
    targets = np.argmax(columns[:classes] + 0.3 * random.normal(size=(classes, pixels)), axis=0)
    parameters = {
        "objective": "multiclass", "num_class": classes, "num_leaves": leaves, "min_data_in_leaf": 3, "num_threads": 1,
        "verbosity": -1, **how,
    }  # fmt: skip
    data = lightgbm.Dataset(columns.T, targets, categorical_feature=categories, params=parameters)
    return lightgbm.train(parameters, data, rounds), columns


def planted(booster, classes):
    names = booster.feature_name()
    return Forest.of(read_trees(booster.model_to_string(), names, classes), len(names), classes)


KINDS = [
    {"classes": 2, "leaves": 2}, {"classes": 3, "leaves": 31, "max_bin": 63}, {"classes": 4, "max_bin": 15},
    {"classes": 4, "use_missing": False}, {"classes": 2, "leaves": 300, "pixels": 3000, "min_data_in_leaf": 1},
    {"classes": 3, "leaves": 60, "pixels": 4000, "max_bin": 2000, "rounds": 20},
]  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_probabilities_are_those_of_lightgbm_to_the_last_bit(kind, seed):
    booster, columns = grow(seed, **kind)
    fresh = np.random.default_rng(seed + 50).normal(size=columns.shape).astype(np.float32)
    fresh[:, ::5] = np.nan
    fresh[:, 1::5] = columns[:, 1::5]
    found = planted(booster, kind["classes"]).probabilities(fresh)
    np.testing.assert_array_equal(found, booster.predict(fresh.T, num_threads=1).T)


def test_more_thresholds_or_leaves_than_fit_a_byte_get_two():
    booster, _ = grow(0, **KINDS[-1])
    assert planted(booster, 3).below.dtype == np.uint16
    booster, _ = grow(0, **KINDS[-2])
    many = planted(booster, 2)
    assert np.diff(many.leaves).max() > 256


@pytest.fixture(scope="module")
def grown():
    booster, columns = grow(8)
    return planted(booster, 4), columns


@pytest.mark.parametrize("block", [1, 7, 64, 5000])
def test_the_size_of_a_block_changes_no_bit(grown, block, monkeypatch):
    trees, columns = grown
    expected = trees.probabilities(columns)
    monkeypatch.setattr(forest, "_BLOCK", block)
    np.testing.assert_array_equal(trees.probabilities(columns), expected)


def test_neither_threads_nor_where_a_pixel_stands_change_a_bit(grown):
    trees, columns = grown
    expected = trees.probabilities(columns)
    parts = np.array_split(columns, 13, axis=1)
    with ThreadPoolExecutor(4) as pool:
        np.testing.assert_array_equal(np.concatenate([*pool.map(trees.probabilities, parts)], axis=1), expected)
    np.testing.assert_array_equal(trees.probabilities(columns[:, ::-1])[:, ::-1], expected)


def test_no_pixel_has_no_probability(grown):
    assert grown[0].probabilities(np.empty((7, 0), np.float32)).shape == (4, 0)


def test_a_model_with_more_thresholds_than_there_are_bins_is_refused(monkeypatch):
    monkeypatch.setattr(forest, "_MOST_EDGES", {np.uint8: 3, np.uint16: 9})
    booster, _ = grow(1, leaves=31)
    with pytest.raises(SceneError, match="thresholds of one feature, expected 9 at most"):
        planted(booster, 4)


@pytest.mark.parametrize("how", [{"zero_as_missing": True}, {"categories": [3]}])
def test_trees_that_part_by_category_or_take_zero_for_missing_are_refused(how):
    booster, _ = grow(2, **how)
    with pytest.raises(SceneError, match=r"not a plain decision tree|incomplete"):
        planted(booster, 4)
