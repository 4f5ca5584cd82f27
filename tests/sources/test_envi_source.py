import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from s2lookback.envi import band_name, read_header, read_pixels, write_envi
from s2lookback.errors import SceneError
from s2lookback.files import checksum
from s2lookback.grid import Grid
from s2lookback.scene import NO_PERCENT, NODATA
from s2lookback.settings import IngestSettings
from s2lookback.sources.envi import (
    EnviSource,
    mask_scales,
    pair_folders,
    read_image,
    read_probability,
    read_shadow,
)

SHAPE = (3, 5)  # height, width
GRID = Grid(32609, (20.0, 0.0, 600000.0, 0.0, -20.0, 5700000.0), *SHAPE)
SENSED = datetime(2025, 8, 30, 19, 38, 31, tzinfo=UTC)
AUTO, PRESENT, ABSENT = (IngestSettings(offset=offset) for offset in ("auto", "present", "absent"))
BANDS = ("B12", "B11", "B09", "B08")


def stem(sensed: datetime = SENSED, *, processed: str = "20250831T003315", baseline: str = "N0511") -> str:
    return f"S2A_MSIL1C_{sensed:%Y%m%dT%H%M%S}_{baseline}_R142_T09UYU_{processed}_20m"


def numbers(dark: float = 1050.0) -> np.ndarray:
    """Digital numbers, the darkest of them given, another for each band and pixel."""
    return dark + np.arange(60, dtype="f4").reshape(4, *SHAPE)


