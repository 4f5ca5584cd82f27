"""Where a point falls in a raster, and what is there."""

import numpy as np
import pytest
from rasterio.warp import transform

from s2lookback.errors import SceneError
from s2lookback.grid import Grid
from s2lookback.pixel import locate, read_pixel
from s2lookback.raster import write_band

UTM = Grid(32610, (20.0, 0.0, 600_000.0, 0.0, -20.0, 5_700_000.0), 4, 7)
DEGREES = Grid(4326, (0.01, 0.0, -122.0, 0.0, -0.01, 51.0), 4, 7)
ROTATED = Grid(32610, (16.0, 12.0, 600_000.0, 12.0, -16.0, 5_700_000.0), 4, 7)


def point(grid, row, column):
    """Give the longitude and latitude of a place counted in pixels."""
    x, y = grid.affine @ (column, row)
    (longitude,), (latitude,) = transform(grid.crs, "OGC:CRS84", [x], [y])
    return longitude, latitude


@pytest.mark.parametrize("grid", [UTM, DEGREES, ROTATED])
def test_every_place_of_a_pixel_falls_in_that_pixel(grid):
    for row, column in np.ndindex(*grid.shape):
        for down, right in ((0.01, 0.01), (0.5, 0.5), (0.99, 0.01), (0.99, 0.99)):
            assert locate(grid, *point(grid, row + down, column + right)) == (row, column)


@pytest.mark.parametrize("grid", [UTM, DEGREES, ROTATED])
def test_the_outer_edge_is_inside_and_what_lies_beyond_is_not(grid):
    for row, column, inside in ((0, 0, (0, 0)), (4, 7, (3, 6)), (2.5, 7, (2, 6)), (4, 3.5, (3, 3))):
        assert locate(grid, *point(grid, row, column)) == inside
    for row, column in ((-0.01, 3), (4.01, 3), (2, -0.01), (2, 7.01)):
        assert locate(grid, *point(grid, row, column)) is None


def test_a_point_that_a_projection_cannot_show_lies_outside():
    assert locate(UTM, 57.0, -51.0) is None
    assert locate(UTM, 0.0, 90.0) is None


def test_a_pixel_is_read_from_the_row_and_column_it_was_written_to(tmp_path):
    band = np.arange(28, dtype=np.uint32).reshape(4, 7) + 1_750_000_000
    write_band(tmp_path / "source.tif", band, UTM, nodata=0)
    found = [read_pixel(tmp_path / "source.tif", row, column) for row, column in np.ndindex(4, 7)]
    assert found == band.ravel().tolist()


def test_a_pixel_outside_or_a_file_that_is_none_is_one_sentence(tmp_path):
    write_band(tmp_path / "source.tif", np.ones((4, 7), np.uint8), UTM, nodata=0)
    with pytest.raises(SceneError, match=r"has 4 × 7 pixels, so none at \(4, 0\)"):
        read_pixel(tmp_path / "source.tif", 4, 0)
    (tmp_path / "text.tif").write_text("no raster")
    for name in ("text.tif", "absent.tif"):
        with pytest.raises(SceneError, match=f"{name}: cannot be read as a raster"):
            read_pixel(tmp_path / name, 0, 0)
