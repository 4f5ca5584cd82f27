"""Subcommands for a Prefect server: everything that prefect.yaml names, made there."""

import asyncio
import os
import subprocess
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.landed import landed_starts_tile
from flows.cli.notices import VARIABLE, automate, tell_people
from flows.cli.words import app, out, stop
from s2lookback.cores import cores

if TYPE_CHECKING:  # Prefect takes a second to import, which `--help` need not wait for
    from prefect.client.orchestration import PrefectClient
    from prefect.events import AutomationCore

SILENT = "a run that falls silent has crashed"
"""Name of the automation that takes runs without heartbeats for dead."""


class Kind(StrEnum):
    """Types of workers."""

    PROCESS = "process"
    SLURM = "slurm"


@app.command(epilog="Example: s2lookback deploy --tiles 16 --gpus 2")
def deploy(
    tiles: Annotated[int, typer.Option(min=1, max=10_000, help="Tiles at work at once.")] = max(1, cores() // 2),
    gpus: Annotated[int, typer.Option(min=1, max=1000, help="Runs at once in the pool gpu.")] = 1,
    workers: Annotated[Kind, typer.Option(help="Type of the workers of both pools, when they are made.")] = (
        Kind.PROCESS
    ),
) -> None:
    """Make the pools, queues, limits and automations of the server that PREFECT_API_URL names; deploy every flow."""
    from prefect.settings import PREFECT_API_URL

    if not PREFECT_API_URL.value():
        stop("no server is named: set PREFECT_API_URL, as in http://127.0.0.1:4200/api")
    told = asyncio.run(_prepare(tiles, gpus, workers))
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        stop(f"deploying failed: {(done.stderr or done.stdout).strip()[-500:]}")
    asyncio.run(_start_what_landed())
    out.print(f"deployed; {tiles} tiles and {gpus} trainings at once", highlight=False)
    if not told:
        out.print(f"nobody is told when something goes wrong: set {VARIABLE} to a webhook, and deploy again")


async def _prepare(tiles: int, gpus: int, workers: Kind) -> bool:
    """Make what prefect.yaml names; tell whether people will be told."""
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        for name in ("hpc", "gpu"):
            await _pool(client, name, workers)
        await _queue(client, "hpc", "tiles", tiles)
        await _queue(client, "gpu", "default", gpus)
        await automate(client, silent_runs_crash())
        return await tell_people(client, os.environ.get(VARIABLE, ""))


async def _start_what_landed() -> None:
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        await automate(client, landed_starts_tile((await client.read_deployment_by_name("tile/tile")).id))


async def _pool(client: "PrefectClient", name: str, kind: Kind) -> None:
    """Make a work pool; one that is there is left as it is."""
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectNotFound
    from prefect.workers.base import BaseWorker

    try:
        await client.read_work_pool(name)
    except ObjectNotFound:
        worker = BaseWorker.get_worker_class_from_type(kind)
        if worker is None:
            stop(f"no worker of type {kind} is installed")
        template = worker.get_default_base_job_template()
        await client.create_work_pool(WorkPoolCreate(name=name, type=kind, base_job_template=template))


async def _queue(client: "PrefectClient", pool: str, name: str, limit: int) -> None:
    """Make a queue of a pool, or change how many of its runs may be at work at once."""
    found = {one.name: one for one in await client.read_work_queues(work_pool_name=pool)}
    if name in found:
        await client.update_work_queue(found[name].id, concurrency_limit=limit)
    else:
        await client.create_work_queue(name, concurrency_limit=limit, work_pool_name=pool)


def silent_runs_crash() -> "AutomationCore":
    """Describe the automation that takes a run for dead when three of its heartbeats are missed."""
    from datetime import timedelta

    from prefect.client.schemas.objects import StateType
    from prefect.events import AutomationCore, ChangeFlowRunState, EventTrigger, Posture, ResourceSpecification

    ends = {f"prefect.flow-run.{name}" for name in ("Completed", "Failed", "Crashed", "Cancelled", "Paused")}
    return AutomationCore(
        name=SILENT,
        description="Three heartbeats missed: its process is dead, and so is whoever would have said so.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.heartbeat", *ends},
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=90),
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message="no heartbeat for 90 s")],
    )
