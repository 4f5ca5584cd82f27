"""The lines that bring every scene of a composite to the light of its newest, from files and applied to pixels.

A composite's own bands stay as they were observed: what is folded into the next one must not be an estimate.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from s2lookback.masking.classes import MASKED, Class
from s2lookback.mrap.engine import Observation
from s2lookback.mrap.match import Match, apply, match
from s2lookback.mrap.tile import SOURCE, tally
from s2lookback.raster import read_band

MASKED_SHARE = 0.7
"""Masked share of a scene up to which other scenes are matched to it."""

OVERLAP = 5000
"""Pixels that must be clear in both scenes, and one more."""

SAMPLES = 5000
"""Pixels that are drawn of those."""

_INFRARED = ({"B12", "B8A"}, {"B12", "B08"})


def match_files(before: Mapping[str, str], date: Observation, after: str) -> dict[int, Match]:
    """Match every scene of a composite to the light of the newest, on what of it that one saw again.

    Memory is that of a few bands; bands are read one by one, and no earlier scene is read.

    Args:
        before: The predecessor's files by raster.
        date: The newest scene, which all are matched to.
        after: File of the new composite's sources.

    Returns:
        A match or the reason why there is none, by sensing time of the scene.

    Raises:
        SceneError: If a file cannot be read.
    """
    source, classes = read_band(before[SOURCE]).ravel(), read_band(date.classes).ravel()
    kept = np.where(read_band(after).ravel() == source, source, 0)
    seconds = sorted(tally(kept).keys() - {date.sensed}, reverse=True)
    if reason := _unfit(classes, date.bands):
        return {second: Match({}, refused=reason) for second in seconds}
    clear = np.where(classes == Class.CLEAR, source, 0)
    common = {second: np.flatnonzero(clear == second) for second in seconds}
    few = {second: at.size for second, at in common.items() if at.size <= OVERLAP}
    drawn = {second: _drawn(at) for second, at in common.items() if second not in few}
    shown = {second: _drawn(np.flatnonzero(kept == second)) for second in drawn}
    past, ground = _sampled(before, date.bands, drawn, shown)
    (now,) = _sampled(date.bands, date.bands, drawn)
    refused = {
        second: Match({}, refused=f"{size} pixels are clear in both scenes, expected more than {OVERLAP}")
        for second, size in few.items()
    }
    return refused | {second: match(past[second], now[second], ground[second], [*date.bands]) for second in drawn}


def _unfit(classes: NDArray[np.uint8], bands: Collection[str]) -> str:
    """Say why nothing can be matched to a scene; empty if it can."""
    if not any(pair <= set(bands) for pair in _INFRARED):
        return f"bands are {', '.join(bands)}, expected B12 and B8A or B08 to tell burns by"
    counts = np.bincount(classes, minlength=len(Class))
    masked = counts[[*MASKED]].sum() / max(counts.sum() - counts[Class.NO_DATA], 1)
    if masked > MASKED_SHARE:
        return f"{masked:.0%} of the newest scene is masked, expected {MASKED_SHARE:.0%} at most"
    return ""


def _drawn(places: NDArray[np.intp]) -> NDArray[np.intp]:
    """Draw pixels evenly, row by row, so that there is no chance in it."""
    number = min(SAMPLES, places.size)
    return places[np.arange(number) * places.size // number] if number else places


def _sampled(
    files: Mapping[str, str], bands: Iterable[str], *places: Mapping[int, NDArray[np.intp]]
) -> list[dict[int, NDArray[np.int16]]]:
    """Read the pixels at several sets of places, (band, sample), by sensing time."""
    rows: list[dict[int, list[NDArray[np.int16]]]] = [{second: [] for second in each} for each in places]
    for name in bands:
        band = read_band(files[name]).ravel()
        for found, each in zip(rows, places, strict=True):
            for second, at in each.items():
                found[second].append(band[at])
    return [{second: np.stack(found) for second, found in each.items()} for each in rows]


def relight(
    pixels: NDArray[np.int16], source: NDArray[np.uint32], matches: Mapping[int, Match], bands: Sequence[str]
) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """Bring a composite to the light of its newest scene where there is a match; elsewhere it stays as observed.

    Args:
        pixels: As observed, (band, y, x).
        source: Scene of each pixel, (y, x).
        matches: By sensing time.
        bands: Names of the bands.

    Returns:
        The pixels, and where they are estimates, (y, x).
    """
    relit, estimated = pixels.copy(), np.zeros(source.shape, np.bool_)
    for second, found in matches.items():
        here = source == second
        if found.lines and here.any():
            relit[:, here] = apply(found.lines, pixels[:, here], bands)
            estimated |= here
    return relit, estimated
