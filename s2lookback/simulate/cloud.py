"""The clouds of one sensing time: how much of the sky, how thick, how high."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import shift

from s2lookback.simulate.families import FAMILIES
from s2lookback.simulate.family import Deck
from s2lookback.simulate.fractal import cells, fractal
from s2lookback.simulate.scenario import Scenario, generator, scene_number
from s2lookback.simulate.sun import displacement, distance

_CYCLE = 4
"""Scenes in a spell of weather: one clear, and one from each third of what the cloudiness allows."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Cloud of one height where it truly is, plumb above the ground."""

    depth: NDArray[np.float32]
    """Optical depth at 550 nm, (y, x)."""
    height: float
    """m above the ground."""
    ice: bool
    """Cirrus; else cloud of water."""


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


def clouds(scenario: Scenario, sensed: datetime) -> tuple[Layer, ...]:
    """Draw the clouds of one sensing time, the lowest first."""
    decks = FAMILIES[scenario.family].decks
    if not decks:
        return _of_valley(scenario, sensed)
    cover, shape = cloud_cover(scenario, sensed), scenario.grid.shape
    draws = (generator(scenario, f"deck {number}", sensed) for number in range(len(decks)))
    layers = (_draw(random, shape, deck, cover) for random, deck in zip(draws, decks, strict=True))
    return tuple(sorted(layers, key=lambda layer: layer.height))


def seen_from(cloud: NDArray[np.float32], height: float, azimuth: float, zenith: float) -> NDArray[np.float32]:
    """Move clouds to where they fall on the ground for the sun or the satellite; the field repeats at its edges."""
    moved: NDArray[np.float32] = np.roll(cloud, displacement(height, azimuth, zenith), (0, 1))
    return moved


def seen_finely(cloud: NDArray[np.float32], height: float, azimuth: float, zenith: float) -> NDArray[np.float32]:
    """Move clouds as ``seen_from`` does, but by parts of a pixel too."""
    moved: NDArray[np.float32] = shift(cloud, distance(height, azimuth, zenith), order=1, mode="grid-wrap")
    return moved


def inside(cloud: NDArray[np.float32], height: float, azimuth: float, zenith: float) -> NDArray[np.float32]:
    """Move clouds as ``seen_from`` does, but lose what leaves the grid and let nothing in."""
    rows, columns = displacement(height, azimuth, zenith)
    stays = np.zeros_like(cloud)
    kept = cloud[_slice(-rows, cloud.shape[0]), _slice(-columns, cloud.shape[1])]
    stays[_slice(rows, cloud.shape[0]), _slice(columns, cloud.shape[1])] = kept
    return stays


def _slice(by: int, size: int) -> slice:
    """Give what remains of an axis that something moves along by some steps."""
    return slice(min(by, size), size) if by >= 0 else slice(0, max(size + by, 0))


def _of_valley(scenario: Scenario, sensed: datetime) -> tuple[Layer, ...]:
    random = generator(scenario, "clouds", sensed)
    shape = scenario.grid.shape
    cover = cloud_cover(scenario, sensed)
    size = min(random.uniform(90.0, 220.0), 0.6 * max(shape))
    low = _depths(fractal(random, shape, slope=1.75, outer=size), cover, thickest=22.0, edge=1.2)
    streaks = fractal(random, shape, slope=1.8, outer=0.4 * max(shape), stretch=(0.7, 2.5))
    wisps = cover * float(random.random() < 0.6)
    high = _depths(streaks, 0.8 * wisps, thickest=1.6, edge=1.2)
    heights = random.uniform(900.0, 2_600.0), random.uniform(7_000.0, 10_000.0)
    return Layer(low, heights[0], ice=False), Layer(high, heights[1], ice=True)


def _draw(random: np.random.Generator, shape: tuple[int, int], deck: Deck, cover: float) -> Layer:
    """Draw one deck of a date: whether it is there, how high, its outlines, and the lumps within them."""
    there = cover * deck.cover * float(random.random() < deck.often)
    height, size = random.uniform(*deck.height), min(random.uniform(*deck.outer), 0.6 * max(shape))
    lumps = np.exp(0.35 * fractal(random, shape, slope=1.3, outer=0.3 * size))
    depth = _depths(_texture(random, shape, deck, size), there, thickest=deck.thickest, edge=deck.edge)
    return Layer((depth * lumps).astype(np.float32), height, deck.ice)


def _texture(random: np.random.Generator, shape: tuple[int, int], deck: Deck, size: float) -> NDArray[np.float32]:
    if deck.texture == "cells":
        return cells(random, shape, size)
    if deck.texture == "billows":
        return fractal(random, shape, slope=1.75, outer=size)
    return fractal(random, shape, slope=1.75, outer=size, stretch=(0.6, 2.8), turn=random.uniform(-1.0, 1.0))


def _depths(field: NDArray[np.float32], cover: float, *, thickest: float, edge: float) -> NDArray[np.float32]:
    """Make optical depths of the highest ``cover`` of a field; with 1 there is no gap."""
    if cover <= 0:
        return np.zeros_like(field)
    base = np.quantile(field, 1 - cover) if cover < 1 else field.min() - 0.4
    depths: NDArray[np.float32] = (thickest * np.clip(field - base, 0, None) ** edge).astype(np.float32)
    return depths
