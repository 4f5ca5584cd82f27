"""Scenes that have landed at a source and that the catalog lacks; told from those that are still on their way."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prefect import task

from s2lookback.scene import SceneRef
from s2lookback.settings import Settings
from s2lookback.sources.settings import SourceSettings, open_source
from tasks.ingest import unchanged
from tasks.policy import POLICY

RECENT = timedelta(days=30)
"""Time back from now in which scenes that land were sensed; older ones are the night's, or a backfill's."""

STUCK = timedelta(hours=1)
"""Age of files that are not whole after which they are no longer on their way: they are bad, and the ledger tells."""


@dataclass(frozen=True, slots=True)
class Landed:
    """What a source holds of a tile at one moment."""

    scenes: tuple[SceneRef, ...]
    """Scenes that the catalog lacks."""
    unfinished: tuple[str, ...]
    """Why some of them cannot be whole yet."""
    state: str
    """Digest of the names, sizes and times of the files of every recent scene, and of the settings."""


@task(task_run_name="look", **POLICY)
def look(tiles: Sequence[str], *, source: SourceSettings, root: str, settings: Settings) -> dict[str, Landed]:
    """Look at the recent scenes of some tiles, or of all, by names, times and sizes; give those with new ones."""
    opened, now = open_source(source, settings.ingest), datetime.now(UTC)
    found = {}
    for tile in tiles or opened.tiles():
        recent = opened.list_scenes(tile, now - RECENT).scenes
        new = tuple(ref for ref in recent if unchanged(ref, root, settings.ingest) is None)
        young = [ref for ref in new if ref.changed > (now - STUCK).timestamp() * 1e9]
        unfinished = tuple(filter(None, map(opened.unfinished, young)))
        if new:
            found[tile] = Landed(new, unfinished, _state(recent, settings))
    return found


def settled(before: Mapping[str, Landed], after: Mapping[str, Landed]) -> dict[str, str]:
    """Give the state of each tile whose new scenes are whole, and were the same at two looks; no clock is asked."""
    return {
        tile: now.state
        for tile, now in after.items()
        if not now.unfinished and tile in before and before[tile].state == now.state
    }


def _state(scenes: Sequence[SceneRef], settings: Settings) -> str:
    files = [(file, ref.changed, _size(Path(file))) for ref in scenes for file in ref.files]
    told = json.dumps([files, settings.model_dump(mode="json")], sort_keys=True)
    return hashlib.sha256(told.encode(errors="backslashreplace")).hexdigest()


def _size(path: Path) -> int:
    """Give the bytes of a zip or image; of a folder, the newest time among its files tells what its size would."""
    return path.stat().st_size if path.is_file() else 0
