"""One tile of a composite, from files: what has to be read, what is new, and what stays as it is compressed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from s2lookback.buffers import Buffers
from s2lookback.cog import Cog
from s2lookback.mrap.fold import Composite, expired
from s2lookback.mrap.policy import counted, effective, preferred
from s2lookback.mrap.quality import check_composite, check_succession
from s2lookback.mrap.select import drop_incomplete, overwrite
from s2lookback.scene import NO_PERCENT, NODATA
from s2lookback.settings import MrapSettings
from s2lookback.tiles import Pixels, Spec

SOURCE, SENSED, COUNT = RASTERS = ("source", "sensed", "count")
"""What a composite has beside its bands."""

DOUBT = "doubt"
"""What it has too where the masks say how sure they are."""

Address = tuple[int, int]
"""Row and column of a tile."""

Part = Cog | Pixels
"""A tile of one raster: as it is in a file, or new pixels, (y, x)."""


@dataclass(frozen=True, slots=True)
class Date:
    """A scene and its mask."""

    sensed: int
    """Whole seconds since 1970-01-01 UTC."""
    bands: Mapping[str, Cog]
    classes: Cog
    doubt: Cog | None
    """None if the mask does not say how sure it is."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is folded, and into what."""

    dates: Sequence[Date]
    """Newest first."""
    before: Mapping[str, Cog]
    """The predecessor's files by raster; empty where there is none."""
    specs: Mapping[str, Spec]
    """Of every raster to be written; observations are counted if ``COUNT`` is among them."""
    settings: MrapSettings
    seen: NDArray[np.bool_]
    """True where there is an observation, (y, x) of the whole raster; filled in tile by tile."""
    memory: Buffers = field(default_factory=Buffers)
    """Of the threads that work on it."""

    @property
    def bands(self) -> list[str]:
        """Names of the bands, in their order."""
        return [name for name in self.specs if name not in (*RASTERS, DOUBT)]


@dataclass(slots=True)
class _State:
    """A tile while it is folded; its arrays are its own and are changed in place."""

    source: NDArray[np.uint32]
    count: NDArray[np.uint16]
    doubt: NDArray[np.uint8]
    bands: Pixels | None = None
    """(band, y, x); None as long as they are those of the predecessor."""
    side: int = 0
    """Which of two places in memory they are in, or will be; what is observed goes to the other."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a tile holds."""

    sources: Mapping[int, int]
    """Pixels by sensing time."""
    changed: int
    """Pixels that come from another scene than before, or were forgotten."""


def fold_tile(job: Job, at: Address) -> tuple[dict[str, Part], Facts]:
    """Fold the dates into a tile as ``fold_scene`` and ``expire`` do; give each raster's part and what the tile holds.

    New pixels lie in memory that this thread's next tile uses again.

    Raises:
        SceneError: If a file cannot be read, or the predecessor holds pixels of a later day.
        CatalogError: If the tile or its succession is inconsistent.
    """
    before, newest, settings = _before(job, at), job.dates[0].sensed, job.settings
    state = _State(_copied(job, before.source), _copied(job, before.count), _copied(job, before.doubt))
    for date in job.dates:
        _fold(job, at, state, date)
    if settings.max_age is not None:
        _expire(job, at, state, settings.max_age)
    after = _bare(state)
    if state.bands is not None:
        check_composite(replace(after, pixels=state.bands))
    check_succession(before, after, at=newest, max_age_days=settings.max_age, prefer_days=settings.penalty_days)
    changed = int(np.count_nonzero(after.source != before.source))
    np.greater(after.source, 0, out=_place(job, at))
    return _parts(job, at, before, state), Facts(tally(after.source), changed)


def _place(job: Job, at: Address) -> NDArray[np.bool_]:
    """Give the part of ``seen`` that a tile fills."""
    (height, width), tile = job.specs[SOURCE].tile_shape(0, *at), job.specs[SOURCE].tile
    return job.seen[at[0] * tile :, at[1] * tile :][:height, :width]


def _before(job: Job, at: Address) -> Composite:
    """Read what the predecessor says of its pixels, but not its bands."""
    empty = Composite.empty(0, *job.specs[SOURCE].tile_shape(0, *at))
    names = [name for name in (SOURCE, COUNT, DOUBT) if name in job.before]
    return replace(empty, **{name: _own(job, at, job.before[name]) for name in names})


