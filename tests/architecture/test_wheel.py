"""What is installed is what is here: a wheel holds every file of the rooms, and no other."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("flows", "tasks", "catalog", "s2lookback", "deployments")
BUILD = ("pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir")


def tracked(*paths):
    listed = subprocess.run(["git", "ls-files", "-z", *paths], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if (ROOT / name).is_file()]


@pytest.fixture
def copied(tmp_path):
    """Copy what a wheel is built from: pip builds where the files lie, and leaves what it built there."""
    for name in tracked(*ROOMS, "pyproject.toml", "README.md", "LICENSE"):
        (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / "copy" / name)
    return tmp_path / "copy"


def test_a_wheel_holds_every_file_of_the_rooms_and_nothing_that_was_left_there(copied, tmp_path):
    for left in ("flows/__pycache__/tile.cpython-311.pyc", "deployments/browser/node_modules/react/index.js"):
        (copied / left).parent.mkdir(parents=True)
        (copied / left).touch()
    built = subprocess.run(
        [sys.executable, "-m", *BUILD, tmp_path, copied], capture_output=True, text=True, check=False
    )
    said = built.stdout + built.stderr
    assert (built.returncode, "Warning" in said) == (0, False), said
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as packed:
        held = [name for name in packed.namelist() if ".dist-info/" not in name]
    assert sorted(held) == sorted(tracked(*ROOMS))
