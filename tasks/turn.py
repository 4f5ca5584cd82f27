"""One run at a time on a tile."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.concurrency.sync import concurrency
from prefect.exceptions import PrefectHTTPStatusError

from catalog.layout import check_tile
from catalog.place.disk import busy, locked, told
from catalog.store import Store
from tasks.place import deployed

TURNS = ".turns"
"""Folder of the catalog, or of this machine's copy of it, whose folders are locked."""

LIMIT = "tile-{}"
"""Name of the server's limit of a tile."""

LEASE = 60
"""Seconds for which the server keeps a turn of a run that says no more."""


@contextmanager
def turn(root: str, tile: str) -> Iterator[None]:
    """Wait until no other run is at work on a tile, and keep others waiting while the block runs.

    Two runs of one tile harm nothing, but each would do all the work, and one that listed the scenes before the
    other added a late one would put composites without it back. A killed run lets go: of the folder at once, and on
    the server, which also tells machines apart that share no locks, when its lease ends.

    Raises:
        CatalogError: If there is no such tile, or the catalog is read-only.
    """
    check_tile(tile)
    store = Store(root)
    folder = store.root / TURNS / tile
    with told(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if busy(folder):
        get_run_logger().info("%s: another run is at work on it; this one waits", tile)
    with _leased(tile), locked(folder):
        store.place.forget()  # what the run before this one published is to be seen
        yield


@contextmanager
def _leased(tile: str) -> Iterator[None]:
    """Hold the server's limit of one run on a tile, where a server hands out the runs."""
    if not deployed():
        yield
        return
    limit = LIMIT.format(tile)
    with get_client(sync_client=True) as client:
        try:
            client.upsert_global_concurrency_limit_by_name(limit, 1)
        except PrefectHTTPStatusError as error:
            if error.response.status_code != HTTPStatus.CONFLICT:  # another run has just made it
                raise
    # A server that is restarted may forget a lease; the lock of the folder still holds, so the run goes on.
    with concurrency(limit, strict=True, lease_duration=LEASE, raise_on_lease_renewal_failure=False):
        yield
