from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from s2lookback.bands import BANDS
from s2lookback.envi import (
    band_name,
    band_of,
    find_images,
    read_header,
    read_pixels,
    sample_rows,
    sensed_of,
    write_envi,
)
from s2lookback.errors import GridMismatchError, SceneError
from s2lookback.grid import Grid

SHAPE = (2, 3, 5)  # bands, height, width: all different, so a swapped axis shows
UTM = Grid(32610, (20.0, 0.0, 478880.0, 0.0, -20.0, 6439940.0), 3, 5)
SENSED = datetime(2025, 8, 30, 19, 38, 31, tzinfo=UTC)
NAMES = ("20250830 20m: B12 2190nm", "20250830 20m: B9 945nm")
CODES = {1: "u1", 2: "i2", 3: "i4", 4: "f4", 5: "f8", 12: "u2", 13: "u4", 14: "i8", 15: "u8"}
same_file = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # every example writes it anew


def numbers() -> np.ndarray:
    return np.arange(1, 31, dtype="f4").reshape(SHAPE)


def put(folder: Path, *, data: bytes = numbers().tobytes(), name: str = "scene", **fields: object) -> Path:
    """Write a data file and a header of the given fields, spaces for underscores; None leaves one out."""
    said = {
        "samples": 5, "lines": 3, "bands": 2, "header_offset": 0, "data_type": 4, "interleave": "bsq", "byte_order": 0,
    } | fields  # fmt: skip
    lines = [f"{key.replace('_', ' ')} = {value}" for key, value in said.items() if value is not None]
    (folder / f"{name}.bin").write_bytes(data)
    (folder / f"{name}.hdr").write_text("\n".join(["ENVI", *lines]) + "\n", encoding="utf-8")
    return folder / f"{name}.bin"


def refusal(path: Path) -> str:
    with pytest.raises(SceneError) as caught:
        read_header(path)
    return str(caught.value)


