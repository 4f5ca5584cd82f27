"""``python3 -m s2lookback.masking`` on small folders, and on a real series."""

import json
import subprocess
import sys

import numpy as np
import pytest

from s2lookback.command import parse
from s2lookback.envi import band_name, read_header, read_pixels, write_envi
from s2lookback.errors import SceneError
from s2lookback.masking.__main__ import MaskingCommand, make_masks
from s2lookback.masking.lookback import load_model

BANDS = ("B12", "B11", "B09", "B08")
PERCENT = {"veil": 40, "thick": 90, "": np.nan}


class Folders:
    """Images, and masks of cloud and of shadow, painted day by day."""

    def __init__(self, root, paint, bands=BANDS):
        self.root, self.paint, self.bands = root, paint, bands

    def add(self, day, surface):
        scene = self.paint(surface, day, self.bands)
        sensed = scene.about.sensed
        stem = f"S2A_MSIL1C_{sensed:%Y%m%dT%H%M%S}_N0511_R013_T10UFB_{sensed:%Y%m%dT%H%M%S}_20m"
        numbers = np.where(surface == "", np.nan, scene.pixels + 1000).astype(np.float32)
        percent = np.array([PERCENT.get(name, 0) for name in surface.ravel()], np.float32).reshape(1, *surface.shape)
        shadow = (surface == "shade").astype(np.float32)[np.newaxis]
        for folder, pixels, names in (
            ("images", numbers, [band_name(sensed, band) for band in self.bands]),
            ("masks/cloud", percent, ["percent"]),
            ("masks/shadow", shadow, ["shadow"]),
        ):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
            write_envi(self.root / folder / f"{stem}.bin", pixels, band_names=names, grid=scene.grid)
        return stem

    def run(self, *options, out="out"):
        folders = [str(self.root / "images"), str(self.root / "masks")]
        make_masks(parse(MaskingCommand, [*folders, f"--out={self.root / out}", *options]))

    def read(self, stem, out="out"):
        return read_pixels(read_header(self.root / out / f"{stem}.bin"), zero_is_nodata=False)[0]

    def report(self, out="out"):
        return json.loads((self.root / out / "agreement.json").read_text())


@pytest.fixture
def folders(tmp_path, paint):
    return Folders(tmp_path, paint)


@pytest.fixture
def week(folders, ground, weather):
    """Give folders of a clear first day and six days of weather, and the stems of those days."""
    surface = np.where(ground.scl == 4, "forest", np.where(ground.scl == 5, "field", "lake")).astype("<U6")
    return folders, [folders.add(0, surface), *(folders.add(day, weather(day)) for day in range(1, 7))]


def test_every_date_gets_a_probability_a_picture_and_the_later_ones_a_model(week, weather):
    folders, stems = week
    folders.run("--mask_threshold=0.2", "--opening=0")
    for stem in stems:
        assert (folders.root / f"out/{stem}.png").read_bytes().startswith(b"\x89PNG")
    hidden, surface = folders.read(stems[-1]), weather(6)
    np.testing.assert_array_equal(np.isnan(hidden), surface == "")
    cloudy = np.isin(surface, ("thick", "veil", "shade"))
    assert ((hidden >= 0.5) == cloudy)[surface != ""].mean() > 0.97
    models = sorted(path.name for path in (folders.root / "out/models").iterdir())
    assert "20250607T190000_10UFB.txt" in models
    name = folders.root / "out/models/20250607T190000_10UFB"
    load_model(name.with_suffix(".txt").read_text(), json.loads(name.with_suffix(".json").read_text()))
    assert [entry["sensed"][:10] for entry in folders.report()][-1] == "2025-06-07"
    assert folders.report()[-1]["agreement"] > 0.97


def test_one_model_for_all_is_tested_on_the_last_date_alone(week):
    folders, stems = week
    folders.run("--test_only_last", "--png=no", "--mask_threshold=0.2")
    assert [entry["sensed"] for entry in folders.report()] == ["2025-06-07T19:00:00Z"]
    texts = {path.read_text() for path in (folders.root / "out/models").glob("*.txt")}
    assert len(texts) == 1
    scenes = json.loads((folders.root / "out/models/20250607T190000_10UFB.json").read_text())["scenes"]
    assert len(scenes) == 6
    assert "2025-06-07T19:00:00Z" not in scenes
    assert len(list((folders.root / "out").glob("*.bin"))) == len(stems)


