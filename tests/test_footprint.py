"""Outlines hold what they outline, on every side of the antimeridian."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays
from rasterio.warp import transform
from scipy.spatial import ConvexHull

from s2lookback.footprint import Footprint, footprint, outline, overlaps
from s2lookback.grid import Grid

GRID = Grid(32610, (20.0, 0.0, 600_000.0, 0.0, -20.0, 5_600_040.0), 5, 7)
TILE = Grid(32610, (20.0, 0.0, 600_000.0, 0.0, -20.0, 5_600_040.0), 5490, 5490)
WEST_OF_180 = Grid(32660, (20.0, 0.0, 600_000.0, 0.0, -20.0, 7_300_020.0), 5490, 5490)
EAST_OF_180 = Grid(32601, (20.0, 0.0, 300_000.0, 0.0, -20.0, 7_300_020.0), 5490, 5490)
BY_ITS_CORNER = Grid(32601, (20.0, 0.0, 360_000.0, 0.0, -20.0, 7_300_020.0), 5490, 5490)
"""Tiles of the last and the first zone that the antimeridian cuts."""

_COLUMNS, _ROWS = ((np.indices((14, 10)).reshape(2, -1) + 0.5) / 2).tolist()
_LONLAT = transform(GRID.crs, "OGC:CRS84", [600_000 + 20 * x for x in _COLUMNS], [5_600_040 - 20 * y for y in _ROWS])
QUARTERS = list(zip(_COLUMNS, _ROWS, *_LONLAT, strict=True))
"""Middle of each quarter of a pixel of ``GRID``: column, row, longitude, latitude."""


def rings(found: Footprint) -> list[list[list[float]]]:
    coordinates = found.geometry["coordinates"]
    return [coordinates[0]] if found.geometry["type"] == "Polygon" else [polygon[0] for polygon in coordinates]


def area(ring: list[list[float]]) -> float:
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise(ring)) / 2


@pytest.mark.parametrize("grid", [GRID, TILE, WEST_OF_180, EAST_OF_180, BY_ITS_CORNER])
def test_rings_are_closed_counter_clockwise_and_within_the_box(grid):
    found = outline(grid)
    west, south, east, north = found.bbox
    for ring in rings(found):
        assert ring[0] == ring[-1]
        assert len(ring) > 4 or grid is GRID
        assert area(ring) > 0
        for x, y in ring:
            assert south <= y <= north
            assert (west <= x <= east) if west <= east else (x >= west or x <= east)
            assert -180 <= x <= 180


def test_an_outline_bows_less_than_a_pixel_from_the_true_edge():
    ring = np.array(rings(outline(TILE))[0])
    edge = [(x, 5_600_040.0) for x in np.linspace(600_000, 709_800, 500)]
    x, y = transform(TILE.crs, "OGC:CRS84", [x for x, _ in edge], [y for _, y in edge])
    northern = ring[ring[:, 1] > 50.4]
    northern = northern[np.argsort(northern[:, 0])]
    inside = (np.array(x) >= northern[0, 0]) & (np.array(x) <= northern[-1, 0])
    bow = np.abs(np.interp(x, northern[:, 0], northern[:, 1]) - y)[inside] * 111_320
    assert inside.sum() > 400
    assert bow.max() < 20


def test_the_antimeridian_cuts_a_tile_in_two_and_turns_its_box_around():
    for grid in (WEST_OF_180, EAST_OF_180, BY_ITS_CORNER):
        found = outline(grid)
        west, south, east, north = found.bbox
        assert found.geometry["type"] == "MultiPolygon"
        assert 177 < west < 180
        assert -180 < east < -175
        assert 64 < south < north < 66
        eastern, western = rings(found)
        assert min(x for x, _ in eastern) == west
        assert max(x for x, _ in eastern) == 180
        assert min(x for x, _ in western) == -180
        assert max(x for x, _ in western) == east


@given(arrays.arrays(np.bool_, (5, 7)))
def test_the_footprint_is_the_hull_of_the_valid_pixels(valid):
    found = footprint(valid, GRID)
    if not valid.any():
        assert found == outline(GRID)
        return
    corners = [(x + dx, y + dy) for y, x in np.argwhere(valid) for dx in (0, 1) for dy in (0, 1)]
    edges = ConvexHull(corners).equations
    for x, y, longitude, latitude in QUARTERS:
        beyond = np.max(edges @ [x, y, 1])  # pixels outside the hull; negative inside
        if abs(beyond) > 0.02:  # coordinates are rounded to 0.1 m
            assert overlaps(found.geometry, (longitude, latitude, longitude, latitude)) is bool(beyond < 0), (x, y)


def test_a_footprint_does_not_depend_on_pixels_inside_it():
    ring = np.ones((5, 7), np.bool_)
    ring[1:-1, 1:-1] = False
    assert footprint(ring, GRID) == footprint(np.ones((5, 7), np.bool_), GRID) == outline(GRID)


def test_a_grid_in_degrees_needs_no_pieces():
    assert outline(Grid(4326, (0.1, 0.0, -125.0, 0.0, -0.1, 51.0), 5, 7)).geometry["coordinates"] == [
        [[-125.0, 50.5], [-124.3, 50.5], [-124.3, 51.0], [-125.0, 51.0], [-125.0, 50.5]]
    ]


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((179.5, 65.0, 179.6, 65.1), True),
        ((-179.6, 65.0, -179.5, 65.1), True),
        ((179.9, 65.0, -179.9, 65.1), True),
        ((-170.0, 65.0, 170.0, 65.1), False),
        ((-180.0, -90.0, 180.0, 90.0), True),
        ((179.5, 20.0, 179.6, 21.0), False),
    ],
)
def test_boxes_are_met_on_both_sides_of_the_antimeridian(box, expected):
    assert overlaps(outline(EAST_OF_180).geometry, box) is expected


def test_a_box_that_meets_the_box_but_not_the_outline_does_not_overlap():
    triangle = {"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [0, 4], [0, 0]]]}
    assert not overlaps(triangle, (3, 3, 4, 4))
    assert overlaps(triangle, (1, 1, 4, 4))
    assert overlaps(triangle, (1, 1, 1, 1))
    assert overlaps(triangle, (-9, -9, 9, 9))
