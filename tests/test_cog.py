"""Files that GDAL reads as if its own COG driver had written them."""

import struct
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rasterio.shutil import copy as copy_raster
from rio_cogeo import cog_validate

from s2lookback.cog import encode_band, open_cog, write_cog
from s2lookback.errors import GridMismatchError, SceneError
from s2lookback.grid import Grid
from s2lookback.raster import read_band, read_grid, write_band
from s2lookback.scene import NODATA
from s2lookback.tiles import Spec, decode, encode, halve
from tests.validators import faults_by_gdal, gdal_is_there

TILE = 16
GRID = Grid(32610, (20.0, 0.0, 500_020.0, 0.0, -20.0, 5_600_040.0), 37, 70)
ROTATED = Grid(3005, (15.0, 4.0, 1_000_000.0, 4.0, -15.0, 600_000.0), 37, 70)
GEOGRAPHIC = Grid(4326, (0.25, 0.0, -130.0, 0.0, -0.25, 60.0), 37, 70)


def noise(dtype, shape=GRID.shape, seed=3):
    random = np.random.default_rng(seed)
    numbers = random.normal(0, 40, shape).cumsum(axis=1)
    return (np.abs(numbers) if np.dtype(dtype).kind == "u" else numbers).astype(dtype)


def by_gdal(path, band, grid, *, nodata, description, scale, blocks):
    """Write what GDAL's own driver makes of the same pixels."""
    with rasterio.MemoryFile() as memory:
        with memory.open(
            driver="GTiff", height=grid.height, width=grid.width, count=1, dtype=band.dtype,
            crs=grid.crs, transform=grid.affine, nodata=nodata,
        ) as raster:  # fmt: skip
            raster.write(band, 1)
            raster.set_band_description(1, description)
            raster.scales = (scale,)
        options = {"compress": "ZSTD", "predictor": "YES", "blocksize": blocks, "statistics": "NO"}
        copy_raster(memory.name, str(path), driver="COG", **options)


def told(path):
    """Collect everything that rasterio tells about a file."""
    with rasterio.open(path) as raster:
        structure = raster.tags(ns="IMAGE_STRUCTURE"), raster.tags(1, ns="IMAGE_STRUCTURE")
        facts = raster.profile, raster.tags(), raster.tags(1), structure, raster.overviews(1), raster.res
        return *facts, raster.descriptions, raster.scales, raster.offsets, raster.units, raster.mask_flag_enums


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"])
@pytest.mark.parametrize("grid", [GRID, ROTATED, GEOGRAPHIC], ids=["utm", "rotated", "geographic"])
def test_a_file_reads_back_like_one_of_gdals_own_driver(tmp_path, dtype, grid):
    ours, gdals = tmp_path / "ours.tif", tmp_path / "gdals.tif"
    band, facts = noise(dtype), {"nodata": 7, "description": "B12", "scale": 0.0001}
    write_band(ours, band, grid, **facts, tile=128)
    by_gdal(gdals, band, grid, **facts, blocks=128)
    assert told(ours) == told(gdals)
    np.testing.assert_array_equal(read_band(ours), band)
    np.testing.assert_array_equal(read_band(ours), read_band(gdals))
    assert read_grid(ours) == grid


@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "f4"])
def test_gdals_own_validator_has_nothing_to_complain_of(tmp_path, dtype):
    if not gdal_is_there():
        pytest.skip("GDAL's validator is absent: on Debian, apt install python3-gdal")
    whole, copied = tmp_path / "whole.tif", tmp_path / "copied.tif"
    band = noise(dtype, (150, 333))
    write_band(whole, band, Grid(32610, GRID.transform, *band.shape), nodata=7, continuous=dtype == "i2", tile=TILE)
    assert faults_by_gdal(whole) == ""
    copied.write_bytes(whole.read_bytes()[:-3] + b"end")  # the copy of the last four bytes is another
    assert "trailer" in faults_by_gdal(copied)


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (17, 16), (16, 33), (37, 70), (5, 259)])
@pytest.mark.parametrize("continuous", [True, False])
def test_files_of_any_shape_are_valid_and_hold_their_pixels(tmp_path, shape, continuous):
    path, band = tmp_path / "band.tif", noise("i2", shape)
    write_band(path, band, Grid(32610, GRID.transform, *shape), nodata=NODATA, continuous=continuous, tile=TILE)
    assert cog_validate(path, strict=True, quiet=True) == (True, [], [])
    np.testing.assert_array_equal(read_band(path), band)


