"""Every tile, every night."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State

from flows.dispatch import cancel_children, dispatch_all
from flows.parameters import AtOnce, Catalog, First, How, Last, Source, Tiles, in_order
from flows.progress import Page
from flows.tile import tile as update
from s2lookback.errors import CatalogError, GridMismatchError, SceneError, TransientError
from s2lookback.settings import Settings
from tasks.account import account, entries_of, forget_old
from tasks.ingest import list_tiles
from tasks.ledger import note
from tasks.matrix import in_markdown, matrix
from tasks.night import summary, totals
from tasks.place import deployed, root_of, source_of
from tasks.report import TileReport
from tasks.shown import show, watched
from tasks.watch import after_night, standing

ERRORS = (SceneError, GridMismatchError, CatalogError, TransientError)
EXPECTED = {"", "Crashed", "Cancelled", *(error.__name__ for error in ERRORS)}
"""What may befall one tile; anything else is a bug, and fails the night once all tiles were tried."""


def _tonight() -> str:
    """Name a run by its day, UTC."""
    return f"nightly {datetime.now(UTC):%Y-%m-%d}"


@flow(name="nightly", flow_run_name=_tonight, on_cancellation=[cancel_children])
def nightly(
    tiles: Tiles = (),
    start: First = None,
    end: Last = None,
    at_once: AtOnce = 40,
    source: Source = None,
    root: Catalog = "",
    settings: How = None,
) -> list[TileReport]:
    """Bring every tile up to date; one tile's failure stops no other.

    Args:
        tiles: Tiles to bring up to date, as in 10UFB. Empty: every tile of which the source has a scene.
        start: First day to ingest, UTC; what the catalog holds is looked at whatever this says. None: from the first.
        end: Last day to ingest, UTC, included. None: to the last.
        at_once: Tiles that are handed to workers at the same time; how many of them run is the limit of the queue.
        source: Where scenes come from. None: the folder that the worker's environment names.
        root: Folder of the catalog. Empty: the one that the worker's environment names.
        settings: How products are made. None: as delivered.
    """
    in_order(start, end)
    settings = settings or Settings()
    try:
        names = tiles or list_tiles(source_of(source), settings.ingest)
        return update_tiles(names, start, end, at_once, source, root, settings)
    finally:
        after_night(root_of(root))  # of a night that fails, too


def update_tiles(
    names: Sequence[str],
    start: datetime | None,
    end: datetime | None,
    at_once: int,
    source: Source,
    root: str,
    settings: Settings,
    *,
    anew: bool = False,
    gives_way: bool = False,
) -> list[TileReport]:
    """Bring some tiles up to date, each in a run of its own, and say what came of it.

    Raises:
        RuntimeError: If a tile failed by a bug, once all were tried.
    """
    place = root_of(root)
    asked = {"source": source, "root": root, "settings": settings, "start": start, "end": end, "anew": anew}
    states = dispatch_all(
        update,
        {name: {"tile": name, **asked} for name in names},
        at_once=at_once,
        may_recover=lambda run: _error(place, run) == TransientError.__name__,
        gives_way=gives_way,
        ended=Page("tiles", len(names)).step,
    )
    reports = [_report(place, name, states[name]) for name in names]
    _show(place, reports, _named(source) | {"root": root})
    forget_old(place)
    for report in reports:
        get_run_logger().info(report.sentence())
    bugs = [report.sentence() for report in reports if report.error not in EXPECTED]
    if bugs:
        raise RuntimeError(f"{len(bugs)} of {len(reports)} tiles failed by a bug: {bugs[0]}")
    return reports


def _named(source: Source) -> dict[str, str]:
    return {"scenes": source.scenes, "masks": source.masks} if source else {}


def _show(root: str, reports: Sequence[TileReport], named: dict[str, str]) -> None:
    """Show what the night did, and what became of the scenes of the last weeks."""
    if not watched():
        return
    show(summary(reports, named=named, watch=standing(root)), totals(reports), key="nightly-summary")
    try:
        show(in_markdown(matrix(root)), "Tiles by sensed date, the last weeks", key="nightly-matrix")
    except (CatalogError, TransientError) as error:  # an index that does not answer must not fail what is done
        get_run_logger().error("the matrix could not be drawn: %s", error)


def _error(root: str, run: UUID) -> str:
    """Name the class of the error that a tile failed with; empty if it left no account."""
    report = account(root, run)
    return report.error if report else ""


def _report(root: str, name: str, state: State[Any]) -> TileReport:
    """Give the report of a tile: the account that it left elsewhere, what it returned here, or why there is neither."""
    run = state.state_details.flow_run_id
    kept = account(root, run) if run and deployed() else None
    if kept is not None:
        return kept
    if deployed():
        report = TileReport(name, failed=f"{state.message}", error=f"{state.name}")
        note(root, entries_of(report))
        return report
    outcome = state.result(raise_on_failure=False)
    if isinstance(outcome, TileReport):
        return outcome
    report = TileReport(name)
    report.fail(outcome)
    return report
