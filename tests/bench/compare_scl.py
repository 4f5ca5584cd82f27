"""Our masks of a real series beside Sen2Cor's: how many clear pixels each keeps, and how smooth those are in time.

There is no truth for this series. What can be measured without one is self-consistency: land changes slowly, so a clear
observation should lie near the straight line between the clear observation before and the one after it. What a mask
missed, cloud or shadow, sticks out. A mask that keeps more observations with less noise is the better one.

Source of the measure: Vermote, Justice & Bréon 2009, IEEE Transactions on Geoscience and Remote Sensing 47, equation 3.
"""

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from catalog.store import Store
from s2lookback.masking.classes import Class, usable
from s2lookback.pictures import class_image, rgb
from s2lookback.raster import read_band
from s2lookback.scene import NODATA
from tasks.history import steps_before
from tasks.products import bands_of, read_pixels

SCL_CLOUD, SCL_SHADOW = 50, 3
"""Cloud probability, percent, and class code by which the series' scenes carry Sen2Cor's classification."""


@dataclass(frozen=True)
class Series:
    """A tile's observations and which of them each mask calls clear."""

    days: NDArray[np.float64]
    """(time,)"""
    pixels: NDArray[np.int16]
    """(time, band, y, x)"""
    bands: tuple[str, ...]
    classes: NDArray[np.uint8]
    """Ours, (time, y, x)."""
    scl: NDArray[np.uint8]
    """Sen2Cor's, as our classes, (time, y, x)."""
    dates: list[datetime]
    composites: NDArray[np.int16]
    """(time, band, y, x)"""


def read_series(root: str, tile: str) -> Series:
    """Read what the nightly flow made of a tile."""
    store, rows = Store(root), []
    steps = steps_before(root, tile, datetime.max.replace(tzinfo=UTC))
    for step in steps:
        scene, mask, composite = (store.read(href) for href in (step.scene.href, step.mask, step.composite))
        bands = bands_of(scene)
        percent = read_band(store.asset(scene, "cloud-probability"))
        codes = read_band(store.asset(scene, "scl"))
        pixels = read_pixels(store, scene, bands)
        theirs = np.full(codes.shape, Class.CLEAR, np.uint8)
        theirs[(percent >= SCL_CLOUD) & (percent <= 100)] = Class.THICK_CLOUD
        theirs[codes == SCL_SHADOW] = Class.SHADOW
        theirs[pixels[0] == NODATA] = Class.NO_DATA
        rows.append((pixels, read_band(store.asset(mask, "class")), theirs, read_pixels(store, composite, bands)))
    pixels, ours, theirs, composites = (np.stack(column) for column in zip(*rows, strict=True))
    dates = [step.scene.sensed for step in steps]
    days = np.array([date.timestamp() / 86_400 for date in dates])
    return Series(days, pixels, bands, ours, theirs, dates, composites)
