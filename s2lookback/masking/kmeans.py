"""Clusters of pixels that are alike."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROUNDS = 20
"""Times that the centres move."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """Centres, and the scale that distances from them are measured on."""

    centres: NDArray[np.float64]
    """(cluster, band), standardised."""
    mean: NDArray[np.float64]
    """(band)."""
    deviation: NDArray[np.float64]
    """(band)."""

    def nearest(self, points: NDArray[np.floating]) -> NDArray[np.intp]:
        """Number the cluster of each point, (band, point) to (point)."""
        return _nearest((points.T - self.mean) / self.deviation, self.centres)


def clusters_of(points: NDArray[np.floating], count: int, seed: int) -> Clusters:
    """Find clusters by k-means, each band standardised; the same points and seed give the same ones.

    Args:
        points: (band, point), finite, one point at least.
        count: Clusters; fewer where there are fewer different points.
        seed: Of the first centres.

    Source: Lloyd 1982, IEEE Transactions on Information Theory 28; first centres by Arthur & Vassilvitskii 2007.
    """
    mean, deviation = points.mean(axis=1), np.maximum(points.std(axis=1), 1e-6)
    scaled = (points.T.astype(np.float64) - mean) / deviation
    centres = _first(scaled, count, np.random.default_rng(seed))
    for _ in range(ROUNDS):
        members = _nearest(scaled, centres)
        sizes = np.bincount(members, minlength=len(centres))
        sums = [np.bincount(members, band, len(centres)) for band in scaled.T]
        centres = np.where(sizes[:, None] > 0, np.stack(sums, axis=1) / np.maximum(sizes, 1)[:, None], centres)
    return Clusters(centres, mean, deviation)


def _first(points: NDArray[np.float64], count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Choose points that lie apart, each the likelier the farther it is from those chosen before."""
    centres = points[[random.integers(len(points))]]
    away = ((points - centres[0]) ** 2).sum(axis=1)
    while len(centres) < count and away.max() > 0:
        chosen = points[random.choice(len(points), p=away / away.sum())]
        centres = np.concatenate([centres, chosen[np.newaxis]])
        away = np.minimum(away, ((points - chosen) ** 2).sum(axis=1))
    return centres


def _nearest(points: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.intp]:
    away = np.stack([((points - centre) ** 2).sum(axis=1) for centre in centres])
    nearest: NDArray[np.intp] = away.argmin(axis=0)
    return nearest
