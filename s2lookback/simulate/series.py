"""A series of a family: what the satellite delivered on each date, and what was really there."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s2lookback.bands import DEFAULT_BANDS
from s2lookback.scene import SCALE, Scene
from s2lookback.simulate.acquisition import Level, scene_of
from s2lookback.simulate.family import Family
from s2lookback.simulate.moment import observe
from s2lookback.simulate.scenario import Scenario, sensing_times
from s2lookback.simulate.truth import Truth, truth_of


@dataclass(frozen=True, slots=True)
class Observation:
    """One date of a series."""

    scene: Scene
    """As delivered: pixels, SCL and cloud probability, and in ``about`` the angles of sun and view."""
    truth: Truth
    """As it was; its surface has the bands of the scene."""


def scenario_of(
    family: Family,
    seed: int,
    *,
    height: int = 240,
    width: int = 320,
    dates: int = 14,
    label_noise: float | None = None,
) -> Scenario:
    """Give the scenario of a family: its place, its season, its weather."""
    return Scenario(family=family.name, seed=seed, height=height, width=width, dates=dates, label_noise=label_noise)


def series(
    family: Family,
    seed: int,
    *,
    height: int = 240,
    width: int = 320,
    dates: int = 14,
    label_noise: float | None = None,
    bands: tuple[str, ...] = DEFAULT_BANDS,
    level: Level = "L2A",
) -> Iterator[Observation]:
    """Simulate a family's series date by date, oldest first.

    Args:
        family: One of ``families.DEVELOPMENT``.
        seed: Of landscape, weather and fire.
        height: Rows of 20 m.
        width: Columns of 20 m.
        dates: How many, five days apart.
        label_noise: Mean share of pixels whose label is wrong; left out, what such processors get wrong.
        bands: Of the scenes and of the truth's surface.
        level: ``L1C`` has the air's light and no labels.
    """
    scenario = scenario_of(family, seed, height=height, width=width, dates=dates, label_noise=label_noise)
    for sensed in sensing_times(scenario):
        moment = observe(scenario, sensed)
        yield Observation(scene_of(scenario, sensed, moment, bands, level=level), truth_of(moment, bands))


def plain(scene: Scene) -> NDArray[np.float32]:
    """Turn a scene into a plain array of reflectance, (y, x, band), NaN outside the swath."""
    reflectance = np.where(scene.valid, scene.pixels * np.float32(SCALE), np.float32(np.nan))
    return np.ascontiguousarray(np.moveaxis(reflectance, 0, -1))
