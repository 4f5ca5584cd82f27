"""The lines that bring the scenes of a composite to the light of its newest, as they were published beside it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import TypeAdapter, ValidationError

from catalog.layout import Item
from catalog.place.disk import LARGEST, told
from catalog.store import Store
from s2lookback.errors import CatalogError
from s2lookback.mrap.match import Match, apply
from s2lookback.scene import NODATA, SCALE

LIGHT = "s2lookback:light"
"""Property of a composite whose light was matched."""


@dataclass(frozen=True, slots=True)
class _Row:
    """What is needed here of a row of the list of sources."""

    source: int
    """Sensing time, seconds since 1970-01-01 UTC."""
    light: Match | None = None


def matches_of(store: Store, composite: Item) -> dict[int, Match]:
    """Read how every earlier scene of a composite is brought to the light of its newest, by sensing time.

    Raises:
        CatalogError: If the list of sources is gone or not as this platform writes it.
    """
    if LIGHT not in composite["properties"]:
        return {}
    path = store.asset(composite, "sources")
    with told(path), path.open("rb") as file:
        text = file.read(LARGEST + 1)
    try:
        rows = TypeAdapter(list[_Row]).validate_json(text)
    except ValidationError as error:
        raise CatalogError(f"{path}: is damaged, expected a list of sources with their light") from error
    return {row.source: row.light for row in rows if row.light}


def adjusted(match: Match, values: Mapping[str, float | None]) -> dict[str, float | None]:
    """Apply the lines of a scene to the reflectance of one of its pixels, by band, 0 to 1; None where there is none."""
    pixels = np.array([NODATA if value is None else round(value / SCALE) for value in values.values()], np.int16)
    (moved,) = apply(match.lines, pixels[:, np.newaxis], [*values]).T
    return {
        band: None if pixel == NODATA else round(pixel * SCALE, 4)
        for band, pixel in zip(values, moved.tolist(), strict=True)
    }
