"""``python3 -m s2lookback.mrap`` on small folders, and on a real series against the slowest definition."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from s2lookback.command import parse
from s2lookback.envi import read_header, read_pixels, write_envi
from s2lookback.errors import SceneError
from s2lookback.grid import Grid
from s2lookback.mrap.__main__ import MrapCommand, make_composites

SHAPE = (3, 4, 6)
GRID = Grid(32610, (20, 0, 600000, 0, -20, 5700000), *SHAPE[1:])
NAMES = ["20m: B12 2190nm", "20m: B11 1610nm", "20m: B9 945nm"]
FIRST = datetime(2025, 8, 1, 19, 9, 1, tzinfo=UTC)


class Folders:
    """Two folders to which dates are added."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "images").mkdir()
        (root / "masks").mkdir()

    def add(self, day, pixels, masked, *, mask=True):
        sensed = FIRST + timedelta(days=day)
        stem = f"S2A_MSIL1C_{sensed:%Y%m%dT%H%M%S}_N0511_R013_T10UFB_{sensed:%Y%m%dT%H%M%S}"
        pixels = np.broadcast_to(np.asarray(pixels, np.float32), SHAPE)
        names = [f"{sensed:%Y%m%d} {name}" for name in NAMES]
        write_envi(self.root / f"images/{stem}.bin", pixels, band_names=names, grid=GRID)
        if mask:
            percent = np.broadcast_to(np.asarray(masked, np.float32) * 60, (1, *SHAPE[1:]))
            write_envi(self.root / f"masks/{stem}.bin", percent, band_names=["percent"], grid=GRID)
        return stem

    def run(self, *options):
        folders = [str(self.root / "images"), str(self.root / "masks")]
        make_composites(parse(MrapCommand, [*folders, f"--out={self.root / 'out'}", "--png=no", *options]))

    def read(self, stem, suffix="_MRAP"):
        return read_pixels(read_header(self.root / f"out/{stem}{suffix}.bin"), zero_is_nodata=False)


@pytest.fixture
def folders(tmp_path) -> Folders:
    return Folders(tmp_path)


def left(columns):
    return np.arange(SHAPE[2]) < columns + np.zeros((SHAPE[1], 1))


def test_masked_and_missing_pixels_are_filled_from_the_newest_clear_date(folders):
    folders.add(0, 1100, left(0))
    folders.add(2, 1200, left(4))
    gap = np.full(SHAPE, 1300.0)
    gap[:, 0, 5] = np.nan
    last = folders.add(4, gap, left(2))
    folders.run()
    expected = np.where(left(2), 1100, 1300)
    expected[0, 5] = 1200
    for band in folders.read(last):
        np.testing.assert_array_equal(band, expected)
    age = np.select([expected == 1100, expected == 1200], [4, 2], 0)
    np.testing.assert_array_equal(folders.read(last, "_MRAP_age")[0], age)


def test_the_window_is_true_and_what_nothing_fills_is_nan(folders):
    folders.add(0, 1100, left(0))
    near, far = folders.add(7, 1200, left(3)), folders.add(8, 1300, left(2))
    folders.run()
    np.testing.assert_array_equal(folders.read(near)[1], np.where(left(3), 1100, 1200))
    np.testing.assert_array_equal(folders.read(far)[1], np.where(left(2), np.nan, 1300))
    np.testing.assert_array_equal(folders.read(far, "_MRAP_age")[0], np.where(left(2), np.nan, 0))


def test_the_first_date_is_not_passed_through_with_its_clouds(folders):
    first = folders.add(0, 1100, left(3))
    folders.run()
    np.testing.assert_array_equal(folders.read(first)[2], np.where(left(3), np.nan, 1100))


def test_names_bands_grid_and_time_are_those_the_next_tool_expects(folders):
    stem = folders.add(0, 1100, left(1))
    folders.run()
    header = read_header(folders.root / f"out/{stem}_MRAP.bin")
    assert header.band_names == tuple(f"20250801 {name} MRAP" for name in NAMES)
    assert (header.grid, header.sensed, header.dtype.str) == (GRID, FIRST, "<f4")
    assert header.interleave == "bsq"
    assert {path.name for path in (folders.root / "out").iterdir()} == {
        f"{stem}{suffix}{end}" for suffix in ("_MRAP", "_MRAP_age") for end in (".bin", ".hdr")
    }


def test_below_the_trigger_a_date_stays_as_it_is(folders):
    folders.add(0, 1100, left(0))
    stem = folders.add(1, 1200, left(1))
    later = folders.add(2, 1300, left(1))
    folders.run("--min_mask_prop_trigger=0.2")
    assert (folders.read(stem) == 1200).all()
    assert not folders.read(stem, "_MRAP_age").any()
    folders.run("--min_mask_prop_trigger=0.1")
    np.testing.assert_array_equal(folders.read(later)[0], np.where(left(1), 1100, 1300))


def test_only_dates_from_start_to_end_are_written_but_earlier_ones_fill(folders):
    folders.add(0, 1100, left(0))
    middle = folders.add(2, 1200, left(3))
    folders.add(4, 1300, left(0))
    folders.run("--start=2025-08-02", "--end=2025-08-03")
    assert {path.stem for path in (folders.root / "out").glob("*_MRAP.bin")} == {f"{middle}_MRAP"}
    np.testing.assert_array_equal(folders.read(middle)[0], np.where(left(3), 1100, 1200))


