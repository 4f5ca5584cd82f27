"""Folders that change while they are listed."""

import os
import shutil
from pathlib import Path

import pytest

from s2lookback.files import last_change, looks, matching


@pytest.fixture
def vanishing(tmp_path, monkeypatch):
    """Make a folder whose part ``gone`` goes away when it is about to be listed."""
    for name in ("gone", "stays", ".hidden"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    scandir = os.scandir

    def going(path):
        if not isinstance(path, int) and Path(path).name == "gone":
            shutil.rmtree(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", going)
    return tmp_path


def test_what_goes_away_meanwhile_is_passed_over(vanishing):
    assert matching(vanishing, "*/f*") == [vanishing / ".hidden/file", vanishing / "stays/file"]
    assert not (vanishing / "gone").exists()


def test_the_last_change_of_a_folder_is_that_of_anything_left_in_it(vanishing):
    (vanishing / "stays/file").write_text("again")
    newest = (vanishing / "stays/file").stat().st_ctime_ns
    assert len([*looks(vanishing)]) == 6  # the folder, three in it, two files
    assert last_change(vanishing) in {newest, vanishing.stat().st_ctime_ns}
    assert last_change(vanishing / "stays/file") == newest


def test_what_is_not_there_never_changed(tmp_path):
    assert last_change(tmp_path / "none") == 0
    assert matching(tmp_path / "none", "*") == []
