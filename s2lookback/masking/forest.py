"""Gradient-boosted trees at the speed of the memory: each feature binned once, every node a select over a block.

A tree asks of a number only whether it is above some of its thresholds. So each feature becomes a small whole number,
how many thresholds lie below it, and nothing is lost: scores are those of LightGBM to the last bit. From the leaves up,
each node then picks, for a thousand pixels in a few instructions, the leaf of its left or of its right side.
"""

from collections.abc import Sequence
from math import exp
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from s2lookback.compiled import compiled
from s2lookback.errors import SceneError
from s2lookback.masking.trees import Tree

Bins = NDArray[np.unsignedinteger[Any]]

_BLOCK = 512
"""Pixels looked at together: the bins of 40 features and what is found in a tree of 31 leaves take 50 kB, a core's own
cache."""

_CELLS = 2**16
"""Floats are first told apart by the upper half of their bits; few thresholds share one."""

_MOST_EDGES: dict[type[np.unsignedinteger[Any]], int] = {np.uint8: 253, np.uint16: 65_533}
"""Thresholds of a feature for which this type has a bin each, two for what lies outside, and one that nothing is in."""


class Forest(NamedTuple):
    """The trees of a model, laid out for the kernel, which takes tuples."""

    classes: int
    edges: NDArray[np.float32]
    """Thresholds of each feature, ascending, and infinity."""
    first: NDArray[np.intp]
    """Where the thresholds of each feature begin."""
    below: Bins
    """Thresholds below every float of a cell, (feature, cell)."""
    roots: NDArray[np.intp]
    """Where the nodes of each tree begin, and end."""
    leaves: NDArray[np.intp]
    """Where the leaves of each tree begin."""
    feature: NDArray[np.intp]
    low: Bins
    """First bin that goes left, a node each; missing values have bin 0, numbers begin at 1."""
    span: Bins
    """Last bin that goes left, less the first."""
    left: NDArray[np.intp]
    """Row of the leaves found below: first come rows that hold one leaf number each, then a row a node."""
    right: NDArray[np.intp]
    value: NDArray[np.float64]

    @classmethod
    def of(cls, trees: Sequence[Tree], features: int, classes: int) -> "Forest":
        """Lay out trees, one of each class in turn.

        Raises:
            SceneError: If a feature has more thresholds than there are bins.
        """
        asked = np.concatenate([tree.feature for tree in trees])
        threshold = np.concatenate([tree.threshold for tree in trees])
        wanted = [np.unique(_edges(threshold[asked == number])) for number in range(features)]
        kind = _kind(max(edges.size for edges in wanted))
        most = max(tree.value.size for tree in trees)
        low, high = _sides(asked, threshold, np.concatenate([tree.missing_left for tree in trees]), wanted, kind)
        return cls(
            classes=classes,
            edges=np.concatenate([np.append(edges, np.float32(np.inf)) for edges in wanted]),
            first=_starts([edges.size + 1 for edges in wanted])[:-1],
            below=np.stack([_below(edges) for edges in wanted]).astype(kind),
            roots=_starts([tree.feature.size for tree in trees]),
            leaves=_starts([tree.value.size for tree in trees])[:-1],
            feature=asked,
            low=low.astype(kind),
            span=(high - low).astype(kind),
            left=_rows([tree.left for tree in trees], most),
            right=_rows([tree.right for tree in trees], most),
            value=np.concatenate([tree.value for tree in trees]),
        )

    def scores(self, columns: NDArray[np.float32]) -> NDArray[np.float64]:
        """Give the sum of the trees of each class, (class, pixel), summed in their order.

        Args:
            columns: Features, (feature, pixel); NaN where missing.
        """
        most = int(np.diff(np.append(self.leaves, self.value.size)).max())
        found = np.zeros((most + most - 1, _BLOCK), np.uint8 if most <= 256 else np.uint16)
        found[:most] = np.arange(most)[:, np.newaxis]
        plain = np.ascontiguousarray(columns, np.float32)
        scores = np.zeros((self.classes, plain.shape[1]))
        _sum_trees(plain, plain.view(np.uint32), self, found, scores)
        return scores

    def probabilities(self, columns: NDArray[np.float32]) -> NDArray[np.float64]:
        """Give the probability of each class, (class, pixel), from features, (feature, pixel)."""
        scores = self.scores(columns)
        _soften(scores)
        return scores


