"""Tiles of which a scene has landed, started at once."""

import time
from functools import partial

from prefect import flow, get_run_logger

from flows.dispatch import start
from flows.nightly import update_tiles
from flows.parameters import Catalog, How, Settle, Source, Tiles
from flows.tile import tile as update
from s2lookback.settings import Settings
from tasks.landing import look, settled
from tasks.place import deployed, root_of, source_of


@flow(name="landing", flow_run_name="landing")
def landing(
    tiles: Tiles = (),
    settle: Settle = 60,
    source: Source = None,
    root: Catalog = "",
    settings: How = None,
) -> list[str]:
    """Start every tile of which a new scene is there whole; return their names.

    Looks twice, and leaves alone what changes in between, so that no file is taken while it is written, and a hundred
    scenes of one tile that land together start one run. A tile is started once for each state of its files, however
    many look, and however often: what fails is left to the night.

    Args:
        tiles: Tiles to look at, as in 10UFB. Empty: every tile of which there is a scene.
        settle: Seconds between the two looks.
        source: Where scenes come from. None: the folder that the worker's environment names.
        root: Folder of the catalog. Empty: the one that the worker's environment names.
        settings: How products are made. None: as delivered.
    """
    how = settings or Settings()
    see = partial(look, source=source_of(source), root=root_of(root), settings=how)
    first = see(tiles)
    if not first:
        return []
    time.sleep(settle)
    ready = settled(first, see([*first]))
    for tile in sorted(first.keys() - ready.keys()):
        get_run_logger().info("%s: scenes are on their way", tile)
    if not deployed():
        update_tiles([*ready], None, None, 1, source, root, how)
    for tile, state in ready.items() if deployed() else ():
        run = start(update, {"tile": tile, "source": source, "root": root, "settings": settings}, key=f"{tile}:{state}")
        get_run_logger().info("%s: new scenes are there; run %s", tile, run.name)
    return sorted(ready)
