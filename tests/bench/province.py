"""The tiles of British Columbia, and what a night there brings."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache

import numpy as np
from matplotlib.path import Path
from rasterio.warp import transform

from s2lookback.simulate.place import tile_corner
from tests.bench.overpass import TILE, Pass

OUTLINE = (
    (-114.07, 49.0), (-123.3, 49.0), (-123.2, 48.3), (-125.2, 48.4), (-128.6, 50.5), (-131.4, 51.8),
    (-133.4, 54.1), (-130.6, 54.7), (-130.0, 55.9), (-132.1, 57.0), (-133.5, 58.4), (-135.5, 59.7),
    (-137.5, 58.9), (-139.1, 60.0), (-120.0, 60.0), (-120.0, 53.8), (-117.5, 52.2), (-114.7, 50.5),
)  # fmt: skip
"""The province in eighteen corners, true to some 20 km; longitude and latitude."""
READY = timedelta(hours=12)
"""From sensing to a product of level 2A in the agency's folder; an assumption, not measured."""


@cache
def tiles() -> list[str]:
    """Name the tiles of which a twentieth or more lies in the province, and as much in their own zone."""
    names = (
        f"{zone:02}{band}{column}{row}"
        for zone in (7, 8, 9, 10, 11)
        for band in "UV"
        for column in ("STUVWXYZ", "ABCDEFGH", "JKLMNPQR")[zone % 3]
        for row in "ABCDEFGHJKLMNPQRSTUV"
    )
    return [name for name in names if _inside(name)]


def _inside(tile: str) -> bool:
    epsg, west, north = tile_corner(tile)
    steps = (np.arange(10) + 0.5) * TILE / 10
    x, y = (axis.ravel().tolist() for axis in np.meshgrid(west + steps, north - steps))
    places = np.column_stack(transform(f"EPSG:{epsg}", "EPSG:4326", x, y))
    zones, north_of = (places[:, 0] + 180) // 6 + 1, places[:, 1].mean() >= 56
    there = Path(OUTLINE).contains_points(places)
    return bool((zones == int(tile[:2])).mean() >= 0.05 and "UV"[int(north_of)] == tile[2] and there.mean() >= 0.05)


def nights(found: Iterable[Pass], hour: int) -> dict[date, list[Pass]]:
    """Sort passes by the night, UTC hour ``hour``, in which they are found in the folder."""
    sorted_: dict[date, list[Pass]] = defaultdict(list)
    for one in found:
        ready = one.sensed + READY
        sorted_[(ready + timedelta(hours=24 - hour)).date()].append(one)
    return dict(sorted_)
