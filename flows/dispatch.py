"""A flow in the pool that it needs: through its deployment where a worker runs us, in this process elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import httpx
from prefect import Flow, get_run_logger
from prefect.client.orchestration import PrefectClient, SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterWorkQueueName,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.deployments import arun_deployment
from prefect.exceptions import PrefectHTTPStatusError
from prefect.runtime import flow_run as this
from prefect.states import Cancelled, Cancelling

from s2lookback.errors import TransientError
from tasks.place import deployed
from tasks.policy import TRIES, back_off

POLL = 3
"""Seconds between two looks at a child."""

SILENCE = 1800
"""Seconds without an answer after which the server is given up; restarts and upgrades take less."""

QUEUE = "tiles"
"""Queue of the pool hpc in which what computes waits for its turn."""

UNENDED = (StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING, StateType.PAUSED)
PAGE = 200
"""Runs that are asked for at once, the server's own limit."""

T = TypeVar("T")
Parameters = Mapping[str, Any]


def dispatch(flow: Flow[..., Any], parameters: Parameters, *, key: str, patience: float | None = None) -> State[Any]:
    """Run a flow in the pool that its deployment names, or here where no worker runs us; return its last state.

    Args:
        flow: What to run; its deployment bears its name.
        parameters: What to run it with.
        key: What tells this child from the others of the same parent: a tile, a recipe.
        patience: Seconds within which a worker must have taken it up, or it is cancelled; None waits for ever.
    """
    return dispatch_all(flow, {key: parameters}, at_once=1, patience=patience)[key]


def dispatch_all(
    flow: Flow[..., Any],
    jobs: Mapping[str, Parameters],
    *,
    at_once: int,
    may_recover: Callable[[UUID], bool] = lambda _run: False,
    patience: float | None = None,
    gives_way: bool = False,
    ended: Callable[[str], None] = lambda _key: None,
) -> dict[str, State[Any]]:
    """Run a flow once for each key, at most so many at once; return the last state of each.

    A parent that is run again, by Prefect or by hand, finds the children that it started before: those at work are
    waited for, those that completed are taken as they are, those that failed are started anew.

    Args:
        flow: What to run.
        jobs: Parameters by key.
        at_once: Children at work at the same time; here, it is one.
        may_recover: Tells of a child that failed, by its run's id, whether it may be started again.
        patience: Seconds within which a worker must have taken one up.
        gives_way: Start none while any other run that computes waits for its turn.
        ended: Is told the key of each that came to its end, by any thread.
    """
    if not deployed():
        return _one_by_one(flow, jobs, ended)
    return asyncio.run(_side_by_side(flow, jobs, at_once, may_recover, patience, gives_way, ended))


def _one_by_one(
    flow: Flow[..., Any], jobs: Mapping[str, Parameters], ended: Callable[[str], None]
) -> dict[str, State[Any]]:
    here: Any = partial(flow, return_state=True)
    states = {}
    for key, parameters in jobs.items():
        states[key] = here(**parameters)
        ended(key)
    return states


def start(flow: Flow[..., Any], parameters: Parameters, *, key: str) -> FlowRun:
    """Start a run for which nobody waits, or give the run that was started with this key before.

    Args:
        flow: What to run; its deployment bears its name.
        parameters: What to run it with.
        key: What it is started for: whoever asks for the same again, at the same time or later, starts nothing.
    """

    async def ask() -> FlowRun:
        async with get_client() as client:
            return await _started(client, flow, parameters, f"{flow.name}:{key}", waited_for=False)

    return asyncio.run(ask())


async def _side_by_side(
    flow: Flow[..., Any],
    jobs: Mapping[str, Parameters],
    at_once: int,
    may_recover: Callable[[UUID], bool],
    patience: float | None,
    gives_way: bool,
    ended: Callable[[str], None],
) -> dict[str, State[Any]]:
    slots = asyncio.Semaphore(at_once)
    async with get_client() as client:

        async def one(key: str) -> State[Any]:
            async with slots:
                if gives_way:
                    await _nobody_waits(client)
                state = await _child(client, flow, jobs[key], f"{this.id}:{flow.name}:{key}", may_recover, patience)
            await asyncio.to_thread(ended, key)
            return state

        return dict(zip(jobs, await asyncio.gather(*map(one, jobs)), strict=True))