def put_image(
    folder: Path, name: str, pixels: np.ndarray, bands: tuple[str, ...] = BANDS, grid: Grid | None = GRID
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_envi(folder / f"{name}.bin", pixels, band_names=[band_name(SENSED, band) for band in bands], grid=grid)
    return folder / f"{name}.bin"


def put_mask(folder: Path, name: str, probability: object, grid: Grid = GRID) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.array(np.broadcast_to(np.asarray(probability, "f4"), grid.shape))[None]
    write_envi(folder / f"{name}.bin", pixels, band_names=["mask"], grid=grid)
    return folder / f"{name}.bin"


def only(source: EnviSource, tile: str = "09UYU"):
    [ref] = source.list_scenes(tile).scenes
    return source.open_scene(ref)


def test_images_and_masks_are_paired_by_the_second(tmp_path):
    for seconds in (60, 0, 1):
        sensed = SENSED + timedelta(seconds=seconds)
        put_image(tmp_path / "images", stem(sensed), numbers())
        put_mask(tmp_path / "masks" / "cloud", stem(sensed + timedelta(seconds=seconds == 60)), 50)
    pairs, rejected = pair_folders(tmp_path / "images", tmp_path / "masks")
    assert rejected == []
    assert [(pair.sensed - SENSED).seconds for pair in pairs] == [0, 1, 60]
    assert [len(pair.masks) for pair in pairs] == [1, 1, 0]


def test_masks_of_another_tile_of_the_same_moment_are_left_alone(tmp_path):
    put_image(tmp_path / "images", stem(), numbers())
    put_image(tmp_path / "images", stem().replace("T09UYU", "T09UYT"), numbers())
    put_mask(tmp_path / "masks", stem(), 50)
    pairs, _ = pair_folders(tmp_path / "images", tmp_path / "masks")
    assert [(pair.tile, len(pair.masks)) for pair in pairs] == [("09UYT", 0), ("09UYU", 1)]
    source = EnviSource(str(tmp_path / "images"), [str(tmp_path / "masks")], settings=AUTO)
    assert source.tiles() == ("09UYT", "09UYU")
    assert len(source.list_scenes("09UYT").scenes) == 1


def test_folders_that_are_missing_or_empty_are_said_to_be(tmp_path):
    images, masks = tmp_path / "images", tmp_path / "masks"
    masks.mkdir()
    for given, reason in ((images, "cannot be listed"), (masks, "found no ENVI image")):
        with pytest.raises(SceneError, match=f"{given.name}: .*{reason}"):
            EnviSource(str(given), settings=AUTO).tiles()
    put_image(images, stem(), numbers())
    for given, reason in ((masks, "found no ENVI image"), (tmp_path / "none", "cannot be listed")):
        with pytest.raises(SceneError, match=f"{given.name}: .*{reason}"):
            EnviSource(str(images), [str(given)], settings=AUTO).list_scenes("09UYU")


def test_an_image_whose_mask_is_broken_or_lies_elsewhere_is_rejected_not_taken_for_clear(tmp_path):
    later, latest = SENSED + timedelta(days=5), SENSED + timedelta(days=10)
    for sensed in (SENSED, later, latest):
        put_image(tmp_path / "images", stem(sensed), numbers())
        put_mask(tmp_path / "masks" / "shadow", stem(sensed), 0)
    broken = put_mask(tmp_path / "masks" / "cloud", stem(later), 100)
    broken.write_bytes(broken.read_bytes()[:-4])
    put_mask(tmp_path / "masks" / "cloud", stem(latest), 100, Grid(32609, GRID.transform, 5, 3))
    pairs, rejected = pair_folders(tmp_path / "images", tmp_path / "masks")
    assert [pair.sensed for pair in pairs] == [SENSED]
    reasons = {Path(bad.href).parent.name: bad.reason for bad in rejected if stem(later) in bad.href}
    assert "found 56 bytes, expected 60" in reasons["images"]
    assert "found 56 bytes, expected 60" in reasons["cloud"]
    assert any("5 × 3 pixels" in bad.reason and "does not fit" in bad.reason for bad in rejected)


def test_a_mask_may_be_a_hundredth_of_a_pixel_off_and_no_more(tmp_path):
    for seconds, shift in enumerate((0.1, 20.0)):
        sensed = SENSED + timedelta(seconds=seconds)
        put_image(tmp_path / "images", stem(sensed), numbers())
        moved = Grid(32609, (20.0, 0.0, 600000.0 + shift, 0.0, -20.0, 5700000.0), *SHAPE)
        put_mask(tmp_path / "masks", stem(sensed), 0, moved)
    pairs, rejected = pair_folders(tmp_path / "images", tmp_path / "masks")
    assert [pair.sensed for pair in pairs] == [SENSED]
    assert len(rejected) == 1


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ((0.0, 0.3, 1.0), 1.0),
        ((0.0, 1.0, 1.0), 1.0),
        ((1.0, 40.0, np.nan), 0.01),
        ((0.0, 100.0, 0.0), 0.01),
        ((0.0, 255.0, 255.0), 1 / 255),
        ((3.0, 180.0, 255.0), 1 / 255),
        ((np.nan, np.nan, np.nan), 1.0),
    ],
)
def test_the_unit_of_a_mask_folder_is_decided_over_all_its_files(tmp_path, values, unit):
    for days, value in enumerate(values):
        put_image(tmp_path / "images", stem(SENSED + timedelta(days=days)), numbers())
        put_mask(tmp_path / "masks", stem(SENSED + timedelta(days=days)), value)
    pairs, _ = pair_folders(tmp_path / "images", tmp_path / "masks")
    scales = mask_scales(pairs)
    assert scales == {str(tmp_path / "masks"): unit}
    for pair, value in zip(pairs, values, strict=True):
        assert np.allclose(read_probability(pair, scales), np.float32(value * unit), equal_nan=True)


def test_a_unit_that_cannot_be_told_is_never_guessed(tmp_path):
    put_image(tmp_path / "images", stem(), numbers())
    mask = put_mask(tmp_path / "masks", stem(), np.arange(15).reshape(SHAPE) * 17)
    pairs, _ = pair_folders(tmp_path / "images", tmp_path / "masks")
    assert mask_scales(pairs) == {str(tmp_path / "masks"): 1 / 255}
    put_mask(tmp_path / "masks", stem(), np.where(np.arange(15).reshape(SHAPE) == 14, 255, 60))
    with pytest.raises(SceneError, match="masks: found mask numbers to 60 and 255"):
        mask_scales(pairs)
    for wrong in (-1, 1.5, 300):
        put_mask(tmp_path / "masks", stem(), wrong)
        with pytest.raises(SceneError, match=r"_20m\.bin: found probabilities"):
            read_probability(pairs[0], {str(mask.parent): 1.0})


