"""A night handed out to two pools: the same bytes as in one process, each child once, whatever is asked twice."""

import shutil

import httpx
import pytest

from catalog.store import Store
from tasks.account import account
from tasks.ledger import entries
from tests.faults import chain
from tests.flows.server import SECRET, wait_for, worker

pytestmark = pytest.mark.flow
TILE = chain.TILES[0]


@pytest.fixture
def products(server):
    """Give the catalog of the server's workers, empty."""
    shutil.rmtree(server.products, ignore_errors=True)
    return server.products


def pools(server, *deployments):
    return {name: {run["work_pool_name"] for run in server.runs(name)} for name in deployments}


def test_a_night_runs_each_tile_in_one_pool_and_trains_in_the_other_to_the_same_bytes(
    server, products, asked, undisturbed
):
    earlier = {run["id"] for name in ("tile", "train") for run in server.runs(name)}  # of other tests

    def runs(name):
        return [run for run in server.runs(name) if run["id"] not in earlier]

    turns = products / ".turns"
    turns.mkdir(parents=True)
    (turns / "31UDS").write_text("in the way of this tile")
    with worker(server, "hpc"), worker(server, "gpu"):
        night = server.trigger("nightly", **asked, tiles=[TILE, "31UDS"])
        assert server.end(night) == "COMPLETED", (server.home / "worker-hpc.log").read_text()
        (turns / "31UDS").unlink()
        assert chain.tree(products) == undisturbed
        assert pools(server, "tile", "train") == {"tile": {"hpc"}, "train": {"gpu"}}
        tiles, (train,) = {run["parameters"]["tile"]: run for run in runs("tile")}, runs("train")
        # Each was started once: the one that failed would have failed again.
        assert len(runs("tile")) == len(tiles) == 2
        assert {name: run["state"]["type"] for name, run in tiles.items()} == {TILE: "COMPLETED", "31UDS": "FAILED"}
        assert all(run["parent_task_run_id"] for run in (*tiles.values(), train))
        (lost,) = entries(str(products))
        assert (lost.tile, lost.error, lost.run) == ("31UDS", "CatalogError", tiles["31UDS"]["id"])
        assert account(str(products), tiles[TILE]["id"]).made["model"] == 1

        # Run again, as by hand from the form, the night takes the child that completed, and starts the other anew.
        server.ask(f"/flow_runs/{night}/set_state", {"state": {"type": "SCHEDULED"}, "force": True})
        wait_for(lambda: len(runs("tile")) == 3, 60, "a child")
        assert server.end(night) == "COMPLETED"
        assert sorted(run["parameters"]["tile"] for run in runs("tile")) == [TILE, "31UDS", "31UDS"]


def test_without_a_worker_that_trains_a_tile_trains_itself(server, products, asked, undisturbed):
    before = len(server.runs("train"))
    secrets = {"AWS_SECRET_ACCESS_KEY": SECRET, "PGPASSWORD": SECRET, "S2LOOKBACK_PATIENCE": "3"}
    with worker(server, "hpc", **secrets):
        tile = server.trigger("tile", tile=TILE, **asked)
        assert server.end(tile) == "COMPLETED"
    *_, train = server.runs("train")
    assert len(server.runs("train")) == before + 1
    assert train["state"]["type"] == "CANCELLED"
    assert "no worker took it up" in train["state"]["message"]
    assert chain.tree(products) == undisturbed
    assert Store(str(products)).ids("models", TILE)

    # No secret of the worker's environment is told to anyone: parameters, logs, events and items are all in here.
    told = {path for path in server.home.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()}
    assert told == set()
    assert any(tile.encode() in path.read_bytes() for path in server.home.glob("prefect.db*"))


def test_who_cannot_show_the_secret_is_told_nothing(server):
    address = server.environment["PREFECT_API_URL"]
    for credentials in (None, ("tests", "guessed")):
        answer = httpx.post(f"{address}/deployments/filter", json={}, auth=credentials, trust_env=False)
        assert answer.status_code == 401
        assert "nightly" not in answer.text
