import logging
import shutil
from datetime import UTC, datetime

import numpy as np
import pytest
import rasterio

from s2lookback.bands import BANDS, DEFAULT_BANDS
from s2lookback.errors import SceneError
from s2lookback.files import checksum
from s2lookback.grid import Grid
from s2lookback.scene import NO_PERCENT, NODATA
from s2lookback.settings import IngestSettings
from s2lookback.sources.resample import area_mean, interpolate
from s2lookback.sources.safe import SafeSource

GRID = Grid(32609, (20.0, 0.0, 600_000.0, 0.0, -20.0, 5_700_000.0), 18, 24)


def source_and_ref(folder, **settings):
    source = SafeSource(str(folder), settings=IngestSettings(**settings))
    (tile,) = source.tiles()
    (ref,) = source.list_scenes(tile).scenes
    return source, ref


def open_only(folder, **settings):
    source, ref = source_and_ref(folder, **settings)
    return source.open_scene(ref)


def image_of(safe, band):
    (path,) = safe.glob(f"GRANULE/*/IMG_DATA/**/*_{band}*.jp2")
    return path


def numbers_in(safe, band):
    with rasterio.open(image_of(safe, band)) as raster:
        return raster.read(1)


def expected_pixels(safe, offset):
    for band in DEFAULT_BANDS:
        numbers = numbers_in(safe, band)
        on_20_m = {
            10: lambda fine: area_mean(fine, 2),
            20: lambda same: same,
            60: lambda coarse: interpolate(coarse, 3),
        }[BANDS[band].resolution](numbers)
        yield np.rint(on_20_m - float(offset))


@pytest.mark.parametrize("level", ["L2A", "L1C"])
def test_every_band_comes_to_the_20_m_grid_without_its_offset(tmp_path, make_safe, level):
    safe = make_safe(level=level)
    scene = open_only(tmp_path)
    assert scene.grid == GRID
    assert scene.bands == DEFAULT_BANDS
    assert scene.pixels.dtype == np.int16
    np.testing.assert_array_equal(scene.pixels, np.stack([*expected_pixels(safe, 1000)]))
    assert scene.valid.all()


def test_facts_and_documents_are_those_of_the_product(tmp_path, make_safe):
    safe = make_safe()
    scene = open_only(tmp_path)
    about = scene.about
    assert (about.tile, about.platform, about.level, about.baseline) == ("09UYT", "sentinel-2c", "L2A", "05.11")
    assert about.sensed == datetime(2025, 8, 30, 19, 38, 31, tzinfo=UTC)
    assert (about.relative_orbit, about.orbit_state, about.offset_removed) == (142, "descending", 1000)
    assert about.products == (safe.stem,)
    assert (about.sun_azimuth, about.sun_elevation, about.view_azimuth) == (160, 40, None)
    assert scene.metadata["MTD_MSIL2A.xml"] == (safe / "MTD_MSIL2A.xml").read_bytes()
    assert scene.metadata["MTD_TL.xml"].startswith(b"<?xml")


def test_a_zip_gives_the_very_scene_of_its_folder(tmp_path, make_safe, zip_of):
    safe = make_safe()
    folder = open_only(tmp_path)
    zip_of(safe)
    packed = open_only(tmp_path)
    assert packed.about == folder.about
    assert packed.metadata == folder.metadata
    np.testing.assert_array_equal(packed.pixels, folder.pixels)
    np.testing.assert_array_equal(packed.scl, folder.scl)


def test_bands_come_in_the_order_asked_for(tmp_path, make_safe):
    make_safe()
    scene = open_only(tmp_path, bands=("B02", "B12"))
    whole = open_only(tmp_path)
    np.testing.assert_array_equal(scene.pixels, whole.pixels[[7, 0]])


def test_a_pixel_without_data_in_one_band_has_none_in_any(tmp_path, make_safe):
    def hole(band, size, numbers):
        if band == "B09":
            numbers[1, 2] = 0  # 60 m: rows 3 to 5, columns 6 to 8
        if band == "B08":
            numbers[20:22, 30:32] = 0  # 10 m: row 10, column 15
            numbers[0, 0] = 0  # a quarter of a pixel, which the rest of it stands for
        return numbers

    make_safe(change=hole)
    scene = open_only(tmp_path)
    expected = np.zeros(GRID.shape, bool)
    expected[3:6, 6:9] = True
    expected[10, 15] = True
    for band in scene.pixels:
        np.testing.assert_array_equal(band == NODATA, expected)
    np.testing.assert_array_equal(scene.cloud_probability == NO_PERCENT, expected)
    np.testing.assert_array_equal(scene.scl == 0, expected)


