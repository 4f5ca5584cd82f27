"""When something is worth telling a person: rules without files, servers or clocks."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from s2lookback.errors import CatalogError

PREFIX = "S2LOOKBACK_WATCH_"
"""What the names of these settings begin with in a worker's environment."""

FEWEST = 5
"""Masks below which nothing is said of how clear they are."""

SLACK = 1.1
"""What was told as too little is over only when it is this much more, or it would be told every few minutes."""

Share = Annotated[float, Field(ge=0, le=1)]


class WatchSettings(BaseModel):
    """From when on people are told; each may be set in the worker's environment, as in S2LOOKBACK_WATCH_DISK_SHARE."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    census_days: Annotated[int, Field(ge=2, le=60)] = 10
    """Days over which a tile's scenes are counted: two to five passes, so one that is missed is not yet a fall."""
    census_windows: Annotated[int, Field(ge=3, le=36)] = 6
    """Such counts before the newest one, whose median is what is usual: two months follow the season."""
    census_share: Share = 0.5
    """Share of the usual count below which it has fallen: one satellite of two keeps half of the passes."""
    clear_days: Annotated[int, Field(ge=10, le=120)] = 30
    """Days without a clear scene after which a tile is told: a cloudy fortnight is weather."""
    clear_share: Share = 0.25
    """Share of the usual clear fraction that the best scene of these days must reach."""
    disk_share: Share = 0.05
    """Share of the file system that must be free: most of them slow down when they are fuller."""
    disk_nights: Annotated[float, Field(ge=0, le=30)] = 2
    """Nights that must find room, each as large as the largest of the last ones: one more than until a person is up."""
    settle_minutes: Annotated[int, Field(ge=1, le=1440)] = 10
    """Minutes for which a run must have failed: whoever started it tries again after one and five."""

    @classmethod
    def of_environment(cls) -> "WatchSettings":
        """Read the settings that the environment names.

        Raises:
            CatalogError: If one of them makes no sense.
        """
        named = {
            name: os.environ[PREFIX + name.upper()] for name in cls.model_fields if PREFIX + name.upper() in os.environ
        }
        try:
            return cls.model_validate(named)
        except ValidationError as error:
            first = error.errors()[0]
            name = PREFIX + str(first["loc"][0]).upper()
            raise CatalogError(f"{name}: found {first['input']!r}; {first['msg']}") from error


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should know."""

    about: str
    """Which tile, or folder."""
    found: str
    expected: str = ""
    """What should have been found; empty where the finding says it."""

    def sentence(self) -> str:
        """Say it."""
        return f"{self.about}: {self.found}{f'; expected {self.expected}' if self.expected else ''}"


def fewer_scenes(tile: str, sensed: Sequence[datetime], now: datetime, settings: WatchSettings) -> Finding | None:
    """Tell that a tile got far fewer scenes of late than it used to.

    Counted are scenes in windows of equal length that end now. The newest count has fallen if it is below a share of
    the median of the counts before; windows that begin before the tile's first scene say nothing, and neither does a
    tile that has less than two scenes a window, or fewer than three windows.

    Args:
        tile: MGRS square.
        sensed: When its scenes were sensed, in any order.
        now: End of the newest window.
        settings: ``census_days``, ``census_windows`` and ``census_share`` are used.
    """
    window = timedelta(days=settings.census_days)
    starts = [now - (1 + back) * window for back in range(1 + settings.census_windows)]
    counts = [
        sum(start < one <= start + window for one in sensed) for start in starts if sensed and min(sensed) <= start
    ]
    if len(counts) < 4 or (usual := median(counts[1:])) < 2 or counts[0] >= settings.census_share * usual:
        return None
    scenes = f"{counts[0]} scene{'' if counts[0] == 1 else 's'} in {settings.census_days} days"
    return Finding(tile, f"{scenes}, the newest of {max(sensed):%Y-%m-%d}", f"about {usual:g}")


def hidden_ground(tile: str, late: Sequence[float], before: Sequence[float], settings: WatchSettings) -> Finding | None:
    """Tell that no scene of a tile has been clear for long, though it used to be.

    Args:
        tile: MGRS square.
        late: Clear share, 0-1, of each scene of the last ``clear_days``.
        before: The same of those before.
        settings: ``clear_days`` and ``clear_share`` are used.
    """
    if min(len(late), len(before)) < FEWEST or max(late) >= settings.clear_share * median(before):
        return None
    found = f"of {len(late)} scenes in {settings.clear_days} days the clearest shows {max(late):.0%} of the ground"
    return Finding(
        tile, found, f"{settings.clear_share * median(before):.0%} or more, for {median(before):.0%} is usual"
    )


def low_disk(
    about: str, *, total: int, free: int, used: Sequence[int], told: bool, settings: WatchSettings
) -> Finding | None:
    """Tell that a file system is too full for the nights to come.

    Args:
        about: Its folder.
        total: Its bytes.
        free: Bytes that are free.
        used: Bytes that were used after each of the last nights, oldest first.
        told: Whether this was told, and is over only when there is somewhat more.
        settings: ``disk_share`` and ``disk_nights`` are used.
    """
    night = max([later - earlier for earlier, later in pairwise(used)] + [0])
    needed = max(settings.disk_share * total, settings.disk_nights * night) * (SLACK if told else 1)
    if free >= needed:
        return None
    grown = f"; a night takes up to {size(night)}" if night else ""
    return Finding(about, f"{size(free)} of {size(total)} are free{grown}", f"{size(needed)} or more")


def size(count: float) -> str:
    """Write a number of bytes as a person says it."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
