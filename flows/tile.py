"""One tile: every scene that the catalog holds, masked, folded and reduced in the order in which it was sensed."""

import time
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import partial

from prefect import flow, get_run_logger
from prefect.runtime import flow_run

from catalog.store import Request, Store
from flows.dispatch import cancel_children, dispatch
from flows.ingest import ingest
from flows.parameters import Anew, Catalog, First, How, Last, Source, Tile, in_order
from flows.progress import track
from flows.train import train
from s2lookback.errors import SceneError
from s2lookback.settings import MaskSettings, Settings
from tasks.account import accounted
from tasks.gallery import gallery
from tasks.history import Arrival, Step, scenes_of
from tasks.mask import masked, outcome
from tasks.mrap import folded
from tasks.place import deployed, root_of, source_of
from tasks.policy import Product, patience
from tasks.reduce import reduced
from tasks.report import DateReport, TileReport
from tasks.retract import OWN, withdraw, withdraw_spare
from tasks.shown import show, watched
from tasks.train import half_of, train_model, trained
from tasks.turn import turn
from tasks.walk import Known, Walk

Period = tuple[datetime, datetime]
"""First and last sensing time, both included."""


@flow(name="tile", flow_run_name="tile {tile}", on_cancellation=[cancel_children])
def tile(
    tile: Tile,
    start: First = None,
    end: Last = None,
    anew: Anew = False,
    source: Source = None,
    root: Catalog = "",
    settings: How = None,
) -> TileReport:
    """Bring one tile up to date; what the catalog already holds is left as it is.

    Args:
        tile: MGRS square without the T, as in 10UFB.
        start: First day to ingest, UTC; what the catalog holds is looked at whatever this says. None: from the first.
        end: Last day to ingest, UTC, included. None: to the last.
        anew: Ingest nothing; make the products of those days again though they are there, as after damage.
        source: Where scenes come from. None: the folder that the worker's environment names.
        root: Folder of the catalog. Empty: the one that the worker's environment names.
        settings: How products are made. None: as delivered.
    """
    root, settings = root_of(root), settings or Settings()
    with accounted(root, tile) as report, turn(root, tile):
        in_order(start, end)
        if not anew:
            ingest(tile, start, end, source_of(source), root, settings.ingest)
        update_products(tile, root, settings, report, again=_period(start, end) if anew else None)
    get_run_logger().info(report.sentence())
    return report


def _period(start: datetime | None, end: datetime | None) -> Period:
    return start or datetime.min.replace(tzinfo=UTC), end or datetime.max.replace(tzinfo=UTC)


def update_products(
    tile: str, root: str, settings: Settings, report: TileReport, *, again: Period | None = None
) -> None:
    """Make every product of a tile follow from the scenes of the catalog, and note in the report what was done.

    Args:
        tile: MGRS square without the T.
        root: Folder of the catalog.
        settings: How products are made.
        report: Gets what was done.
        again: First and last sensing time whose products are made anew though they are there.
    """
    for name in withdraw(root, tile):
        get_run_logger().info("%s: %s is taken out, for its scene is gone", tile, name)
    scenes = scenes_of(root, tile)
    walk, models = Walk(root, tile, scenes, settings), dict[datetime, str | None]()
    for scene in track(scenes, tile=tile, stage="products"):
        with report.leaving_out(f"scene of {scene}"):
            anew = again is not None and again[0] <= scene.sensed <= again[1]
            known = walk.recall(scene)
            if known and not anew:
                _keep(known, models, report)
                walk.pass_by(known.step)
            else:
                _bring(scene, walk, models, root, settings, report, again=anew)
    walk.keep()
    for name in withdraw_spare(root, tile, models.values()):
        get_run_logger().info("%s: %s is taken out, for the model of the month serves on", tile, name)
    if watched() and (report.made or report.left_out):
        show(gallery(root, report), report.sentence(), key=f"tile-{tile.lower()}")


def _keep(known: Known, models: dict[datetime, str | None], report: TileReport) -> None:
    """Note a step that is as an earlier run left it."""
    scene = known.step.scene
    if known.model and known.model not in models.values():
        report.count("model", Product(known.model, made=False))
    models.setdefault(half_of(scene.sensed), known.model)
    report.kept.update(OWN)
    report.dates.append(DateReport(scene.sensed, known.clear_share, known.method, 0, len(OWN), 0.0))


def _bring(
    scene: Arrival,
    walk: Walk,
    models: dict[datetime, str | None],
    root: str,
    settings: Settings,
    report: TileReport,
    *,
    again: bool,
) -> None:
    """Verify a step, and make what is missing or made from something else than today."""
    half, made = half_of(scene.sensed), report.made.total()
    if half not in models:
        models[half] = _model(walk.steps, scene, root, settings, report, served=models.values(), again=again)
    step = _step(scene, walk.steps, models[half], root, settings, report, again=again)
    walk.take(step, models[half], report.dates[-1], made=report.made.total() > made)


def _model(
    steps: list[Step],
    scene: Arrival,
    root: str,
    settings: Settings,
    report: TileReport,
    *,
    served: Collection[str | None],
    again: bool,
) -> str | None:
    """Give the model of the scene's month, or half of it; None where none can be trained, and the rules must do."""
    try:
        make = partial(_train_elsewhere, again=again) if deployed() else train_model
        product = trained(steps, scene.sensed, root, settings.mask, again=again, make=make)
    except SceneError as error:
        get_run_logger().warning("%s %s: masked by rules: %s", scene.tile, scene, error)
        return None
    if product is None:
        return None
    return product.href if product.href in served else report.count("model", product)


def _train_elsewhere(
    wanted: Request,
    *,
    root: str,
    month: datetime,
    steps: Sequence[Step],
    champion: str | None,
    settings: MaskSettings,
    again: bool,
) -> str:
    """Train a model in the pool that is for training; here if no worker takes it up, or it did not come out as wanted.

    Raises:
        SceneError: If it cannot be trained.
    """
    place = flow_run.parameters.get("root", "")  # as this run was asked: where it is may be another machine's business
    asked = {"tile": wanted.tile, "sensed": month, "root": place, "settings": settings, "again": again}
    dispatch(train, asked, key=wanted.recipe.digest, patience=patience())
    return Store(root).find(wanted) or train_model(
        wanted, root=root, month=month, steps=steps, champion=champion, settings=settings
    )


def _step(
    scene: Arrival,
    steps: list[Step],
    model: str | None,
    root: str,
    settings: Settings,
    report: TileReport,
    *,
    again: bool,
) -> Step:
    """Mask a scene against the composite before it, fold it into that one, make its thin cloud thinner."""
    started, made, kept = time.monotonic(), report.made.total(), report.kept.total()
    reference = steps[-1].composite if steps else None
    mask = report.count("mask", masked(scene, reference, model, root, settings.mask, again=again))
    composite = report.count("mrap", folded(scene, mask, reference, root, settings.mrap, again=again))
    step = Step(scene, reference, mask, composite)
    report.count("reduced", reduced(step, root, settings.reduce, again=again))
    clear, method = outcome(mask, root)
    new, old = report.made.total() - made, report.kept.total() - kept
    report.dates.append(DateReport(scene.sensed, clear, method, new, old, time.monotonic() - started))
    return step
