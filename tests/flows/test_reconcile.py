"""Runs that died without a word: which are suspected, which are started again, what is freed."""

import time
import uuid
from datetime import UTC, datetime

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.logging import disable_run_logger
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from flows.reconcile import HEARTBEAT, free_turns, reconcile, silent_runs
from tasks.policy import TRIES
from tasks.turn import LIMIT

pytestmark = pytest.mark.flow


@pytest.fixture
def client(server, monkeypatch):
    monkeypatch.setenv("S2LOOKBACK_BACK_OFF", "3600")
    where = {setting: server.environment[setting.name] for setting in (PREFECT_API_URL, PREFECT_API_AUTH_STRING)}
    with temporary_settings(where), get_client(sync_client=True) as found:
        yield found


def begun(server, *states, tile="09UYT", **asked):
    """Make a run that is said to be in a state, and that no process is behind."""
    run = server.trigger("tile", tile=tile, **asked)
    for state in states:
        server.ask(f"/flow_runs/{run}/set_state", {"state": {"type": state}, "force": True})
    return run


def beat(server, run):
    event = {
        "id": str(uuid.uuid4()), "event": HEARTBEAT, "occurred": datetime.now(UTC).isoformat(),
        "resource": {"prefect.resource.id": f"prefect.flow-run.{run}"},
    }  # fmt: skip
    with server.client() as client:
        client.post("/events", json=[event]).raise_for_status()


def suspected(client: SyncPrefectClient, silence=1.0):
    return {str(run.id) for run in silent_runs(client, silence)}


def test_a_run_without_a_heartbeat_is_suspected_and_one_that_has_or_waits_for_a_worker_is_not(server, client):
    silent, alive = begun(server, "PENDING", "RUNNING"), begun(server, "PENDING", "RUNNING")
    claimed, waiting = begun(server, "PENDING"), begun(server)
    ended = begun(server, "PENDING", "RUNNING", "COMPLETED")
    time.sleep(1.1)
    beat(server, alive)
    deadline = time.monotonic() + 20
    while alive in suspected(client, 30) | suspected(client) and time.monotonic() < deadline:
        beat(server, alive)
    found = suspected(client)
    assert {silent, claimed} <= found
    assert not {alive, waiting, ended} & found
    assert silent not in suspected(client, 3600)


def test_what_led_is_started_again_a_bounded_number_of_times_and_children_are_left_to_their_parents(server, client):
    lost, unwanted = begun(server, "PENDING", "RUNNING"), begun(server, "PENDING", "RUNNING", "CANCELLING")
    wanted_again = begun(server, "PENDING", "RUNNING", "CANCELLING", "CANCELLED", "SCHEDULED", "PENDING", "RUNNING")
    often = begun(server, "PENDING", *["RUNNING", "SCHEDULED"] * TRIES, "RUNNING", "CRASHED")
    parent = begun(server, "PENDING", "RUNNING", "COMPLETED")
    task = {"flow_run_id": parent, "task_key": "child", "dynamic_key": "0", "name": "child"}
    made = server.ask("/task_runs/", task)["id"]
    body = {"parameters": {"tile": "09UYT"}, "state": {"type": "SCHEDULED"}, "parent_task_run_id": made}
    child = server.ask(f"/deployments/{server.deployment('tile')['id']}/create_flow_run", body)["id"]
    for state in ("PENDING", "RUNNING", "CRASHED"):
        server.ask(f"/flow_runs/{child}/set_state", {"state": {"type": state}, "force": True})
    time.sleep(1.1)
    with disable_run_logger():
        reconcile.fn(silence=1, second_look=0)
    assert server.state(lost) == "SCHEDULED"
    assert server.run(lost)["state"]["message"] == "it had crashed"
    assert server.state(unwanted) == "CANCELLED"
    assert server.state(wanted_again) == "SCHEDULED"
    assert server.state(often) == "CRASHED"
    assert server.state(child) == "CRASHED"


def test_a_turn_that_no_run_at_work_holds_is_freed(server, client):
    held, lost = LIMIT.format("10UFA"), LIMIT.format("10UFC")
    for name in (held, lost):
        made = GlobalConcurrencyLimitCreate(name=name, limit=1, active_slots=1)
        client.create_global_concurrency_limit(made)
    run = begun(server, "PENDING", "RUNNING", tile="10UFA")
    freed = free_turns(client)  # and what tests before this one left, if they failed
    assert lost in freed
    assert held not in freed
    assert client.read_global_concurrency_limit_by_name(lost).active_slots == 0
    assert client.read_global_concurrency_limit_by_name(held).active_slots == 1
    server.ask(f"/flow_runs/{run}/set_state", {"state": {"type": "COMPLETED"}, "force": True})
