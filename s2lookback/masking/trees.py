"""Read a LightGBM text model as what it may be: numbers from anywhere, about to be handed to native code."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s2lookback.errors import SceneError

MAX_CHARACTERS = 64_000_000
"""Largest model text; the default settings give half a million."""

_END = "end of trees"
_PER_SPLIT = (
    "split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child",
    "internal_value", "internal_weight", "internal_count",
)  # fmt: skip
_PER_LEAF = ("leaf_value", "leaf_weight", "leaf_count")
_KEYS = {"Tree", "num_leaves", "num_cat", "is_linear", "shrinkage", *_PER_SPLIT, *_PER_LEAF}
_NUMBERS = re.compile(r"[-+0-9.e ]*(?:-?(?:nan|inf)[-+0-9.e ]*)*")
"""LightGBM writes a threshold that parts missing values from all others as nan."""

_DEFAULT_LEFT, _MISSING_IS_NAN = 2, 8
"""Bits of a decision type."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A decision tree over numbers: node 0 is its root, child ``n`` a node, child ``-1 - n`` leaf ``n``."""

    feature: NDArray[np.intp]
    threshold: NDArray[np.float64]
    """A number up to this goes left; NaN: none does."""
    missing_left: NDArray[np.bool_]
    """True where a missing value goes left."""
    left: NDArray[np.intp]
    right: NDArray[np.intp]
    value: NDArray[np.float64]
    """What each leaf adds to the score."""


def digest_of(text: str) -> str:
    """Give the SHA-256 of a model's text, by which its schema or card names it."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_trees(text: str, names: Sequence[str], covers: int) -> list[Tree]:
    """Read the trees of a model, once everything it says is known to be what a model says.

    Args:
        text: A LightGBM text model.
        names: Features it must have, in order.
        covers: Classes it must tell apart.

    Returns:
        Trees in the order in which they are summed: the first of each class, the second of each, and so on.

    Raises:
        SceneError: If it is too big, is no model, is another model, or has a tree that leads nowhere.
    """
    if len(text) > MAX_CHARACTERS:
        raise SceneError(f"the model has {len(text)} characters, expected {MAX_CHARACTERS} at most")
    body, _, _ = text.partition(_END)
    head, *trees = body.removesuffix("\n").split("\nTree=")
    trees = [f"Tree={tree}\n" for tree in trees]
    _check_head(head, trees, names, covers)
    return [_tree(tree, number, len(names)) for number, tree in enumerate(trees)]


def _check_head(head: str, trees: Sequence[str], names: Sequence[str], covers: int) -> None:
    """Refuse a header that does not announce just these trees, features and classes."""
    expected = {
        "version": "v4",
        "num_class": str(covers),
        "num_tree_per_iteration": str(covers),
        "label_index": "0",
        "max_feature_idx": str(len(names) - 1),
        "objective": f"multiclass num_class:{covers}",
        "feature_names": " ".join(names),
        "tree_sizes": " ".join(str(len(tree)) for tree in trees),
    }
    found = _fields(head.removeprefix("tree\n"), "the header of the model")
    infos = found.pop("feature_infos", "").split(" ")
    if not head.startswith("tree\n") or not trees or len(trees) % covers or len(infos) != len(names):
        raise SceneError(f"the model has {len(trees)} trees, {len(infos)} features, expected {covers} and {len(names)}")
    for key in sorted(expected.keys() | found.keys()):
        if found.get(key) != expected.get(key):
            raise SceneError(
                f"the header of the model says {key} {str(found.get(key))[:200]}, expected {expected.get(key)}"
            )


def _fields(block: str, name: str) -> dict[str, str]:
    """Split lines of ``key=value``."""
    lines = [line.partition("=") for line in block.split("\n") if line]
    fields = {key: value for key, equals, value in lines if equals}
    if len(fields) < len(lines):
        raise SceneError(f"{name} says something twice, or something that is no key=value")
    return fields


def _tree(block: str, number: int, features: int) -> Tree:
    """Read a tree; refuse one whose splits or leaves are not all there, or point elsewhere."""
    fields = _fields(block, f"tree {number} of the model")
    try:
        if fields.keys() != _KEYS:
            raise ValueError(f"it says {sorted(fields.keys() ^ _KEYS)} too much or too little")
        leaves = int(_numbers(fields["num_leaves"], 1)[0])
        _numbers(fields["shrinkage"], 1)
        splits = {key: _numbers(fields[key], leaves - 1) for key in _PER_SPLIT}
        values = [_numbers(fields[key], leaves) for key in (_PER_LEAF if leaves > 1 else _PER_LEAF[:1])]
    except (ValueError, OverflowError) as error:
        raise SceneError(f"tree {number} of the model is incomplete ({str(error)[:200]})") from error
    plain = (fields["Tree"], fields["num_cat"], fields["is_linear"]) == (str(number), "0", "0")
    if not plain or not np.isfinite(values).all() or not all(_sound(splits, leaves, features)):
        raise SceneError(f"tree {number} of the model is not a plain decision tree over {features} features")
    index = {key: splits[key].astype(np.intp) for key in ("split_feature", "left_child", "right_child")}
    return Tree(
        feature=index["split_feature"],
        threshold=splits["threshold"],
        missing_left=_missing_left(splits),
        left=index["left_child"],
        right=index["right_child"],
        value=values[0],
    )


def _missing_left(splits: Mapping[str, NDArray[np.float64]]) -> NDArray[np.bool_]:
    """Tell which way a missing value goes; where training met none, it counts as 0."""
    kind = splits["decision_type"].astype(np.intp)
    default_left = (kind & _DEFAULT_LEFT) > 0
    return np.where(kind & _MISSING_IS_NAN, default_left, splits["threshold"] >= 0)


def _numbers(text: str, count: int) -> NDArray[np.float64]:
    """Read exactly so many numbers."""
    words = text.split(" ") if text else []
    if len(words) != count or not _NUMBERS.fullmatch(text):
        raise ValueError(f"{len(words)} words where {count} numbers belong")
    return np.array([float(word) for word in words])


def _sound(splits: Mapping[str, NDArray[np.float64]], leaves: int, features: int) -> Iterator[bool]:
    """Tell in turn what must hold: numeric splits on known features, and every node and leaf reached exactly once."""
    children = np.concatenate([splits["left_child"], splits["right_child"]])
    parents = np.tile(np.arange(leaves - 1), 2)
    yield bool(np.isin(splits["decision_type"], (0, 2, 8, 10)).all())  # others split by category, or take 0 for missing
    yield bool(np.isin(splits["split_feature"], range(features)).all())
    yield bool((children[children >= 0] > parents[children >= 0]).all())
    yield leaves == 1 or sorted(children.tolist()) == [*range(-leaves, 0), *range(1, leaves - 1)]
