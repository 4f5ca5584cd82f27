"""A wildfire: how far it has come, what it has charred, how hot its front is, and its smoke."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from s2lookback.simulate.fractal import fractal
from s2lookback.simulate.scenario import Scenario, days_since_start, generator
from s2lookback.simulate.surface import Landscape

_EMISSION = {"B07": 0.005, "B08": 0.01, "B8A": 0.015, "B09": 0.02, "B11": 0.48, "B12": 1.6}
"""Reflectance that flames add at full heat. A pixel with a hundredth of it at 1000 K shines most beyond 2 µm, by
Planck's law; MSI saturates in B12 at about 1.5."""


@dataclass(frozen=True, slots=True)
class Fire:
    """The state of the fire at one sensing time."""

    burnt: NDArray[np.float32]
    """Share of each pixel that is charred, 0 to 1, (y, x)."""
    heat: NDArray[np.float32]
    """Flames, 0 none to 1 saturating, (y, x)."""
    smoke: NDArray[np.float32]
    """Optical depth of the smoke at 550 nm, (y, x)."""


def burn(scenario: Scenario, ground: Landscape, sensed: datetime) -> Fire:
    """Burn from the ignition to a sensing time; what is burnt stays burnt, and more burns from date to date."""
    random = generator(scenario, "fire")
    shape = scenario.grid.shape
    reach = _reach(random, ground, shape)
    islands = fractal(random, shape, slope=1.7, outer=30.0) > 1.2
    severity = np.clip(0.85 + 0.12 * fractal(random, shape, slope=1.5, outer=20.0), 0.5, 1.0)
    flicker = fractal(generator(scenario, "flames", sensed), shape, slope=1.2, outer=12.0)
    days = days_since_start(scenario, sensed) - scenario.ignition_day
    fuel = np.isin(ground.cover, ground.family.fuel) & ~islands
    # Two fifths of the grid's shorter side in 45 days, fast at first as the crown fire runs.
    spread = 0.42 * min(shape) * (days / 45.0) ** 0.8 if scenario.fire and days >= 0 else -1.0
    behind = spread - reach
    burnt = np.where(fuel & (behind >= 0), severity, 0.0).astype(np.float32)
    flames = np.exp(-np.clip(behind, 0, None) / 2.5) * np.clip(0.9 * flicker + 0.45, 0, 1)
    heat = np.where(burnt > 0, flames, 0.0).astype(np.float32)
    return Fire(burnt, heat, _smoke(generator(scenario, "smoke", sensed), heat, ground.family.wind_from))


def emission(heat: NDArray[np.float32], bands: tuple[str, ...]) -> NDArray[np.float32]:
    """Compute the reflectance that flames seem to add, (band, y, x)."""
    strength = np.array([_EMISSION.get(band, 0.0) for band in bands], np.float32)
    return strength[:, None, None] * heat


def _reach(random: np.random.Generator, ground: Landscape, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Measure how far the fire must run to each pixel, in pixels of easy going downwind."""
    crooked = fractal(random, shape, slope=1.9, outer=0.4 * min(shape))
    kindling = np.isin(ground.cover, ground.family.kindling)
    y, x = np.indices(shape, np.float32)
    central = kindling & (np.abs(y / shape[0] - 0.5) < 0.12) & (np.abs(x / shape[1] - 0.58) < 0.1)
    choices = np.flatnonzero(central if central.any() else np.ones(shape, np.bool_))
    start = np.unravel_index(choices[random.integers(choices.size)], shape)
    along, across = _downwind(y - start[0], x - start[1], ground.family.wind_from)
    ellipse = np.hypot(np.where(along > 0, along, 1.9 * along), 1.5 * across)
    reach: NDArray[np.float32] = (ellipse * np.exp(0.28 * crooked)).astype(np.float32)
    return reach


def _smoke(random: np.random.Generator, heat: NDArray[np.float32], wind_from: float) -> NDArray[np.float32]:
    """Blow plumes from up to four hot spots, widening and thinning downwind, torn by turbulence."""
    shape = heat.shape[0], heat.shape[1]
    wind = wind_from + random.normal(0.0, 22.0)
    gusts = fractal(random, shape, slope=1.7, outer=0.25 * min(shape))
    puffs = np.exp(0.45 * fractal(random, shape, slope=1.6, outer=0.3 * min(shape)))
    smoke = np.zeros(shape, np.float32)
    hot = np.flatnonzero(heat > 0.2)
    if hot.size == 0:
        return smoke
    y, x = np.indices(shape, np.float32)
    for spot in random.choice(hot, size=min(4, hot.size), replace=False):
        row, column = np.unravel_index(spot, shape)
        along, across = _downwind(y - row, x - column, wind)
        width = 0.012 * min(shape) + 0.09 * np.clip(along, 0, None)
        sideways = (across + 0.12 * np.clip(along, 0, None) * gusts) / width
        thickness = 1.5 / (1 + np.clip(along, 0, None) / (0.35 * min(shape)))
        smoke += np.where(along > -width, thickness * np.exp(-0.5 * sideways**2), 0.0) * np.exp(
            -np.clip(-along / width, 0, None)
        )
    plume: NDArray[np.float32] = (smoke * puffs * min(1.0, hot.size / 20)).astype(np.float32)
    return plume


def _downwind(
    y: NDArray[np.float32], x: NDArray[np.float32], wind_from: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Turn rows and columns into distances along and across the wind."""
    angle = np.radians(wind_from)
    along = y * np.cos(angle) - x * np.sin(angle)
    across = y * np.sin(angle) + x * np.cos(angle)
    return along.astype(np.float32), across.astype(np.float32)
