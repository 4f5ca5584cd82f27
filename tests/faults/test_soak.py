"""Night after night in one process: it does not grow, opens nothing that it does not close, leaves a whole catalog."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from catalog.store import Store
from tests.bench.soak import Night, slope
from tests.faults.chain import CHECKOUT

NIGHTS, TILES = 20, 2


@pytest.fixture(scope="module")
def soaked(tmp_path_factory):
    """Run the nights in a process of their own, and give what it was like after each, and the catalog."""
    root = tmp_path_factory.mktemp("soak")
    command = [sys.executable, "-m", "tests.bench.soak", f"{root}", f"{NIGHTS}", f"{TILES}"]
    paths = os.environ | {"PYTHONPATH": str(CHECKOUT), "S2LOOKBACK_CPUS": "1"}
    done = subprocess.run(command, cwd=CHECKOUT, env=paths, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    return [Night(**one) for one in json.loads(done.stdout)], Store(str(root))


def test_no_file_stays_open(soaked):
    nights, _ = soaked
    assert len({night.handles for night in nights[2:]}) == 1


def test_memory_does_not_grow_by_what_a_night_reads(soaked):
    nights, _ = soaked
    late = [night.memory for night in nights[-6:]]  # a model was trained before: its library stays
    assert min(late[3:]) - min(late[:3]) < 3  # one night may take more, if it gives it back


def test_a_night_makes_its_own_products_only_and_all_are_whole(soaked):
    _, store = soaked
    assert [*store.check(deep=True)] == []
    for tile in ("10UFB", "10UEB"):
        for collection in ("scenes", "masks", "mrap", "reduced"):
            assert len([*store.ids(collection, tile)]) == NIGHTS
    assert len([*store.root.glob("executions/masks/*/*.json")]) == NIGHTS * TILES  # none was made twice


def test_a_slope_is_told_from_noise():
    noise = np.random.default_rng(20).normal(0, 1, 200)
    assert not slope(list(noise)).rises
    assert slope(list(noise + 0.05 * np.arange(200))).rises
    assert not slope([7.0] * 40).rises
    line = slope([3.0, 5.0, 7.0, 9.0])
    assert (line.mean, round(line.each, 9), round(line.doubt, 9)) == (6.0, 2.0, 0.0)
