"""prefect.yaml against a real server and a real worker: what no unit test would notice when a dependency moves."""

import os
import signal
import socket
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import httpx
import pytest
import yaml
from prefect import Flow

ROOT = Path(__file__).parents[2]
DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
PREFECT = str(Path(sys.executable).with_name("prefect"))


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda one: one["name"])
def test_every_deployment_names_a_flow_by_its_module(deployment):
    module, _, name = deployment["entrypoint"].rpartition(".")
    flow = getattr(import_module(module), name)
    assert isinstance(flow, Flow)
    assert flow.name == deployment["name"]
    assert deployment["work_pool"]["name"] in {"hpc", "gpu"}
    assert deployment["work_pool"]["job_variables"]["stream_output"] is False


def test_every_flow_is_deployed():
    stages = {path.stem for path in (ROOT / "flows").glob("*.py")} - {"__init__", "dispatch", "progress"}
    assert stages == {deployment["name"] for deployment in DEPLOYMENTS}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(condition, seconds: float, what: str):
    """Ask again and again until there is an answer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.5)
    pytest.fail(f"{what} did not happen within {seconds} s")


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    home = tmp_path_factory.mktemp("prefect")
    address = f"http://127.0.0.1:{free_port()}"
    return os.environ | {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"{address}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "S2LOOKBACK_ROOT": str(home / "products"),
    }


@pytest.fixture(scope="module")
def server(environment):
    """Start a server as an agency would, deploy everything, stop it at the end."""
    port = environment["PREFECT_API_URL"].split(":")[2].split("/")[0]
    command = [PREFECT, "server", "start", "--host", "127.0.0.1", "--port", port]
    with Path(environment["PREFECT_HOME"], "server.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    with httpx.Client(base_url=environment["PREFECT_API_URL"], timeout=30, trust_env=False) as client:
        try:
            wait_for(lambda: _healthy(client), 180, "a healthy server")
            for pool in ("hpc", "gpu"):
                run([PREFECT, "work-pool", "create", pool, "--type", "process"], environment)
            run([PREFECT, "--no-prompt", "deploy", "--all"], environment)
            yield client
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)


def _healthy(client: httpx.Client) -> bool:
    try:
        return client.get("/health").status_code == 200
    except httpx.TransportError:
        return False


def run(command, environment):
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.flow
def test_everything_deploys_and_the_nightly_schedule_gets_its_runs(server):
    deployed = server.post("/deployments/filter", json={}).json()
    assert {one["name"] for one in deployed} == {one["name"] for one in DEPLOYMENTS}
    nightly = next(one for one in deployed if one["name"] == "nightly")
    query = {
        "deployments": {"id": {"any_": [nightly["id"]]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
    }
    runs = wait_for(lambda: server.post("/flow_runs/filter", json=query).json(), 120, "a scheduled nightly run")
    # Three in the morning in Vancouver is 10 or 11 o'clock UTC.
    assert {run["expected_start_time"][11:16] for run in runs} <= {"10:00", "11:00"}


@pytest.mark.flow
def test_a_worker_runs_a_night_that_was_started_from_the_ui(server, environment):
    deployed = server.post("/deployments/filter", json={}).json()
    nightly = next(one for one in deployed if one["name"] == "nightly")
    source = {"kind": "simulated", "scenario": {"height": 24, "width": 36, "dates": 2}}
    asked = {"parameters": {"source": source}, "state": {"type": "SCHEDULED"}}
    started = server.post(f"/deployments/{nightly['id']}/create_flow_run", json=asked).json()
    command = [PREFECT, "worker", "start", "--pool", "hpc", "--run-once"]
    log = Path(environment["PREFECT_HOME"], "worker.log")
    with log.open("w") as output:
        subprocess.run(
            command,
            env=environment,
            cwd=environment["PREFECT_HOME"],
            stdout=output,
            stderr=output,
            timeout=300,
            check=False,
        )
    state = wait_for(lambda: finished(server, started["id"]), 120, "the end of the run")
    assert state == "COMPLETED", log.read_text()
    assert len(list(Path(environment["S2LOOKBACK_ROOT"]).glob("mrap/10UFB/*/*.json"))) == 2


def finished(client, run_id):
    state = client.get(f"/flow_runs/{run_id}").json()["state"]["type"]
    return state if state in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"} else None


@pytest.mark.flow
def test_a_parameter_that_makes_no_sense_is_refused_at_once(server):
    deployed = server.post("/deployments/filter", json={}).json()
    nightly = next(one for one in deployed if one["name"] == "nightly")
    asked = {"parameters": {"settings": {"mask": {"threshold": 7}}}}
    assert server.post(f"/deployments/{nightly['id']}/create_flow_run", json=asked).status_code in {409, 422}
