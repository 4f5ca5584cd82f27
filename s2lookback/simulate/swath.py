"""How the satellite passes: which of the two, on which orbit, and what of the tile it sees."""

import math

import numpy as np
from numpy.typing import NDArray

from s2lookback.simulate.scenario import Scenario, generator

VIEW_AZIMUTH = 284.0
"""Direction in which the satellite stands, degrees clockwise from north: across a descending track."""
_TRACK_SLANT = math.tan(math.radians(14.0))
"""Columns a row by which the swath's edge leans; the ground track of a descending pass at 51° N."""
_ALMOST_OUTSIDE = 8
"""Of every fourteen scenes, the one of which nearly all is outside."""


def at_edge(number: int) -> bool:
    """Tell whether a scene is of the neighbouring orbit, whose swath ends in the tile."""
    return number % 3 == 2


def view_incidence(number: int) -> float:
    """Give the incidence angle, degrees: the swath's edge is seen more aslant."""
    return 9.5 if at_edge(number) else 5.0


def inside_swath(scenario: Scenario, number: int) -> NDArray[np.bool_]:
    """Mark the pixels the satellite saw, (y, x); all of them unless the swath's edge crosses the grid."""
    height, width = scenario.grid.shape
    if not (scenario.swath_edge and at_edge(number)):
        return np.ones((height, width), np.bool_)
    share = generator(scenario, f"swath {number}").uniform(0.1, 0.35)
    cut = width * (0.95 if number % 14 == _ALMOST_OUTSIDE else share)
    y, x = np.indices((height, width))
    inside: NDArray[np.bool_] = x >= cut - (y - height / 2) * _TRACK_SLANT
    return inside
