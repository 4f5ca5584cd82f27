"""What failed or was left out, tried again."""

from datetime import UTC, datetime, timedelta

from prefect import flow, get_run_logger

from flows.dispatch import cancel_children
from flows.nightly import update_tiles
from flows.parameters import AtOnce, Tile
from s2lookback.settings import Settings
from s2lookback.sources.settings import SourceSettings
from tasks.ledger import entries
from tasks.place import root_of
from tasks.report import TileReport

USUAL = timedelta(days=10)
"""Time back from now that is looked at in the ledger where nobody says more."""


@flow(name="rerun", flow_run_name="rerun", on_cancellation=[cancel_children])
def rerun(
    since: datetime | None = None,
    errors: list[str] | None = None,
    tiles: list[Tile] | None = None,
    source: SourceSettings = SourceSettings(),
    root: str = "",
    settings: Settings = Settings(),
    at_once: AtOnce = 40,
) -> list[TileReport]:
    """Bring every tile up to date that failed, or of which a scene was left out, as the ledger tells.

    Args:
        since: First moment that is looked at in the ledger; by default ten days ago.
        errors: Classes of errors to try again, as the ledger names them (SceneError, TransientError); by default all.
        tiles: Tiles to look at; by default all.
        source: Where scenes come from; by default what the worker's environment names.
        root: Folder of the catalog; by default what the worker's environment names.
        settings: How products are made.
        at_once: Tiles that are handed to workers at the same time.
    """
    found = entries(root_of(root), since=since or datetime.now(UTC) - USUAL, errors=errors or ())
    names = sorted({entry.tile for entry in found if not tiles or entry.tile in tiles})
    get_run_logger().info("%d entries of the ledger name %d tiles to try again", len(found), len(names))
    return update_tiles(names, source, root, settings, None, None, at_once)
