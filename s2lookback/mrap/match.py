"""Brings the light of an earlier scene to that of a newer one: one line a band, or a reason why there is none.

Source: coverage, overlap, sample and one linear fit a band are those of the option ``adjust_lighting`` of BC Wildfire
Service's s2lookback (March 2026). That only stable ground is fitted and no burn is changed is ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s2lookback.mrap.fold import has_data
from s2lookback.scene import NODATA

STABLE = 0.1
"""Largest change of the burn ratio of unburnt ground. Source: Key and Benson (2006), FIREMON, table LA-2."""

MIN_STABLE = 1000
"""Stable pixels that a line is fitted on, at least."""

MOVED = 0.05
"""How far a match may move the burn ratio of burnt ground: half of what passes for unchanged."""

_GAINS = (0.5, 2.0)
"""What a change of sun and haze can do; a line beyond is a fit to something else."""


@dataclass(frozen=True, slots=True)
class Line:
    """Newer = gain · earlier + offset, in reflectance × 10 000."""

    gain: float
    offset: float
    residual: float
    """Root mean square of what the line leaves."""


@dataclass(frozen=True, slots=True)
class Match:
    """How the light of a scene is brought to that of a newer one."""

    lines: Mapping[str, Line]
    """By band; none if refused."""
    samples: int = 0
    """Pixels that were fitted."""
    refused: str = ""
    """Why there are no lines."""


def match(past: NDArray[np.int16], now: NDArray[np.int16], shown: NDArray[np.int16], bands: Sequence[str]) -> Match:
    """Fit the light of an earlier scene to that of a newer one on stable ground, unless that would change a burn.

    Args:
        past: Pixels of the earlier scene, clear in both, (band, sample).
        now: The same pixels of the newer one, (band, sample).
        shown: Pixels of the earlier scene that the match is for, (band, sample).
        bands: Their names; among them B12 and B8A or B08.
    """
    stable = has_data(past) & has_data(now) & (np.abs(burn_ratio(past, bands) - burn_ratio(now, bands)) <= STABLE)
    count = int(np.count_nonzero(stable))
    if count < MIN_STABLE:
        return Match({}, count, f"{count} of {stable.size} pixels are stable, expected {MIN_STABLE}")
    lines = {name: fit_line(one[stable], other[stable]) for name, one, other in zip(bands, past, now, strict=True)}
    for name, line in lines.items():
        if not _GAINS[0] <= line.gain <= _GAINS[1]:
            return Match({}, count, f"{name} has a gain of {line.gain:.2f}, expected {_GAINS[0]} to {_GAINS[1]}")
    moved = _moved(shown, lines, bands)
    if moved > MOVED:
        return Match(
            {}, count, f"it would move the burn ratio of burnt ground by {moved:.3f}, expected {MOVED} at most"
        )
    return Match(lines, count)


def burn_ratio(pixels: NDArray[np.int16], bands: Sequence[str]) -> NDArray[np.float64]:
    """Compute the normalised burn ratio of near and short-wave infrared, -1 to 1; 0 where both are dark.

    Args:
        pixels: (band, ...).
        bands: Their names; among them B12 and B8A or B08.
    """
    near, short = (
        pixels[list(bands).index(name)].astype(np.float64) for name in ("B8A" if "B8A" in bands else "B08", "B12")
    )
    total = near + short
    ratio: NDArray[np.float64] = np.divide(near - short, total, out=np.zeros_like(total), where=total > 0)
    return ratio


def fit_line(past: NDArray[np.int16], now: NDArray[np.int16]) -> Line:
    """Fit one band by least squares; sums are whole numbers, so every machine finds the same line.

    Args:
        past: Pixels of the earlier scene, (sample); at most 100 000.
        now: The same pixels of the newer one, (sample).
    """
    x, y = past.astype(np.int64), now.astype(np.int64)
    n, sx, sy = x.size, int(x.sum()), int(y.sum())
    spread = n * int((x * x).sum()) - sx * sx
    joint = n * int((x * y).sum()) - sx * sy
    gain = joint / spread if spread else 0.0
    left = (n * int((y * y).sum()) - sy * sy - gain * joint) / n**2
    return Line(round(gain, 6), round((sy - gain * sx) / n, 3), round(max(left, 0.0) ** 0.5, 3))


def apply(lines: Mapping[str, Line], pixels: NDArray[np.int16], bands: Sequence[str]) -> NDArray[np.int16]:
    """Bring pixels, (band, ...), to the light of the newer scene; no data stays no data."""
    matched = pixels.copy()
    for band, name in zip(matched, bands, strict=True):
        line = lines[name]
        moved = np.clip(np.rint(line.gain * band + line.offset), NODATA + 1, 32_767)
        np.copyto(band, moved.astype(np.int16), where=band != NODATA)
    return matched


def _moved(shown: NDArray[np.int16], lines: Mapping[str, Line], bands: Sequence[str]) -> float:
    """Measure how far the lines move the burn ratio of burnt ground: 19 of 20 pixels move less."""
    before = burn_ratio(shown, bands)
    burnt = has_data(shown) & (before < 0)
    if not burnt.any():
        return 0.0
    after = burn_ratio(apply(lines, shown[:, burnt], bands), bands)
    return float(np.percentile(np.abs(after - before[burnt]), 95))
