"""What there is to do for some tiles and dates, and what it costs, by what such work cost before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from stat import S_ISREG
from statistics import median

from prefect import task

from catalog.items.builders import COLLECTIONS
from catalog.origin.replaced import execution
from catalog.store import Store
from s2lookback.files import looks
from s2lookback.scene import SceneRef
from s2lookback.settings import IngestSettings
from s2lookback.sources.settings import SourceSettings, open_source
from tasks.history import scenes_of
from tasks.ingest import unchanged
from tasks.policy import POLICY
from tasks.train import half_of

SAMPLE, EACH = 50, 10
"""Products of a stage whose cost is looked up, the newest of each tile; their median is what one costs."""

DAILY = ("mask", "mrap", "reduced")
"""Stages that make a product of each date."""

READ = {"scene": 3, "mask": 2, "mrap": 3}
"""How often each is read for a date: to mask it, to fold it and to reduce it."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one product of a stage costs."""

    seconds: float
    size: float
    """Bytes of its files."""


@dataclass(frozen=True, slots=True)
class Work:
    """What there is to do for one tile."""

    scenes: int
    """Scenes to ingest."""
    size: int
    """Bytes of their files."""
    dates: int
    """Dates whose mask, composite and reduced scene are to be made, those after a late scene included."""
    models: int
    """Months, or halves, that these dates lie in."""

    def seconds(self, costs: Mapping[str, Cost]) -> float:
        """Say how long it takes, one product after another."""
        each = sum(costs[stage].seconds for stage in DAILY)
        return self.scenes * costs["scene"].seconds + self.dates * each + self.models * costs["model"].seconds

    def read(self, costs: Mapping[str, Cost]) -> float:
        """Say how many bytes are read."""
        return self.size + self.dates * sum(times * costs[stage].size for stage, times in READ.items())

    def written(self, costs: Mapping[str, Cost]) -> float:
        """Say how many bytes are written, if nothing comes out as it was."""
        each = sum(costs[stage].size for stage in DAILY)
        return self.scenes * costs["scene"].size + self.dates * each + self.models * costs["model"].size


@dataclass(frozen=True, slots=True)
class Estimate:
    """What there is to do for each tile, and what a product costs."""

    works: Sequence[Work]
    costs: Mapping[str, Cost]
    """By stage; one that this catalog has no record of is not in it."""

    def hours(self, at_once: int) -> float:
        """Say how long it takes with so many tiles at once; a tile's own dates follow each other."""
        each = [work.seconds(self.costs) for work in self.works]
        return max(sum(each) / at_once, *each, 0.0) / 3600

    def sentence(self, at_once: int) -> str:
        """Sum it up."""
        scenes, dates = (sum(getattr(work, name) for work in self.works) for name in ("scenes", "dates"))
        there = sum(work.size for work in self.works)
        products = _many(scenes + len(DAILY) * dates, "product")
        told = f"{_many(len(self.works), 'tile')}: {_many(scenes, 'scene')} to ingest, {products} to make"
        unknown = sorted({"scene", *DAILY} - self.costs.keys())
        if unknown:
            return (
                f"{told}; reads {_bytes(there)} of scenes; how long it takes is unknown, "
                f"for this catalog has no record yet of the stages {', '.join(unknown)}"
            )
        read, written = (sum(getattr(work, name)(self.costs) for work in self.works) for name in ("read", "written"))
        return (
            f"{told}; reads {_bytes(read)}, writes up to {_bytes(written)}; "
            f"about {self.hours(at_once):.1f} hours with {_many(at_once, 'tile')} at once"
        )


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _bytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


@task(task_run_name="estimate", **POLICY)
def estimate(
    tiles: Sequence[str],
    *,
    source: SourceSettings | None,
    root: str,
    settings: IngestSettings,
    start: datetime | None,
    end: datetime | None,
) -> Estimate:
    """Look at names and items, never at a pixel, and say what there is to do and what it costs.

    Args:
        tiles: Tiles to look at.
        source: Where scenes come from; None if products are made anew from the scenes of the catalog.
        root: Folder of the catalog.
        settings: How a product becomes a scene.
        start: First sensing time.
        end: Last sensing time.
    """
    works = [
        _anew(root, tile, start, end) if source is None else _missing(root, tile, source, settings, start, end)
        for tile in tiles
    ]
    return Estimate(works, costs(root, tiles))


def _anew(root: str, tile: str, start: datetime | None, end: datetime | None) -> Work:
    """Count every date of a period."""
    days = [one.sensed for one in scenes_of(root, tile)]
    return _work([], [day for day in days if not ((start and day < start) or (end and day > end))])


def _missing(
    root: str,
    tile: str,
    source: SourceSettings,
    settings: IngestSettings,
    start: datetime | None,
    end: datetime | None,
) -> Work:
    """Count the scenes that the catalog lacks, and the dates that have no products or may change by those scenes."""
    listed = open_source(source, settings).list_scenes(tile, start, end).scenes
    new = [ref for ref in listed if unchanged(ref, root, settings) is None]
    first = min((ref.sensed for ref in new), default=None)
    done = {name[-15:] for name in Store(root).ids(COLLECTIONS["reduced"], tile)}
    there = [one.sensed for one in scenes_of(root, tile)]
    left = [day for day in there if (first and day >= first) or f"{day:%Y%m%dT%H%M%S}" not in done]
    return _work(new, [*left, *(ref.sensed for ref in new)])


def _work(new: Sequence[SceneRef], days: Sequence[datetime]) -> Work:
    size = sum(_size(Path(file)) for ref in new for file in ref.files)
    return Work(len(new), size, len({*days}), len({half_of(day) for day in days}))


def _size(path: Path) -> int:
    """Give the bytes of a file, or of all in a folder; 0 for what is simulated."""
    return sum(seen.st_size for seen in looks(path) if S_ISREG(seen.st_mode))


def costs(root: str, tiles: Sequence[str]) -> dict[str, Cost]:
    """Look up what products of each stage cost, those of some tiles first; models cost nothing where there are none."""
    known = {stage: _cost(Store(root), collection, tiles) for stage, collection in COLLECTIONS.items()}
    return {"model": Cost(0, 0)} | {stage: cost for stage, cost in known.items() if cost}


def _cost(store: Store, collection: str, tiles: Sequence[str]) -> Cost | None:
    there = store.tiles(collection)
    seconds, sizes = [], []
    for tile in sorted(there, key=lambda one: one not in tiles):
        for name in store.ids(collection, tile)[-EACH:]:
            item = store.sound(collection, tile, name)
            spent = execution(store, item).get("seconds") if item else None
            if item and isinstance(spent, int | float):
                seconds.append(float(spent))
                sizes.append(sum(asset.get("file:size", 0) for asset in item["assets"].values()))
        if len(seconds) >= SAMPLE:
            break
    return Cost(median(seconds), median(sizes)) if seconds else None
