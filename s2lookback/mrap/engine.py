"""The fold of files: one pass over their tiles, which copies every tile that did not change as it is compressed.

The kernel is that of ``s2lookback.mrap.fold``; what is here brings tiles in and out.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s2lookback.cog import Cog, Tile, open_aligned, open_cog, write_cog
from s2lookback.cores import THREADS
from s2lookback.errors import SceneError
from s2lookback.mrap.tile import COUNT, DOUBT, RASTERS, SENSED, SOURCE, Address, Date, Facts, Job, Part, fold_tile
from s2lookback.raster import read_grid
from s2lookback.scene import NO_PERCENT, NODATA, SCALE
from s2lookback.settings import MrapSettings
from s2lookback.tiles import Spec, encode, halve

NEWEST = MrapSettings()
"""The newest clear pixel, whatever its age."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One scene and its mask, as files of one grid."""

    sensed: int
    """Sensing time, whole seconds since 1970-01-01 UTC; different for different scenes."""
    bands: Mapping[str, str]
    """Band name to file."""
    classes: str
    """File of the codes of ``Class``."""
    doubt: str | None = None
    """File of the probability that the surface is hidden, percent; None if the mask does not say."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a composite holds, counted on the way."""

    seen: NDArray[np.bool_]
    """True where there is an observation, (y, x)."""
    sources: Mapping[int, int]
    """Sensing time of every scene that supplies pixels, newest first, and how many it supplies."""
    changed: int
    """Pixels that come from another scene than in the predecessor, or were forgotten."""


@dataclass(frozen=True, slots=True)
class _Node:
    """One tile of one raster at one resolution."""

    tile: Tile
    above: Part
    """What the next overview shows of it: the same file, or its pixels halved."""


@dataclass(frozen=True, slots=True)
class _Square:
    """Four tiles of one raster, fewer at the far edges, and the tile of the first overview that shows them."""

    tiles: Mapping[Address, Tile]
    overview: _Node | None
    """None if the raster is a single tile."""


def fold_files(
    folder: str | Path,
    date: Observation,
    before: Mapping[str, str] | None = None,
    settings: MrapSettings = NEWEST,
    *,
    suffix: str = "",
    threads: int = THREADS,
) -> Summary:
    """Write the composite up to a scene into ``folder``, from the files of the one before it.

    Equals ``fold_scene`` and, with ``max_age``, ``expire``, whatever the number of threads. Bands are read
    only in tiles that a pixel of the scene enters, and compressed only where not all pixels come from one file.

    Args:
        folder: Gets ``<band>.tif`` for each band of the scene, ``source.tif``, ``sensed.tif``, ``count.tif``
            and, where the mask says how sure it is, ``doubt.tif``.
        date: The scene.
        before: The files of the predecessor by those names, without ``.tif``; None for a tile's first scene.
        settings: Which pixels count, are preferred and are forgotten.
        suffix: Ends the names of all files but the bands, so that groups of bands lie side by side.
        threads: Tiles that are worked on side by side.

    Raises:
        GridMismatchError: If two files do not lie on one grid.
        SceneError: If a file cannot be read, or the predecessor holds pixels of a later day.
        CatalogError: If the composite or its succession would be inconsistent.
    """
    specs = _specs(date, counted=True)
    base = {name: open_aligned(before[stem(name, suffix)], spec) for name, spec in specs.items()} if before else {}
    return _write(folder, _job([_opened(date, specs, settings)], base, specs, settings), suffix, threads)


def rebuild(
    folder: str | Path,
    dates: Sequence[Observation],
    settings: MrapSettings = NEWEST,
    *,
    suffix: str = "",
    counted: bool = False,
    threads: int = THREADS,
) -> Summary:
    """Write the composite of all dates into ``folder``, without those in between.

    Equals the fold of all dates. Each tile is searched from the newest date back until no older one can
    supply a pixel; to the last date if the clear observations are to be counted.

    Args:
        folder: Gets the files that ``fold_files`` writes; ``count.tif`` only if ``counted``.
        dates: Scenes in any order; at least one.
        settings: Which pixels count, are preferred and are shown.
        suffix: As of ``fold_files``.
        counted: Count the clear observations.
        threads: Tiles that are worked on side by side.

    Raises:
        GridMismatchError: If two files do not lie on one grid.
        SceneError: If there is no date, or a file cannot be read.
        CatalogError: If the composite would be inconsistent.
    """
    if not dates:
        raise SceneError("found no scene to composite, expected one at least")
    specs = _specs(dates[0], counted=counted)
    newest_first = sorted(dates, key=lambda date: date.sensed, reverse=True)
    opened = [_opened(date, specs, settings) for date in newest_first]
    return _write(folder, _job(opened, {}, specs, settings), suffix, threads)


def stem(name: str, suffix: str) -> str:
    """Name the file of a raster, without ``.tif``."""
    return name + suffix if name in (*RASTERS, DOUBT) else name


def _specs(date: Observation, *, counted: bool) -> dict[str, Spec]:
    """Say what each file is to hold."""
    first = next(iter(date.bands.values()))
    grid, tile = read_grid(first), open_cog(first).layout.levels[0].tile
    int16, uint8, uint16, uint32 = (np.dtype(name) for name in ("int16", "uint8", "uint16", "uint32"))
    specs = {name: Spec(grid, int16, NODATA, name, SCALE, continuous=True, tile=tile) for name in date.bands}
    specs[SOURCE] = Spec(grid, uint32, 0, "seconds since 1970-01-01", tile=tile)
    specs[SENSED] = Spec(grid, uint16, 0, "days since 1970-01-01", tile=tile)
    if counted:
        specs[COUNT] = Spec(grid, uint16, None, "clear observations", tile=tile)
    if date.doubt:
        specs[DOUBT] = Spec(grid, uint8, NO_PERCENT, "percent", tile=tile)
    return specs


