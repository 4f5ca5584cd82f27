"""The watch: looks at runs and the disk every few minutes, at tiles after every night, and tells what is wrong."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
from prefect import get_run_logger
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterName,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import PrefectHTTPStatusError

from catalog.items.facts import time_in
from catalog.place.disk import told
from catalog.staleness import current
from catalog.store import Store
from s2lookback.errors import CatalogError, TransientError
from tasks.place import deployed
from tasks.watch_again import tell_again
from tasks.watch_rules import Finding, WatchSettings, fewer_scenes, hidden_ground, low_disk
from tasks.watch_tell import Condition, note_night, remembered, tell

NIGHTS = 8
"""Nights of which it is remembered how full they left the disk."""
BEFORE = timedelta(days=180)
"""How far back a tile's usual clear share is looked for."""
LATEST = timedelta(hours=26)
"""Runs that ended longer ago are yesterday's: tonight's tell how their tiles do now."""
PAGE = 200
"""Runs that are asked for at once, the server's own limit."""

TILE = DeploymentFilter(name=DeploymentFilterName(any_=["tile", "backfill", "retract"]))
"""Deployments whose failure leaves a tile behind; that a model cannot be trained does not, for rules do its work."""
BAD = (StateType.FAILED, StateType.CRASHED)

FAILED = Condition(
    "s2lookback.tile.failed",
    "Tiles that could not be done",
    "`s2lookback ledger --since '2 days'` says why; what is mended, `s2lookback rerun --failed --since '2 days'` makes",
)
CENSUS = Condition(
    "s2lookback.census.fell",
    "Tiles with fewer scenes, or less clear ground, than usual",
    "if all tiles are named, look at what brings scenes here; if some are, at `s2lookback ledger --tile` of these",
)
DRIFT = Condition(
    "s2lookback.drift",
    "Tiles whose mask model no longer knows the ground",
    "look at their newest masks; the next 1st or 16th brings a challenger, and `s2lookback stale` tells whether it won",
)
DISK = Condition(
    "s2lookback.disk",
    "Disks that are nearly full",
    "free room with `s2lookback catalog gc`, or add some; a tile that finds no room stops, and loses nothing",
)
CONDITIONS = (FAILED, CENSUS, DRIFT, DISK)


def after_night(root: str) -> None:
    """Look at every tile after a night; nothing is told where no server hands out runs."""
    if deployed():
        with _never_failing(), get_client(sync_client=True) as client:
            store = Store(root)
            note_night(store, _disk(store)[1], last=NIGHTS)
            look_at_tiles(client, store, WatchSettings.of_environment(), datetime.now(UTC))


def standing(root: str) -> list[str]:
    """Say what is not as it used to be, as far as people were told; failed tiles apart, which the night names."""
    told_of = remembered(Store(root)).told
    since = {one.title: told_of.get(one.event, {}) for one in (CENSUS, DRIFT, DISK)}
    return [f"{title}: {about}, since {when}" for title, found in since.items() for about, when in found.items()]


def every_minutes(client: SyncPrefectClient, root: str) -> None:
    """Look at the disk and at the runs of late, and tell again what could not be told."""
    with _never_failing():
        store, settings, now = Store(root), WatchSettings.of_environment(), datetime.now(UTC)
        tell_again(client, store, now)
        look_at_disk(client, store, settings)
        look_at_runs(client, store, settings, now)


@contextmanager
def _never_failing() -> Iterator[None]:
    """Log what keeps the watch from its work: it must not fail what it watches."""
    try:
        yield
    except (CatalogError, TransientError, httpx.HTTPError, PrefectHTTPStatusError) as error:
        get_run_logger().error("the watch could not do its work: %s", error)


def look_at_disk(client: SyncPrefectClient, store: Store, settings: WatchSettings) -> None:
    """Tell when the file system of a catalog, or of what is kept here of one in a bucket, is nearly full."""
    kept, about, (total, _, free) = remembered(store), str(store.root), _disk(store)
    known = about in kept.told.get(DISK.event, {})
    found = low_disk(about, total=total, free=free, used=kept.nights, told=known, settings=settings)
    tell(client, store, DISK, [found] if found else [])


