"""Rubbish among good scenes: one clear sentence each, and the good ones published."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.nightly import nightly
from s2lookback.envi import write_envi
from s2lookback.errors import SceneError
from s2lookback.grid import Grid
from s2lookback.settings import IngestSettings, Settings
from s2lookback.sources.settings import SourceSettings

pytestmark = pytest.mark.flow
SETTINGS = Settings(ingest=IngestSettings(bands=("B12", "B11", "B8A")))
GRID = Grid(32609, (20.0, 0.0, 600_000.0, 0.0, -20.0, 5_700_000.0), 6, 9)


def reasons(report):
    return {left.name: left.reason for left in report.left_out}


@pytest.mark.usefixtures("prefect_server")
def test_bad_products_are_left_out_each_with_a_sentence_and_the_good_one_is_published(tmp_path, make_safe, zip_of):
    make_safe(sensed="20250801T193831")
    truncated = next(make_safe(sensed="20250802T193831").rglob("*_B12_20m.jp2"))
    truncated.write_bytes(truncated.read_bytes()[:200])
    make_safe(sensed="20250803T193831", change=lambda band, size, numbers: None if band == "B11" else numbers)
    make_safe(sensed="20250804T193831", epsg=32611)
    no_zip = zip_of(make_safe(sensed="20250805T193831"))
    no_zip.write_bytes(b"this is no zip")
    make_safe(sensed="20250806T193831", stated_offset=0, offset=1000, baseline="0301")
    (tmp_path / "S2C_MSIL2A_20259999T999999_N0511_R142_T09UYT_20250831T003315.SAFE").mkdir()

    source = SourceSettings(scenes=str(tmp_path))
    (report,) = nightly(source=source, root=str(tmp_path / "products"), settings=SETTINGS)

    assert report.made["scene"] == report.made["mask"] == report.made["mrap"] == report.made["reduced"] == 1
    found = reasons(report)
    assert len(found) == 6
    for day, expected in {
        "20250802": "B12",  # truncated
        "20250803": "B11",  # missing
        "20250804": "32611",  # wrong CRS
        "20250805": "zip",  # no zip
        "20250806": "1000",  # an offset that the metadata deny
        "20259999": "20259999T999999",  # a date that does not parse
    }.items():
        (reason,) = [reason for name, reason in found.items() if day in name]
        assert expected in reason
        assert "\n" not in reason


@pytest.mark.usefixtures("prefect_server")
def test_bad_envi_files_are_left_out_and_the_good_one_is_published(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    pixels = np.random.default_rng(1).integers(100, 3000, (3, *GRID.shape)).astype(np.float32)
    names = {
        day: images / f"S2A_MSIL2A_{day}T193831_N0511_R142_T09UYT_{day}T230000.bin"
        for day in ("20250801", "20250802", "20250899")
    }
    for path in names.values():
        write_envi(path, pixels, band_names=["B12", "B11", "B8A"], grid=GRID)
    header = names["20250802"].with_suffix(".hdr")
    header.write_text(header.read_text().replace("lines = 6", "lines = 600"))

    (report,) = nightly(source=SourceSettings(scenes=str(images)), root=str(tmp_path / "products"), settings=SETTINGS)

    assert report.made["mrap"] == 1
    found = reasons(report)
    assert "expected 64800" in found[names["20250802"].name]
    assert "20250899" in found[names["20250899"].name]


@pytest.mark.usefixtures("prefect_server")
def test_an_empty_folder_is_one_sentence(tmp_path):
    with pytest.raises(SceneError, match=r"empty|no .*image|nothing"):
        nightly(source=SourceSettings(scenes=str(tmp_path)), root=str(tmp_path / "products"))


def test_the_program_exits_with_1_and_a_sentence_when_nothing_could_be_made(tmp_path):
    result = CliRunner().invoke(app, ["nightly", "--scenes", str(tmp_path / "absent"), "--root", str(tmp_path / "p")])
    assert result.exit_code == 1
    assert "absent" in result.stderr
    assert "Traceback" not in result.output


def test_a_settings_file_that_makes_no_sense_is_one_sentence(tmp_path):
    file = Path(tmp_path, "settings.json")
    file.write_text(json.dumps({"mask": {"threshold": 7}}))
    result = CliRunner().invoke(
        app, ["nightly", "--scenes", str(tmp_path), "--root", str(tmp_path / "p"), "--settings", str(file)]
    )
    assert result.exit_code == 1
    assert "mask.threshold" in result.stderr
