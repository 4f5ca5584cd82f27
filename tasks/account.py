"""Accounts of runs: what each did, for the run that started it; what went wrong, for the ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from prefect import get_run_logger
from prefect.runtime import flow_run
from pydantic import TypeAdapter, ValidationError

from catalog.store import Store
from s2lookback.errors import CatalogError, TransientError
from tasks.ledger import Entry, note
from tasks.place import deployed
from tasks.report import TileReport

KEPT = timedelta(days=30)
"""For how long the account of a run is kept."""

_REPORT = TypeAdapter(TileReport)


_open: ContextVar[TileReport | None] = ContextVar("open", default=None)


@contextmanager
def accounted(root: str, tile: str) -> Iterator[TileReport]:
    """Give a report to fill in; whatever happens, keep it for the parent and note what went wrong in the ledger.

    A flow inside another one fills in the other's report, which is kept once.
    """
    outer = _open.get()
    if outer is not None:
        yield outer
        return
    report = TileReport(tile)
    token = _open.set(report)
    try:
        with _kept(root, report):
            yield report
    finally:
        _open.reset(token)


@contextmanager
def _kept(root: str, report: TileReport) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        report.fail(error)
        try:
            _write(root, report)
        except (CatalogError, TransientError) as unwritten:  # the first error says more, and must be the one told
            get_run_logger().error("%s: %s", report.tile, unwritten)
        raise
    _write(root, report)


def _write(root: str, report: TileReport) -> None:
    note(root, entries_of(report))
    if deployed():
        store = Store(root)
        store.keep(_path(store, flow_run.id), _REPORT.dump_python(report, mode="json"))


def entries_of(report: TileReport) -> list[Entry]:
    """List what went wrong, as the ledger notes it."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    flow, run = flow_run.flow_name or "", flow_run.id or ""
    found = [
        Entry(now, "skipped", report.tile, left.name, left.error, left.reason, flow, run) for left in report.left_out
    ]
    if report.failed:
        found.append(Entry(now, "failed", report.tile, "", report.error, report.failed, flow, run))
    return found


def account(root: str, run: UUID | str) -> TileReport | None:
    """Read what another run did; None if it left no account, since it was killed.

    Raises:
        CatalogError: If its account is damaged.
    """
    store = Store(root)
    path = _path(store, run)
    content = store.document(path)
    try:
        return None if content is None else _REPORT.validate_python(content)
    except ValidationError as error:
        raise CatalogError(f"{path}: is no account of a run ({error.errors()[0]['msg']})") from error


def forget_old(root: str) -> None:
    """Remove accounts that no parent will ask for any more."""
    store = Store(root)
    store.place.drop_old(_path(store, UUID(int=0)).parent, datetime.now(UTC) - KEPT)


def _path(store: Store, run: UUID | str) -> Path:
    return store.root / "executions" / "runs" / f"{UUID(str(run))}.json"