@same_file
@given(
    arrays("f4", SHAPE, elements=st.floats(width=32)),
    st.sampled_from([32601, 32610, 32760, 3005, 3347, 4326]),
    st.floats(-1e7, 1e7),
    st.floats(0.001, 1000),
)
def test_what_is_written_is_read_back_by_us_and_by_gdal(tmp_path, pixels, epsg, corner, size):
    grid = Grid(epsg, (size, 0.0, corner, 0.0, -size / 2, -corner), 3, 5)
    write_envi(tmp_path / "a.bin", pixels, band_names=NAMES, grid=grid, sensed=SENSED, description="one, two")
    header = read_header(tmp_path / "a.bin")
    assert (header.grid, header.sensed, header.band_names) == (grid, SENSED, NAMES)
    expected = np.where(np.isfinite(pixels) & (pixels != 0).any(axis=0), pixels, np.nan)
    assert np.array_equal(read_pixels(header), expected, equal_nan=True)
    with rasterio.open(tmp_path / "a.bin") as raster:
        assert raster.crs.to_epsg() == epsg
        assert np.allclose(raster.transform, grid.affine, rtol=1e-12)
        assert raster.descriptions == NAMES
        assert np.isnan(raster.nodata)
        assert np.array_equal(raster.read(), pixels, equal_nan=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.bin", "a.hdr"]


def test_the_same_pixels_give_the_same_bytes_whatever_the_bits_of_nan(tmp_path):
    for name, nan in (("a", 0x7FC00000), ("b", 0xFFC00001)):
        pixels = numbers()
        pixels.view("u4")[:, 1, 2] = nan
        before = pixels.tobytes()
        write_envi(tmp_path / f"{name}.bin", pixels, band_names=NAMES, grid=UTM)
        assert pixels.tobytes() == before
    assert (tmp_path / "a.bin").read_bytes() == (tmp_path / "b.bin").read_bytes()
    assert (tmp_path / "a.hdr").read_bytes() == (tmp_path / "b.hdr").read_bytes()


def test_what_does_not_fit_is_not_written(tmp_path):
    rotated = Grid(32610, (20.0, 1.0, 0.0, 0.0, -20.0, 0.0), 3, 5)
    for names, grid in ((NAMES[:1], UTM), (NAMES, Grid(32610, UTM.transform, 5, 3)), (NAMES, rotated)):
        with pytest.raises(GridMismatchError, match=r"a\.bin"):
            write_envi(tmp_path / "a.bin", numbers(), band_names=names, grid=grid)
    for path, names in (("a.bin", ("with, comma", "b")), ("a.bin", ("a}", "b")), ("a.tif", NAMES)):
        with pytest.raises(ValueError, match=path):
            write_envi(tmp_path / path, numbers(), band_names=names, grid=UTM)
    assert list(tmp_path.iterdir()) == []


@same_file
@given(
    st.sampled_from(sorted(CODES)), st.sampled_from(["bsq", "bil", "bip"]), st.sampled_from([0, 1]), st.integers(0, 9)
)
def test_every_number_type_interleave_byte_order_and_offset_is_read(tmp_path, code, interleave, order, offset):
    axes = {"bsq": (0, 1, 2), "bil": (1, 0, 2), "bip": (1, 2, 0)}[interleave]
    stored = numbers().transpose(axes).astype("<>"[order] + CODES[code])
    path = put(
        tmp_path, data=b"x" * offset + stored.tobytes(), header_offset=offset, data_type=code, interleave=interleave,
        byte_order=order,
    )  # fmt: skip
    header = read_header(path)
    assert np.array_equal(read_pixels(header), numbers())
    assert np.array_equal(sample_rows(header, 2), numbers()[:, ::2])
    assert np.array_equal(sample_rows(header, 32), numbers())


def test_no_data_is_nan_infinity_the_ignored_number_and_zero_in_all_bands(tmp_path):
    pixels = numbers()
    pixels[:, 0, 0] = 0
    pixels[0, 0, 1] = 0
    pixels[0, 0, 2] = np.inf
    pixels[1, 0, 3] = -9999
    header = read_header(put(tmp_path, data=pixels.tobytes(), data_ignore_value=-9999))
    expected = pixels.copy()
    expected[0, 0, 2] = expected[1, 0, 3] = np.nan
    assert np.array_equal(read_pixels(header, zero_is_nodata=False), expected, equal_nan=True)
    expected[:, 0, 0] = np.nan
    assert np.array_equal(read_pixels(header), expected, equal_nan=True)


def test_a_double_too_large_for_float32_is_no_data(tmp_path):
    pixels = numbers().astype("f8")
    pixels[0, 1, 1] = 1e300
    header = read_header(put(tmp_path, data=pixels.tobytes(), data_type=5, data_ignore_value="1e308"))
    assert np.isnan(read_pixels(header)).sum() == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"lines": 4}, "found 120 bytes, expected 160"),
        ({"lines": 2}, "found 120 bytes, expected 80"),
        ({"header_offset": 4}, "found 120 bytes, expected 124"),
        ({"lines": -3}, "'lines' '-3'"),
        ({"bands": 0}, "'bands' '0'"),
        ({"samples": "٥"}, "'samples' '٥'"),
        ({"samples": "9" * 5000}, "'samples' '999"),
        ({"lines": None}, "'lines' 'missing'"),
        ({"bands": 10**8}, "found 120 bytes"),
        ({"data_type": 6}, "'data type' '6'"),
        ({"byte_order": 2}, "'byte order' '2'"),
        ({"interleave": None}, "'interleave' 'missing'"),
        ({"band_names": "{only one}"}, "found 1 band names, expected 2"),
        ({"band_names": "{a, {b}}"}, "braces within the braces"),
        ({"band_names": "{a, b"}, "not closed"),
        ({"data_ignore_value": "none"}, "found 'none', expected a number"),
        ({"map_info": "{UTM, 1, 1, x, 0, 20, 20, 10, North, WGS-84}"}, "found 'x', expected a number"),
        ({"map_info": "{UTM, 1, 1, 0, 0, 0, 20, 10, North, WGS-84}"}, "pixel sizes"),
        ({"map_info": "{UTM, 1, 1, nan, 0, 20, 20, 10, North, WGS-84}"}, "expected finite"),
        ({"acquisition_time": "yesterday"}, "found sensing time 'yesterday'"),
    ],
)
def test_a_header_that_lies_is_refused_with_one_sentence(tmp_path, fields, reason):
    message = refusal(put(tmp_path, **fields))
    assert reason in message
    assert "scene." in message
    assert "\n" not in message
    assert len(message) < 400 + len(str(tmp_path))


