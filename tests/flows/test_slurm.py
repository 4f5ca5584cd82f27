"""The worker type slurm: hostile values reach no shell, jobs outlive their worker, on a real Slurm of one node."""

import re
import shlex
import shutil
import signal
import subprocess
import sys
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from catalog.store import Store
from deployments.slurm.script import SlurmConfiguration, command, environment, script
from s2lookback.cores import LIBRARIES
from tests.faults import chain
from tests.flows.cluster import cluster, jobs
from tests.flows.server import call, kill, serving, wait_for, worker

RUN = UUID(int=7)
HOSTILE = "x; touch /tmp/pwned #\n$(id)`id`"
OPTION = re.compile(r"#SBATCH --[a-z-]+(=[A-Za-z0-9_.&|()\[\]*,:@-]+)?")


@pytest.mark.parametrize(
    "field", ["memory", "time", "gpus", "partition", "account", "qos", "constraint", "python", "working_dir", "log_dir"]
)
def test_a_hostile_value_is_refused(field):
    with pytest.raises(ValidationError, match=field):
        SlurmConfiguration.model_validate({field: HOSTILE})


ALMOST = {
    "cpus": st.integers(),
    "memory": st.from_regex(r"^[0-9]{1,9}[KMGT]?$"),  # whose end may be a line's, with another one after it
    "time": st.from_regex(r"^[0-9]{1,4}(:[0-9]{2}){0,2}$"),
    "account": st.from_regex(r"^[A-Za-z0-9_.-]{1,64}$") | st.text(),
    "constraint": st.from_regex(r"^[A-Za-z0-9_.&|()\[\]*,-]{1,200}$") | st.text(),
    "python": st.from_regex(r"^/.{0,40}$") | st.text(),
    "name": st.text(),
    "log_dir": st.from_regex(r"^/.{0,40}$"),
}
"""Values that a job may have, and those that only look so."""


@given(st.fixed_dictionaries({}, optional=ALMOST))
def test_whatever_is_asked_for_a_script_holds_options_and_one_command(asked):
    try:
        job = SlurmConfiguration.model_validate(asked)
    except ValidationError:
        return
    shebang, *options = [line for line in script(job).splitlines() if line.startswith("#")]
    rest = script(job).splitlines()[1 + len(options) :]
    assert shebang == "#!/bin/sh"
    assert all(OPTION.fullmatch(option) for option in options)
    assert [line for line in rest if not line.startswith("export ")] == [
        f"exec {shlex.quote(job.python)} -m prefect flow-run execute"
    ]
    assert all(not argument.startswith("--wrap") for argument in command(job, RUN))


def test_a_job_asks_for_what_its_deployment_says():
    job = SlurmConfiguration(
        cpus=12, memory="48G", time="1-00:00:00", gpus="a100:2", account="fire", qos="night", constraint="ib&ssd"
    )
    wanted = {
        "--cpus-per-task=12", "--mem=48G", "--time=1-00:00:00", "--gres=gpu:a100:2", "--account=fire", "--qos=night",
        "--constraint=ib&ssd", "--no-requeue", "--signal=B:TERM@60",
    }  # fmt: skip
    assert {line.removeprefix("#SBATCH ") for line in script(job).splitlines() if "#SBATCH" in line} == wanted


def test_a_hostile_name_becomes_a_label_and_hostile_variables_are_left_out():
    job = SlurmConfiguration(name="tile 10UFB; rm -rf /\n", env={"GOOD": "$(id)", "BAD=x": "1", "A B": "1"})
    assert f"--job-name={'tile-10UFB-rm--rf-'.strip('-')}" in command(job, RUN)
    own = environment(job, {"SLURM_JOB_ID": "1", "PATH": "/bin"})
    assert own == {"PATH": "/bin", "GOOD": "$(id)"}


def test_every_library_of_a_job_starts_as_many_threads_as_it_has_cores():
    """In the job's own shell and a Python of its own: what the worker's environment says of threads does not count."""
    body = script(SlurmConfiguration(python="/bin/true")).replace("exec /bin/true -m prefect flow-run execute", "env")
    own = {"SLURM_CPUS_PER_TASK": "3", "OMP_NUM_THREADS": "64", "PATH": "/usr/bin:/bin"}
    told = subprocess.run(["/bin/sh"], input=body, env=own, capture_output=True, text=True, check=True).stdout
    assert {line for line in told.splitlines() if line.partition("=")[0] in LIBRARIES} == {
        f"{name}=3" for name in LIBRARIES
    }


