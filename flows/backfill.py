"""Tiles by dates, made or made again: what it costs is told first."""

from prefect import flow, get_run_logger

from catalog.store import Store
from flows.dispatch import cancel_children
from flows.nightly import update_tiles
from flows.parameters import Anew, AtOnce, Catalog, EstimateOnly, First, How, Last, Source, Tiles, in_order
from flows.progress import say
from s2lookback.settings import Settings
from tasks.estimate import estimate
from tasks.ingest import list_tiles
from tasks.place import deployed, root_of, source_of
from tasks.report import TileReport
from tasks.shown import show


@flow(name="backfill", flow_run_name="backfill", on_cancellation=[cancel_children])
def backfill(
    tiles: Tiles = (),
    start: First = None,
    end: Last = None,
    estimate_only: EstimateOnly = False,
    anew: Anew = False,
    at_once: AtOnce = 4,
    source: Source = None,
    root: Catalog = "",
    settings: How = None,
) -> list[TileReport]:
    """Make what is missing of some tiles and dates, a few tiles at once, giving way to every other run.

    Run again, after an end of any kind, it does only what is missing.

    Args:
        tiles: Tiles to look at, as in 10UFB. Empty: every tile of which there is a scene.
        start: First day, UTC. None: that of the first scene.
        end: Last day, UTC, included. None: that of the last scene.
        estimate_only: Say what there is to do and about how long it takes, and do nothing.
        anew: Make products again though they are there, from the scenes of the catalog: it mends products whose bytes
            were damaged, and proves that the others follow from their scenes. What comes out equal replaces nothing.
        at_once: Tiles at work at the same time.
        source: Where scenes come from. None: the folder that the worker's environment names.
        root: Folder of the catalog. Empty: the one that the worker's environment names.
        settings: How products are made: as in the nightly run, or later ones are made anew as well. None: as delivered.
    """
    in_order(start, end)
    place, settings = root_of(root), settings or Settings()
    names = tiles or (Store(place).tiles("scenes") if anew else list_tiles(source_of(source), settings.ingest))
    scenes = None if anew else source_of(source)
    expected = estimate(names, source=scenes, root=place, settings=settings.ingest, start=start, end=end)
    told = expected.sentence(at_once if deployed() else 1)
    show(told, "What there is to do, and what it costs", key="backfill-estimate")
    get_run_logger().info(told)
    say(told)
    if estimate_only:
        return []
    return update_tiles(names, start, end, at_once, source, root, settings, anew=anew, gives_way=True)
