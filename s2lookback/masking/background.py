"""The background method: what differs from the median of the images around a date, in whole clusters, and is bright.

Source: Mateo-García et al. 2018, Remote Sensing 10, 1079 (difference from a background, clustering, thresholds) with
the decision trees of ``hollstein`` and a random forest on top, as Sentinel-Cloud-Masking (A. Bocquet) stacks them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from s2lookback.compiled import compiled
from s2lookback.errors import SceneError
from s2lookback.masking.hollstein import TREES, decided
from s2lookback.masking.kmeans import clusters_of
from s2lookback.masking.method import View
from s2lookback.masking.pretrained import chance_of
from s2lookback.masking.spectrum import VISIBLE, Layer, Spectrum, ndsi
from s2lookback.scene import NODATA, Scene
from s2lookback.settings import MaskSettings

APART = timedelta(hours=18)
"""Images nearer in time are of the same overpass."""

SAMPLE = 5000
"""Pixels that the clusters are found in."""

CLUSTERS = 10

RISE = 0.04
"""Change of the visible reflectance, root mean square, from which a cluster may be cloud."""

BRIGHT = 0.175
"""Visible reflectance, root mean square, from which a cluster may be cloud."""

FEATURES = ("cluster", "cluster_rise", "cluster_brightness", "rise", "brightness", "nir_rise", "ndsi", *TREES)
"""What the forest sees of a pixel."""


def nearest(sensed: datetime, others: Sequence[datetime], settings: MaskSettings) -> list[datetime]:
    """Choose the dates whose median is the background of one.

    Args:
        sensed: Of the date that is masked.
        others: Dates of the same tile, in any order; may hold the date itself.
        settings: ``number_of_images`` and ``allow_future`` are used.

    Returns:
        The nearest ones, oldest first; of two as near the earlier one.
    """
    apart = [other for other in others if abs(other - sensed) >= APART]
    there = [other for other in apart if settings.allow_future or other < sensed]
    there.sort(key=lambda other: (abs(other - sensed), other))
    return sorted(there[: settings.number_of_images])


def background_of(images: Sequence[NDArray[np.int16]]) -> NDArray[np.int16] | None:
    """Take the median of images, band by band, of the dates that have data; of two in the middle the lower one.

    Args:
        images: Pixels of each date, (band, y, x), ``NODATA`` where there is none.

    Returns:
        (band, y, x); ``NODATA`` where no date has data; None where there is no image.
    """
    if not images:
        return None
    return np.stack([median(np.stack(bands)) for bands in zip(*images, strict=True)])


@compiled
def median(stack: NDArray[np.int16]) -> NDArray[np.int16]:
    """Take the median of the dates that have data, the lower of two in the middle, (time, y, x) to (y, x)."""
    dates, height, width = stack.shape
    middle = np.full((height, width), NODATA, np.int16)
    seen = np.empty(dates, np.int16)
    for row in range(height):
        for column in range(width):
            count = 0
            for date in range(dates):
                if stack[date, row, column] != NODATA:
                    seen[count] = stack[date, row, column]
                    count += 1
            if count:
                middle[row, column] = np.sort(seen[:count])[(count - 1) // 2]
    return middle


class Background:
    """The clusters of one scene, ready to judge its pixels."""

    name = "background"

    def __init__(self, scene: Scene, background: NDArray[np.int16] | None, settings: MaskSettings) -> None:
        """Find the clusters in a sample of the scene.

        Args:
            scene: With the visible bands; left untouched.
            background: ``background_of`` the images around it.
            settings: ``seed`` is used.

        Raises:
            SceneError: If the scene lacks a visible band.
        """
        missing = [band for band in VISIBLE if band not in scene.bands]
        if missing:
            raise SceneError(
                f"the scene has the bands {' '.join(scene.bands)}, expected for background also {' '.join(missing)}"
            )
        before = np.full_like(scene.pixels, NODATA) if background is None else background
        both = np.flatnonzero((scene.pixels != NODATA).all(axis=0) & (before != NODATA).all(axis=0))
        drawn = np.random.default_rng(settings.seed).choice(both, min(SAMPLE, both.size), replace=False)
        flat = (pixels.reshape(len(scene.bands), -1)[:, drawn] for pixels in (scene.pixels, before))
        now, clear = (Spectrum.of(pixels, scene.bands) for pixels in flat)
        self._clusters = clusters_of(_change(now, clear), CLUSTERS, settings.seed) if drawn.size else None
        self._scores = self._scored(now, clear)

    def _scored(self, now: Spectrum, clear: Spectrum) -> Layer:
        """Score each cluster by the mean of its sample: (2, cluster), rise and brightness."""
        if self._clusters is None:
            return np.full((2, 1), np.nan, np.float32)
        members = self._clusters.nearest(_change(now, clear))
        count = len(self._clusters.centres)
        means = [Spectrum({band: _means(one[band], members, count) for band in VISIBLE}) for one in (now, clear)]
        return np.stack(_rise_and_brightness(*means))

    def probabilities(self, view: View) -> Layer:
        """Give the probability of each class of ``COVERS``, (cover, ...)."""
        return chance_of(self.name, self.features(view))

    def features(self, view: View) -> Layer:
        """Compute ``FEATURES`` of some pixels of the scene, (feature, ...); NaN where there is no background."""
        rise, brightness = _rise_and_brightness(view.now, view.before)
        cluster_rise, cluster_brightness = self._cluster_scores(view)
        cloudy = (cluster_rise > RISE) & (cluster_brightness > BRIGHT)
        named = np.where(np.isnan(cluster_rise), np.nan, cloudy)
        change = view.now.nir - view.before.nir
        own = np.stack([named, cluster_rise, cluster_brightness, rise, brightness, change, ndsi(view.now)])
        return np.concatenate([own, decided(view.now)]).astype(np.float32)

    def _cluster_scores(self, view: View) -> Layer:
        """Give every pixel the scores of its cluster, (2, ...)."""
        change = _change(view.now, view.before)
        known = np.isfinite(change).all(axis=0)
        scores = np.full((2, *known.shape), np.nan, np.float32)
        if self._clusters is not None and known.any():
            scores[:, known] = self._scores[:, self._clusters.nearest(change[:, known])]
        return scores


def _change(now: Spectrum, before: Spectrum) -> Layer:
    """Give the change in every band, (band, ...)."""
    return np.stack([now[band] - before[band] for band in now.layers])


def _means(layer: Layer, members: NDArray[np.intp], count: int) -> Layer:
    """Average the members of each of so many clusters; NaN for one that has none."""
    sizes = np.bincount(members, minlength=count)
    sums = np.bincount(members, layer, count)
    return np.where(sizes, sums / np.maximum(sizes, 1), np.nan).astype(np.float32)


def _rise_and_brightness(now: Spectrum, before: Spectrum) -> tuple[Layer, Layer]:
    """Give root mean squares over the visible bands: of the change, negative where they fell, and of the light."""
    change = np.stack([now[band] - before[band] for band in VISIBLE])
    light = np.stack([now[band] for band in VISIBLE])
    rise = np.sign(change.mean(axis=0)) * np.sqrt((change**2).mean(axis=0))
    return rise, np.sqrt((light**2).mean(axis=0))
