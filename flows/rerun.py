"""What failed or was left out, tried again."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from prefect import flow, get_run_logger
from pydantic import Field

from flows.nightly import update_tiles
from flows.parameters import AtOnce
from s2lookback.settings import Settings
from s2lookback.sources.settings import SourceSettings
from tasks.ledger import entries
from tasks.place import root_of
from tasks.report import TileReport


@flow(name="rerun", flow_run_name="rerun {errors}")
def rerun(
    days: Annotated[int, Field(ge=1, le=3660)] = 10,
    errors: list[str] | None = None,
    source: SourceSettings = SourceSettings(),
    root: str = "",
    settings: Settings = Settings(),
    at_once: AtOnce = 40,
) -> list[TileReport]:
    """Bring every tile up to date that failed, or of which a scene was left out, as the ledger tells.

    Args:
        days: Days back from now that are looked at in the ledger.
        errors: Classes of errors to try again, as the ledger names them (SceneError, TransientError); by default all.
        source: Where scenes come from; by default what the worker's environment names.
        root: Folder of the catalog; by default what the worker's environment names.
        settings: How products are made.
        at_once: Tiles that are handed to workers at the same time.
    """
    found = entries(root_of(root), since=datetime.now(UTC) - timedelta(days=days), errors=errors or ())
    tiles = sorted({entry.tile for entry in found})
    get_run_logger().info("%d entries of the ledger name %d tiles", len(found), len(tiles))
    return update_tiles(tiles, source, root, settings, None, None, at_once)
