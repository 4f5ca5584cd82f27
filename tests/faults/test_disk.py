"""Disks that are full or read-only: one sentence, nothing half-made, and the next run goes on."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from catalog.store import Store
from s2lookback.errors import CatalogError, TransientError
from tests.faults import chain

MOUNT = ("unshare", "--map-root-user", "--mount")
WRITES = os.O_WRONLY | os.O_RDWR
TILE = chain.TILES[0]


@pytest.fixture
def disk(tmp_path):
    """Give a folder over which a small file system can be mounted, where the kernel lets us."""
    folder = tmp_path / "disk"
    folder.mkdir()
    trial = [*MOUNT, "mount", "-t", "tmpfs", "tmpfs", str(folder)]
    if not shutil.which("unshare") or subprocess.run(trial, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here: unshare is not allowed")
    return folder


def test_a_disk_that_is_full_again_and_again_delays_a_run_and_harms_nothing(disk):
    report = json.loads(chain.script("fill", disk, 8, prefix=MOUNT))
    assert len(report["errors"]) > 15
    assert all(error.startswith("TransientError: ") for error in report["errors"])
    assert all("No space left on device" in error for error in report["errors"])
    assert report["faults"] == report["left"] == []
    chain.run(disk.parent / "undisturbed", dates=2)
    assert chain.tree(disk.parent / "copy") == chain.tree(disk.parent / "undisturbed")


def test_a_read_only_disk_is_read_as_ever_and_refuses_in_one_sentence_to_be_written(disk):
    nothing, something = json.loads(chain.script("freeze", disk, prefix=MOUNT))
    assert nothing.startswith("10UFB: nothing to do")
    assert "Read-only file system" in something
    chain.run(disk.parent / "undisturbed", dates=2)
    assert chain.tree(disk.parent / "copy") == chain.tree(disk.parent / "undisturbed")


class FullDisk:
    """Refuses this process every new file and folder below a root, from the n-th on, as a full disk does."""

    def __init__(self):
        self.root, self.left = None, 0
        sys.addaudithook(self.hook)  # there is no way to remove it: it rests while there is no root

    def hook(self, event, arguments):
        opened = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES
        if self.root is None or not (opened or event in {"os.mkdir", "os.rename"}):
            return
        if str(arguments[0]).startswith(str(self.root)):
            self.left -= 1
            if self.left < 0:
                raise OSError(errno.ENOSPC, "No space left on device", str(arguments[0]))


@pytest.fixture(scope="module")
def full():
    return FullDisk()


def said_on(full, root, writes):
    """Run a tile of one date on a disk that is full after so many writes; give what is said, if anything."""
    full.root, full.left = root, writes
    try:
        chain.run(root, dates=1)
    except TransientError as error:
        return str(error)
    finally:
        full.root = None
    return ""


@pytest.mark.parametrize("product", ["mrap", "masks"])
def test_a_disk_that_is_full_at_any_write_of_a_product_leaves_it_unmade_and_the_rest_whole(product, tmp_path, full):
    chain.run(tmp_path / "template", dates=1)
    expected = chain.tree(tmp_path / "template")
    shutil.rmtree(tmp_path / "template" / product)
    for writes in range(200):
        root = tmp_path / f"full-{writes}"
        shutil.copytree(tmp_path / "template", root)
        said = said_on(full, root, writes)
        if not said:
            break
        assert "No space left on device" in said
        assert "\n" not in said
        assert not list(root.rglob(".stage-*"))
        assert Store(str(root)).check(deep=True) == []
        chain.run(root, dates=1)
        assert chain.tree(root) == expected
    assert 8 < writes < 199


@pytest.mark.parametrize("place", ["a file", "a file among the folders", "nowhere"])
def test_a_root_that_cannot_be_written_is_one_sentence(place, tmp_path):
    root = tmp_path / "root"
    if place == "a file":
        root.write_text("no folder")
    elif place == "nowhere":
        root = Path("/proc/no-such-folder")
    else:
        (root / "scenes").mkdir(parents=True)
        (root / "scenes" / TILE).write_text("no folder")
    with pytest.raises(CatalogError, match="cannot be read or written"):
        chain.run(root, dates=1)
