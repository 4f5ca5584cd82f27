"""How the satellite passes: which of the two, on which orbit, and what of the tile it sees."""

import math

import numpy as np
from numpy.typing import NDArray

from s2lookback.simulate.scenario import Scenario, generator

VIEW_AZIMUTH = 284.0
"""Direction in which the satellite stands, degrees clockwise from north: across a descending track."""
_TRACK_SLANT = math.tan(math.radians(14.0))
"""Columns a row by which the swath's edge leans; the ground track of a descending pass at 51° N."""
_HEADING = 194.0
"""Direction of flight, degrees clockwise from north."""
_PACE = 7.45 / 786
"""Speed over height, per s: what the angle of view turns by."""
_DELAY = {
    "B02": 0.0, "B08": 0.264, "B03": 0.527, "B10": 0.851, "B04": 1.005, "B05": 1.269, "B11": 1.468, "B06": 1.525,
    "B07": 1.790, "B8A": 2.055, "B12": 2.085, "B01": 2.314, "B09": 2.586,
}  # fmt: skip
"""Seconds after B02."""
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


def later_view(band: str, number: int) -> tuple[float, float]:
    """Give the azimuth and zenith angle, degrees, by which a band's view differs from B04's along the track.

    A band is read out some tenths of a second after another, when the satellite has flown on; on the ground they are
    brought together, in the air they are not. Neighbouring detectors read them out in reverse.

    Source: inter-band delays of the Sentinel-2 User Handbook (ESA, 2015); orbit of 786 km and 100.6 min.
    """
    delay = _DELAY[band] - _DELAY["B04"]
    ahead = delay if at_edge(number) else -delay
    return (_HEADING if ahead > 0 else _HEADING + 180.0) % 360, math.degrees(math.atan(abs(ahead) * _PACE))