def test_the_same_folders_give_the_same_bytes(week):
    folders, _ = week
    folders.run()
    folders.run("--n_workers=3", out="again")
    for path in sorted((folders.root / "out").rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (folders.root / "again" / path.relative_to(folders.root / "out")).read_bytes()


@pytest.mark.parametrize("method", ["spectral", "temporal", "background"])
def test_other_methods_need_no_training(method, tmp_path, paint, weather):
    folders = Folders(tmp_path, paint, ("B12", "B11", "B8A", "B04", "B03", "B02"))
    surface = weather(6)
    stems = [folders.add(day, np.full(surface.shape, "forest", "<U6")) for day in range(3)] + [folders.add(6, surface)]
    folders.run(f"--method={method}", "--png=no", "--opening=0", "--number_of_images=3", "--mask_threshold=0.2")
    hidden = folders.read(stems[-1])
    np.testing.assert_array_equal(np.isnan(hidden), surface == "")
    assert (hidden[surface == "thick"] > 0.5).mean() > 0.9
    assert (hidden[surface == "forest"] < 0.5).mean() > 0.9
    assert not (folders.root / "out/models").exists()
    assert folders.report() == []


def test_a_method_whose_bands_are_not_there_is_one_sentence(week):
    folders, _ = week
    with pytest.raises(SceneError, match="expected for temporal also B02 B03 B04"):
        folders.run("--method=temporal", "--png=no")


def test_a_final_threshold_joins_the_given_masks_and_spares_fire(folders, ground, weather):
    surface = np.full((12, 17), "forest", "<U6")
    folders.add(0, surface)
    surface[3:6, 3:6], surface[8, 8], surface[0, 0] = "thick", "fire", ""
    stem = folders.add(2, surface)
    mask = next((folders.root / "masks/cloud").glob("*0603*.bin"))
    percent = read_pixels(read_header(mask), zero_is_nodata=False)
    percent[0, 8, 8], percent[0, 11, 16] = 90, 90
    write_envi(mask, percent, band_names=["percent"], grid=ground.grid)
    folders.run("--final_mask_threshold=0.5", "--png=no", "--opening=0", "--dilation=20")
    final = folders.read(stem)
    expected = np.zeros(surface.shape)
    expected[2:7, 3:6] = expected[3:6, 2:7] = 1
    expected[11, 16] = 1  # as given, and not grown: the light of that pixel did not change
    expected[0, 0] = np.nan
    np.testing.assert_array_equal(final, expected)


def test_masks_never_overwrite_the_images_they_are_named_after(week):
    folders, stems = week
    before = (folders.root / f"images/{stems[0]}.bin").read_bytes()
    with pytest.raises(SceneError, match="expected another folder"):
        folders.run(out="images")
    assert (folders.root / f"images/{stems[0]}.bin").read_bytes() == before


def test_a_broken_date_is_left_out_and_said_so(week, caplog):
    folders, stems = week
    (folders.root / f"images/{stems[2]}.bin").write_bytes(b"short")
    with pytest.raises(SceneError, match="1 files or dates were left out"):
        folders.run("--png=no")
    assert "left out" in caplog.text
    assert not (folders.root / f"out/{stems[2]}.bin").exists()
    assert (folders.root / f"out/{stems[3]}.bin").exists()


def test_a_span_without_dates_is_an_error(week):
    folders, _ = week
    with pytest.raises(SceneError, match="found no date of 10UFB from 2020-01-01 to 2020-02-01"):
        folders.run("--start=2020-01-01", "--end=2020-02-01")


@pytest.mark.real
def test_the_documented_command_masks_a_real_summer(realdata, tmp_path):
    subprocess.run([sys.executable, realdata / "to_envi.py", tmp_path], check=True, capture_output=True)
    options = ["--sample=500_000", "--start=2018-06-20", "--end=2018-08-10", "--test_only_last=False", "--png=no"]
    command = [sys.executable, "-m", "s2lookback.masking", tmp_path / "images", tmp_path / "masks"]
    done = subprocess.run([*command, "--mask_threshold=0.2", *options], check=True, capture_output=True, text=True)
    assert "2018-08-07" in done.stdout
    results = tmp_path / "images_masking"
    assert len(list(results.glob("*.bin"))) == 16
    reports = json.loads((results / "agreement.json").read_text())
    pixels = sum(report["pixels"] for report in reports)
    assert sum(report["agreement"] * report["pixels"] for report in reports) / pixels > 0.8
