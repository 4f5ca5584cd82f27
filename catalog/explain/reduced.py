"""Explain one pixel of a reduced scene: whether it was observed or estimated, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from catalog.explain.considered import made_with, sight_of
from catalog.explain.point import Place, Source, covering, item_at, reflectance, source_at
from catalog.explain.verdict import Sight
from catalog.items.facts import bands_of, sensed_of
from catalog.layout import Item
from catalog.search import find_item
from catalog.store import Store
from s2lookback.errors import CatalogError
from s2lookback.masking.classes import MEANINGS, Class
from s2lookback.pixel import read_pixel


@dataclass(frozen=True, slots=True)
class Values:
    """Reflectance of one band, 0 to 1; None where there is none."""

    reduced: float | None
    observed: float | None
    """As the satellite saw it."""
    composite: float | None
    """When last clear before this scene."""


@dataclass(frozen=True, slots=True)
class ReducedExplanation:
    """Why a pixel of a reduced scene is what it is."""

    sentence: str
    """All of it in one sentence."""
    place: Place
    reduced: Source
    at: datetime
    """When the scene was sensed."""
    estimated: bool
    reason: str
    found: str
    """What the mask calls the pixel."""
    probability: int | None
    """That cloud or shadow hides it, percent; None outside the swath."""
    uncertainty: float | None
    """Standard error of the estimated bands, reflectance; None where nothing is estimated."""
    values: Mapping[str, Values]
    """By band."""
    scene: Source
    mask: Source
    composite: Source | None
    """What was there when last clear; None for a tile's first scene."""


def explain_reduced(
    store: Store, longitude: float, latitude: float, *, at: datetime | None = None, tile: str | None = None
) -> list[ReducedExplanation]:
    """Explain the pixel at a point in the newest reduced scene of every tile that covers it.

    Args:
        store: Where to look.
        longitude: Degrees east, WGS 84.
        latitude: Degrees north, WGS 84.
        at: Latest sensing time; None for the newest.
        tile: MGRS square without the T; None for every tile.

    Raises:
        CatalogError: If there is no such point, no tile covers it, none that does has a reduced scene so early, or
            what it was made from is no longer there.
        SceneError: If a raster cannot be read.
    """
    found = covering(store, "reduced", longitude, latitude, at=at, tile=tile)
    return [_explain(store, reduced, place) for reduced, place in found]


def _explain(store: Store, reduced: Item, place: Place) -> ReducedExplanation:
    at, composite = sensed_of(reduced), made_with(store, reduced, "mrap")
    scene, mask = (item_at(store, stage, place.tile, at) for stage in ("scene", "mask"))
    if scene is None or mask is None:
        raise CatalogError(f"{reduced['id']}: its scene or mask is no longer there")
    estimated = read_pixel(store.asset(reduced, "estimated"), place.row, place.column) == 1
    sight = sight_of(store, mask, place)
    reason = _reason(reduced, sight, estimated=estimated)
    return ReducedExplanation(
        sentence=f"{place.tile} on {at:%Y-%m-%d}: {reason}",
        place=place,
        reduced=source_at(store, "reduced", place.tile, at),
        at=at,
        estimated=estimated,
        reason=reason,
        found=MEANINGS[sight.found].title,
        probability=sight.probability,
        uncertainty=reflectance(store, reduced, "uncertainty", place) if estimated else None,
        values=_values(store, place, reduced, scene, find_item(store, composite.id) if composite else None),
        scene=source_at(store, "scene", place.tile, at),
        mask=source_at(store, "mask", place.tile, at),
        composite=composite,
    )


def _values(store: Store, place: Place, reduced: Item, scene: Item, composite: Item | None) -> dict[str, Values]:
    return {
        band: Values(
            reduced=reflectance(store, reduced, band, place),
            observed=reflectance(store, scene, band, place),
            composite=reflectance(store, composite, band, place) if composite else None,
        )
        for band in bands_of(reduced)
    }


def _reason(reduced: Item, sight: Sight, *, estimated: bool) -> str:
    measured = reduced["properties"].get("s2lookback:measured", {})
    if sight.found == Class.NO_DATA:
        return "outside the swath: the satellite did not look here"
    if estimated:
        return f"thin cloud, estimated: {measured.get('reason', '')}"
    if sight.found != Class.THIN_CLOUD:
        return f"{MEANINGS[sight.found].title.lower()}, as observed: only thin cloud is made thinner"
    if not measured.get("used"):
        return f"thin cloud, left as observed: {measured.get('reason', '')}"
    return "thin cloud, left as observed: it was never seen clear before, or it may have burnt"