def test_masks_are_joined_by_their_maximum_and_no_data_is_never_clear(tmp_path):
    put_image(tmp_path / "images", stem(), numbers())
    one, other, shade = (np.zeros(SHAPE, "f4") for _ in range(3))
    one[0, :3] = 80, np.nan, np.nan
    other[0, :3] = 1, 1, np.nan
    shade[2, 4] = 1
    for folder, values in (("cloud", one), ("scl_cloud", other), ("my_Shadow_20m", shade)):
        put_mask(tmp_path / "masks" / folder, stem(), values)
    pairs, _ = pair_folders(tmp_path / "images", tmp_path / "masks")
    scales = mask_scales(pairs)
    probability, shadow = read_probability(pairs[0], scales), read_shadow(pairs[0], scales)
    assert probability.dtype == np.float32
    assert np.array_equal(probability[0], [1, 1, np.nan, 0, 0], equal_nan=True)
    assert (probability[1:] == 0).all()
    assert np.array_equal(shadow, shade)
    scene = only(EnviSource(str(tmp_path / "images"), [str(tmp_path / "masks")], settings=PRESENT))
    assert scene.cloud_probability[0].tolist() == [100, 100, NO_PERCENT, 0, 0]
    assert np.array_equal(scene.scl, np.where(shade == 1, 3, 0))


def test_without_a_mask_a_scene_has_no_cloud_probability(tmp_path):
    put_image(tmp_path / "images", stem(), numbers())
    pairs, _ = pair_folders(tmp_path / "images")
    assert np.isnan(read_probability(pairs[0], mask_scales(pairs))).all()
    scene = only(EnviSource(str(tmp_path / "images"), settings=AUTO))
    assert scene.cloud_probability is None
    assert scene.scl is None


def test_a_scene_is_int16_without_offset_in_the_order_of_the_settings(tmp_path):
    pixels = numbers(1000.4)
    pixels[2, 1, 1] = np.nan
    pixels[:, 0, 4] = 0
    pixels[1, 2, 3] = 70000
    pixels[0, 0, 0] = -20000
    put_image(tmp_path, stem(), pixels)
    settings = IngestSettings(bands=("B08", "B02", "B12"), offset="present")
    scene = only(EnviSource(str(tmp_path), settings=settings))
    assert scene.bands == ("B08", "B12")
    expected = np.rint(pixels[[3, 0]] - 1000).clip(-9998, 32767)
    expected[:, 0, 4] = NODATA
    assert scene.pixels.dtype == np.int16
    assert np.array_equal(scene.pixels, expected)
    every = only(EnviSource(str(tmp_path), settings=PRESENT))
    assert every.bands == ("B12", "B11", "B09", "B08")
    assert (every.pixels[:, 1, 1] == NODATA).all()
    assert every.pixels[0, 0, 0] == -9998
    assert every.pixels[1, 2, 3] == 32767


def test_facts_come_from_the_file_name(tmp_path):
    put_image(tmp_path, stem(), numbers())
    scene = only(EnviSource(str(tmp_path), settings=AUTO))
    about = scene.about
    assert (about.tile, about.sensed, about.platform, about.level) == ("09UYU", SENSED, "sentinel-2a", "L1C")
    assert (about.baseline, about.relative_orbit, about.offset_removed) == ("05.11", 142, 1000)
    assert about.products == (stem(),)
    assert scene.grid == GRID
    assert scene.metadata == {f"{stem()}.hdr": (tmp_path / f"{stem()}.hdr").read_bytes()}


def test_images_of_one_moment_are_merged_newer_processing_over_older(tmp_path):
    older, newer = numbers(1100), numbers(1200)
    older[:, 0, 0] = newer[:, 1:, :3] = newer[:, 0, 0] = np.nan
    put_image(tmp_path / "images", stem(processed="20250831T090000"), newer)
    put_image(tmp_path / "images", stem(processed="20250831T003315"), older)
    put_mask(tmp_path / "masks", stem(processed="20250831T091111"), 20)
    source = EnviSource(str(tmp_path / "images"), [str(tmp_path / "masks")], settings=PRESENT)
    scene = only(source)
    expected = np.where(np.isnan(newer), older, newer)
    assert np.array_equal(scene.pixels, np.where(np.isnan(expected), NODATA, np.rint(expected - 1000)))
    assert scene.about.products == (stem(processed="20250831T003315"), stem(processed="20250831T090000"))
    assert (scene.cloud_probability == 20).all()
    [pair], _ = pair_folders(tmp_path / "images")
    assert np.array_equal(read_image(pair), expected, equal_nan=True)


