"""Slurm on one machine: its controller, its node and munge, in a folder and on ports of their own."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.flows.server import call, free_port, kill, spawn, wait_for

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel")
CONFIGURATION = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
SlurmctldPort={controller}
SlurmdPort={node}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
SchedulerParameters=sched_min_interval=1,batch_sched_delay=0
NodeName={host} NodeAddr=127.0.0.1 CPUs=16 RealMemory=64000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def program(name: str) -> str | None:
    """Find a daemon, which an ordinary user's path does not name."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


@contextmanager
def cluster(folder: Path) -> Iterator[dict[str, str]]:
    """Run a cluster of one node while the block runs; give the environment by which Slurm's commands find it."""
    missing = [name for name in PROGRAMS if program(name) is None]
    if missing:
        pytest.skip(f"no Slurm here: {', '.join(missing)} not found (Debian: apt install slurm-wlm munge)")
    folder.chmod(0o755)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    host = socket.gethostname().partition(".")[0]
    names = {"host": host, "user": getpass.getuser(), "folder": folder}
    (folder / "slurm.conf").write_text(CONFIGURATION.format(controller=free_port(), node=free_port(), **names))
    environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf")}
    munge = [f"--{name}={folder}/munge.{name.partition('-')[0]}" for name in ("key-file", "pid-file", "log-file")]
    munge += [f"--seed-file={folder}/munge.seed", f"--socket={folder}/munge.sock", "--foreground", "--force"]
    started = []
    try:
        for name, options in (("munged", munge), ("slurmctld", ["-D"]), ("slurmd", ["-D"])):
            started.append(spawn([str(program(name)), *options], environment, folder / f"{name}.log"))
            if name == "munged":
                wait_for((folder / "munge.sock").exists, "munge's socket")
        wait_for(lambda: "idle" in _nodes(environment), "an idle node")
        yield environment
    finally:
        subprocess.run(["scancel", "--me"], env=environment, check=False, capture_output=True)
        time.sleep(1)
        for process in reversed(started):
            kill(process, signal.SIGTERM)


def _nodes(environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["sinfo", "--noheader", "--format=%T"], env=environment, check=False, capture_output=True, text=True
    )
    return done.stdout


def jobs(environment: dict[str, str]) -> list[list[str]]:
    """List every job that the controller remembers: its number, state and comment."""
    command = ["squeue", "--noheader", "--states=all", "--format=%i|%T|%k|%j"]
    return [line.split("|") for line in sorted(call(command, environment).splitlines())]
