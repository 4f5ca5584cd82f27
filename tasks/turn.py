"""One run at a time on a tile."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefect import get_run_logger

from catalog.disk import busy, locked, told
from catalog.layout import check_tile


@contextmanager
def turn(root: str, tile: str) -> Iterator[None]:
    """Wait until no other run is at work on a tile, and keep others waiting while the block runs.

    Two runs of one tile harm nothing, but each would do all the work, and one that listed the scenes before the
    other added a late one would put composites without it back. A killed run lets go.

    Raises:
        CatalogError: If there is no such tile, or the catalog is read-only.
    """
    check_tile(tile)
    folder = Path(root) / ".turns" / tile
    with told(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if busy(folder):
        get_run_logger().info("%s: another run is at work on it; this one waits", tile)
    with locked(folder):
        yield
