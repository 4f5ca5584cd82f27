"""Heights come onto the grid of a scene as they are, and what is no model of the ground is refused in one sentence."""

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from s2lookback.errors import SceneError
from s2lookback.grid import Grid
from s2lookback.raster import write_band
from s2lookback.relief import read_elevation

GRID = Grid(32610, (20.0, 0.0, 500_000.0, 0.0, -20.0, 5_600_000.0), 7, 11)
HEIGHTS = np.add.outer(np.arange(7), 10 * np.arange(11)).astype(np.float32) + 0.25


def test_heights_on_the_grid_itself_come_as_they_are(tmp_path):
    write_band(tmp_path / "dem.tif", HEIGHTS, GRID, nodata=None)
    assert read_elevation(tmp_path / "dem.tif", GRID) == pytest.approx(np.round(HEIGHTS, 1))


def test_a_plane_in_degrees_stays_a_plane(tmp_path):
    """Height rises a metre with each arc second eastwards, wherever the pixels of the model lie."""
    second = 1 / 3600
    model = np.tile(np.arange(40, dtype=np.float32), (30, 1))
    place = Affine(second, 0, -123.002, 0, -second, 50.555)
    with rasterio.open(
        tmp_path / "dem.tif", "w", driver="GTiff", width=40, height=30, count=1, dtype="float32",
        crs="EPSG:4326", transform=place,
    ) as file:  # fmt: skip
        file.write(model, 1)
    found = read_elevation(tmp_path / "dem.tif", GRID)
    east = np.diff(found, axis=1)
    metres_a_second = 2 * np.pi * 6_378_137 / 1_296_000 * np.cos(np.radians(50.55))
    assert np.isfinite(found).all()
    assert east.mean() == pytest.approx(20 / metres_a_second, rel=0.02)
    assert east.std() < 0.1


def test_where_the_model_ends_no_height_is_known(tmp_path):
    half = Grid(32610, GRID.transform, 7, 5)
    write_band(tmp_path / "dem.tif", HEIGHTS[:, :5], half, nodata=None)
    found = read_elevation(tmp_path / "dem.tif", GRID)
    assert np.isfinite(found[:, :5]).all()
    assert np.isnan(found[:, 6:]).all()


def test_a_model_of_elsewhere_is_refused(tmp_path):
    write_band(tmp_path / "dem.tif", HEIGHTS, GRID, nodata=None)
    far = Grid(32610, (20.0, 0.0, 700_000.0, 0.0, -20.0, 5_600_000.0), 7, 11)
    with pytest.raises(SceneError, match="knows no height within"):
        read_elevation(tmp_path / "dem.tif", far)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_what_is_no_model_of_the_ground_is_refused(tmp_path):
    (tmp_path / "text.tif").write_text("heights")
    with rasterio.open(
        tmp_path / "nowhere.tif", "w", driver="GTiff", width=4, height=3, count=1, dtype="int16"
    ) as file:
        file.write(np.zeros((3, 4), np.int16), 1)
    for name in ("text.tif", "nowhere.tif", "missing.tif"):
        with pytest.raises(SceneError, match=f"{name}: heights cannot be read"):
            read_elevation(tmp_path / name, GRID)
