"""When Sentinel-2 passes over a tile: a circular orbit, its calendar of ten days, and a swath.

Source: ESA's mission guide for 143 revolutions in 10 days, inclination 98.62° and a swath of 290 km. Where track 1
crosses the equator, and on which second of the ten days, stands in no guide: both were fitted to the viewing angles
and sensing times of 18 real granules; ``test_overpass.py`` holds them to series of other places.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
from numpy.typing import NDArray
from rasterio.warp import transform

from s2lookback.simulate.place import tile_corner

TRACKS = 143
"""Relative orbits, numbered from 1 in the order in which they are flown."""
CYCLE = timedelta(days=10)
REVOLUTION = CYCLE / TRACKS
INCLINATION = np.radians(98.62)
HALF_SWATH = 145.0
"""km to each side of the track."""
EARTH = 6371.0
"""Mean radius, km."""
ECCENTRICITY = 0.00669438
"""Square of the first of WGS 84."""
FIRST_NODE = 1.05
"""Longitude at which track 1 crosses the equator northwards, degrees."""
STEPS = 1500
"""Points on the daylight half of a track: 13 km from one to the next, so that a distance is true to 0.2 km."""
TILE = 109_800.0
"""Edge of a tile, m."""


@dataclass(frozen=True, slots=True)
class Satellite:
    """One satellite, by when it once crossed the equator northwards on track 1."""

    name: str
    started: datetime


A = Satellite("Sentinel-2A", datetime(2023, 6, 20, 22, 26, 1, tzinfo=UTC))
B = Satellite("Sentinel-2B", A.started + CYCLE / 2)
C = Satellite("Sentinel-2C", A.started)
"""It took the place of Sentinel-2A in January 2025."""
MOVED_A = Satellite("Sentinel-2A since 2025", B.started + 43 * REVOLUTION)
"""36° from Sentinel-2B, so on each track three days after it, or before: before gives other dates, not another load."""


@dataclass(frozen=True, slots=True, order=True)
class Pass:
    """One pass over a tile."""

    sensed: datetime
    tile: str
    track: int
    share: float
    """Share of the tile inside the swath, 0-1."""


def passes(tiles: list[str], satellites: list[Satellite], start: datetime, end: datetime) -> list[Pass]:
    """List the passes over tiles from ``start`` until ``end``, earliest first."""
    seen = [one for tile in tiles for one in tracks_over(tile)]
    return sorted(
        Pass(sensed, tile, track, share)
        for tile, track, share, after in seen
        for satellite in satellites
        for sensed in _times(satellite.started + (track - 1) * REVOLUTION + after, start, end)
    )


def _times(once: datetime, start: datetime, end: datetime) -> Iterator[datetime]:
    time = once + CYCLE * -((once - start) // CYCLE)
    while time < end:
        yield time
        time += CYCLE


@cache
def tracks_over(tile: str) -> list[tuple[str, int, float, timedelta]]:
    """List the tracks whose swath reaches a tile: its share inside, and how long after the node its middle is seen."""
    middle, places = points(tile, 1), points(tile, 11)
    found = []
    for track in range(1, TRACKS + 1):
        distance, nearest = across(middle, track)
        if distance[0] < HALF_SWATH + TILE / 1000:
            share = float((across(places, track)[0] <= HALF_SWATH).mean())
            if share:
                found.append((tile, track, share, REVOLUTION * float(_along()[nearest[0]] / (2 * np.pi))))
    return found


def points(tile: str, count: int) -> NDArray[np.float64]:
    """Give the middles of ``count`` times ``count`` equal parts of a tile, longitude and latitude, (point, 2)."""
    epsg, west, north = tile_corner(tile)
    steps = (np.arange(count) + 0.5) * TILE / count
    x, y = (axis.ravel().tolist() for axis in np.meshgrid(west + steps, north - steps))
    return np.column_stack(transform(f"EPSG:{epsg}", "EPSG:4326", x, y))


def across(places: NDArray[np.float64], track: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Measure how far places are from a track, km, and which of its points is nearest."""
    longitude, latitude = np.radians(places).T
    geocentric = np.arctan((1 - ECCENTRICITY) * np.tan(latitude))
    near = _directions(longitude, geocentric) @ _track(track).T
    return EARTH * np.arccos(np.clip(near.max(1), -1, 1)), near.argmax(1)


def _along() -> NDArray[np.float64]:
    """Give how far the points of a track are from its ascending node: from the northernmost to the southernmost."""
    return np.linspace(np.pi / 2, 3 * np.pi / 2, STEPS)


@cache
def _track(track: int) -> NDArray[np.float64]:
    """Trace a track as directions from the middle of the earth, which turns once a day below the orbit."""
    u = _along()
    node = np.radians(FIRST_NODE - (track - 1) * 360 * 10 / TRACKS)
    turned = u * (REVOLUTION / timedelta(days=1))
    longitude = node + np.arctan2(np.cos(INCLINATION) * np.sin(u), np.cos(u)) - turned
    return _directions(longitude, np.arcsin(np.sin(INCLINATION) * np.sin(u)))


def _directions(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)]
    )
