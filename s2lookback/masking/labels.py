"""Weak labels: what the producer's own masks say of a pixel, where they can be believed."""

import numpy as np
from numpy.typing import NDArray

from s2lookback.masking.classes import Class
from s2lookback.scene import NO_PERCENT
from s2lookback.settings import MaskSettings

THICK = 65
"""Percent of cloud probability from which Sen2Cor itself speaks of high probability.

Source: Sen2Cor 2.x algorithm theoretical basis, cloud probability classes 0.35 and 0.65."""

_SCL = np.zeros(256, np.uint8)
"""Class of a code of Sen2Cor's classification; NO_DATA where the code is not trusted.

0 is no data and 1 defective, which hot fires are called too; 2 is dark ground before 2022 and relief shadow since,
which burns and lakes are called too; 7 is unclassified."""
_SCL[[3, 4, 5, 6, 8, 9, 10, 11]] = [
    Class.SHADOW, Class.CLEAR, Class.CLEAR, Class.WATER,
    Class.THIN_CLOUD, Class.THICK_CLOUD, Class.THIN_CLOUD, Class.SNOW,
]  # fmt: skip


def weak_labels(
    scl: NDArray[np.uint8] | None,
    cloud_probability: NDArray[np.uint8] | None,
    valid: NDArray[np.bool_],
    settings: MaskSettings,
) -> NDArray[np.uint8]:
    """Label the pixels that the producer's masks agree on; a label is a hint to learn from, never the truth.

    Where both masks speak and contradict each other (land that is cloudy, by its probability) there is no label.

    Args:
        scl: Sen2Cor's classification 0-11, any shape; 0 where it has none.
        cloud_probability: Percent 0-100; ``NO_PERCENT`` where there is none.
        valid: True inside the swath.
        settings: ``label_threshold`` is used.

    Returns:
        Codes of ``Class``; ``NO_DATA`` where there is no label.
    """
    labels = np.zeros(valid.shape, np.uint8) if scl is None else _SCL[scl]
    if cloud_probability is not None:
        labels = _joined(labels, scl, cloud_probability, 100 * settings.label_threshold)
    return np.where(valid, labels, np.uint8(Class.NO_DATA))


def _joined(
    labels: NDArray[np.uint8], scl: NDArray[np.uint8] | None, percent: NDArray[np.uint8], threshold: float
) -> NDArray[np.uint8]:
    """Refine labels by cloud probability; it alone decides where the classification is silent."""
    known = percent != NO_PERCENT
    cloudy = known & (percent >= threshold)
    thick = known & (percent >= max(threshold, THICK))
    silent = known if scl is None else known & (scl == 0)
    by_percent = np.where(thick, Class.THICK_CLOUD, np.where(cloudy, Class.THIN_CLOUD, Class.CLEAR)).astype(np.uint8)
    ground = (labels == Class.CLEAR) | (labels == Class.WATER)
    labels = np.where(cloudy & ground, np.uint8(Class.NO_DATA), labels)
    if scl is not None:
        labels = np.where(thick & (scl == 8), np.uint8(Class.THICK_CLOUD), labels)
    return np.where(silent, by_percent, labels)
