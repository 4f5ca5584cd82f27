"""``python3 -m s2lookback.reduce_cloud`` on small folders, and on a real series."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from s2lookback.command import parse
from s2lookback.envi import read_header, read_pixels, write_envi
from s2lookback.errors import SceneError
from s2lookback.grid import Grid
from s2lookback.reduce_cloud.__main__ import ReduceCommand, reduce_folder
from s2lookback.reduce_cloud.haze import CARRIED, ESTIMATED, KEPT, NOTHING, SENSED

BANDS = ("B12", "B11", "B9", "B8")
SHAPE = (4, 36, 47)
GRID = Grid(32610, (20, 0, 600000, 0, -20, 5700000), *SHAPE[1:])
FOREST, MEADOW, BURN, VEIL, CLOUD = (
    np.array(spectrum, np.float32)[:, None, None]
    for spectrum in (
        [700, 1500, 2600, 2900], [1300, 2300, 3200, 3600], [2400, 2100, 1000, 1050],
        [900, 1300, 2500, 2600], [3500, 4600, 6000, 7000],
    )
)  # fmt: skip
FIRST = datetime(2025, 8, 1, 19, 9, 1, tzinfo=UTC)
THIN, THICK, FIRE, OUTSIDE, SHADOW = (
    np.s_[:, :16],
    np.s_[:6, 20:26],
    np.s_[10:18, 2:9],
    np.s_[30:, 40:],
    np.s_[9:12, 30:],
)


@pytest.fixture
def folders(tmp_path):
    """Two dates, a thin veil over the second's left third with a burn beneath, a thick cloud, a shadow and a gap."""
    random = np.random.default_rng(7)
    share = random.random(SHAPE[1:])
    before = FOREST * share + MEADOW * (1 - share) + random.normal(0, 40, SHAPE) + 1000
    surface = 0.85 * (before - 1000) + random.normal(0, 40, SHAPE)
    surface[:, *FIRE] = BURN + random.normal(0, 40, (4, 8, 7))
    thickness = np.zeros(SHAPE[1:])
    thickness[THIN] = random.uniform(0.05, 0.4, (36, 16))
    after = surface * (1 - thickness) + VEIL * thickness
    after[:, *THICK] = CLOUD
    after[:, *SHADOW] *= 0.4
    after[:, *OUTSIDE] = np.nan
    masked = (thickness > 0).astype(np.float32)
    masked[THICK] = 1
    shadow = np.zeros_like(masked)
    shadow[SHADOW] = 1
    after += 1000
    mrap = np.where((masked + shadow > 0) | np.isnan(after[0]), before, after)
    stems = []
    for day, image, cloud, dark, composite in (
        (0, before, masked * 0, shadow * 0, before),
        (5, after, masked, shadow, mrap),
    ):
        sensed = FIRST + timedelta(days=day)
        stem = f"S2A_MSIL1C_{sensed:%Y%m%dT%H%M%S}_N0511_R013_T10UFB_{sensed:%Y%m%dT%H%M%S}"
        stems.append(stem)
        for folder, pixels, suffix in (
            ("images", image, ""),
            ("masks/cloud", cloud[None], ""),
            ("masks/shadow", dark[None], ""),
            ("mrap", composite, "_MRAP"),
            ("mrap", dark[None], "_MRAP_age"),
        ):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            names = [f"{sensed:%Y%m%d} 20m: {band} 842nm{suffix}" for band in BANDS] if len(pixels) == 4 else ["one"]
            write_envi(
                tmp_path / folder / f"{stem}{suffix}.bin", pixels.astype(np.float32), band_names=names, grid=GRID
            )
    return tmp_path, stems, surface + 1000, after, mrap


def reduce(folder, *options):
    folders = [str(folder / name) for name in ("images", "masks", "mrap")]
    arguments = [f"--out={folder / 'out'}", "--min_samples=100", "--sample_share=1", "--png=no", *options]
    reduce_folder(parse(ReduceCommand, folders + arguments))


def read(folder, stem):
    pixels, flags = (
        read_pixels(read_header(folder / f"out/{stem}_MRAP_HAZELESS{suffix}.bin"), zero_is_nodata=False)
        for suffix in ("", "_estimated")
    )
    return pixels, flags


def test_each_pixel_is_sensed_estimated_carried_or_kept_and_says_so(folders):
    folder, (_, stem), surface, after, mrap = folders
    reduce(folder, "--revert_within_pct=0")
    pixels, (estimated, origin, uncertainty) = read(folder, stem)
    thin = np.zeros(SHAPE[1:], np.bool_)
    thin[THIN] = True
    thin[FIRE] = False
    assert (origin[thin] == ESTIMATED).mean() > 0.9
    assert (origin[FIRE] == KEPT).all()
    for place in (THICK, SHADOW, OUTSIDE):
        assert (origin[place] == CARRIED).all()
        np.testing.assert_array_equal(pixels[:, *place], mrap.astype(np.float32)[:, *place])
    for place in (origin == SENSED, origin == KEPT):
        np.testing.assert_array_equal(pixels[:, place], after.astype(np.float32)[:, place])
    np.testing.assert_array_equal(estimated, origin == ESTIMATED)
    np.testing.assert_array_equal(uncertainty > 0, origin == ESTIMATED)
    where = origin == ESTIMATED
    errors = [np.abs(candidate - surface)[:, where].mean() for candidate in (pixels, after, mrap)]
    assert errors[0] < min(errors[1:])


