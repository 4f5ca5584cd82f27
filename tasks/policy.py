"""Retries, skipping and caching: the only place where they are decided."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import PrefectFuture
from prefect.runtime import task_run
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect.tasks import exponential_backoff

from catalog.store import Request, Store
from s2lookback.cores import cores
from s2lookback.errors import TransientError
from tasks.entry import spoken

SIDE_BY_SIDE: TaskRunner[PrefectFuture[Any]] = ThreadPoolTaskRunner(  # type: ignore[assignment]  # invariant in its future
    max_workers=min(4, cores())
)
"""For tasks of one flow that do not wait for each other: a full scene takes about 1 GB while it is read."""


class _Policy(TypedDict):
    retries: int
    retry_delay_seconds: Callable[[int], list[float]]
    retry_jitter_factor: float
    retry_condition_fn: Callable[[Task[..., Any], TaskRun, State[Any]], bool]
    cache_policy: Any
    persist_result: bool


def _may_recover(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    try:
        state.result()
    except TransientError:
        return True
    except Exception:  # noqa: BLE001  every other error is final: retrying a bad scene or a bug only hides it
        return False
    return False


POLICY: _Policy = {
    "retries": 3,
    "retry_delay_seconds": exponential_backoff(backoff_factor=2),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": _may_recover,
    "cache_policy": NO_CACHE,  # the catalog knows what is done
    "persist_result": False,  # what travels is an href
}

TRIES = 3
"""Times that one parent starts a child that crashes, or fails by what may recover."""


def named() -> str:
    """Name a task run as people do: stage, tile and date of what it makes, as in ``mrap 10UFB 2025-08-30``."""
    return spoken(task_run.parameters["wanted"].id)


def back_off(tries: int) -> float:
    """Give the seconds to wait before a child is started again: a minute, then four."""
    return float(os.environ.get("S2LOOKBACK_BACK_OFF", "60")) * 4.0 ** (tries - 1)


def patience() -> float:
    """Give the seconds that a tile waits for a worker that trains, before it trains itself: a quarter of an hour."""
    return float(os.environ.get("S2LOOKBACK_PATIENCE", "900"))


@dataclass(frozen=True, slots=True)
class Product:
    """A published product, and whether this run made it."""

    href: str
    made: bool


def unless_published(make: Callable[..., str], wanted: Request, root: str, *, again: bool, **inputs: Any) -> Product:
    """Give the product of a recipe, made in a task run of its own only if the catalog lacks it or it is wanted anew."""
    href = None if again else Store(root).find(wanted)
    return Product(href, made=False) if href else Product(make(wanted, root=root, **inputs), made=True)
