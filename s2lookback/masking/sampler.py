"""Which pixels of a scene a model learns from."""

import numpy as np
from numpy.typing import NDArray

from s2lookback.masking.classes import MASKED, Class
from s2lookback.settings import MaskSettings


def draw(labels: NDArray[np.uint8], settings: MaskSettings, seed: tuple[int, ...]) -> NDArray[np.intp]:
    """Draw labelled pixels without replacement, masked and clear ones apart.

    Args:
        labels: Codes of ``Class``, any shape; ``NO_DATA`` where there is no label.
        settings: ``sample_size``, ``sample_between`` and ``sample_within`` are used.
        seed: What the draw depends on; the same seed draws the same pixels.

    Returns:
        Flat indices, ascending.

    Source: the class sampler of BC Wildfire Service's s2lookback: each class gets its share of the sample, but never
    more than a share of what there is of it.
    """
    random = np.random.default_rng(seed)
    masked = np.isin(labels, MASKED)
    clear = (labels != Class.NO_DATA) & ~masked
    drawn = []
    for group, between, within in zip((masked, clear), settings.sample_between, settings.sample_within, strict=True):
        there = np.flatnonzero(group)
        count = int(min(settings.sample_size * between, within * there.size))
        drawn.append(random.choice(there, count, replace=False))
    return np.sort(np.concatenate(drawn))