def test_a_burn_under_thin_cloud_is_not_turned_back_into_forest(folders):
    folder, (_, stem), _, _, mrap = folders
    reduce(folder)
    swir, _, _, near = read(folder, stem)[0][:, *FIRE]
    assert (near - swir < 300).all()
    assert (mrap[3][FIRE] - mrap[0][FIRE] > 1000).all()


def test_estimates_that_equal_the_composite_again_give_way_to_it(folders):
    folder, (_, stem), _, _, mrap = folders
    reduce(folder, "--revert_within_pct=1")
    pixels, (estimated, origin, _) = read(folder, stem)
    assert not estimated.any()
    np.testing.assert_array_equal(pixels[:, origin == CARRIED], mrap.astype(np.float32)[:, origin == CARRIED])


def test_a_date_without_an_earlier_composite_is_filled_and_never_estimated(folders):
    folder, (first, _), _, _, _ = folders
    reduce(folder)
    pixels, (estimated, origin, _) = read(folder, first)
    assert not estimated.any()
    assert (origin == SENSED).all()
    assert np.isfinite(pixels).all()


def test_below_the_trigger_masked_pixels_stay_and_missing_ones_are_filled(folders):
    folder, (_, stem), _, after, _ = folders
    reduce(folder, "--min_mask_prop_trigger=0.9")
    pixels, (_, origin, _) = read(folder, stem)
    assert (origin[THIN] == KEPT).all()
    assert (origin[OUTSIDE] == CARRIED).all()
    np.testing.assert_array_equal(pixels[:, origin != CARRIED], after.astype(np.float32)[:, origin != CARRIED])


def test_where_even_the_composite_is_empty_there_is_no_data(folders):
    folder, (_, stem), _, _, mrap = folders
    empty = mrap.astype(np.float32)
    empty[:, *OUTSIDE] = np.nan
    header = read_header(folder / f"mrap/{stem}_MRAP.bin")
    write_envi(header.path, empty, band_names=header.band_names, grid=GRID)
    reduce(folder)
    pixels, (_, origin, _) = read(folder, stem)
    assert (origin[OUTSIDE] == NOTHING).all()
    assert np.isnan(pixels[:, *OUTSIDE]).all()


def test_a_date_without_a_composite_is_left_out_and_the_others_are_made_before_it_is_an_error(folders):
    folder, (first, last), _, _, _ = folders
    (folder / f"mrap/{first}_MRAP.bin").unlink()
    with pytest.raises(SceneError, match="1 of 2 dates were left out"):
        reduce(folder)
    assert (folder / f"out/{last}_MRAP_HAZELESS.bin").exists()


def test_a_folder_without_composites_is_refused(folders):
    folder = folders[0]
    with pytest.raises(SceneError, match=r"masks/cloud: found no composite, expected names that end in _MRAP\.bin"):
        reduce_folder(parse(ReduceCommand, [str(folder / name) for name in ("images", "masks", "masks/cloud")]))


def test_the_same_folders_give_the_same_bytes_and_a_picture(folders):
    folder, (_, stem), _, _, _ = folders
    reduce(folder, "--png")
    once = {path.name: path.read_bytes() for path in (folder / "out").iterdir()}
    reduce(folder, "--n_workers=3", "--png")
    assert {path.name: path.read_bytes() for path in (folder / "out").iterdir()} == once
    assert once[f"{stem}_MRAP_HAZELESS.png"].startswith(b"\x89PNG")


@pytest.mark.real
def test_mrap_and_reduction_of_a_real_series_run_as_documented(realdata, tmp_path):
    subprocess.run([sys.executable, realdata / "to_envi.py", tmp_path], check=True, capture_output=True)
    span = ["--start=2018-09-10", "--end=2018-10-20"]
    for command in (
        ["mrap", "images", "masks", "--max_lookback_days=60"],
        ["reduce_cloud", "images", "masks", "images_mrap", "--min_samples=60", "--revert_within_pct=0"],
    ):
        subprocess.run(
            [sys.executable, "-m", f"s2lookback.{command[0]}", *command[1:], "--png=no", *span],
            cwd=tmp_path, check=True, capture_output=True,
        )  # fmt: skip
    made = sorted((tmp_path / "images_hazeless").glob("*_MRAP_HAZELESS.bin"))
    assert len(made) == len(list((tmp_path / "images_mrap").glob("*_MRAP.bin"))) == 14
    cirrus = next(path for path in made if "_20181016T" in path.name)
    flags = np.fromfile(cirrus.with_name(f"{cirrus.stem}_estimated.bin"), "<f4").reshape(3, 32, 32)
    assert 200 < np.count_nonzero(flags[0]) < 400
    assert np.median(flags[2][flags[0] == 1]) < 300
