"""Before a restart: nothing new begins, what is at work comes to its end, and on it goes."""

import shutil
import subprocess
import sys

import pytest

from tests.faults import chain
from tests.flows.server import ROOT, call, wait_for, worker

pytestmark = pytest.mark.flow
PROGRAM = (sys.executable, "-m", "flows.cli")


def test_a_drain_waits_for_what_is_at_work_holds_the_rest_back_and_lets_it_go_on(server, asked, undisturbed):
    shutil.rmtree(server.products, ignore_errors=True)
    with worker(server, "hpc", S2LOOKBACK_PATIENCE="0"):
        night = server.trigger("nightly", tiles=[chain.TILES[0]], **asked)
        wait_for(lambda: list(server.products.glob("mrap/*/*/*.json")), "a first composite")
        (tile,) = (run for run in server.runs("tile") if run["state"]["type"] == "RUNNING")

        # Nobody waits for ever; and what was paused stays so.
        impatient = subprocess.run(
            [*PROGRAM, "drain", "--hours", "0"], env=server.environment, cwd=ROOT, capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip
        assert impatient.returncode == 1, impatient.stdout + impatient.stderr
        assert f"waits for 1: {tile['name']}" in impatient.stdout
        assert "1 runs are still at work" in impatient.stderr

        late = server.trigger("tile", tile=chain.TILES[1], **asked)
        told = call([*PROGRAM, "drain"], server.environment)
        assert server.state(tile["id"]) == "COMPLETED"
        assert server.state(late) == "SCHEDULED"
        assert "nothing is at work" in told
        assert chain.tree(server.products) == undisturbed

        call([*PROGRAM, "resume"], server.environment)
        assert server.end(late) in {"COMPLETED", "FAILED"}  # it has begun; the source knows no such tile
        assert server.end(night) == "COMPLETED"