def test_what_no_mask_speaks_of_is_not_clear(folders):
    folders.add(0, 1100, left(0))
    stem = folders.add(1, 1200, np.where(left(2), np.nan, 0.0))
    folders.run()
    np.testing.assert_array_equal(folders.read(stem)[0], np.where(left(2), 1100, 1200))


def test_an_image_without_a_mask_is_left_out_and_said_so(folders, caplog):
    folders.add(0, 1100, left(0))
    stem = folders.add(1, 1200, left(0), mask=False)
    folders.run()
    assert "1 of 2 images have no mask" in caplog.text
    assert f"{stem}.bin" in caplog.text
    assert not (folders.root / f"out/{stem}_MRAP.bin").exists()


def test_a_date_that_cannot_be_read_is_left_out_and_the_others_are_made_before_it_is_an_error(folders):
    folders.add(0, 1100, left(0))
    bad = folders.add(1, 1200, left(0))
    last = folders.add(2, 1300, left(1))
    write_envi(
        folders.root / f"masks/{bad}.bin", np.full((1, *SHAPE[1:]), -7, np.float32), band_names=["percent"], grid=GRID
    )
    with pytest.raises(SceneError, match="1 of 3 dates were left out"):
        folders.run()
    np.testing.assert_array_equal(folders.read(last)[0], np.where(left(1), 1100, 1300))


def test_images_of_two_tiles_are_refused(folders):
    stem = folders.add(0, 1100, left(0))
    for folder in ("images", "masks"):
        for end in (".bin", ".hdr"):
            source = folders.root / folder / f"{stem}{end}"
            other = stem.replace("10UFB", "10UGB").replace("20250801T1909", "20250802T1909")
            (folders.root / folder / f"{other}{end}").write_bytes(source.read_bytes())
    with pytest.raises(SceneError, match=r"found .*10UGB.*, expected .*10UFB"):
        folders.run()


def test_nothing_between_start_and_end_is_refused(folders):
    folders.add(0, 1100, left(0))
    with pytest.raises(SceneError, match="none of 1 dates has a mask and lies between start and end"):
        folders.run("--start=2026-01-01")


def test_the_same_folders_give_the_same_bytes_however_many_are_read_at_once(folders):
    stems = [folders.add(day, 1100 + day, left(day)) for day in range(5)]
    folders.run("--n_workers=1")
    once = {path.name: path.read_bytes() for path in (folders.root / "out").iterdir()}
    folders.run("--n_workers=4")
    assert {path.name: path.read_bytes() for path in (folders.root / "out").iterdir()} == once
    assert len(once) == 4 * len(stems)


def test_pictures_are_written_unless_refused(folders):
    stem = folders.add(0, 1100, left(2))
    folders.run("--png=yes")
    assert (folders.root / f"out/{stem}_MRAP.png").read_bytes().startswith(b"\x89PNG")


def search(images, clears, days, at, window):
    """Look, per pixel, through the dates up to ``at`` for the newest clear one inside the window."""
    bands, height, width = images[0].shape
    found, age = np.full((bands, height, width), np.nan, np.float32), np.full((height, width), np.nan, np.float32)
    for y, x in np.ndindex(height, width):
        for past in range(at, -1, -1):
            if days[at] - days[past] > window:
                break
            if clears[past][y, x] and np.isfinite(images[past][:, y, x]).all():
                found[:, y, x], age[y, x] = images[past][:, y, x], days[at] - days[past]
                break
    return found, age


@pytest.mark.real
def test_every_composite_of_a_real_series_equals_the_search_of_its_window(realdata, tmp_path):
    subprocess.run([sys.executable, realdata / "to_envi.py", tmp_path], check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-m", "s2lookback.mrap", "images", "masks", "--max_lookback_days=30", "--png=False"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    images, clears, days, stems = [], [], [], []
    for path in sorted((tmp_path / "images").glob("*.bin"), key=lambda path: path.name.split("_")[2]):
        raw = np.fromfile(path, "<f4").reshape(4, 32, 32)
        cloud, shadow = (np.fromfile(tmp_path / f"masks/{kind}/{path.name}", "<f4") for kind in ("cloud", "shadow"))
        images.append(raw)
        clears.append(((cloud == 0) & (shadow == 0)).reshape(32, 32))
        days.append(datetime.strptime(path.name.split("_")[2][:8], "%Y%m%d").replace(tzinfo=UTC).toordinal())
        stems.append(path.stem)
    assert len(stems) == 118
    for at, stem in enumerate(stems):
        pixels, age = search(images, clears, days, at, window=30)
        made = np.fromfile(tmp_path / f"images_mrap/{stem}_MRAP.bin", "<f4").reshape(4, 32, 32)
        np.testing.assert_array_equal(made, pixels, err_msg=stem)
        made_age = np.fromfile(tmp_path / f"images_mrap/{stem}_MRAP_age.bin", "<f4").reshape(32, 32)
        np.testing.assert_array_equal(made_age, age, err_msg=stem)
