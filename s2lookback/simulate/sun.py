"""Where the sun stands, and how far a cloud's shadow or image falls from it."""

import math
from datetime import datetime

from s2lookback.simulate.scenario import RESOLUTION


def sun_position(sensed: datetime, longitude: float, latitude: float) -> tuple[float, float]:
    """Compute the sun's azimuth, clockwise from north, and elevation, in degrees; within 1° of what products state.

    Source: declination and equation of time by Spencer (1971), Search 2(5):172; then the
    spherical triangle of pole, zenith and sun.
    """
    hours = sensed.hour + sensed.minute / 60 + sensed.second / 3600
    year = 2 * math.pi * (sensed.timetuple().tm_yday - 1 + (hours - 12) / 24) / 365
    declination = (
        0.006918 - 0.399912 * math.cos(year) + 0.070257 * math.sin(year)
        - 0.006758 * math.cos(2 * year) + 0.000907 * math.sin(2 * year)
        - 0.002697 * math.cos(3 * year) + 0.00148 * math.sin(3 * year)
    )  # fmt: skip
    minutes = 229.18 * (
        0.000075 + 0.001868 * math.cos(year) - 0.032077 * math.sin(year)
        - 0.014615 * math.cos(2 * year) - 0.04089 * math.sin(2 * year)
    )  # fmt: skip
    hour_angle = math.radians(15 * (hours - 12) + longitude + minutes / 4)
    north = math.radians(latitude)
    up = math.sin(north) * math.sin(declination) + math.cos(north) * math.cos(declination) * math.cos(hour_angle)
    east = -math.cos(declination) * math.sin(hour_angle)
    along = math.cos(north) * math.sin(declination) - math.sin(north) * math.cos(declination) * math.cos(hour_angle)
    return math.degrees(math.atan2(east, along)) % 360, math.degrees(math.asin(up))


def distance(height: float, azimuth: float, zenith: float) -> tuple[float, float]:
    """Measure how far away from a light or an eye something above the ground falls on it, in rows and columns.

    Args:
        height: Above the ground, m.
        azimuth: Of the sun or the satellite, degrees clockwise from north.
        zenith: Of the sun or the satellite, degrees from the vertical.
    """
    length = height * math.tan(math.radians(zenith)) / RESOLUTION
    return length * math.cos(math.radians(azimuth)), -length * math.sin(math.radians(azimuth))


def displacement(height: float, azimuth: float, zenith: float) -> tuple[int, int]:
    """Measure ``distance`` in whole rows and columns."""
    rows, columns = distance(height, azimuth, zenith)
    return round(rows), round(columns)
