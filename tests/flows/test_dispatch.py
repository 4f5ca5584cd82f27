"""A night handed out to two pools: the same bytes as in one process, each child once, whatever is asked twice."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from prefect.logging import disable_run_logger
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from catalog.store import Store
from flows.dispatch import dispatch_all
from flows.tile import tile as update
from tasks.account import account
from tasks.ledger import entries
from tests.faults import chain
from tests.flows.server import PATIENCE, SECRET, wait_for, worker

pytestmark = pytest.mark.flow
TILE = chain.TILES[0]


@pytest.fixture
def products(server):
    """Give the catalog of the server's workers, empty."""
    shutil.rmtree(server.products, ignore_errors=True)
    return server.products


def keys(server, run):
    """List what the children of a run were started for."""
    return sorted(child["idempotency_key"] for child in server.children(run))


def test_a_night_runs_each_tile_in_one_pool_and_trains_in_the_other_to_the_same_bytes(
    server, products, asked, undisturbed
):
    turns = products / ".turns"
    turns.mkdir(parents=True)
    (turns / "31UDS").write_text("in the way of this tile")
    with worker(server, "hpc"), worker(server, "gpu"):
        night = server.trigger("nightly", **asked, tiles=[TILE, "31UDS"])
        assert server.end(night) == "COMPLETED", (server.home / "worker-hpc.log").read_text()
        (turns / "31UDS").unlink()
        assert chain.tree(products) == undisturbed
        tiles = {run["parameters"]["tile"]: run for run in server.children(night)}
        (train,) = server.children(tiles[TILE]["id"])
        assert {run["work_pool_name"] for run in tiles.values()} == {"hpc"}
        assert (train["name"].split()[0], train["work_pool_name"]) == ("train", "gpu")
        # Each was started once: the one that failed would have failed again.
        assert keys(server, night) == [f"{night}:tile:{TILE}:0", f"{night}:tile:31UDS:0"]
        assert {name: run["state"]["type"] for name, run in tiles.items()} == {TILE: "COMPLETED", "31UDS": "FAILED"}
        (lost,) = entries(str(products), tile="31UDS")
        assert (lost.tile, lost.error, lost.run) == ("31UDS", "CatalogError", tiles["31UDS"]["id"])
        assert account(str(products), tiles[TILE]["id"]).made["model"] == 1

        # Run again, as by hand from the form, the night takes the child that completed, and starts the other anew.
        server.ask(f"/flow_runs/{night}/set_state", {"state": {"type": "SCHEDULED"}, "force": True})
        wait_for(lambda: len(server.children(night)) > 2, "a child")
        assert server.end(night) == "COMPLETED"
        assert keys(server, night) == [f"{night}:tile:{name}" for name in (f"{TILE}:0", "31UDS:0", "31UDS:1")]


def test_two_lives_of_a_parent_at_once_start_each_child_once_and_a_third_takes_what_completed(server, monkeypatch):
    night = server.trigger("nightly", tiles=[TILE])
    server.cancel(night)  # no worker is to take it up: its lives are here
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", night)
    monkeypatch.setenv("S2LOOKBACK_BACK_OFF", "0")
    monkeypatch.setattr("flows.dispatch.deployed", lambda: True)
    address = {PREFECT_API_URL: server.environment["PREFECT_API_URL"], PREFECT_API_AUTH_STRING: f"tests:{SECRET}"}

    def live():
        with temporary_settings(address):
            return dispatch_all(update, {TILE: {"tile": TILE}}, at_once=1, patience=PATIENCE)[TILE].type

    def started():
        return {
            run["idempotency_key"]: run["id"] for run in server.runs("tile") if night in f"{run['idempotency_key']}"
        }

    with disable_run_logger(), ThreadPoolExecutor(2) as lives:
        both = [lives.submit(live) for _ in range(2)]
        for attempt, end in enumerate(("CRASHED", "COMPLETED")):
            child = wait_for(lambda key=f"{night}:tile:{TILE}:{attempt}": started().get(key), "a child")
            for state in ("PENDING", "RUNNING", end):
                server.ask(f"/flow_runs/{child}/set_state", {"state": {"type": state}, "force": True})
        assert [one.result(PATIENCE) for one in both] == ["COMPLETED", "COMPLETED"]
        assert live() == "COMPLETED"
    assert sorted(started()) == [f"{night}:tile:{TILE}:{attempt}" for attempt in (0, 1)]


def test_without_a_worker_that_trains_a_tile_trains_itself(server, products, asked, undisturbed):
    secrets = {"AWS_SECRET_ACCESS_KEY": SECRET, "PGPASSWORD": SECRET, "S2LOOKBACK_PATIENCE": "3"}
    with worker(server, "hpc", **secrets):
        tile = server.trigger("tile", tile=TILE, **asked)
        assert server.end(tile) == "COMPLETED"
    (train,) = server.children(tile)
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