def _opened(date: Observation, specs: Mapping[str, Spec], settings: MrapSettings) -> Date:
    """Open the files of a date, its bands in the order of the composite."""
    if date.doubt is None and (settings.min_clear_probability or settings.penalty_days):
        raise SceneError(f"{date.classes}: comes without probabilities, expected them as the settings go by doubt")
    grid, tile = specs[SOURCE].grid, specs[SOURCE].tile
    uint8 = Spec(grid, np.dtype(np.uint8), None, tile=tile)
    bands = {name: open_aligned(date.bands[name], spec) for name, spec in specs.items() if name in date.bands}
    doubt = open_aligned(date.doubt, uint8) if date.doubt else None
    return Date(date.sensed, bands, open_aligned(date.classes, uint8), doubt)


def _job(dates: Sequence[Date], before: Mapping[str, Cog], specs: Mapping[str, Spec], settings: MrapSettings) -> Job:
    return Job(dates, before, specs, settings, np.empty(specs[SOURCE].grid.shape, np.bool_))


def _write(folder: str | Path, job: Job, suffix: str, threads: int) -> Summary:
    """Fold the tiles by fours, so that little more than what is compressed is ever held; then write every file."""
    spec = job.specs[SOURCE]
    with ThreadPoolExecutor(threads) as pool:
        tops = list(np.ndindex(*spec.tiles[:2][-1]))
        folded = list(pool.map(lambda top: _fold(job, top), tops))

        def finish(name: str) -> None:
            squares = {top: rasters[name] for top, (rasters, _) in zip(tops, folded, strict=True)}
            levels = _pyramid(job, job.specs[name], squares)
            write_cog(Path(folder) / f"{stem(name, suffix)}.tif", job.specs[name], levels)

        list(pool.map(finish, job.specs))
    return _summed(job, [fact for _, facts in folded for fact in facts])


def _fold(job: Job, top: Address) -> tuple[dict[str, _Square], list[Facts]]:
    """Fold the tiles that one tile of the first overview shows."""
    nodes: dict[str, dict[Address, _Node]] = {name: {} for name in job.specs}
    facts: list[Facts] = []
    for at in _below(job.specs[SOURCE], 1, top):
        parts, fact = fold_tile(job, at)
        facts.append(fact)
        for name, part in parts.items():
            nodes[name][at] = _node(part, job.specs[name], 0, at)
    return {name: _square(job, job.specs[name], top, below) for name, below in nodes.items()}, facts


def _square(job: Job, spec: Spec, top: Address, nodes: Mapping[Address, _Node]) -> _Square:
    overview = _overview(job, spec, 1, top, nodes) if len(spec.tiles) > 1 else None
    return _Square({at: node.tile for at, node in nodes.items()}, overview)


def _below(spec: Spec, level: int, at: Address) -> list[Address]:
    """List the tiles of the next better resolution that a tile of an overview shows, up to four."""
    (row, column), (rows, columns) = at, spec.tiles[level - 1]
    corners = [(2 * row + i, 2 * column + j) for i, j in np.ndindex(2, 2)]
    return [corner for corner in corners if corner[0] < rows and corner[1] < columns]


def _node(part: Part, spec: Spec, level: int, at: Address) -> _Node:
    if isinstance(part, Cog):
        return _Node(part.stored(level, *at), part)
    return _Node(encode(part, spec), halve(part, spec))


def _pyramid(job: Job, spec: Spec, squares: Mapping[Address, _Square]) -> list[list[Tile]]:
    """Build the further overviews of a raster on the first; give the tiles of every level."""
    bottom = {at: tile for square in squares.values() for at, tile in square.tiles.items()}
    levels = [[bottom[at] for at in sorted(bottom)]]
    nodes = {top: square.overview for top, square in squares.items() if square.overview}
    for level, tiles in enumerate(spec.tiles[1:], start=1):
        if level > 1:
            nodes = {at: _overview(job, spec, level, at, nodes) for at in np.ndindex(*tiles)}
        levels.append([node.tile for node in nodes.values()])
    return levels


def _overview(job: Job, spec: Spec, level: int, at: Address, below: Mapping[Address, _Node]) -> _Node:
    """Make a tile of an overview of the tiles below it; it is in a file if they all are in that one."""
    above = {corner: below[corner].above for corner in _below(spec, level, at)}
    files = {part.path: part for part in above.values() if isinstance(part, Cog)}
    if len(files) == 1 and all(isinstance(part, Cog) for part in above.values()):
        return _node(next(iter(files.values())), spec, level, at)
    shape, half = spec.tile_shape(level, *at), spec.tile // 2
    stored = {path: cog.pixels(level, *at, job.memory.array(path, shape, spec.dtype)) for path, cog in files.items()}
    joined = job.memory.array("overview", shape, spec.dtype)
    for (row, column), part in above.items():
        top, left = row % 2 * half, column % 2 * half
        quarter = np.s_[top : top + half, left : left + half]
        joined[quarter] = stored[part.path][quarter] if isinstance(part, Cog) else part
    return _node(joined, spec, level, at)


def _summed(job: Job, facts: Sequence[Facts]) -> Summary:
    """Sum up the facts of the tiles."""
    sources = Counter[int]()
    for fact in facts:
        sources.update(fact.sources)
    return Summary(job.seen, dict(sorted(sources.items(), reverse=True)), sum(fact.changed for fact in facts))