def _edges(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """Give the largest float up to each threshold, which parts all floats as it does; none for NaN."""
    exact = threshold[~np.isnan(threshold)]
    with np.errstate(over="ignore"):
        near = exact.astype(np.float32)
    return np.where(near > exact, np.nextafter(near, np.float32(-np.inf)), near) + np.float32(0)  # no −0


def _kind(edges: int) -> type[np.unsignedinteger[Any]]:
    """Choose the smallest type of bins."""
    for kind, most in _MOST_EDGES.items():
        if edges <= most:
            return kind
    raise SceneError(f"the model has {edges} thresholds of one feature, expected {_MOST_EDGES[np.uint16]} at most")


def _sides(
    asked: NDArray[np.intp],
    threshold: NDArray[np.float64],
    missing_left: NDArray[np.bool_],
    wanted: Sequence[NDArray[np.float32]],
    kind: type[np.unsignedinteger[Any]],
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give the first and the last bin that goes left at each node; the bin that nothing is in where none does."""
    last = np.zeros(asked.size, np.intp)
    for number, edges in enumerate(wanted):
        there = (asked == number) & ~np.isnan(threshold)
        last[there] = 1 + np.searchsorted(edges, _edges(threshold[there]))
    first = np.where(missing_left, 0, 1)
    none = first > last
    empty = np.iinfo(kind).max
    return np.where(none, empty, first), np.where(none, empty, last)


def _below(edges: NDArray[np.float32]) -> NDArray[np.intp]:
    """Count the thresholds that lie in lower cells than each, (cell)."""
    cells = np.arange(_CELLS)
    rank = np.where(cells < _CELLS // 2, cells + _CELLS // 2, _CELLS - 1 - cells)  # negative floats run backwards
    counts = np.bincount(rank[edges.view(np.uint32) >> np.uint32(16)], minlength=_CELLS)
    return (np.cumsum(counts) - counts)[rank]


def _starts(sizes: Sequence[int]) -> NDArray[np.intp]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)


def _rows(children: Sequence[NDArray[np.intp]], most: int) -> NDArray[np.intp]:
    """Number the rows in which the leaves below a child are found."""
    below = np.concatenate(children)
    return np.where(below < 0, -1 - below, most + below)


@compiled
def _sum_trees(
    columns: NDArray[np.float32], bits: NDArray[np.uint32], forest: Forest, found: Bins, scores: NDArray[np.float64]
) -> None:
    """Add to the scores, (class, pixel), what the trees say of features, (feature, pixel).

    Args:
        columns: Features.
        bits: The same bytes.
        forest: The trees.
        found: Which leaf of a tree each pixel of a block falls into; for each leaf a row of its number, and a row a
            node for what is found below it, (leaf or node, pixel).
        scores: Is added to.
    """
    leaves, block = (found.shape[0] + 1) // 2, found.shape[1]
    bins = np.empty((columns.shape[0], block), forest.below.dtype)
    for start in range(0, columns.shape[1], block):
        count = min(block, columns.shape[1] - start)
        _bin(columns, bits, start, count, forest, bins)
        for tree in range(forest.leaves.size):
            root = forest.roots[tree]
            nodes = forest.roots[tree + 1] - root
            for node in range(nodes - 1, -1, -1):
                at = root + node
                asked, low, span = forest.feature[at], forest.low[at], forest.span[at]
                left, right, row = forest.left[at], forest.right[at], leaves + node
                for pixel in range(count):
                    near, far = found[left, pixel], found[right, pixel]  # both, or it would be a jump and no select
                    found[row, pixel] = near if forest.below.dtype.type(bins[asked, pixel] - low) <= span else far
            top, target, worth = leaves if nodes else 0, tree % scores.shape[0], forest.value[forest.leaves[tree] :]
            for pixel in range(count):
                scores[target, start + pixel] += worth[found[top, pixel]]


@compiled
def _bin(
    columns: NDArray[np.float32], bits: NDArray[np.uint32], start: int, count: int, forest: Forest, bins: Bins
) -> None:
    """Count the thresholds below each feature, and one more; 0 for a missing value."""
    for feature in range(columns.shape[0]):
        edges = forest.edges[forest.first[feature] :]
        for pixel in range(count):
            number = columns[feature, start + pixel]
            bin_ = 0
            if not np.isnan(number):
                bin_ = 1 + int(forest.below[feature, bits[feature, start + pixel] >> np.uint32(16)])
                while number > edges[bin_ - 1]:
                    bin_ += 1
            bins[feature, pixel] = bin_


@compiled
def _soften(scores: NDArray[np.float64]) -> None:
    """Turn scores, (class, pixel), into probabilities, in LightGBM's order of operations."""
    for pixel in range(scores.shape[1]):
        most, total = scores[0, pixel], 0.0
        for one in range(1, scores.shape[0]):
            most = max(most, scores[one, pixel])
        for one in range(scores.shape[0]):
            part = exp(scores[one, pixel] - most)
            scores[one, pixel] = part
            total += part
        for one in range(scores.shape[0]):
            scores[one, pixel] /= total
