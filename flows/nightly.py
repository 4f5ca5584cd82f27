"""Every tile, every night."""

from datetime import UTC, datetime

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact

from flows.tile import tile as update
from s2lookback.errors import CatalogError, SceneError, TransientError
from s2lookback.settings import Settings
from s2lookback.sources.settings import SourceSettings
from tasks.ingest import list_tiles
from tasks.place import root_of, source_of
from tasks.report import TileReport, markdown

EXPECTED = (SceneError, CatalogError, TransientError)
"""What may befall one tile; anything else is a bug, and fails the night once all tiles were tried."""


def _tonight() -> str:
    """Name a run by its day, UTC."""
    return f"nightly {datetime.now(UTC):%Y-%m-%d}"


@flow(name="nightly", flow_run_name=_tonight)
def nightly(
    source: SourceSettings = SourceSettings(),
    root: str = "",
    settings: Settings = Settings(),
    tiles: list[str] | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> list[TileReport]:
    """Bring every tile up to date; one tile's failure stops no other.

    Args:
        source: Where scenes come from; by default what the worker's environment names.
        root: Folder of the catalog; by default what the worker's environment names.
        settings: How products are made.
        tiles: Tiles to look at; by default all of which the source has a scene.
        start: First sensing time to ingest.
        end: Last sensing time to ingest.
    """
    root, source = root_of(root), source_of(source)
    reports, bugs = [], []
    for name in tiles or list_tiles(source, settings.ingest):
        state = update(name, source, root, settings, start, end, return_state=True)
        outcome = state.result(raise_on_failure=False)
        if isinstance(outcome, TileReport):
            reports.append(outcome)
            continue
        reports.append(TileReport(name, failed=f"{outcome}"))
        if not isinstance(outcome, EXPECTED):
            bugs.append(outcome)
    create_markdown_artifact(markdown(reports), key="nightly-summary", description="What the night did, tile by tile")
    for report in reports:
        get_run_logger().info(report.sentence())
    if bugs:
        raise bugs[0]
    return reports
