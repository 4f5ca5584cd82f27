"""Runs that died without a word: found, their places freed, and what led them started again."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from prefect import flow, get_run_logger
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterParentTaskRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.events.filters import EventFilter, EventNameFilter, EventOccurredFilter, EventResourceFilter
from prefect.runtime import flow_run
from prefect.states import Cancelled, Crashed, Scheduled

from flows.dispatch import cancel_all, children
from flows.parameters import SecondLook, Silence
from s2lookback.errors import CatalogError
from tasks.place import root_of
from tasks.policy import TRIES, back_off
from tasks.turn import LIMIT
from tasks.watch import every_minutes

HEARTBEAT = "prefect.flow-run.heartbeat"
PAGE = 200
"""Runs that are asked for at once, the server's own limit."""

LATEST = timedelta(hours=24)
"""A run that crashed longer ago is yesterday's: the next one does its work."""


@flow(name="reconcile", flow_run_name="reconcile")
def reconcile(silence: Silence = 180, second_look: SecondLook = 70) -> list[str]:
    """Find runs that died without a word, free what they held, start again what led them; return their names.

    A killed process is noticed by its worker, and a worker that is killed with it by the heartbeats that stop. What
    remains is found here: runs that died before their first heartbeat, and those that were taken up and never begun.

    Args:
        silence: Seconds without a heartbeat after which a run is suspected; there is one every thirty.
        second_look: Seconds until those suspected are looked at again: the server may have been down, and they not.
    """
    with get_client(sync_client=True) as client:
        suspects = silent_runs(client, silence)
        if suspects:
            time.sleep(second_look)
            again = {run.id for run in silent_runs(client, silence)}
            suspects = [run for run in suspects if run.id in again]
        for run in suspects:
            cancelled = (
                run.state is not None and run.state.is_cancelling()
            )  # which may end as cancelled only, otherwise
            client.set_flow_run_state(run.id, Crashed(message=f"no sign of life for {silence} s"), force=cancelled)
            get_run_logger().warning("%s: no sign of life for %d s; it is taken for dead", run.name, silence)
        started = [run for run in _crashed(client) if _start_again(client, run)]
        freed = free_turns(client)
        watch(client)
    for name in freed:
        get_run_logger().warning("%s: was held by no run; it is free", name)
    return sorted({run.name or "" for run in (*suspects, *started)})


def silent_runs(client: SyncPrefectClient, silence: float) -> list[FlowRun]:
    """List the runs that are said to be at work, or to have been taken up, and have shown no sign of life for a time.

    A pool that is no machine of ours (Slurm) may keep a run waiting for as long as it likes before it begins.
    """
    since = datetime.now(UTC) - timedelta(seconds=silence)
    ours = {pool.name for pool in client.read_work_pools() if pool.type == "process"}
    return [
        run
        for run in _runs(client, [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING])
        if f"{run.id}" != flow_run.id
        and run.state
        and run.state.timestamp < since
        and (run.state.type != StateType.PENDING or run.work_pool_name in ours)
        and not _heard(client, run, since)
    ]


def _heard(client: SyncPrefectClient, run: FlowRun, since: datetime) -> bool:
    asked = EventFilter(
        event=EventNameFilter(name=[HEARTBEAT]),
        resource=EventResourceFilter(id=[f"prefect.flow-run.{run.id}"]),
        occurred=EventOccurredFilter(since=since),
    )
    return bool(client.read_events(asked, limit=1).events)


def _runs(client: SyncPrefectClient, states: Sequence[StateType], **asked: object) -> list[FlowRun]:
    """List the runs of deployments that are in some states."""
    wanted = FlowRunFilter.model_validate(
        {
            "state": FlowRunFilterState(type=FlowRunFilterStateType(any_=[*states])),
            "deployment_id": FlowRunFilterDeploymentId(is_null_=False),
            **asked,
        }
    )
    found: list[FlowRun] = []
    while page := client.read_flow_runs(flow_run_filter=wanted, limit=PAGE, offset=len(found)):
        found += page
    return found


def _crashed(client: SyncPrefectClient) -> list[FlowRun]:
    """List the runs that crashed of late and that no other run waits for: nobody else starts these again."""
    return _runs(
        client,
        [StateType.CRASHED],
        parent_task_run_id=FlowRunFilterParentTaskRunId(is_null_=True),
        expected_start_time=FlowRunFilterExpectedStartTime(after_=datetime.now(UTC) - LATEST),
    )


def _start_again(client: SyncPrefectClient, run: FlowRun) -> bool:
    """Start a run again, as itself, so that it finds the children that it had; true if it had tries left."""
    if _was_cancelled(client, run) or run.run_count >= TRIES or f"{run.id}" == flow_run.id or "upkeep" in run.tags:
        return False
    later = datetime.now(UTC) + timedelta(seconds=back_off(max(1, run.run_count)))
    client.set_flow_run_state(run.id, Scheduled(scheduled_time=later, message="it had crashed"), force=True)
    get_run_logger().warning("%s: crashed; it is started again at %s", run.name, f"{later:%H:%M:%S} UTC")
    return True


def _was_cancelled(client: SyncPrefectClient, run: FlowRun) -> bool:
    """See a cancelled run to its end if it died before it could be ended, with what it had started."""
    asked = False
    for state in sorted(client.read_flow_run_states(run.id), key=lambda one: one.timestamp):
        asked = state.is_cancelling() or (asked and not state.is_scheduled())
    if not asked:
        return False
    cancel_all(client, children(client, run.id))
    client.set_flow_run_state(run.id, Cancelled(message="it died while it was cancelled"), force=True)
    return True


def free_turns(client: SyncPrefectClient) -> list[str]:
    """Free the tiles that no run is at work on; return their limits' names.

    The limits are read first: a run that takes its turn after that is found at work, and keeps it.
    """
    held = [limit for limit in _limits(client) if limit[1]]
    at_work = {LIMIT.format(run.parameters.get("tile", "")) for run in _runs(client, [StateType.RUNNING])}
    lost = [name for name, _ in held if name not in at_work]
    for name in lost:
        client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(active_slots=0))
    return lost


def watch(client: SyncPrefectClient) -> None:
    """Tell people what is wrong; a worker that knows no catalog watches none."""
    try:
        root = root_of("")
    except CatalogError as error:
        get_run_logger().warning("nothing is watched: %s", error)
        return
    every_minutes(client, root)


def _limits(client: SyncPrefectClient) -> list[tuple[str, int]]:
    """List the limits of tiles, and how much of each is taken."""
    found: list[tuple[str, int]] = []
    offset = 0
    while page := client.read_global_concurrency_limits(limit=PAGE, offset=offset):
        found += [(one.name, one.active_slots) for one in page if one.name.startswith(LIMIT.format(""))]
        offset += len(page)
    return found