def test_every_overview_holds_the_halves_of_the_one_before(tmp_path):
    path, band = tmp_path / "band.tif", noise("i2")
    band[10:20, 5:40] = NODATA
    spec = Spec(GRID, band.dtype, NODATA, continuous=True, tile=TILE)
    write_band(path, band, GRID, nodata=NODATA, continuous=True, tile=TILE)
    for level in range(len(spec.shapes) - 1):
        band = halve(band, spec)
        with rasterio.open(path, OVERVIEW_LEVEL=level) as raster:
            np.testing.assert_array_equal(raster.read(1), band)
    assert max(band.shape) <= TILE


def test_tiles_lie_as_the_head_of_the_file_promises(tmp_path):
    path = tmp_path / "band.tif"
    write_band(path, noise("i2"), GRID, nodata=NODATA, tile=TILE)
    content, levels = path.read_bytes(), open_cog(path).layout.levels
    spans = []
    for level in reversed(levels):
        for offset, size in zip(level.offsets.tolist(), level.sizes.tolist(), strict=True):
            assert content[offset - 4 : offset] == struct.pack("<I", size)
            assert content[offset + size : offset + size + 4] == content[offset + size - 4 : offset + size]
            spans.append((offset - 4, offset + size + 4))
    assert all(before[1] == after[0] for before, after in pairwise(spans))
    assert spans[-1][1] == len(content)
    assert len(levels) == 4


@pytest.mark.parametrize("threads", [1, 3])
def test_the_number_of_threads_changes_no_byte(tmp_path, threads):
    spec, band = Spec(GRID, np.dtype("i2"), NODATA, tile=TILE), noise("i2")
    write_band(tmp_path / "one.tif", band, GRID, nodata=NODATA, tile=TILE)
    with ThreadPoolExecutor(threads) as pool:
        write_cog(tmp_path / "two.tif", spec, encode_band(band, spec, pool))
    assert (tmp_path / "two.tif").read_bytes() == (tmp_path / "one.tif").read_bytes()


def test_the_pixels_handed_in_stay_as_they_are(tmp_path):
    band = noise("f4")
    before = band.copy()
    write_band(tmp_path / "band.tif", band, GRID, nodata=None, continuous=True, tile=TILE)
    np.testing.assert_array_equal(band, before)


