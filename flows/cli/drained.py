"""Subcommands for a restart: nothing new begins, what is at work is waited for, and on it goes."""

import asyncio
import time
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.words import app, out, stop

if TYPE_CHECKING:  # Prefect takes a second to import, which `--help` need not wait for
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun

QUEUES = (("hpc", "tiles"), ("gpu", "default"))
"""Pool and queue of what computes. A tile may wait for a training, so trainings are paused once no tile is at work."""

LEADS = ("hpc", "default")
"""Pool and queue of what leads other runs, and waits for them through a restart."""

POLL = 3
"""Seconds between two looks."""


@app.command(epilog="Example: s2lookback drain && sudo systemctl restart 's2lookback-*' && s2lookback resume")
def drain(
    hours: Annotated[float, typer.Option(min=0, help="Hours to wait at most.")] = 24.0,
) -> None:
    """Let no tile and no training begin, and wait until none is at work: then server and workers may be restarted.

    What leads them, a night, is not waited for, since it waits for its tiles; it goes on after the restart.
    """
    asyncio.run(_drain(time.monotonic() + 3600 * hours))


@app.command(epilog="Example: s2lookback resume")
def resume() -> None:
    """Let tiles and trainings begin again after `s2lookback drain`."""

    async def go() -> None:
        from prefect.client.orchestration import get_client

        async with get_client() as client:
            for pool, queue in QUEUES:
                await _pause(client, pool, queue, paused=False)

    asyncio.run(go())
    out.print("tiles and trainings begin again")


async def _drain(end: float) -> None:
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        for pool, queue in QUEUES:
            await _pause(client, pool, queue, paused=True)
            out.print(f"pool {pool}: nothing new begins in the queue {queue}", highlight=False)
            await _wait(client, pool, queue, end)
        leads = await _at_work(client, *LEADS)
    out.print("nothing is at work: restart, then `s2lookback resume`", highlight=False)
    for run in leads:
        out.print(f"{run.name} waits for what is held back, and goes on after the restart", highlight=False)


async def _pause(client: "PrefectClient", pool: str, name: str, *, paused: bool) -> None:
    for queue in await client.read_work_queues(work_pool_name=pool):
        if queue.name == name:
            await client.update_work_queue(queue.id, is_paused=paused)


async def _wait(client: "PrefectClient", pool: str, queue: str, end: float) -> None:
    """Wait until no run of a queue is at work; say which are whenever that changes."""
    told: list[str] = []
    while names := sorted(run.name or "" for run in await _at_work(client, pool, queue)):
        if names != told:
            out.print(f"waits for {len(names)}: {', '.join(names)}", highlight=False, soft_wrap=True)
            told = names
        if time.monotonic() >= end:
            stop(f"{len(names)} runs are still at work; nothing new begins before `s2lookback resume`")
        await asyncio.sleep(POLL)


async def _at_work(client: "PrefectClient", pool: str, queue: str) -> list["FlowRun"]:
    """List the runs of a queue that a worker has taken up and that are not at their end."""
    from prefect.client.schemas.filters import (
        FlowRunFilter,
        FlowRunFilterState,
        FlowRunFilterStateType,
        FlowRunFilterWorkQueueName,
        WorkPoolFilter,
        WorkPoolFilterName,
    )
    from prefect.client.schemas.objects import StateType

    states = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
    return await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=states)),
            work_queue_name=FlowRunFilterWorkQueueName(any_=[queue]),
        ),
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[pool])),
    )
