"""Killed at random moments, a catalog is always whole, and in the end it is what it would have been."""

import json
import subprocess
import sys

from catalog.store import Store
from tests.faults import chain

KILLS = 50


def test_two_tiles_killed_fifty_times_leave_no_trace(tmp_path):
    report = json.loads(chain.script("kill", tmp_path, 20, KILLS))
    assert report["kills"] == KILLS
    assert report["faults"] == []
    assert report["differ"] == []
    assert report["files"] > 200
    assert report["swept"] > 0  # some were killed while they wrote


def rivals(root, before=""):
    """Run one tile in two processes at once."""
    code = f"{before}\nfrom pathlib import Path\nfrom tests.faults import chain\nchain.run(Path({str(root)!r}))"
    both = [subprocess.Popen([sys.executable, "-c", code], cwd=chain.CHECKOUT) for _ in range(2)]
    return [one.wait(timeout=120) for one in both]


def test_of_two_runs_of_one_tile_the_second_waits_and_makes_nothing(tmp_path):
    chain.run(tmp_path / "alone")
    assert rivals(tmp_path / "both") == [0, 0]
    assert chain.tree(tmp_path / "both") == chain.tree(tmp_path / "alone")


def test_two_runs_that_cannot_keep_each_other_waiting_both_end_well(tmp_path):
    """Some network file systems have no locks."""
    chain.run(tmp_path / "alone")
    no_locks = "import errno, fcntl\ndef flock(*_): raise OSError(errno.ENOLCK, 'no locks')\nfcntl.flock = flock"
    assert rivals(tmp_path / "both", no_locks) == [0, 0]
    assert chain.faults(tmp_path / "both") == []
    store = Store(str(tmp_path / "both"))
    store.relist()
    store.gc(older_than=-1)
    assert chain.tree(tmp_path / "both") == chain.tree(tmp_path / "alone")