def test_stored_tiles_are_taken_over_as_they_are(tmp_path):
    source, copied = tmp_path / "source.tif", tmp_path / "copied.tif"
    write_band(source, noise("u2"), GRID, nodata=0, tile=TILE)
    cog, spec = open_cog(source), Spec(GRID, np.dtype("u2"), 0, tile=TILE)
    tiled = [(-(-height // TILE), -(-width // TILE)) for height, width in spec.shapes]
    write_cog(copied, spec, [[cog.stored(n, *at) for at in np.ndindex(*shape)] for n, shape in enumerate(tiled)])
    assert copied.read_bytes() == source.read_bytes()


@given(
    hnp.arrays(st.sampled_from(["u1", "i2", "u4", "i8"]), hnp.array_shapes(min_dims=2, max_dims=2, max_side=TILE)),
)
def test_a_tile_comes_back_from_its_code(pixels):
    code = encode(pixels, Spec(GRID, pixels.dtype, None, tile=TILE))
    found = np.empty_like(pixels)
    decode(code, pixels.dtype, 2, TILE, found)
    np.testing.assert_array_equal(found, pixels)


@given(hnp.arrays("f4", (3, 5), elements=st.floats(width=32)))
def test_a_tile_of_real_numbers_comes_back_bit_by_bit(pixels):
    code = encode(pixels, Spec(GRID, pixels.dtype, None, tile=TILE))
    found = np.empty_like(pixels)
    decode(code, pixels.dtype, 3, TILE, found)
    assert found.tobytes() == pixels.tobytes()


@given(hnp.arrays("i2", hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.sampled_from([-9, 0, 3, 8])))
def test_an_average_is_over_the_pixels_with_data(pixels):
    halves = halve(pixels, Spec(GRID, pixels.dtype, -9, continuous=True))
    for y, x in np.ndindex(*halves.shape):
        four = [int(number) for number in pixels[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].ravel() if number != -9]
        assert halves[y, x] == (np.floor(sum(four) / len(four) + 0.5) if four else -9)


def test_an_average_of_real_numbers_ignores_nan():
    pixels = np.array([[1, np.nan, np.nan], [2, 6, np.nan]], np.float32)
    halves = halve(pixels, Spec(GRID, pixels.dtype, np.nan, continuous=True))
    np.testing.assert_array_equal(halves, np.array([[3, np.nan]], np.float32))


def test_a_band_that_does_not_fit_its_grid_is_refused(tmp_path):
    with pytest.raises(GridMismatchError, match=r"37, 69.*37, 70"):
        write_band(tmp_path / "band.tif", noise("i2")[:, :-1], GRID, nodata=None)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SceneError, match=r"absent\.tif: cannot be read"):
        open_cog(tmp_path / "absent.tif")


@pytest.mark.parametrize(
    ("at", "value", "found"),
    [
        (0, b"MM", "little-endian"),
        (4, struct.pack("<I", 2**31), "buffer"),
        (192, struct.pack("<H", 900), "900 entries"),
        (192 + 2 + 12 * 3 + 8, struct.pack("<H", 8), "tag 259 is 8"),
        (192 + 2 + 12 * 8 + 8, struct.pack("<H", 32), "tiles of 16"),
        (192 + 2 + 12 * 1 + 8, struct.pack("<H", 9000), "15 offsets"),
        (192 + 2 + 12 * 10 + 4, struct.pack("<I", 2**30), "cut off"),
        (192 + 2 + 12 * 13 + 4, struct.pack("<I", 2**20), "expected 65536"),
    ],
)
def test_a_file_that_lies_about_itself_is_refused(tmp_path, at, value, found):
    path = tmp_path / "band.tif"
    write_band(path, noise("i2"), GRID, nodata=NODATA, tile=TILE)
    content = bytearray(path.read_bytes())
    content[at : at + len(value)] = value
    path.write_bytes(content)
    with pytest.raises(SceneError, match=rf"band\.tif: found no tiled ZSTD GeoTIFF.*{found}"):
        open_cog(path)


def test_directories_in_a_circle_are_refused(tmp_path):
    path = tmp_path / "band.tif"
    write_band(path, noise("i2", (3, 5)), Grid(32610, GRID.transform, 3, 5), nodata=NODATA)
    content = bytearray(path.read_bytes())
    after = 192 + 2 + 12 * struct.unpack_from("<H", content, 192)[0]
    struct.pack_into("<I", content, after, 192)
    path.write_bytes(content)
    with pytest.raises(SceneError, match="more than 24 directories"):
        open_cog(path)


def test_a_file_that_was_cut_off_is_refused(tmp_path):
    path = tmp_path / "band.tif"
    write_band(path, noise("i2"), GRID, nodata=NODATA, tile=TILE)
    cog = open_cog(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SceneError, match="beyond the end of the file"):
        open_cog(path)
    with pytest.raises(SceneError, match=r"band\.tif: ends at byte \d+ in the middle of a tile"):
        cog.pixels(0, 2, 4)


@pytest.mark.parametrize("harm", [b"rubbish!", None])
def test_a_damaged_tile_is_named(tmp_path, harm):
    path = tmp_path / "band.tif"
    write_band(path, noise("i2"), GRID, nodata=NODATA, tile=TILE)
    stored, content = open_cog(path).stored(0, 1, 2), bytearray(path.read_bytes())
    if harm is None:  # a good tile of another size: what it says of itself must not be believed
        harm = encode(noise("f8", (16, 16)), Spec(GRID, np.dtype("f8"), None, tile=TILE))[: stored.size]
    content[stored.offset : stored.offset + len(harm)] = harm
    path.write_bytes(content)
    with pytest.raises(SceneError, match=r"band\.tif: tile 1, 2 is damaged"):
        open_cog(path).pixels(0, 1, 2)


def test_tiles_of_gdals_own_driver_are_read(tmp_path):
    path, band = tmp_path / "gdals.tif", noise("u2")
    by_gdal(path, band, GRID, nodata=0, description="", scale=1, blocks=128)
    np.testing.assert_array_equal(open_cog(path).pixels(0, 0, 0), band)
