"""What failed or was left out, tried again."""

from datetime import UTC, datetime, timedelta

from prefect import flow, get_run_logger

from flows.dispatch import cancel_children
from flows.nightly import update_tiles
from flows.parameters import AtOnce, Catalog, Errors, First, How, Source, Tiles
from s2lookback.settings import Settings
from tasks.ledger import entries
from tasks.place import root_of
from tasks.report import TileReport

USUAL = timedelta(days=10)
"""Time back from now that is looked at in the ledger where nobody says more."""


@flow(name="rerun", flow_run_name=lambda: f"rerun {datetime.now(UTC):%Y-%m-%d}", on_cancellation=[cancel_children])
def rerun(
    since: First = None,
    errors: Errors = (),
    tiles: Tiles = (),
    at_once: AtOnce = 40,
    source: Source = None,
    root: Catalog = "",
    settings: How = None,
) -> list[TileReport]:
    """Bring every tile up to date that failed, or of which a scene was left out, as the ledger tells.

    Args:
        since: First day of the ledger to look at, UTC. None: ten days ago.
        errors: Errors to try again, as the ledger names them (SceneError, TransientError). Empty: all.
        tiles: Tiles to try again, as in 10UFB. Empty: all that the ledger names.
        at_once: Tiles that are handed to workers at the same time.
        source: Where scenes come from. None: the folder that the worker's environment names.
        root: Folder of the catalog. Empty: the one that the worker's environment names.
        settings: How products are made. None: as delivered.
    """
    found = entries(root_of(root), since=since or datetime.now(UTC) - USUAL, errors=errors)
    names = sorted({entry.tile for entry in found if not tiles or entry.tile in tiles})
    get_run_logger().info("%d entries of the ledger name %d tiles to try again", len(found), len(names))
    return update_tiles(names, None, None, at_once, source, root, settings or Settings())