def test_parts_with_other_bands_are_rejected(tmp_path):
    put_image(tmp_path, stem(processed="20250831T090000"), numbers())
    put_image(tmp_path, stem(), numbers(), ("B12", "B11", "B8A", "B08"))
    pairs, rejected = pair_folders(tmp_path)
    assert pairs == []
    assert len(rejected) == 2
    assert all("are not those of" in bad.reason for bad in rejected)


def test_a_tile_is_named_by_the_file_or_by_the_caller(tmp_path):
    put_image(tmp_path, "C11659_20250830T193831", numbers())
    listing = EnviSource(str(tmp_path), settings=AUTO).list_scenes("09UYU")
    assert listing.scenes == ()
    assert "found no tile, expected a name with a field such as T09UYU" in listing.rejected[0].reason
    source = EnviSource(str(tmp_path), settings=AUTO, tile="09UYU")
    assert source.tiles() == ("09UYU",)
    assert only(source).about.tile == "09UYU"


def test_a_listing_says_what_it_leaves_out_of_this_tile_and_includes_both_ends(tmp_path):
    for days in range(4):
        put_image(tmp_path, stem(SENSED + timedelta(days=days)), numbers())
    put_image(tmp_path, "S2A_dateless_T09UYU", numbers())
    put_image(tmp_path, "S2A_dateless_T10UFB", numbers(), grid=None)
    for name in ("S2A_dateless_T09UYU", "S2A_dateless_T10UFB"):
        header = tmp_path / f"{name}.hdr"
        header.write_text(header.read_text().replace("20250830 ", ""))
    source = EnviSource([str(tmp_path)], settings=AUTO)
    listing = source.list_scenes("09UYU", SENSED + timedelta(days=1), SENSED + timedelta(days=2))
    assert [ref.sensed for ref in listing.scenes] == [SENSED + timedelta(days=1), SENSED + timedelta(days=2)]
    assert [Path(bad.href).name for bad in listing.rejected] == ["S2A_dateless_T09UYU.bin"]
    assert "found no sensing time" in listing.rejected[0].reason


def test_every_file_that_is_read_is_hashed_under_a_name_without_its_place(tmp_path):
    for root in (tmp_path / "here", tmp_path / "there"):
        put_image(root / "images", stem(), numbers())
        put_mask(root / "masks" / "cloud", stem(), 20)
        put_mask(root / "masks" / "shadow", stem(), 0)
    here, there = (
        EnviSource(str(root / "images"), [str(root / "masks")], settings=AUTO)
        for root in (tmp_path / "here", tmp_path / "there")
    )
    [ref] = here.list_scenes("09UYU").scenes
    found = here.checksums(ref)
    assert found == there.checksums(there.list_scenes("09UYU").scenes[0])
    folders = ("", "cloud/", "shadow/")
    files = {f"{folder}{stem()}{suffix}" for folder in folders for suffix in (".bin", ".hdr")}
    assert found.keys() == files | {"decided by folder"}
    assert found[f"cloud/{stem()}.bin"] == checksum(tmp_path / "here" / "masks" / "cloud" / f"{stem()}.bin")
    assert ref.changed == max(Path(file).stat().st_ctime_ns for file in ref.files)
    Path(ref.files[0]).unlink()
    for read in (here.checksums, here.open_scene):
        with pytest.raises(SceneError, match="20250830T193831"):
            read(ref)


def test_the_hashes_change_when_the_folder_decides_otherwise(tmp_path):
    def decided():
        source = EnviSource(str(tmp_path / "images"), [str(tmp_path / "masks")], settings=AUTO)
        return source.checksums(source.list_scenes("09UYU").scenes[0])["decided by folder"]

    put_image(tmp_path / "images", stem(), numbers(1400))
    put_mask(tmp_path / "masks", stem(), 1)
    lone = decided()
    put_image(tmp_path / "images", stem(SENSED + timedelta(days=5)), numbers(1500))
    put_mask(tmp_path / "masks", stem(SENSED + timedelta(days=5)), 70)
    percent = decided()
    put_image(tmp_path / "images", stem(SENSED + timedelta(days=10)), numbers(300))
    assert len({lone, percent, decided()}) == 3


