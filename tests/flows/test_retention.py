"""Runs of long ago leave Prefect's database with all that hangs on them; what is young or at work stays."""

import re
import sqlite3
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from tests.flows.server import ROOT, serving, wait_for

pytestmark = pytest.mark.flow
ENABLED, PERIOD = (f"PREFECT_SERVER_SERVICES_DB_VACUUM_{name}" for name in ("ENABLED", "RETENTION_PERIOD"))


def delivered():
    """Read what an agency's server is told of old runs."""
    text = (ROOT / "deployments" / "example.env").read_text()
    return dict(re.findall(r"^(PREFECT_SERVER_SERVICES_DB_VACUUM_\w+)=(\S+)$", text, re.MULTILINE))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Start a server that sweeps every two seconds what ended over an hour ago, and is told the rest as delivered."""
    hasty = {PERIOD: "3700", "PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS": "2"}
    with serving(tmp_path_factory.mktemp("retention"), "--tiles", "2", **delivered() | hasty) as served:
        yield served


def ended(server, state="COMPLETED", parent=None):
    """Make a run that is in a state, with a task, a line of its log and an artifact; give its id and its task's."""
    run = server.trigger("tile", tile="10UFB")
    if parent:
        with closing(sqlite3.connect(server.home / "prefect.db", timeout=60)) as base, base:
            base.execute("UPDATE flow_run SET parent_task_run_id = ? WHERE id = ?", (parent, run))
    task = {"flow_run_id": run, "task_key": "mask_scene", "dynamic_key": "0", "state": {"type": "COMPLETED"}}
    task_id = server.ask("/task_runs/", task)["id"]
    for one in ("PENDING", "RUNNING", state):
        server.ask(f"/flow_runs/{run}/set_state", {"state": {"type": one}, "force": True})
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    log = {"name": "flows", "level": 20, "message": "made", "timestamp": now, "flow_run_id": run}
    with server.client() as client:
        client.post("/logs/", json=[log]).raise_for_status()
    server.ask("/artifacts/", {"key": f"made-{uuid.uuid4()}", "type": "markdown", "data": "made", "flow_run_id": run})
    return run, task_id


def age(server, runs):
    """Let runs have begun, and ended if they did, long ago."""
    then = f"{datetime.now(UTC) - timedelta(hours=2):%Y-%m-%d %H:%M:%S.%f}"
    with closing(sqlite3.connect(server.home / "prefect.db", timeout=60)) as base, base:
        for run in runs:
            base.execute("UPDATE flow_run SET start_time = ? WHERE id = ?", (then, run))
            base.execute("UPDATE flow_run SET end_time = ? WHERE id = ? AND end_time IS NOT NULL", (then, run))


def left(server, run):
    """Count what is left of a run."""
    asked = {"flow_runs": {"id": {"any_": [run]}}}
    logs = {"logs": {"flow_run_id": {"any_": [run]}}}
    artifacts = {"artifacts": {"flow_run_id": {"any_": [run]}}}
    return [
        len(server.ask("/flow_runs/filter", asked)),
        len(server.ask("/task_runs/filter", asked)),
        len(server.ask("/logs/filter", logs)),
        len(server.ask("/artifacts/filter", artifacts)),
    ]


def test_old_runs_go_with_their_tasks_logs_and_artifacts_and_young_or_running_ones_stay(server):
    (parent, led), (failed, _), (running, _), (young, _) = (
        ended(server), ended(server, "FAILED"), ended(server, "RUNNING"), ended(server)
    )  # fmt: skip
    child, _ = ended(server, parent=led)
    all_ = (parent, failed, running, young, child)
    assert [left(server, run) for run in all_] == [[1, 1, 1, 1]] * 5
    age(server, (parent, failed, running, child))
    wait_for(lambda: not any(left(server, parent) + left(server, failed) + left(server, child)), "the sweep")
    assert left(server, running) == left(server, young) == [1, 1, 1, 1]


def test_what_an_agency_is_delivered_sweeps_runs_after_ninety_days():
    told = delivered()
    assert told[ENABLED] == "events,flow_runs"
    assert timedelta(seconds=float(told[PERIOD])) == timedelta(days=90)
