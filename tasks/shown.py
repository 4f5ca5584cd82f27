"""What a run shows in Prefect's pages, where a server keeps it; nothing elsewhere. It never makes a run fail."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

import httpx
from prefect import get_run_logger
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.runtime import flow_run, task_run
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

T = TypeVar("T")

LARGEST = 200_000
"""Characters of one artifact: the server keeps them in its database."""

PATIENCE = 10.0
"""Seconds until a silent server is asked again, twice at most: work does not wait for its picture."""


def watched() -> bool:
    """Tell whether a server that people look at keeps this run; the one that Prefect starts for a run alone is not."""
    return bool(PREFECT_API_URL.value() and flow_run.id)


def show(markdown: str, description: str, key: str | None = None) -> None:
    """Keep a page with this run.

    Args:
        markdown: What it says; what is longer than ``LARGEST`` is cut at a line.
        description: One line, which lists of pages show.
        key: Name of a series of pages, lower case and dashes; without one it is found at its run only.
    """
    if watched():
        page = ArtifactCreate(type="markdown", key=key, description=description, data=_cut(markdown), **_run())
        _ask(lambda client: client.create_artifact(page))


def begin_bar(description: str) -> UUID | None:
    """Keep a bar of progress with this run; None where nobody looks."""
    if not watched():
        return None
    bar = ArtifactCreate(type="progress", description=description, data=0.0, **_run())
    made = _ask(lambda client: client.create_artifact(bar))
    return made.id if made else None


def move_bar(bar: UUID, percent: float, description: str) -> None:
    """Move a bar of progress on."""
    _ask(lambda client: client.update_artifact(bar, ArtifactUpdate(data=round(percent, 1), description=description)))


def _run() -> dict[str, UUID | None]:
    return {
        "flow_run_id": UUID(flow_run.id) if flow_run.id else None,
        "task_run_id": UUID(task_run.id) if task_run.id else None,
    }


def _cut(markdown: str) -> str:
    if len(markdown) <= LARGEST:
        return markdown
    kept = markdown[: LARGEST - 100].rpartition("\n")[0]
    return f"{kept}\n\n(the rest is left out: more than {LARGEST} characters)"


def _ask(ask: Callable[[SyncPrefectClient], T]) -> T | None:
    """Ask the server; say so where it does not answer, and go on."""
    try:
        with (
            temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 2}),
            get_client(httpx_settings={"timeout": PATIENCE}, sync_client=True) as client,
        ):
            return ask(client)
    except httpx.HTTPError as error:
        get_run_logger().warning("what this run shows could not be kept: %s", f"{error}" or type(error).__name__)
        return None