def _own(job: Job, at: Address, file: Cog) -> Pixels:
    """Read a tile of a raster of the predecessor."""
    array = job.memory.array(file.path, job.specs[SOURCE].tile_shape(0, *at), file.layout.dtype)
    return file.pixels(0, *at, array)


def _copied(job: Job, array: Pixels) -> Pixels:
    copy = job.memory.array(array.dtype, array.shape, array.dtype)
    np.copyto(copy, array)
    return copy


def _bare(state: _State) -> Composite:
    """Give the tile as a composite without bands."""
    return Composite(np.empty((0, *state.source.shape), np.int16), state.source, state.count, state.doubt)


def _fold(job: Job, at: Address, state: _State, date: Date) -> None:
    """Fold one date, if it has anything to add; its bands are read only then."""
    weight, counts = job.settings.penalty_days, COUNT in job.specs
    beatable = effective(state.source, state.doubt, weight) < date.sensed
    if not counts and not beatable.any():
        return
    doubt = _doubt(state, date, at)
    clear = counted(date.classes.pixels(0, *at), doubt, job.settings)
    if not (clear if counts else clear & beatable).any():
        return
    observed, seen = _read(job, at, date.bands, 1 - state.side), clear.copy()
    drop_incomplete(seen, observed)
    newer = seen & preferred(date.sensed, doubt, state.source, state.doubt, weight)
    if newer.all():
        state.bands, state.side = observed, 1 - state.side
    elif newer.any():
        overwrite(_bands_of(job, at, state), observed, newer)
    np.copyto(state.source, np.uint32(date.sensed), where=newer)
    np.copyto(state.doubt, doubt, where=newer)
    state.count += seen


def _doubt(state: _State, date: Date, at: Address) -> NDArray[np.uint8]:
    """Read how doubtful the mask of a date is."""
    return np.full_like(state.doubt, NO_PERCENT) if date.doubt is None else date.doubt.pixels(0, *at)


def _expire(job: Job, at: Address, state: _State, max_age: int) -> None:
    """Forget what left the look-back window."""
    old = expired(_bare(state), job.dates[0].sensed, max_age, job.settings.penalty_days)
    if old.any():
        _bands_of(job, at, state)[:, old] = NODATA
        state.source[old], state.doubt[old] = 0, NO_PERCENT


def _bands_of(job: Job, at: Address, state: _State) -> Pixels:
    """Give the bands of a tile, to be changed; those of the predecessor are read first."""
    if state.bands is None:
        state.bands = _read(job, at, job.before, state.side)
    return state.bands


def _read(job: Job, at: Address, files: Mapping[str, Cog], side: int) -> Pixels:
    """Read the bands of a tile into one of two places, (band, y, x); no data where there are no files."""
    shape = len(job.bands), *job.specs[SOURCE].tile_shape(0, *at)
    bands = job.memory.array(("bands", side), shape, np.int16)
    if not files:
        bands.fill(NODATA)
        return bands
    for band, name in zip(bands, job.bands, strict=True):
        files[name].pixels(0, *at, band)
    return bands


def _parts(job: Job, at: Address, before: Composite, state: _State) -> dict[str, Part]:
    """Take each raster from the predecessor where nothing changed, bands from a scene that supplies every pixel."""
    kept = set[str]()
    if job.before and np.array_equal(state.source, before.source):
        kept |= {*job.bands, SOURCE, SENSED, DOUBT}
    if job.before and np.array_equal(state.count, before.count):
        kept |= {COUNT}
    new: dict[str, Part] = {SOURCE: state.source, SENSED: _bare(state).sensed, COUNT: state.count, DOUBT: state.doubt}
    if SOURCE not in kept:
        new |= _bands(job, at, state)
    return {name: job.before[name] if name in kept else new[name] for name in job.specs}


def _bands(job: Job, at: Address, state: _State) -> Mapping[str, Part]:
    """Give the bands of a tile, and its doubt, from a scene's files where they all come from that."""
    for date in job.dates:
        if (state.source == date.sensed).all():
            return {**date.bands, **({DOUBT: date.doubt} if date.doubt else {})}
    return dict(zip(job.bands, _bands_of(job, at, state), strict=True))


def tally(numbers: NDArray[np.uint32]) -> dict[int, int]:
    """Count how often each number but 0 occurs, run by run: a composite's sources lie in patches."""
    flat = numbers.ravel()
    starts = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]]))
    values, which = np.unique(flat[starts], return_inverse=True)
    counts = np.bincount(which, np.diff(np.append(starts, flat.size)))
    return {int(value): int(count) for value, count in zip(values, counts, strict=True) if value}
