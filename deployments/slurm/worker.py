"""A worker whose runs are Slurm jobs: they outlive it, and the next worker of the pool knows them again."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import anyio
import anyio.abc
import httpx
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import InfrastructureNotFound
from prefect.states import Scheduled
from prefect.workers.base import BaseWorker, BaseWorkerResult

from deployments.slurm.queue import ENDED, WAITING, Queue
from deployments.slurm.script import SlurmConfiguration, SlurmVariables, command, environment, script
from s2lookback.errors import TransientError

POLL = float(os.environ.get("S2LOOKBACK_SLURM_POLL", "10"))
"""Seconds between two looks at the queue; one look serves all jobs."""

TRIES = 5
"""Times that a job is offered to a controller that does not answer."""

UNSENT = timedelta(minutes=2)
"""A run that was taken up longer ago and has no job was taken up by a worker that died."""


class SlurmResult(BaseWorkerResult):
    """How a job ended."""


class SlurmWorker(BaseWorker[SlurmConfiguration, SlurmVariables, SlurmResult]):
    """Submits runs to Slurm, one job a run."""

    type = "slurm"
    job_configuration = SlurmConfiguration
    job_configuration_variables = SlurmVariables
    _display_name = "Slurm"
    _description = "Execute flow runs as Slurm jobs, by sbatch, squeue and scancel. One job a run."

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.queue = Queue(every=POLL)
        self._adopted = False

    async def run(
        self,
        flow_run: FlowRun,
        configuration: SlurmConfiguration,
        task_status: anyio.abc.TaskStatus[int] | None = None,
    ) -> SlurmResult:
        """Submit a job for a run, and wait for its end."""
        configuration.name = configuration.name or flow_run.name
        job = await self._submit(flow_run.id, configuration)
        if task_status is not None:
            task_status.started(job)  # type: ignore[arg-type]  # Prefect stores it as text: a job may name its cluster
        return SlurmResult(identifier=job, status_code=await self._end(flow_run.id, job))

    async def _submit(self, run: UUID, configuration: SlurmConfiguration) -> str:
        """Submit a job, unless a controller that seemed silent took it after all."""
        own = environment(configuration, dict(os.environ))
        for tried in range(1, TRIES + 1):
            try:
                return await self.queue.submit(command(configuration, run), script(configuration), own)
            except TransientError as error:
                self._logger.warning("%s: %s", run, error)
                if tried == TRIES:
                    raise
                await anyio.sleep(POLL)
                self.queue.forget()
                job = (await self.queue.jobs()).get(str(run))
                if job:
                    return job
        raise AssertionError("unreachable")

    async def _end(self, run: UUID, job: str) -> int:
        """Wait for the end of a job; a controller that is silent for a while is asked again."""
        await anyio.sleep(POLL)
        self.queue.forget()
        while True:
            try:
                state = await self.queue.state(job)
                if state in ENDED:
                    return await self.queue.status(job)
                if state in WAITING and await self._is_cancelling(run):
                    await self._cancel_run(run)  # no process of the run's own is at work to do it
            except (TransientError, httpx.HTTPError) as error:
                self._logger.warning("job %s: %s", job, error)
            await anyio.sleep(POLL)

    async def _is_cancelling(self, run: UUID) -> bool:
        state = (await self.client.read_flow_run(run)).state
        return state is not None and state.is_cancelling()

    async def kill_infrastructure(
        self,
        infrastructure_pid: str,
        configuration: SlurmConfiguration,
        grace_seconds: int = 30,
    ) -> None:
        """Cancel a job.

        Raises:
            InfrastructureNotFound: If there is none of that number.
        """
        try:
            await self.queue.cancel(infrastructure_pid)
        except (TransientError, ValueError) as error:
            raise InfrastructureNotFound(str(error)) from error

    async def sync_with_backend(self) -> None:
        """Tell the server that this worker is there; the first time, take over the jobs of an earlier one."""
        await super().sync_with_backend()
        if self._work_pool is not None and not self._adopted:
            await self._adopt()
            self._adopted = True

    async def _adopt(self) -> None:
        """Watch the jobs of runs that are not at their end; hand back runs that an earlier worker never submitted."""
        jobs = await self.queue.jobs()
        states = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
        runs = await self.client.read_flow_runs(
            flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=states))),
            work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[self.work_pool.name])),
        )
        for run in runs:
            job = jobs.get(str(run.id)) or (run.infrastructure_pid if run.infrastructure_pid else None)
            if job and self._runs_task_group is not None:
                self._logger.info("job %s of run %s is taken over", job, run.name)
                self._runs_task_group.start_soon(self._see_out, run, job)
            elif run.state and run.state.is_pending() and run.state.timestamp < datetime.now(UTC) - UNSENT:
                self._logger.warning("run %s was taken up and never submitted; it is handed back", run.name)
                await self.client.set_flow_run_state(run.id, Scheduled(message="its worker died"), force=True)

    async def _see_out(self, run: FlowRun, job: str) -> None:
        """Wait for the end of a job that an earlier worker submitted; a run that did not say how it ended crashed."""
        status = await self._end(run.id, job)
        last = await self.client.read_flow_run(run.id)
        if last.state is None or not last.state.is_final():
            await self._propose_crashed_state(last, f"job {job} ended with status {status}")
