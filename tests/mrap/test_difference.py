"""How two versions of a composite differ."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from s2lookback.grid import Grid
from s2lookback.mrap.difference import changed_pixels
from s2lookback.raster import write_band

GRID = Grid(32610, (20.0, 0.0, 500_020.0, 0.0, -20.0, 5_600_040.0), 37, 52)
NAMES = ("B12", "source")


def written(folder, rasters, grid=GRID):
    folder.mkdir(exist_ok=True)
    files = {name: str(folder / f"{name}.tif") for name in rasters}
    for name, pixels in rasters.items():
        write_band(files[name], pixels, grid, nodata=0, tile=16)
    return files


@given(places=st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 36), st.integers(0, 51)), max_size=6))
def test_a_pixel_counts_once_in_however_many_rasters_it_differs(tmp_path_factory, places):
    folder = tmp_path_factory.mktemp("versions")
    before = {name: np.arange(37 * 52, dtype=np.uint16).reshape(37, 52) for name in NAMES}
    after = {name: pixels.copy() for name, pixels in before.items()}
    for name, row, column in places:
        after[name][row, column] = 9999
    found = changed_pixels(written(folder / "before", before), written(folder / "after", after))
    assert found == len({(row, column) for _, row, column in places})


def test_on_another_grid_every_pixel_counts(tmp_path):
    before = written(tmp_path / "before", {"B12": np.ones((37, 52), np.uint16)})
    smaller = Grid(32610, GRID.transform, 30, 52)
    after = written(tmp_path / "after", {"B12": np.ones((30, 52), np.uint16)}, smaller)
    assert changed_pixels(before, after) == 30 * 52


def test_versions_without_a_raster_in_common_cannot_be_compared(tmp_path):
    assert changed_pixels({}, written(tmp_path, {"B12": np.ones((37, 52), np.uint16)})) == 0
