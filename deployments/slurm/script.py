"""What a job asks for, and the script that it runs: no value that a person types ever reaches a shell."""

import re
import shlex
import sys
from typing import Annotated, Any
from uuid import UUID

from prefect.workers.base import BaseJobConfiguration, BaseVariables
from pydantic import Field

from s2lookback.cores import LIBRARIES, SETTING

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Path = Annotated[str, Field(pattern=r"^/[^\x00-\x1f]{0,1000}$")]

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

NOTICE = 60
"""Seconds before its time is up at which a job is told, so that its run can still say that it crashed."""


class SlurmVariables(BaseVariables):
    """What a job may ask for; a deployment sets it under ``job_variables``."""

    cpus: Annotated[int, Field(ge=1, le=4096)] = Field(4, description="Cores, and threads of every library in the job.")
    memory: Annotated[str, Field(pattern=r"^[0-9]{1,9}[KMGT]?$")] = Field("8G", description="Memory of the job.")
    time: Annotated[str, Field(pattern=r"^([0-9]{1,3}-)?[0-9]{1,4}(:[0-9]{2}){0,2}$")] = Field(
        "04:00:00", description="Time after which the job is killed, as [days-]hours:minutes:seconds."
    )
    gpus: Annotated[str, Field(pattern=r"^([A-Za-z0-9_.-]{1,32}:)?[0-9]{1,2}$")] | None = Field(
        None, description="GPUs, with or without their type, as in 1 or a100:2."
    )
    partition: Name | None = Field(None, description="Partition; by default the cluster's.")
    account: Name | None = Field(None, description="Account that is charged.")
    qos: Name | None = Field(None, description="Quality of service.")
    constraint: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.&|()\[\]*,-]{1,200}$")] | None = Field(
        None, description="Features that the node must have, as in skylake|cascade."
    )
    python: Path = Field(sys.executable, description="Interpreter of the environment on the nodes.")
    working_dir: Path | None = Field(None, description="Folder in which the job starts; by default the worker's.")
    log_dir: Path | None = Field(None, description="Folder of the jobs' logs; by default the folder they start in.")


class SlurmConfiguration(BaseJobConfiguration, SlurmVariables):
    """One job, with every value checked again: templates of a pool can be edited by hand."""


def directives(job: SlurmConfiguration) -> dict[str, str]:
    """Give the options of a job by name."""
    asked: dict[str, Any] = {
        "cpus-per-task": job.cpus,
        "mem": job.memory,
        "time": job.time,
        "gres": f"gpu:{job.gpus}" if job.gpus else None,
        "partition": job.partition,
        "account": job.account,
        "qos": job.qos,
        "constraint": job.constraint,
        "signal": f"B:TERM@{NOTICE}",
    }
    return {name: str(value) for name, value in asked.items() if value is not None}


def script(job: SlurmConfiguration) -> str:
    """Write the script of a job."""
    options = [f"#SBATCH --{name}={value}" for name, value in directives(job).items()]
    threads = [f'export {name}="$SLURM_CPUS_PER_TASK"' for name in (SETTING, *LIBRARIES)]
    start = f"exec {shlex.quote(job.python)} -m prefect flow-run execute"
    return "\n".join(["#!/bin/sh", *options, "#SBATCH --no-requeue", *threads, start, ""])


def command(job: SlurmConfiguration, run: UUID) -> list[str]:
    """Give the command that submits a job: the run's id is its comment, by which a later worker knows it again."""
    label = re.sub(r"[^A-Za-z0-9_.-]+", "-", job.name or "")[:60].strip("-") or "flow-run"
    places = [f"--chdir={job.working_dir}"] if job.working_dir else []
    places += [f"--output={job.log_dir}/%x-%j.log"] if job.log_dir else []
    return ["sbatch", "--parsable", "--export=ALL", f"--job-name={label}", f"--comment={run}", *places]


def environment(job: SlurmConfiguration, own: dict[str, str]) -> dict[str, str]:
    """Give the environment of a job: the worker's own, in which its secrets are, and what the deployment adds.

    It is handed over as it is, not written into a script. Slurm's own variables would mislead a job inside a job.
    """
    added = {name: value for name, value in job.env.items() if value is not None and _VARIABLE.fullmatch(name)}
    kept = own | added
    return {name: kept[name] for name in kept if name == "SLURM_CONF" or not name.startswith(("SLURM_", "SBATCH_"))}