def test_files_that_are_missing_too_long_or_not_text_are_refused(tmp_path):
    path = put(tmp_path)
    header = path.with_suffix(".hdr")
    for content in (b"", b"ENVISAT\n", b"ENVI\n\0", b"ENVI\n" + b";" * 1_000_000, bytes(range(256))):
        header.write_bytes(content)
        assert "expected text that begins with ENVI" in refusal(path)
    header.unlink()
    assert "found no header" in refusal(path)
    header.mkdir()
    assert "found no header" in refusal(path)
    header.rmdir()
    put(tmp_path).unlink()
    assert "cannot be read" in refusal(path)
    assert "cannot be read" in refusal(tmp_path / "none.hdr")


def test_a_file_that_shrank_after_its_header_was_read_is_refused(tmp_path):
    header = read_header(put(tmp_path))
    Path(header.path).write_bytes(b"1234")
    for read in (read_pixels, sample_rows):
        with pytest.raises(SceneError, match=r"scene\.bin"):
            read(header)
    Path(header.path).unlink()
    with pytest.raises(SceneError, match=r"scene\.bin"):
        read_pixels(header)


@same_file
@example(b"samples = 5\nlines = 3\nbands = 2\ndata type = 4\ninterleave = bsq\ncoordinate system string = {GEOGCS[}")
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["samples", "lines", "bands", "data type", "interleave", "map info", "band names",
                             "coordinate system string", "acquisition_time", "data ignore value", "header offset"]),
            st.one_of(
                st.sampled_from(["5", "3", "2", "4", "bsq", "{", "}", "{}", "{a,b}", "{UTM,1,1,0,0,20,20,10,North}",
                                 "{UTM,1,1,1e999,0,20,20,61,North}", "0001-01-01T00:00+23:00", "2025-W01",
                                 "-1", "1e400"]),
                st.text(max_size=12),
            ),
        ),
        max_size=14,
    ).map(lambda pairs: "\n".join(f"{key} = {value}" for key, value in pairs).encode())
    | st.binary(max_size=80)
)  # fmt: skip
def test_any_header_is_understood_or_refused(tmp_path, content):
    path = put(tmp_path)
    fixed = b"samples = 5\nlines = 3\nbands = 2\ndata type = 4\ninterleave = bsq\n"
    path.with_suffix(".hdr").write_bytes(b"ENVI\n" + fixed + content)
    try:
        header = read_header(path)
    except SceneError:
        return
    assert header.bands * header.height * header.width * header.dtype.itemsize + header.offset == 120
    assert len(header.band_names) == header.bands
    assert read_pixels(header).shape == (header.bands, header.height, header.width)


@pytest.mark.parametrize(
    ("info", "epsg"),
    [
        ("UTM, 1, 1, 500000, 4000000, 20, 10, 10, North, WGS-84", 32610),
        ("UTM, 1, 1, 500000, 4000000, 20, 10, 10, South, WGS-84, units=Meters", 32710),
        ("UTM, 2, 3.5, 500000, 4000000, 20, 10, 10, North, units=Meters", 32610),
        ("UTM, 1, 1, 500000, 4000000, 20, 10, 10, North, WGS-84, units=Meters, rotation=30", 32610),
    ],
)
def test_map_info_means_what_gdal_takes_it_for(tmp_path, info, epsg):
    path = put(tmp_path, map_info="{" + info + "}")
    with rasterio.open(path) as raster:
        expected = raster.transform
    grid = read_header(path).grid
    assert grid.epsg == epsg
    assert np.allclose(grid.affine, expected)


@pytest.mark.parametrize(
    "info",
    [
        "UTM, 1, 1, 5, 4, 20, 20, 10, North, North America 1927",
        "Arbitrary, 1, 1, 0, 0, 1, 1",
        "UTM, 1, 1, 5, 4, 20, 20, 61, North",
    ],
)
def test_without_a_known_crs_there_is_no_grid(tmp_path, info):
    assert read_header(put(tmp_path, map_info="{" + info + "}", coordinate_system_string="{rubbish}")).grid is None