def test_saturated_pixels_are_bright_not_missing(tmp_path, make_safe):
    def fire(band, size, numbers):
        if band == "B12":
            numbers[4, 5] = 65535
        return numbers

    make_safe(change=fire)
    scene = open_only(tmp_path)
    assert scene.pixels[0, 4, 5] == np.iinfo(np.int16).max
    assert scene.valid[4, 5]


def test_reflectance_below_zero_is_kept(tmp_path, make_safe):
    def shade(band, size, numbers):
        if band == "B11":
            numbers[2, 3] = 990
            numbers[2, 4] = 1
        return numbers

    make_safe(change=shade)
    scene = open_only(tmp_path)
    assert scene.pixels[1, 2, 3:5].tolist() == [-10, -999]


def test_another_quantification_is_scaled_to_ten_thousand(tmp_path, make_safe):
    safe = make_safe(level="L1C", baseline="0209", stated_offset=None, offset=0, quantification=1000)
    scene = open_only(tmp_path)
    expected = np.clip(10 * numbers_in(safe, "B12").astype(int), 0, np.iinfo(np.int16).max)
    np.testing.assert_array_equal(scene.pixels[0], expected)


def test_classes_and_probabilities_are_those_of_sen2cor(tmp_path, make_safe):
    make_safe()
    scene = open_only(tmp_path)
    assert scene.scl[0].tolist() == [4] * 19 + [9] * 5
    assert scene.cloud_probability[0].tolist() == [40] * 19 + [90] * 5


def test_l1c_and_old_products_have_neither_class_nor_probability(tmp_path, make_safe):
    make_safe(codes=False)
    scene = open_only(tmp_path)
    assert scene.scl is None
    assert scene.cloud_probability is None


def test_an_offset_absent_from_metadata_and_pixels_is_not_removed(tmp_path, make_safe):
    safe = make_safe(baseline="0214", stated_offset=None, offset=0)
    scene = open_only(tmp_path)
    assert scene.about.offset_removed == 0
    np.testing.assert_array_equal(scene.pixels, np.stack([*expected_pixels(safe, 0)]))


@pytest.mark.parametrize(
    ("baseline", "stated", "offset", "reason"),
    [
        ("0511", -1000, 0, "offset of 1000 is claimed"),
        ("0214", None, 1000, "no offset is claimed"),
        ("0511", None, 1000, "baseline 05.11 adds nothing"),
        ("0400", -7000, 1000, "adds -7000 to the wanted bands, expected -1000 or 0"),
    ],
)
def test_metadata_and_pixels_that_disagree_leave_the_scene_out(tmp_path, make_safe, baseline, stated, offset, reason):
    make_safe(baseline=baseline, stated_offset=stated, offset=offset)
    with pytest.raises(SceneError, match=reason):
        open_only(tmp_path)


@pytest.mark.parametrize(("word", "removed"), [("present", 1000), ("absent", 0)])
def test_a_persons_word_on_the_offset_goes_before_metadata_and_pixels(tmp_path, make_safe, word, removed):
    safe = make_safe(stated_offset=-1000 if word == "absent" else None, offset=removed)
    scene = open_only(tmp_path, offset=word)
    assert scene.about.offset_removed == removed
    np.testing.assert_array_equal(scene.pixels, np.stack([*expected_pixels(safe, removed)]))


