"""What a published item says about itself, read back into our own words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from s2lookback.bands import BANDS
from s2lookback.errors import CatalogError
from s2lookback.grid import Grid


def sensed_of(item: Mapping[str, Any]) -> datetime:
    """Read when an item was sensed."""
    return datetime.fromisoformat(item["properties"]["datetime"]).astimezone(UTC)


def bands_of(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the spectral bands of an item, in the order in which they were published."""
    return tuple(key for key in item["assets"] if key in BANDS)


def grid_of(item: Mapping[str, Any]) -> Grid:
    """Read where the pixels of an item lie.

    Raises:
        CatalogError: If it does not say so.
    """
    facts = item["properties"]
    try:
        height, width = map(int, facts["proj:shape"])
        a, b, c, d, e, f = map(float, facts["proj:transform"][:6])
        return Grid(int(facts["proj:code"].removeprefix("EPSG:")), (a, b, c, d, e, f), height, width)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise CatalogError(f"{item['id']}: does not say where its pixels lie ({error!r})") from error


def settings_of(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read the settings that an item was made with; one that is none is not among them."""
    settings: Mapping[str, Any] = item["properties"]["s2lookback:recipe"]["settings"]
    return settings


def time_in(name: str) -> datetime:
    """Read the sensing time in the id of an item, models apart."""
    return datetime.fromisoformat(name[-15:]).replace(tzinfo=UTC)