def test_a_header_may_be_spread_over_lines_commented_and_named_after_the_data_file(tmp_path):
    path = put(tmp_path)
    path.with_suffix(".hdr").rename(tmp_path / "scene.bin.hdr")
    with (tmp_path / "scene.bin.hdr").open("a") as file:
        file.write("; a remark = {\nno field\nBand  Names = {\n first one,\n second\n}\nDescription = {a = b}\n")
    header = read_header(path)
    assert header.band_names == ("first one", "second")
    assert header.fields["description"] == "a = b"
    assert read_header(tmp_path / "scene.bin.hdr") == header


def test_images_are_the_bin_files_that_have_a_header(tmp_path):
    for name in ("b", "a"):
        put(tmp_path, name=name)
    (tmp_path / "lonely.bin").touch()
    (tmp_path / ".c.bin.part").touch()
    assert [path.name for path in find_images(tmp_path)] == ["a.bin", "b.bin"]
    with pytest.raises(SceneError, match="none"):
        find_images(tmp_path / "none")


@pytest.mark.parametrize("band", BANDS)
def test_a_band_name_says_its_band_and_wavelength(band):
    name = band_name(SENSED, band, "MRAP")
    assert band_of(name) == band_of(f"pre {name}") == band_of(band) == band
    assert name.endswith(f"{BANDS[band].wavelength}nm MRAP")


def test_band_names_are_spelt_as_bc_spells_them():
    assert [band_name(SENSED, band) for band in ("B12", "B11", "B09", "B08")] == [
        "20250830 20m: B12 2190nm", "20250830 20m: B11 1610nm", "20250830 20m: B9 945nm", "20250830 20m: B8 842nm",
    ]  # fmt: skip
    assert [*map(band_of, ("20230514 60m: B9 945nm", "20250830 10m: B08 842nm", "B8A"))] == ["B09", "B08", "B8A"]
    for name in ("Band 1", "B13", "B99 x", "20m: B8B", "anomaly: B12 2190nm MRAP (post-pre)/(post+pre)", "cloud B2"):
        assert band_of(name) is None


@pytest.mark.parametrize(
    ("name", "fields", "bands", "expected"),
    [
        ("S2A_MSIL1C_20250830T193831_N0511_R142_T09UYU_20250831T003315_20m.bin", {}, (), SENSED),
        ("x.bin", {"acquisition_time": "2025-08-30T19:38:31.024Z"}, (), SENSED),
        ("x_20240101.bin", {"acquisition time": "2025-08-30T12:38:31-07:00"}, (), SENSED),
        ("C11659_20250830T193831.bin", {}, (), SENSED),
        ("20250830_mrap.bin", {}, (), datetime(2025, 8, 30, tzinfo=UTC)),
        ("mrap.bin", {}, NAMES, datetime(2025, 8, 30, tzinfo=UTC)),
        ("mrap_12345678.bin", {}, ("Band 1",), None),
    ],
)
def test_the_sensing_time_is_taken_from_header_name_or_band_in_that_order(name, fields, bands, expected):
    assert sensed_of(f"/20010101/{name}", fields, bands) == expected


@pytest.mark.parametrize("name", ["a_b_20251330T193831.bin", "20250230.bin", "x_20250830T250000.bin"])
def test_a_date_that_is_none_is_refused(name):
    with pytest.raises(SceneError, match="found sensing time '2025"):
        sensed_of(name, {}, ())


@pytest.mark.real
def test_a_header_of_bc_is_read(realdata):
    path = realdata / "bcgov_wps_research" / "G90292_20230514.bin"
    header = read_header(path)
    with rasterio.open(path) as raster:
        assert header.grid == Grid.of(raster.crs, raster.transform, raster.height, raster.width)
        assert np.array_equal(read_pixels(header), raster.read())
    assert [*map(band_of, header.band_names)] == ["B12", "B11", "B09"]
    assert header.sensed == datetime(2023, 5, 14, tzinfo=UTC)