def halves(make_safe):
    """Two stations' parts of one acquisition: west of column 12 by the first, east of column 6 by the second."""

    def cut(columns):
        def change(band, size, numbers):
            numbers[:, slice(*(None if edge is None else edge * 20 // size for edge in columns))] = 0
            return numbers

        return change

    west = make_safe(change=cut((12, None)))
    east = make_safe(processed="20250831T011111", baseline="0512", change=cut((None, 6)))
    return west, east


def test_partial_products_of_one_acquisition_become_one_whole_scene(tmp_path, make_safe):
    west, east = halves(make_safe)
    scene = open_only(tmp_path)
    assert scene.valid.all()
    assert scene.about.products == (west.stem, east.stem)
    assert scene.about.baseline == "05.12"
    whole = numbers_in(west, "B12").astype(int) + numbers_in(east, "B12")
    overlap = slice(6, 12)
    whole[:, overlap] = numbers_in(east, "B12")[:, overlap]
    np.testing.assert_array_equal(scene.pixels[0], whole - 1000)
    assert {name for name in scene.metadata if name.endswith("MTD_TL.xml")} == {"MTD_TL.xml", f"{west.stem}.MTD_TL.xml"}


def test_an_unreadable_part_beside_a_good_one_is_left_out_with_a_warning(tmp_path, make_safe, caplog):
    _, east = halves(make_safe)
    image_of(east, "B12").write_bytes(b"not an image")
    with caplog.at_level(logging.WARNING):
        scene = open_only(tmp_path)
    assert scene.valid.sum() == 18 * 12
    assert len(scene.about.products) == 1
    assert "left out one of its products" in caplog.text
    assert "B12" in caplog.text


def test_where_no_part_can_be_read_the_scene_is_refused_for_all_reasons(tmp_path, make_safe):
    for safe in halves(make_safe):
        image_of(safe, "B11").unlink()
    with pytest.raises(SceneError, match=r"N0511.*no image of B11; .*N0512.*no image of B11"):
        open_only(tmp_path)


def test_b10_is_there_in_l1c_and_missing_in_l2a(tmp_path, make_safe):
    make_safe(level="L1C", folder="one")
    assert open_only(tmp_path / "one", bands=("B10", "B12")).pixels.shape == (2, 18, 24)
    make_safe(folder="two")
    with pytest.raises(SceneError, match="no image of B10"):
        open_only(tmp_path / "two", bands=("B10", "B12"))


def test_a_missing_native_image_is_replaced_by_another_size_and_the_log_says_so(tmp_path, make_safe, caplog):
    safe = make_safe(change=lambda band, size, numbers: None if band == "B04" else numbers)
    stand_in = image_of(safe, "B05")
    shutil.copy(stand_in, str(stand_in).replace("_B05_", "_B04_"))
    with caplog.at_level(logging.WARNING):
        scene = open_only(tmp_path)
    np.testing.assert_array_equal(scene.pixels[5], numbers_in(safe, "B05") - 1000.0)
    assert "no 10 m image of B04" in caplog.text


def test_images_outside_the_utm_zone_of_the_tile_are_refused(tmp_path, make_safe):
    make_safe(epsg=32610)
    with pytest.raises(SceneError, match=r"EPSG:32610, expected EPSG:32609 of tile 09UYT"):
        open_only(tmp_path)


def test_a_band_that_covers_another_place_is_refused(tmp_path, make_safe):
    safe = make_safe()
    elsewhere = image_of(make_safe(tile="10UFB", epsg=32610, folder="other"), "B11")
    shutil.copy(elsewhere, image_of(safe, "B11"))
    with pytest.raises(SceneError, match=r"B11.*EPSG:32610, expected .* EPSG:32609, as the 20 m bands"):
        open_only(safe)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_an_image_that_does_not_say_where_it_lies_is_refused(tmp_path, make_safe):
    image = image_of(make_safe(), "B12")
    with rasterio.open(image, "w", driver="JP2OpenJPEG", height=18, width=24, count=1, dtype="uint16") as raster:
        raster.write(np.full((18, 24), 1500, np.uint16), 1)
    with pytest.raises(SceneError, match=r"B12.*does not say where it lies"):
        open_only(tmp_path)


def test_a_band_of_an_odd_size_is_refused(tmp_path, make_safe):
    def crop(band, size, numbers):
        return numbers[:-1] if band == "B03" else numbers

    make_safe(change=crop)
    with pytest.raises(SceneError, match="B03"):
        open_only(tmp_path)


def test_images_elsewhere_than_the_metadata_says_are_refused(tmp_path, make_safe):
    safe = make_safe()
    (granule,) = safe.glob("GRANULE/*/MTD_TL.xml")
    granule.write_text(granule.read_text().replace("<ULX>600000", "<ULX>600020"))
    with pytest.raises(SceneError, match="its metadata says"):
        open_only(tmp_path)


def test_a_product_under_another_ones_name_is_refused(tmp_path, make_safe):
    safe = make_safe()
    safe.rename(safe.with_name(safe.name.replace("20250830T193831", "20250902T193831")))
    with pytest.raises(SceneError, match=r"metadata says tile 09UYT at 2025-08-30T19:38:31.*its name .* 2025-09-02"):
        open_only(tmp_path)


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.98])
def test_a_truncated_image_is_refused(tmp_path, make_safe, share):
    image = image_of(make_safe(), "B8A")
    content = image.read_bytes()
    image.write_bytes(content[: int(share * len(content))])
    with pytest.raises(SceneError, match=r"B8A.*cannot be read as an image"):
        open_only(tmp_path)


def test_no_other_format_is_read_under_the_name_of_an_image(tmp_path, make_safe):
    safe = make_safe()
    secret = image_of(make_safe(folder="private"), "B12")
    image_of(safe, "B12").write_text(
        '<VRTDataset rasterXSize="24" rasterYSize="18"><SRS>EPSG:32609</SRS>'
        "<GeoTransform>600000, 20, 0, 5700000, 0, -20</GeoTransform>"
        f'<VRTRasterBand dataType="UInt16" band="1"><SimpleSource><SourceFilename>{secret}</SourceFilename>'
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )
    with pytest.raises(SceneError, match=r"B12.*cannot be read as an image"):
        open_only(safe)


def test_a_product_wholly_outside_the_swath_is_refused(tmp_path, make_safe):
    make_safe(change=lambda band, size, numbers: np.zeros_like(numbers))
    with pytest.raises(SceneError, match="no pixel has data in all of B12"):
        open_only(tmp_path)


def test_checksums_of_a_folder_are_of_exactly_the_files_that_were_read(tmp_path, make_safe):
    safe = make_safe()
    source, ref = source_and_ref(tmp_path)
    sums = source.checksums(ref)
    read = {image_of(safe, band) for band in DEFAULT_BANDS} | {
        path
        for pattern in ("MTD_*.xml", "GRANULE/*/MTD_TL.xml", "**/*_SCL_*", "**/*CLDPRB*")
        for path in safe.glob(pattern)
    }
    assert sums == {f"{safe.name}/{path.relative_to(safe).as_posix()}": checksum(path) for path in read}


def test_the_checksum_of_a_zip_is_its_own(tmp_path, make_safe, zip_of):
    packed = zip_of(make_safe())
    source, ref = source_and_ref(tmp_path)
    assert source.checksums(ref) == {packed.name: checksum(packed)}


def test_checksums_of_what_has_gone_are_refused(tmp_path, make_safe, zip_of):
    packed = zip_of(make_safe())
    source, ref = source_and_ref(tmp_path)
    packed.unlink()
    with pytest.raises(SceneError, match=packed.name):
        source.checksums(ref)


@pytest.mark.real
def test_a_real_product_is_read_whole(realdata):
    scene = open_only(realdata / "safe_T22HBD_20210122_mini")
    assert scene.grid == Grid(32722, (1098.0, 0.0, 199_980.0, 0.0, -1098.0, 5_900_020.0), 100, 100)
    assert (scene.about.level, scene.about.baseline, scene.about.offset_removed) == ("L2A", "02.14", 0)
    (b12,) = (realdata / "safe_T22HBD_20210122_mini").glob("*.SAFE/GRANULE/*/IMG_DATA/R20m/*_B12_20m.jp2")
    with rasterio.open(b12) as raster:
        numbers = raster.read(1)
    np.testing.assert_array_equal(scene.pixels[0][scene.valid], numbers[scene.valid])
    assert scene.valid.mean() == pytest.approx(0.987, abs=0.001)
    assert set(np.unique(scene.scl)) <= set(range(12))
    probability = scene.cloud_probability
    assert ((probability <= 100) | (probability == NO_PERCENT)).all()
    assert (probability[scene.valid] <= 100).mean() > 0.99


@pytest.mark.real
def test_real_l1c_images_of_three_sizes_come_to_one_grid(realdata, tmp_path, make_safe):
    safe = make_safe(
        level="L1C", platform="S2A", tile="31TDH", epsg=32631, sensed="20150726T105026", baseline="0204",
        stated_offset=None, offset=0,
    )  # fmt: skip
    (granule,) = safe.glob("GRANULE/*")
    shutil.rmtree(granule / "IMG_DATA")
    (granule / "MTD_TL.xml").unlink()
    (granule / "IMG_DATA").mkdir()
    for image in (realdata / "gadomski_s2_l1c_T31TDH").rglob("*_B*.jp2"):
        (granule / "IMG_DATA" / image.name).write_bytes(image.read_bytes())
    scene = open_only(tmp_path, bands=tuple(BANDS))
    assert scene.grid == Grid(32631, (20.0, 0.0, 399_960.0, 0.0, -20.0, 4_690_200.0 + 3000), 150, 150)
    assert scene.valid.all()
    fine = numbers_in(safe, "B02").astype(float).reshape(150, 2, 150, 2).mean(axis=(1, 3))
    np.testing.assert_array_equal(scene.pixels[1], np.rint(fine))
    coarse = numbers_in(safe, "B09").astype(float)
    np.testing.assert_allclose(scene.pixels[9].reshape(50, 3, 50, 3)[:, 1, :, 1], coarse, atol=0.5)
