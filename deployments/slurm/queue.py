"""Slurm's own commands: submit, look, cancel. One look serves all jobs for a while."""

import subprocess
import time
from dataclasses import dataclass, field
from functools import partial

import anyio
import anyio.to_thread

from s2lookback.errors import TransientError

LIMIT = 60
"""Seconds within which one of Slurm's commands must answer."""

ENDED = {
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED",
    "TIMEOUT",
}  # fmt: skip
WAITING = {
    "PENDING", "CONFIGURING", "SUSPENDED", "STOPPED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD", "SPECIAL_EXIT",
}  # fmt: skip
"""States in which no process of a job is at work, or not yet, so that it cannot end itself."""
UNKNOWN = 125
"""Exit status of a job of which Slurm knows no more."""


@dataclass(slots=True)
class Queue:
    """The jobs of this user, as they were at the last look."""

    every: float = 10
    """Seconds for which a look serves."""
    _looked: float = float("-inf")
    _jobs: dict[str, tuple[str, str]] = field(default_factory=dict)
    _lock: anyio.Lock = field(default_factory=anyio.Lock)

    async def submit(self, command: list[str], script: str, environment: dict[str, str]) -> str:
        """Submit a job; return its id, with its cluster where there are several.

        Raises:
            TransientError: If Slurm does not take it.
        """
        return (await _slurm(command, script, environment)).strip()

    async def jobs(self) -> dict[str, str]:
        """Give the jobs that wait or run, by their comments: the runs' ids."""
        return {comment: job for job, (state, comment) in (await self._look()).items() if state not in ENDED}

    async def state(self, job: str) -> str:
        """Give the state of a job in Slurm's words; one that is not listed any more has ended."""
        state, _ = (await self._look()).get(_number(job), ("COMPLETED", ""))
        return state

    async def _look(self) -> dict[str, tuple[str, str]]:
        async with self._lock:
            if time.monotonic() - self._looked >= self.every:
                listed = await _slurm(["squeue", "--me", "--noheader", "--states=all", "--format=%i|%T|%k"])
                rows = (line.split("|", 2) for line in listed.splitlines() if line.count("|") >= 2)
                self._jobs = {job.strip(): (state.strip(), comment.strip()) for job, state, comment in rows}
                self._looked = time.monotonic()
            return self._jobs

    def forget(self) -> None:
        """Look anew when next asked: something was submitted or cancelled."""
        self._looked = float("-inf")

    async def status(self, job: str) -> int:
        """Give the exit status of a job that ended: 128 and the signal where one ended it."""
        for ask in (
            ["scontrol", "--oneliner", "show", "job", _number(job)],
            ["sacct", "--noheader", "--parsable2", "--allocations", "--format=ExitCode", f"--jobs={_number(job)}"],
        ):
            try:
                told = await _slurm(ask)
            except TransientError:  # forgotten by the controller, or no accounting on this cluster
                continue
            fields = dict(part.partition("=")[::2] for part in told.split())
            code, _, signal = (fields.get("ExitCode") or told.strip()).partition(":")
            if code.isdecimal() and signal.isdecimal():
                ended_well = fields.get("JobState", "COMPLETED") == "COMPLETED"
                return 128 + int(signal) if int(signal) else int(code) or (0 if ended_well else UNKNOWN)
        return UNKNOWN

    async def cancel(self, job: str) -> None:
        """Cancel a job; one that ended is none."""
        await _slurm(["scancel", _number(job)])
        self.forget()


def _number(job: str) -> str:
    """Give the number of a job without its cluster; no word of a stranger becomes an option."""
    number = job.partition(";")[0].strip()
    if not number.isdecimal():
        raise ValueError(f"{job!r} is no job of Slurm, expected a number")
    return number


async def _slurm(command: list[str], given: str = "", environment: dict[str, str] | None = None) -> str:
    """Run one of Slurm's commands, without a shell; give what it prints.

    Raises:
        TransientError: If it fails or does not answer.
    """
    ask = partial(
        subprocess.run, command, input=given, env=environment, capture_output=True, text=True, timeout=LIMIT, check=True
    )
    try:
        done: subprocess.CompletedProcess[str] = await anyio.to_thread.run_sync(ask)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TransientError(f"{command[0]}: did not answer ({error})") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip()[-500:]
        raise TransientError(f"{command[0]}: {said or f'exit status {error.returncode}'}") from error
    return done.stdout
