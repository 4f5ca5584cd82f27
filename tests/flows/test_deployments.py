"""prefect.yaml against a real server and a real worker: what no unit test would notice when a dependency moves."""

import sys
from importlib import import_module
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
import yaml
from prefect import Flow

from deployments.slurm.script import SlurmConfiguration
from flows.cli.deployed import SILENT
from flows.cli.landed import NAME as LANDED
from tests.flows.server import call, serving, wait_for

ROOT = Path(__file__).parents[2]
DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda one: one["name"])
def test_every_deployment_names_a_flow_by_its_module(deployment):
    module, _, name = deployment["entrypoint"].rpartition(".")
    flow = getattr(import_module(module), name)
    assert isinstance(flow, Flow)
    assert flow.name == deployment["name"]
    assert deployment["work_pool"]["name"] in {"hpc", "gpu"}
    job = deployment["work_pool"]["job_variables"]
    assert job["stream_output"] is False
    SlurmConfiguration.model_validate({name: job[name] for name in job.keys() & SlurmConfiguration.model_fields.keys()})


def test_every_flow_is_deployed():
    stages = {path.stem for path in (ROOT / "flows").glob("*.py")} - {"__init__", "dispatch", "parameters", "progress"}
    assert stages == {deployment["name"] for deployment in DEPLOYMENTS}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Start a server that makes the runs of its schedules; no worker takes them up."""
    scheduler = {"PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "true"}
    with serving(tmp_path_factory.mktemp("deployed"), "--tiles", "2", **scheduler) as served:
        yield served


@pytest.mark.flow
def test_everything_deploys_and_the_nightly_schedule_gets_its_runs(server):
    deployed = server.ask("/deployments/filter", {})
    assert {one["name"] for one in deployed} == {one["name"] for one in DEPLOYMENTS}
    query = {
        "deployments": {"name": {"any_": ["nightly"]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
    }
    runs = wait_for(lambda: server.ask("/flow_runs/filter", query), "a scheduled nightly run")
    # Three in the morning in Vancouver is 10 or 11 o'clock UTC.
    assert {run["expected_start_time"][11:16] for run in runs} <= {"10:00", "11:00"}


@pytest.mark.flow
def test_deploying_again_changes_nothing_but_what_it_is_told(server):
    def made():
        pools = {one["name"]: one["type"] for one in server.ask("/work_pools/filter", {})}
        queues = {one["name"]: one["concurrency_limit"] for one in server.ask("/work_pools/hpc/queues/filter", {})}
        automations = {one["name"] for one in server.ask("/automations/filter", {})}
        return pools, queues, automations, sorted(one["name"] for one in server.ask("/deployments/filter", {}))

    before = made()
    assert before[:3] == ({"hpc": "process", "gpu": "process"}, {"default": None, "tiles": 2}, {SILENT, LANDED})
    told = call([sys.executable, "-m", "flows.cli", "deploy", "--tiles", "3"], server.environment)
    assert "nobody is told when something goes wrong: set S2LOOKBACK_WEBHOOK" in " ".join(told.split())
    after = made()
    assert after == (before[0], {"default": None, "tiles": 3}, before[2], before[3])


@pytest.mark.flow
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("nightly", {"settings": {"mask": {"threshold": 7}}}),
        ("nightly", {"at_once": 0}),
        ("tile", {"tile": "nonsense"}),
        ("tile", {"tile": "10UFB", "start": "yesterday"}),
        ("train", {"tile": "10UFB", "sensed": "2025-13-01"}),
        ("retract", {"tile": "10UFB"}),
        ("backfill", {"tiles": ["nonsense"]}),
        ("rerun", {"at_once": 0}),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_at_once(server, name, parameters):
    with pytest.raises(httpx.HTTPStatusError, match="409") as refused:
        server.trigger(name, **parameters)
    assert "Validation failed" in refused.value.response.json()["detail"]


def test_what_leads_shares_no_limited_queue_with_what_it_waits_for():
    queues = {one["name"]: (one["work_pool"]["name"], one["work_pool"].get("work_queue_name")) for one in DEPLOYMENTS}
    leads = {"nightly", "rerun", "reconcile", "backfill", "landing"}
    assert {queues[name] for name in leads} == {("hpc", "default")}
    assert {queues[name] for name in queues.keys() - leads} == {("hpc", "tiles"), ("gpu", None)}


def test_every_deployment_is_explained_and_tagged_and_every_schedule_names_its_zone():
    for deployment in DEPLOYMENTS:
        assert deployment["description"].endswith(".")
        assert deployment["tags"]
        # What is made is asked for in a form, where and as whom is the worker's environment: neither stands here.
        assert "parameters" not in deployment
        for schedule in deployment.get("schedules", ()):
            assert ZoneInfo(schedule["timezone"])
            assert schedule["slug"]
            assert deployment["concurrency_limit"]["limit"] == 1, "two that overlap would do the work twice"
