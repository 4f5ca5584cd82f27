"""Scenes with a truth that is known because they are painted here, in reflectance, from a few spectra."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from s2lookback.grid import Grid
from s2lookback.masking.lookback import Model, Sample, train
from s2lookback.masking.mask import sample_scene
from s2lookback.scene import NODATA, Acquisition, Scene
from s2lookback.settings import MaskSettings

BANDS = ("B12", "B11", "B09", "B08", "B8A", "B04", "B03", "B02")
SPECTRA = {  # reflectance in the order of BANDS
    "forest": (0.07, 0.14, 0.28, 0.27, 0.28, 0.03, 0.05, 0.03),
    "field": (0.18, 0.25, 0.30, 0.27, 0.29, 0.12, 0.10, 0.07),
    "lake": (0.01, 0.01, 0.015, 0.02, 0.018, 0.02, 0.03, 0.03),
    "snow": (0.08, 0.10, 0.75, 0.80, 0.78, 0.85, 0.86, 0.87),
    "thick": (0.38, 0.46, 0.52, 0.60, 0.58, 0.58, 0.57, 0.57),
    "veil": (0.15, 0.24, 0.35, 0.35, 0.35, 0.17, 0.175, 0.17),
    "shade": (0.025, 0.05, 0.10, 0.10, 0.10, 0.014, 0.025, 0.02),
    "burn": (0.16, 0.15, 0.09, 0.08, 0.09, 0.05, 0.05, 0.04),
    "fire": (1.20, 0.70, 0.12, 0.12, 0.12, 0.06, 0.06, 0.05),
    "smoke": (0.075, 0.15, 0.29, 0.29, 0.30, 0.13, 0.18, 0.21),
}
SCL = {
    "forest": 4,
    "field": 5,
    "lake": 6,
    "snow": 11,
    "thick": 9,
    "veil": 8,
    "shade": 3,
    "burn": 3,
    "fire": 1,
    "smoke": 9,
}
SHAPE = (12, 17)
START = datetime(2025, 6, 1, 19, 0, 0, tzinfo=UTC)


def paint(
    surface: NDArray[np.str_], day: int = 0, bands: tuple[str, ...] = BANDS, labels: NDArray[np.uint8] | None = None
) -> Scene:
    """Paint a scene from names of spectra, ``""`` for no data; with noise, and right labels or those given."""
    columns = [BANDS.index(band) for band in bands]
    noise = np.random.default_rng(100 + day).normal(1, 0.02, (len(bands), *surface.shape))
    spectra = np.array([SPECTRA.get(name, SPECTRA["forest"]) for name in surface.ravel()])
    pixels = np.rint(10_000 * spectra[:, columns].T.reshape(noise.shape) * noise).astype(np.int16)
    pixels[:, surface == ""] = NODATA
    scl = np.array([SCL.get(name, 0) for name in surface.ravel()], np.uint8).reshape(surface.shape)
    height, width = surface.shape
    grid = Grid(32610, (20.0, 0.0, 500_000.0, 0.0, -20.0, 5_600_000.0), height, width)
    about = Acquisition("10UFB", START + timedelta(days=day))
    return Scene(about, grid, bands, pixels, scl=scl if labels is None else labels)


def weather(day: int) -> NDArray[np.str_]:
    """Give forest and field with, here and there, thick cloud and its shadow, and a veil over the forest.

    Over the field its colour would be that of smoke as much. Elsewhere are a lake and a gap.
    """
    random = np.random.default_rng(1000 + day)
    surface = np.full(SHAPE, "forest", dtype="<U6")
    surface[:, 9:] = "field"
    surface[random.random(SHAPE) < 0.25] = "thick"
    surface[:, :9][(random.random(SHAPE) < 0.2)[:, :9]] = "veil"
    surface[random.random(SHAPE) < 0.2] = "shade"
    surface[0, :5] = "lake"
    surface[-1, -2:] = ""
    return surface


def ground() -> Scene:
    """Give the same ground on a day without weather."""
    surface = np.full(SHAPE, "forest", dtype="<U6")
    surface[:, 9:] = "field"
    surface[0, :5] = "lake"
    return paint(surface, day=-5)


@pytest.fixture(name="paint", scope="session")
def _paint() -> Callable[..., Scene]:
    return paint


@pytest.fixture(name="weather", scope="session")
def _weather() -> Callable[[int], NDArray[np.str_]]:
    return weather


@pytest.fixture(name="ground", scope="session")
def _ground() -> Scene:
    return ground()


@pytest.fixture(scope="session")
def spectra() -> dict[str, tuple[float, ...]]:
    return SPECTRA


@pytest.fixture(scope="session")
def quick() -> MaskSettings:
    """Give settings for a model that trains in a moment, and for weather that changes from pixel to pixel."""
    return MaskSettings(trees=8, leaves=6, sample_size=200, min_training_scenes=2, opening=0)


@pytest.fixture(scope="session")
def samples(ground: Scene, quick: MaskSettings) -> list[Sample]:
    return [sample_scene(paint(weather(day), day), ground.pixels, quick) for day in range(6)]


@pytest.fixture(scope="session")
def model(samples: list[Sample], quick: MaskSettings) -> Model:
    return train(samples, quick, BANDS)