@pytest.mark.parametrize(
    ("darks", "offsets"),
    [
        ((1050, 1600, 3000), (1000, 1000, 1000)),
        ((30, 700, 3000), (0, 0, 0)),
        ((30, 1100, 1500), (0, "no offset is claimed", 0)),
        ((501, 1100, 1500), (0, 0, 0)),
        ((*[1060] * 10, 400), (*[1000] * 10, "an offset of 1000 is claimed")),
        ((2700, 4000), ("to tell", "to tell")),
    ],
)
def test_the_offset_is_told_by_the_darkest_tenth_of_the_folder_and_checked_in_each_scene(tmp_path, darks, offsets):
    for days, dark in enumerate(darks):
        put_image(tmp_path, stem(SENSED + timedelta(days=days)), numbers(dark))
    source = EnviSource(str(tmp_path), settings=AUTO)
    for ref, expected in zip(source.list_scenes("09UYU").scenes, offsets, strict=True):
        if isinstance(expected, str):
            with pytest.raises(SceneError, match=expected):
                source.open_scene(ref)
        else:
            assert source.open_scene(ref).about.offset_removed == expected


def test_a_person_may_overrule_the_pixels(tmp_path):
    put_image(tmp_path, stem(), numbers(30))
    assert only(EnviSource(str(tmp_path), settings=PRESENT)).about.offset_removed == 1000
    assert only(EnviSource(str(tmp_path), settings=ABSENT)).about.offset_removed == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda header: header.replace("B12", "B10").replace("B11", "B01").replace("B9", "B5").replace("B8", "B6"),
         "found bands"),
        (lambda header: header.replace("B11", "B12"), "found B12 more than once"),
        (lambda header: "\n".join(line for line in header.splitlines() if "map info" not in line), "found no grid"),
    ],
)  # fmt: skip
def test_an_image_that_is_no_scene_is_left_out_with_the_reason(tmp_path, change: Callable[[str], str], reason):
    header = put_image(tmp_path, stem(), numbers()).with_suffix(".hdr")
    put_image(tmp_path, stem(SENSED + timedelta(days=5)), numbers())
    header.write_text(change(header.read_text()))
    source = EnviSource(str(tmp_path), settings=AUTO)
    wrong, right = source.list_scenes("09UYU").scenes
    with pytest.raises(SceneError, match=reason):
        source.open_scene(wrong)
    assert source.open_scene(right).about.offset_removed == 1000


def test_reflectances_are_not_taken_for_digital_numbers(tmp_path):
    put_image(tmp_path, stem(), numbers(30) / 10000)
    with pytest.raises(SceneError, match=r"found numbers up to 0\.0089, expected digital numbers"):
        only(EnviSource(str(tmp_path), settings=AUTO))


@pytest.fixture(scope="session")
def series(realdata, tmp_path_factory) -> Path:
    """Write the 118 dates of 31UDS as BC's folders."""
    out = tmp_path_factory.mktemp("31UDS")
    subprocess.run([sys.executable, str(realdata / "to_envi.py"), str(out)], check=True, capture_output=True)
    return out


@pytest.mark.real
def test_a_real_series_called_n0500_has_no_offset_and_no_date_is_lost(series):
    source = EnviSource(str(series / "images"), [str(series / "masks")], settings=AUTO)
    listing = source.list_scenes("31UDS")
    assert (len(listing.scenes), listing.rejected) == (118, ())
    for ref in listing.scenes:
        scene = source.open_scene(ref)
        name = scene.about.products[0]
        stored, cloud, shade = (
            read_pixels(read_header(series / folder / f"{name}.bin"), zero_is_nodata=False)
            for folder in ("images", "masks/cloud", "masks/shadow")
        )
        assert scene.bands == ("B12", "B11", "B08", "B8A")
        assert (scene.about.offset_removed, scene.about.baseline) == (0, "05.00")
        assert np.array_equal(scene.pixels[[0, 1, 3, 2]], np.where(np.isnan(stored), NODATA, np.rint(stored)))
        assert np.array_equal(scene.cloud_probability, cloud[0])
        assert np.array_equal(scene.scl == 3, shade[0] == 1)


@pytest.mark.real
def test_a_real_image_of_bc_has_the_offset_in_it(realdata):
    source = EnviSource(str(realdata / "bcgov_wps_research"), settings=AUTO, tile="10VDH")
    scene = only(source, "10VDH")
    assert (scene.bands, scene.about.offset_removed) == (("B12", "B11", "B09"), 1000)
    assert scene.pixels.min() == 723
