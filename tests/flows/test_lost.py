"""Workers killed in both pools, a server restarted, two nights at once: made once, and the bytes are the same."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from catalog.store import Store
from tests.faults import chain
from tests.flows.server import ROOT, free_port, serving, strike, wait_for, worker

pytestmark = pytest.mark.flow
POSTGRES = ROOT / "deployments" / "postgres.sh"
SILENCE = 45
"""Seconds: living runs beat every thirty, and a busy server takes a while to note it."""


@pytest.fixture
def server(tmp_path):
    """Start a server that may be restarted."""
    with serving(tmp_path, "--tiles", "2") as served:
        yield served


def made(server):
    return list(server.products.glob("mrap/*/*/*.json"))


def running(server, name):
    return [run for run in server.runs(name) if run["state"]["type"] == "RUNNING"]


def reconciled(server):
    time.sleep(SILENCE)
    assert server.end(server.trigger("reconcile", silence=SILENCE, second_look=0)) == "COMPLETED"


def ended(server, runs):
    """Give how runs ended, reconciling again and again as the schedule does.

    Prefect's automation may hear too late that a run was started again, and take its new life for dead as well.
    """
    for _ in range(3):
        reconciled(server)
        found = [server.end(run) for run in runs]
        if "CRASHED" not in found:
            break
    return found


def test_killed_workers_a_restarted_server_and_two_nights_at_once_leave_no_trace(server, asked, undisturbed):
    with worker(server, "hpc") as hpc:
        nights = [server.trigger("nightly", **asked) for _ in range(2)]
        wait_for(lambda: made(server), "a first composite")
        strike(hpc)
    assert 1 <= len(made(server)) < 7
    records = {path: path.read_bytes() for path in server.products.glob("executions/*/*/*.json")}
    assert chain.faults(server.products) == []
    assert len(running(server, "tile")) == 1  # it is said to be at work, and is not
    server.stop()
    server.start()
    with worker(server, "hpc"):
        reconciled(server)
        with worker(server, "gpu") as gpu:
            wait_for(lambda: running(server, "train"), "a training")
            strike(gpu)
        with worker(server, "gpu"):
            server.stop()
            time.sleep(5)
            server.start()
            assert ended(server, nights) == ["COMPLETED", "COMPLETED"]
    Store(str(server.products)).gc(older_than=-1)  # the killed may leave a stage that nobody reads
    assert chain.tree(server.products) == undisturbed
    assert chain.faults(server.products) == []
    assert records == {path: path.read_bytes() for path in records}  # what was done was not done again
    # One run a night, and one more for each that was taken for dead: the killed one and, where the server's own
    # database was locked too long, a living one, whose successor waits for its turn and finds what is made.
    for name, wanted in (("tile", 2), ("train", 1)):
        runs = server.runs(name)
        assert len(runs) == wanted + sum("CRASHED" in server.states(run["id"]) for run in runs)
        assert {run["state"]["type"] for run in runs} == {"COMPLETED", "CRASHED"}


@pytest.fixture
def database(postgresql):
    """Keep Prefect's server in a PostgreSQL of its own; give how to stop and start it, and its address."""
    folder = tempfile.mkdtemp(prefix="s2lookback-postgres-")  # not below pytest's, which only root may enter

    def told(word: str) -> None:
        subprocess.run([POSTGRES, word, folder, port], check=True, stdout=subprocess.DEVNULL, timeout=120)

    port = str(free_port())
    told("start")
    try:
        yield told, (Path(folder) / "address").read_text().strip().replace("postgresql://", "postgresql+asyncpg://")
    finally:
        subprocess.run([POSTGRES, "stop", folder], check=False)
        shutil.rmtree(folder)


def test_a_database_that_is_gone_for_a_while_delays_a_night_and_harms_nothing(tmp_path, database, asked, undisturbed):
    told, address = database
    with serving(tmp_path, PREFECT_SERVER_DATABASE_CONNECTION_URL=address) as server:
        with worker(server, "hpc", S2LOOKBACK_PATIENCE="0"):
            night = server.trigger("nightly", **asked)
            wait_for(lambda: made(server), "a first composite")
            told("stop")
            time.sleep(20)
            told("start")
            wait_for(lambda: answers(server, night), "an answer of the server")
            assert server.end(night) == "COMPLETED", (tmp_path / "worker-hpc.log").read_text()[-3000:]
        Store(str(server.products)).gc(older_than=-1)
        assert chain.tree(server.products) == undisturbed


def answers(server, run):
    """Tell whether the server has found its database again."""
    with server.client() as client:
        return client.get(f"/flow_runs/{run}").status_code == 200