async def _nobody_waits(client: PrefectClient) -> None:
    """Wait until no run waits for its turn in the queue of what computes."""

    async def waiting() -> list[FlowRun]:
        now = FlowRunFilterExpectedStartTime(before_=datetime.now(UTC))
        queue = FlowRunFilterWorkQueueName(any_=[QUEUE])
        asked = FlowRunFilter(state=_in(StateType.SCHEDULED), expected_start_time=now, work_queue_name=queue)
        return await client.read_flow_runs(flow_run_filter=asked, limit=1)

    while await _patiently(waiting):
        await asyncio.sleep(POLL)


async def _child(
    client: PrefectClient,
    flow: Flow[..., Any],
    parameters: Parameters,
    key: str,
    may_recover: Callable[[UUID], bool],
    patience: float | None,
) -> State[Any]:
    """Start a child, or find the one that was started by an earlier life of this run, and see it to its end."""
    attempt, tried = 0, 0
    while True:
        run = await _started(client, flow, parameters, f"{key}:{attempt}")
        attempt += 1
        if run.state and run.state.is_final() and not run.state.is_completed():
            continue  # this attempt was an earlier life's
        state, tried = await _end(client, run.id, patience), tried + 1
        again = state.is_crashed() or (state.is_failed() and may_recover(run.id))
        if not again or tried == TRIES:
            return state
        delay = back_off(tried)
        get_run_logger().warning("%s: %s; it is started again in %.0f s", run.name, state.message, delay)
        await asyncio.sleep(delay)


async def _started(
    client: PrefectClient, flow: Flow[..., Any], parameters: Parameters, key: str, *, waited_for: bool = True
) -> FlowRun:
    """Start a run with a key, or find the run that has it; asking twice is harmless."""

    async def ask() -> FlowRun:
        return await arun_deployment(
            f"{flow.name}/{flow.name}",
            client=client,
            parameters=flow.serialize_parameters(dict(parameters)),
            idempotency_key=key,
            timeout=0,
            as_subflow=waited_for,
            flow_run_name=_name(flow, parameters),
        )

    return await _patiently(ask)


def _name(flow: Flow[..., Any], parameters: Parameters) -> str | None:
    """Name a run as it will name itself, so that one knows it while it waits."""
    return flow.flow_run_name.format(**parameters) if isinstance(flow.flow_run_name, str) else None


async def _end(client: PrefectClient, run_id: UUID, patience: float | None) -> State[Any]:
    """Wait for the end of a run; cancel it if no worker took it up in time."""
    waited = 0.0
    while True:
        run = await _patiently(lambda: client.read_flow_run(run_id))
        if run.state is not None and run.state.is_final():
            return run.state
        if patience is not None and waited >= patience and run.state is not None and run.state.is_scheduled():
            return await _withdrawn(client, run, waited)
        await asyncio.sleep(POLL)
        waited += POLL


async def _withdrawn(client: PrefectClient, run: FlowRun, waited: float) -> State[Any]:
    message = f"no worker took it up within {waited:.0f} s"
    state: State[Any] = Cancelled(message=message)
    await _patiently(lambda: client.set_flow_run_state(run.id, state))
    get_run_logger().warning("%s: %s", run.name, message)
    return state


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask the server until it answers: it may be restarted while children are at work.

    Raises:
        TransientError: If it is silent for half an hour.
    """
    silent = 0
    while True:
        try:
            return await ask()
        except (httpx.TransportError, PrefectHTTPStatusError) as error:
            if isinstance(error, PrefectHTTPStatusError) and error.response.status_code < 500:
                raise
            if silent >= SILENCE:
                raise TransientError(f"Prefect's server gave no answer for {SILENCE} s ({error})") from error
            await asyncio.sleep(POLL)
            silent += POLL


def cancel_children(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Cancel what a run that is cancelled had started elsewhere: without it, nobody waits for that."""
    with get_client(sync_client=True) as client:
        cancel_all(client, children(client, flow_run.id))


def cancel_all(client: SyncPrefectClient, runs: Sequence[FlowRun]) -> None:
    """Ask for the end of runs; one without a deployment died with its parent's process, and nobody else says so."""
    for run in runs:
        end: State[Any] = Cancelling() if run.deployment_id else Cancelled()
        client.set_flow_run_state(run.id, end, force=not run.deployment_id)


def children(client: SyncPrefectClient, run: UUID) -> list[FlowRun]:
    """List the runs that a run started and that are not at their end."""
    asked = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run]), state=_in(*UNENDED))
    found: list[FlowRun] = []
    while page := client.read_flow_runs(flow_run_filter=asked, limit=PAGE, offset=len(found)):
        found += page
    return found


def _in(*types: StateType) -> FlowRunFilterState:
    return FlowRunFilterState(type=FlowRunFilterStateType(any_=[*types]))
