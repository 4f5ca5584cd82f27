"""The clouds of one sensing time: how much of the sky, how thick, how high."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from s2lookback.simulate.fractal import fractal
from s2lookback.simulate.scenario import Scenario, generator, scene_number
from s2lookback.simulate.sun import displacement

_CYCLE = 4
"""Scenes in a spell of weather: one clear, and one from each third of what the cloudiness allows."""


@dataclass(frozen=True, slots=True)
class Clouds:
    """Clouds where they truly are, plumb above the ground."""

    low: NDArray[np.float32]
    """Optical depth of water clouds, (y, x)."""
    high: NDArray[np.float32]
    """Optical depth of cirrus, (y, x)."""
    low_height: float
    """m above the ground."""
    high_height: float
    """m above the ground."""


def cloud_cover(scenario: Scenario, sensed: datetime) -> float:
    """Draw the share of the sky that clouds cover, 0 to 1; its mean over cloudy scenes is about the cloudiness."""
    spell, place = divmod(scene_number(scenario, sensed), _CYCLE)
    if place == 1 or scenario.cloudiness == 0:
        return 0.0
    order = generator(scenario, f"spell {spell}").permutation(_CYCLE - 1)
    third = order[place - (place > 1)]
    luck = (third + generator(scenario, "weather", sensed).random()) / (_CYCLE - 1)
    # A power of a uniform number has whatever mean is wished for.
    cover = float(luck ** ((1 - scenario.cloudiness) / scenario.cloudiness))
    return 1.0 if cover > 0.8 else cover


def clouds(scenario: Scenario, sensed: datetime) -> Clouds:
    """Draw the clouds of one sensing time."""
    random = generator(scenario, "clouds", sensed)
    shape = scenario.grid.shape
    cover = cloud_cover(scenario, sensed)
    size = min(random.uniform(90.0, 220.0), 0.6 * max(shape))
    low = _depths(fractal(random, shape, slope=1.75, outer=size), cover, thickest=22.0)
    streaks = fractal(random, shape, slope=1.8, outer=0.4 * max(shape), stretch=(0.7, 2.5))
    wisps = cover * float(random.random() < 0.6)
    return Clouds(
        low=low,
        high=_depths(streaks, 0.8 * wisps, thickest=1.6),
        low_height=random.uniform(900.0, 2_600.0),
        high_height=random.uniform(7_000.0, 10_000.0),
    )


def seen_from(cloud: NDArray[np.float32], height: float, azimuth: float, zenith: float) -> NDArray[np.float32]:
    """Move clouds to where they fall on the ground for the sun or the satellite; the field repeats at its edges."""
    moved: NDArray[np.float32] = np.roll(cloud, displacement(height, azimuth, zenith), (0, 1))
    return moved


def _depths(field: NDArray[np.float32], cover: float, *, thickest: float) -> NDArray[np.float32]:
    """Make optical depths of the highest ``cover`` of a field; with 1 there is no gap."""
    if cover <= 0:
        return np.zeros_like(field)
    base = np.quantile(field, 1 - cover) if cover < 1 else field.min() - 0.4
    depths: NDArray[np.float32] = (thickest * np.clip(field - base, 0, None) ** 1.2).astype(np.float32)
    return depths
