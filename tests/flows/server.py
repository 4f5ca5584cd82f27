"""A Prefect server as an agency runs one, and workers, to be started, killed and started again by tests."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[2]
PREFECT = (sys.executable, "-m", "prefect")
SECRET = "5e-cret-never-to-be-told"  # noqa: S105  of a server that lives as long as a test
"""Password of the server, and of everything else that a worker's environment knows."""
PATIENCE = 400
"""Seconds within which what is awaited happens, on a machine that does much else."""
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Ask again and again until there is an answer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.2)
    pytest.fail(f"{what} did not happen within {seconds} s")


@dataclass
class Server:
    """A server of our own in a folder of its own."""

    home: Path
    port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)
    process: Any = None

    @property
    def environment(self) -> dict[str, str]:
        """What a worker, or a person's shell, needs to know."""
        return os.environ | {
            "PREFECT_HOME": str(self.home),
            "PREFECT_API_URL": f"http://127.0.0.1:{self.port}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
            "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",  # nothing runs but what a test asks for
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "PYTHONPATH": str(ROOT),
            "S2LOOKBACK_ROOT": str(self.home / "products"),
            "S2LOOKBACK_BACK_OFF": "1",
            "S2LOOKBACK_CPUS": "1",
            "PREFECT_SERVER_API_AUTH_STRING": f"tests:{SECRET}",
            "PREFECT_API_AUTH_STRING": f"tests:{SECRET}",
            **self.settings,
        }

    @property
    def products(self) -> Path:
        return self.home / "products"

    def client(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.environment["PREFECT_API_URL"], timeout=PATIENCE / 2, trust_env=False, auth=("tests", SECRET)
        )

    def start(self) -> None:
        command = [*PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(self.port)]
        self.process = spawn(command, self.environment, self.home / "server.log")
        wait_for(self.healthy, "a healthy server")

    def stop(self, with_signal: int = signal.SIGTERM) -> None:
        kill(self.process, with_signal)

    def healthy(self) -> bool:
        try:
            with self.client() as client:
                return client.get("/health").status_code == 200
        except httpx.TransportError:
            return False

    def ask(self, path: str, body: Any) -> Any:
        with self.client() as client:
            for _ in range(5):
                answer = client.post(path, json=body)
                if answer.status_code != 503:  # SQLite was busy: Prefect's own client asks again, too
                    break
                time.sleep(1)
            answer.raise_for_status()
            return answer.json()

    def deployment(self, name: str) -> dict[str, Any]:
        return next(one for one in self.ask("/deployments/filter", {}) if one["name"] == name)

    def trigger(self, name: str, **parameters: Any) -> str:
        """Start a run as a person does from the form; give its id."""
        body = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        return str(self.ask(f"/deployments/{self.deployment(name)['id']}/create_flow_run", body)["id"])

    def started(self, deployment: str, known: Collection[str], count: int) -> list[dict[str, Any]]:
        """Wait for so many runs of a deployment that were not there before."""

        def new() -> list[dict[str, Any]]:
            found = [run for run in self.runs(deployment) if run["id"] not in known]
            return found if len(found) >= count else []

        return list(wait_for(new, f"{count} new runs of {deployment}"))

    def begun(self, deployment: str, known: Collection[str]) -> str:
        """Wait for a run of a deployment that was not there before; give its id."""
        return str(self.started(deployment, known, 1)[0]["id"])

    def cancel(self, run_id: str) -> None:
        """Cancel a run as the button of the page does."""
        self.ask(f"/flow_runs/{run_id}/set_state", {"state": {"type": "CANCELLING", "name": "Cancelling"}})

    def run(self, run_id: str) -> dict[str, Any]:
        with self.client() as client:
            return dict(client.get(f"/flow_runs/{run_id}").json())

    def state(self, run_id: str) -> str:
        return str(self.run(run_id)["state"]["type"])

    def states(self, run_id: str) -> list[str]:
        """List the types of all states that a run was in, oldest first."""
        with self.client() as client:
            answer = client.get("/flow_run_states/", params={"flow_run_id": run_id})
            answer.raise_for_status()
            return [str(one["type"]) for one in answer.json()]

    def runs(self, deployment: str) -> list[dict[str, Any]]:
        """List the runs of a deployment that are not merely scheduled for later, oldest first."""
        wanted = {"deployments": {"name": {"any_": [deployment]}}, "sort": "START_TIME_ASC"}
        return [one for one in self.ask("/flow_runs/filter", wanted) if not one["auto_scheduled"]]

    def children(self, run_id: str) -> list[dict[str, Any]]:
        """List the runs that a run started through their deployments, in all its lives, oldest first."""
        wanted = {"flow_runs": {"parent_flow_run_id": {"any_": [run_id]}}, "sort": "START_TIME_ASC"}
        return [one for one in self.ask("/flow_runs/filter", wanted) if one["deployment_id"]]

    def end_all(self) -> None:
        """End what is at work, waits, or crashed and may be started again, so that it turns up in no other test."""
        states = ["SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING", "CRASHED"]
        while left := self.ask("/flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": states}}}}):
            for run in left:
                end = {"state": {"type": "CANCELLED", "message": "of a test that is over"}, "force": True}
                self.ask(f"/flow_runs/{run['id']}/set_state", end)

    def end(self, run_id: str, seconds: float = PATIENCE) -> str:
        """Wait for the end of a run, patient with a busy server as a person before the page is; give its last state."""

        def ended() -> str:
            try:
                state = self.state(run_id)
            except httpx.TimeoutException:
                return ""
            return state if state in FINAL else ""

        return str(wait_for(ended, "the end of the run", seconds))


def spawn(command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            command, env=environment, cwd=log.parent, stdout=output, stderr=output, start_new_session=True
        )


def kill(process: subprocess.Popen[bytes], with_signal: int) -> None:
    """End a process that was spawned here, with all that it started in its session."""
    if process.poll() is None:
        os.killpg(process.pid, with_signal)
        process.wait(60)


def descendants(pid: int) -> list[int]:
    """Name a process and all that came of it, in whatever session."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def strike(process: subprocess.Popen[bytes]) -> None:
    """Kill a worker and every run of it at once, as a power cut does."""
    if process.poll() is None:
        for pid in descendants(process.pid):
            with suppress(ProcessLookupError):  # it ended meanwhile
                os.kill(pid, signal.SIGKILL)
        process.wait(60)


def call(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def worker(
    server: Server, pool: str, kind: str = "process", queue: str = "", **settings: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Keep a worker at work while the block runs, on one queue or on all of the pool; its runs end with it."""
    command = [*PREFECT, "worker", "start", "--pool", pool, "--type", kind, "--name", f"{pool}-{time.monotonic_ns()}"]
    command += ["--work-queue", queue] if queue else []
    process = spawn(command, server.environment | settings, server.home / f"worker-{pool}.log")
    try:
        yield process
    finally:
        strike(process)


@contextmanager
def serving(folder: Path, *options: str, **settings: str) -> Iterator[Server]:
    """Serve while the block runs, with everything deployed as an agency would."""
    server = Server(folder, settings=settings)
    try:
        server.start()
        call([sys.executable, "-m", "flows.cli", "deploy", *options], server.environment)
        yield server
    finally:
        server.stop()
