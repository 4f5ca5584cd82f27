"""What a published item says about itself, read back into our own words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from s2lookback.bands import BANDS
from s2lookback.grid import Grid


def sensed_of(item: Mapping[str, Any]) -> datetime:
    """Read when an item was sensed."""
    return datetime.fromisoformat(item["properties"]["datetime"]).astimezone(UTC)


def bands_of(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the spectral bands of an item, in the order in which they were published."""
    return tuple(key for key in item["assets"] if key in BANDS)


def grid_of(item: Mapping[str, Any]) -> Grid:
    """Read where the pixels of an item lie."""
    facts = item["properties"]
    height, width = facts["proj:shape"]
    a, b, c, d, e, f = facts["proj:transform"][:6]
    return Grid(int(facts["proj:code"].removeprefix("EPSG:")), (a, b, c, d, e, f), height, width)
