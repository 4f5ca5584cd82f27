"""One tile of a composite, from files: what has to be read, what is new, and what stays as it is compressed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from s2lookback.cog import Cog, Pixels, Spec
from s2lookback.masking.classes import usable
from s2lookback.mrap.fold import Composite, expire, fold_scene, has_data
from s2lookback.mrap.quality import check_composite, check_succession

SOURCE, SENSED, COUNT = RASTERS = ("source", "sensed", "count")
"""What a composite has beside its bands."""

Part = Cog | Pixels
"""A tile of one raster: as it is in a file, or new pixels, (y, x)."""


@dataclass(frozen=True, slots=True)
class Date:
    """A scene and its mask."""

    sensed: int
    """Whole seconds since 1970-01-01 UTC."""
    bands: Mapping[str, Cog]
    classes: Cog


@dataclass(frozen=True, slots=True)
class Job:
    """What is folded, and into what."""

    dates: Sequence[Date]
    """Newest first."""
    before: Mapping[str, Cog]
    """The predecessor's files by raster; empty where there is none."""
    specs: Mapping[str, Spec]
    """Of every raster to be written; observations are counted if ``COUNT`` is among them."""
    max_age: int | None
    """Days before the newest date up to which a pixel is shown; None for all."""
    visible: bool

    @property
    def bands(self) -> list[str]:
        """Names of the bands, in their order."""
        return [name for name in self.specs if name not in RASTERS]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a tile holds."""

    seen: NDArray[np.bool_]
    """True where there is an observation, (y, x)."""
    sources: Mapping[int, int]
    """Pixels by sensing time."""
    changed: int
    """Pixels that come from another scene than before, or were forgotten."""


def fold_tile(job: Job, row: int, column: int) -> tuple[dict[str, Part], Facts]:
    """Fold the dates into a tile; give each raster's part and what the tile holds.

    Raises:
        SceneError: If a file cannot be read, or the predecessor holds pixels of a later day.
        CatalogError: If the tile or its succession is inconsistent.
    """
    before = _before(job, row, column)
    after = _aged(job, _folded(job, before, row, column), row, column)
    if _has_bands(after):
        check_composite(after)
    check_succession(before, _without_bands(after), at=job.dates[0].sensed, max_age_days=job.max_age)
    changed = int(np.count_nonzero(after.source != before.source))
    return _parts(job, before, after), Facts(after.source > 0, tally(after.source), changed)


def _before(job: Job, row: int, column: int) -> Composite:
    """Read source and count of the predecessor, but not its bands."""
    empty = Composite.empty(0, *job.specs[SOURCE].tile_shape(0, row, column))
    if not job.before:
        return empty
    return Composite(empty.pixels, *(job.before[name].pixels(0, row, column) for name in (SOURCE, COUNT)))


def _has_bands(composite: Composite) -> bool:
    return len(composite.pixels) > 0


def _without_bands(composite: Composite) -> Composite:
    return replace(composite, pixels=composite.pixels[:0])


def _folded(job: Job, before: Composite, row: int, column: int) -> Composite:
    """Fold the dates, newest first, as far as they can change anything; bands are read only then."""
    composite = before
    for date in job.dates:
        if COUNT not in job.specs and composite.source.all():
            break
        clear = usable(date.classes.pixels(0, row, column), visible=job.visible)
        newer = clear & (composite.source < date.sensed)
        if not (clear if COUNT in job.specs else newer).any():
            continue
        pixels = _stack(date.bands, row, column)
        if not _has_bands(composite):
            covered = bool((newer & has_data(pixels)).all())
            composite = _with_bands(job, composite, row, column, needed=not covered)
        composite = fold_scene(composite, pixels, clear, date.sensed)
    return composite


def _aged(job: Job, composite: Composite, row: int, column: int) -> Composite:
    """Forget what left the look-back window; the bands are read only where something did."""
    if job.max_age is None:
        return composite
    age = composite.age(job.dates[0].sensed)
    if not ((age > job.max_age) & (composite.source > 0)).any():
        return composite
    if not _has_bands(composite):
        composite = _with_bands(job, composite, row, column, needed=True)
    return expire(composite, job.dates[0].sensed, job.max_age)


def _with_bands(job: Job, bare: Composite, row: int, column: int, *, needed: bool) -> Composite:
    """Read the bands of the predecessor too; there is no data where it lacks them or they are not needed."""
    if needed and job.before:
        return replace(bare, pixels=_stack({name: job.before[name] for name in job.bands}, row, column))
    return replace(bare, pixels=Composite.empty(len(job.bands), *bare.source.shape).pixels)


def _stack(files: Mapping[str, Cog], row: int, column: int) -> NDArray[np.int16]:
    return np.stack([cog.pixels(0, row, column) for cog in files.values()])


def _parts(job: Job, before: Composite, after: Composite) -> dict[str, Part]:
    """Take each raster from the predecessor where nothing changed, bands from a scene that supplies every pixel."""
    new: dict[str, Part] = {SOURCE: after.source, SENSED: after.sensed, COUNT: after.count, **_bands(job, after)}
    kept = set[str]()
    if job.before and np.array_equal(after.source, before.source):
        kept |= {*job.bands, SOURCE, SENSED}
    if job.before and np.array_equal(after.count, before.count):
        kept |= {COUNT}
    return {name: job.before[name] if name in kept else new[name] for name in job.specs}


def _bands(job: Job, after: Composite) -> Mapping[str, Part]:
    """Give the bands of a tile, from a scene's files where they all come from that."""
    for date in job.dates:
        if (after.source == date.sensed).all():
            return date.bands
    if not _has_bands(after):
        after = _with_bands(job, after, 0, 0, needed=False)
    return dict(zip(job.bands, after.pixels, strict=True))


def tally(numbers: NDArray[np.uint32]) -> dict[int, int]:
    """Count how often each number but 0 occurs, run by run: a composite's sources lie in patches."""
    flat = numbers.ravel()
    starts = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]]))
    values, which = np.unique(flat[starts], return_inverse=True)
    counts = np.bincount(which, np.diff(np.append(starts, flat.size)))
    return {int(value): int(count) for value, count in zip(values, counts, strict=True) if value}