def _disk(store: Store) -> tuple[int, int, int]:
    """Read the bytes of a catalog's file system: all, used, free."""
    with told(store.root):
        return shutil.disk_usage(store.root)


def look_at_runs(client: SyncPrefectClient, store: Store, settings: WatchSettings, now: datetime) -> None:
    """Tell of each tile whose newest run failed, once nobody is about to try it again."""
    settled = now - timedelta(minutes=settings.settle_minutes)
    names = {run.name for run in _failed(client, since=now - LATEST)} | remembered(store).told.get(
        FAILED.event, {}
    ).keys()
    newest = _newest(client, names)
    final = [run for run in newest if run.state and run.state.type in BAD and (run.end_time or now) <= settled]
    waiting = {run.name for run in newest if run.state and not (run.state.is_completed() or run.state.is_cancelled())}
    findings = [Finding(run.name, _reason(run)) for run in final]
    tell(client, store, FAILED, findings, undecided=waiting)


def _reason(run: FlowRun) -> str:
    """Say what became of a run, in the first line of what it says itself."""
    lines = (run.state.message or "").splitlines() if run.state else []
    return f"{run.state_name}: {lines[0][:300] if lines else 'it does not say why'}"


def _failed(client: SyncPrefectClient, since: datetime) -> list[FlowRun]:
    wanted = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[*BAD])),
        end_time=FlowRunFilterEndTime(after_=since),
    )
    return client.read_flow_runs(
        flow_run_filter=wanted, deployment_filter=TILE, limit=PAGE, sort=FlowRunSort.EXPECTED_START_TIME_DESC
    )


def _newest(client: SyncPrefectClient, names: Iterable[str]) -> list[FlowRun]:
    """Read the newest run of each name; what a run does is what it is named for."""
    found = []
    for name in sorted(names):
        wanted = FlowRunFilter(name=FlowRunFilterName(any_=[name]))
        found += client.read_flow_runs(
            flow_run_filter=wanted, deployment_filter=TILE, limit=1, sort=FlowRunSort.EXPECTED_START_TIME_DESC
        )
    return found


def look_at_tiles(client: SyncPrefectClient, store: Store, settings: WatchSettings, now: datetime) -> None:
    """Tell of tiles that get fewer scenes, show less ground, or are masked by a model that knows it no longer."""
    tell(client, store, CENSUS, census(store, settings, now))
    tell(client, store, DRIFT, drift(store))


def census(store: Store, settings: WatchSettings, now: datetime) -> list[Finding]:
    """List the tiles that got far fewer scenes of late than usual, or hardly saw the ground."""
    judged = []
    for tile in store.tiles("scenes"):
        sensed = [time_in(name) for name in store.ids("scenes", tile)]
        judged.append(fewer_scenes(tile, sensed, now, settings) or _hidden(store, tile, settings, now))
    return [one for one in judged if one]


def _hidden(store: Store, tile: str, settings: WatchSettings, now: datetime) -> Finding | None:
    """Judge how clear a tile's masks are; older ones are read only where none of the newest is clear."""
    since = now - timedelta(days=settings.clear_days)
    late = _clear(store, tile, since, now)
    if not late or max(late) >= settings.clear_share:
        return None
    return hidden_ground(tile, late, _clear(store, tile, since - BEFORE, since), settings)


def _clear(store: Store, tile: str, after: datetime, until: datetime) -> list[float]:
    """Read the clear share, 0-1, of the masks of some time; one without a valid pixel says nothing."""
    names = [name for name in store.ids("masks", tile) if after < time_in(name) <= until]
    items = [item for name in names if (item := store.sound("masks", tile, name))]
    shares = [item["properties"].get("s2lookback:clear_fraction") for item in items]
    return [float(share) for share in shares if share is not None]


def drift(store: Store) -> list[Finding]:
    """List the tiles whose model no longer knows the ground."""
    judged = [current(store, tile) for tile in store.tiles("masks")]
    return [Finding(one.tile, "; ".join(one.reasons)) for one in judged if one and one.reasons]
