"""A night that is cancelled takes all that it started with it, leaves nothing half made, and can be started again."""

import shutil

import pytest

from catalog.store import Store
from tests.faults import chain
from tests.flows.server import wait_for, worker

pytestmark = pytest.mark.flow
TILE = chain.TILES[0]


@pytest.fixture
def products(server):
    """Give the catalog of the server's workers, empty."""
    shutil.rmtree(server.products, ignore_errors=True)
    return server.products


def places_taken(server):
    """Count what is held of the limit of the tile."""
    (limit,) = (one for one in server.ask("/v2/concurrency_limits/filter", {}) if one["name"] == f"tile-{TILE}")
    return limit["active_slots"]


def test_a_cancelled_night_cancels_its_tiles_and_their_trainings_frees_the_tile_and_resumes(
    server, products, asked, undisturbed
):
    known = {run["id"] for name in ("tile", "train") for run in server.runs(name)}
    with worker(server, "hpc"):
        night = server.trigger("nightly", **asked)
        tile, train = server.begun("tile", known), server.begun("train", known)  # which waits for a worker
        assert places_taken(server) == 1
        server.cancel(night)
        assert [server.end(run) for run in (night, tile, train)] == ["CANCELLED"] * 3
        wait_for(lambda: places_taken(server) == 0, "a tile that is free")
        assert chain.faults(products) == []
        made = list(products.glob("mrap/*/*/*.json"))
        assert 1 <= len(made) < 7
        inner = server.ask("/flow_runs/filter", {"flow_runs": {"parent_flow_run_id": {"any_": [night, tile]}}})
        assert {run["state"]["type"] for run in inner} <= {"COMPLETED", "CANCELLED"}
    records = {path: path.read_bytes() for path in products.glob("executions/*/*/*.json")}
    with worker(server, "hpc", S2LOOKBACK_PATIENCE="0"):
        # The same run again, as by the page's button, and a tile that is cancelled by itself while it works.
        server.ask(f"/flow_runs/{night}/set_state", {"state": {"type": "SCHEDULED"}, "force": True})
        again = server.begun("tile", known | {tile})
        wait_for(lambda: server.state(again) == "RUNNING", "a tile at work")
        server.cancel(again)
        assert server.end(again) == "CANCELLED"
        assert server.end(night) == "COMPLETED"  # one tile's end stops no night, whatever it was
        wait_for(lambda: places_taken(server) == 0, "a tile that is free")
        assert server.end(server.trigger("tile", tile=TILE, **asked)) == "COMPLETED"
    Store(str(products)).gc(older_than=-1)  # what was being made when its run was ended leaves a stage that none reads
    assert chain.tree(products) == undisturbed
    assert records == {path: path.read_bytes() for path in records}  # what was done was not done again