@pytest.mark.parametrize("name", ["S2LOOKBACK_CPUS", "SLURM_CPUS_PER_TASK"])
def test_a_process_gives_one_number_of_threads_to_every_library(name):
    code = "import os, flows, numba; from s2lookback.cores import *; print(cores(), numba.config.NUMBA_NUM_THREADS, "
    code += "*{os.environ[name] for name in LIBRARIES})"
    told = call([sys.executable, "-c", code], {name: "2", "PATH": "/usr/bin:/bin"})
    assert told.split() == ["2", "2", "2"]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Start a cluster, and a server whose pools are its queues."""
    with cluster(tmp_path_factory.mktemp("slurm")) as slurm:
        settings = {**slurm, "S2LOOKBACK_SLURM_POLL": "1"}
        with serving(tmp_path_factory.mktemp("prefect"), "--workers", "slurm", **settings) as server:
            yield server


@pytest.fixture(scope="module")
def asked():
    tile = chain.TILES[0]
    return {
        "tile": tile,
        "source": chain.source(tile, dates=2).model_dump(mode="json"),
        "settings": chain.SETTINGS.model_dump(mode="json"),
    }


def job_of(server, run):
    return next((job for job in jobs(server.environment) if job[2] == run), None)


def in_state(server, run, *states):
    job = job_of(server, run)
    return job if job and job[1] in states else None


def at_work(server, run):
    return in_state(server, run, "PENDING", "RUNNING", "COMPLETING")


@pytest.mark.flow
def test_a_job_outlives_its_worker_and_the_next_one_sees_it_out(served, asked, tmp_path):
    with worker(served, "hpc", kind="slurm") as first:
        run = served.trigger("tile", **asked)
        number, *_ = wait_for(lambda: in_state(served, run, "RUNNING"), "a job")
        kill(first, signal.SIGKILL)
    with worker(served, "hpc", kind="slurm"):
        assert served.end(run) == "COMPLETED", (served.home / f"tile-10UFB-{number}.log").read_text()
    assert [job[0] for job in jobs(served.environment) if job[2] == run] == [number]
    chain.run(tmp_path / "here", dates=2)
    assert chain.tree(served.products) == chain.tree(tmp_path / "here")


@pytest.mark.flow
def test_a_job_that_is_cancelled_while_nobody_watches_is_known_to_have_crashed(served, asked):
    with worker(served, "hpc", kind="slurm") as first:
        run = served.trigger("tile", **asked)
        number, *_ = wait_for(lambda: in_state(served, run, "RUNNING"), "a job")
        kill(first, signal.SIGKILL)
    call(["scancel", "--signal=KILL", "--full", number], served.environment)
    wait_for(lambda: not in_state(served, run, "RUNNING", "COMPLETING"), "the job's end")
    with worker(served, "hpc", kind="slurm"):
        assert served.end(run) == "CRASHED"


@pytest.mark.flow
def test_a_run_that_is_cancelled_while_its_job_waits_has_no_job_any_more(served, asked):
    call(["scontrol", "update", "partitionname=main", "state=down"], served.environment)
    try:
        with worker(served, "hpc", kind="slurm"):
            run = served.trigger("tile", **asked)
            wait_for(lambda: in_state(served, run, "PENDING") and served.run(run)["infrastructure_pid"], "a job")
            served.cancel(run)
            assert served.end(run) == "CANCELLED"
            assert in_state(served, run, "CANCELLED")
    finally:
        call(["scontrol", "update", "partitionname=main", "state=up"], served.environment)


@pytest.mark.flow
def test_a_run_that_is_cancelled_while_its_job_is_suspended_has_no_job_any_more(served, asked):
    with worker(served, "hpc", kind="slurm"):
        run = served.trigger("tile", **asked)
        number, *_ = wait_for(lambda: in_state(served, run, "RUNNING"), "a job")
        wait_for(lambda: served.run(run)["infrastructure_pid"], "a number that the server knows")
        call(["scontrol", "suspend", number], served.environment)
        served.cancel(run)
        assert served.end(run) == "CANCELLED"
        wait_for(lambda: in_state(served, run, "CANCELLED"), "the end of the job")


@pytest.mark.flow
def test_a_cancelled_night_ends_its_job_and_that_of_its_tile_which_can_be_run_again(served, asked, tmp_path):
    shutil.rmtree(served.products, ignore_errors=True)
    work = {**asked, "source": chain.source(asked["tile"]).model_dump(mode="json")}
    known = {run["id"] for name in ("tile", "train") for run in served.runs(name)}
    with worker(served, "hpc", kind="slurm"):
        night = served.trigger("nightly", source=work["source"], settings=work["settings"])
        tile, train = served.begun("tile", known), served.begun("train", known)  # which waits for a worker
        assert [in_state(served, run, "RUNNING") is not None for run in (night, tile)] == [True, True]
        served.cancel(night)
        assert [served.end(run) for run in (night, tile, train)] == ["CANCELLED"] * 3
        wait_for(lambda: not any(at_work(served, run) for run in (night, tile)), "the end of both jobs")
    assert chain.faults(served.products) == []
    with worker(served, "hpc", kind="slurm", S2LOOKBACK_PATIENCE="0"):
        assert served.end(served.trigger("tile", **work)) == "COMPLETED"
    Store(str(served.products)).gc(older_than=-1)  # what was being made when its job ended leaves a stage
    chain.run(tmp_path / "here")
    assert chain.tree(served.products) == chain.tree(tmp_path / "here")
