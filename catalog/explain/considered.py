"""One scene at one pixel: what its mask says there, and what became of it."""

from dataclasses import dataclass
from datetime import datetime

from catalog.explain.point import Place, Source, item_at, source_at, source_named
from catalog.explain.verdict import Folding, Sight, Verdict, judge
from catalog.items.facts import settings_of
from catalog.layout import Item, sources_of
from catalog.store import Store
from s2lookback.masking.classes import MEANINGS, Class
from s2lookback.mrap.fold import DAY
from s2lookback.pixel import read_pixel
from s2lookback.scene import NO_PERCENT


@dataclass(frozen=True, slots=True)
class Considered:
    """One scene at the pixel, and what became of it."""

    sensed: datetime
    age: int
    """Days from its day to the composite's."""
    verdict: Verdict
    reason: str
    found: str
    """What the mask calls the pixel; empty where there is no mask."""
    probability: int | None
    """That cloud or shadow hides the pixel itself, percent; None outside the swath and where there is no mask."""
    method: str
    """How the mask was made: ``lookback`` or ``rules``; empty where there is no mask."""
    scene: Source | None
    """None where the scene was retracted."""
    mask: Source | None
    model: Source | None
    """What made the mask; None where rules did."""


def consider(store: Store, place: Place, sensed: datetime, folding: Folding, *, there: bool) -> Considered:
    """Say what became of the scene of a sensing time; ``there`` is False where the catalog has no such scene."""
    mask = item_at(store, "mask", place.tile, sensed) if there else None
    sight = None if mask is None else sight_of(store, mask, place)
    verdict, reason = judge(sight, second_of(sensed), folding)
    return Considered(
        sensed=sensed,
        age=folding.at // DAY - second_of(sensed) // DAY,
        verdict=verdict,
        reason=reason if there else "shown, though it was retracted",
        found=MEANINGS[sight.found].title if sight else "",
        probability=sight.probability if sight else None,
        method=str(mask["properties"]["s2lookback:method"]) if mask else "",
        scene=source_at(store, "scene", place.tile, sensed) if there else None,
        mask=source_at(store, "mask", place.tile, sensed) if mask else None,
        model=made_with(store, mask, "model") if mask else None,
    )


def sight_of(store: Store, mask: Item, place: Place) -> Sight:
    """Read what a mask says of a pixel."""
    found, percent = (read_pixel(store.asset(mask, key), place.row, place.column) for key in ("class", "probability"))
    return Sight(Class(found), None if percent == NO_PERCENT else percent, settings_of(mask))


def made_with(store: Store, item: Item, stage: str) -> Source | None:
    """Name the item of a stage that an item was made from; None where it was made without one."""
    name = next((name for name, _ in sources_of(item) if name.startswith(f"{stage}-")), None)
    return None if name is None else source_named(store, name)


def second_of(time: datetime | None) -> int:
    """Count a time in seconds since 1970-01-01 UTC; 0 for none."""
    return int(time.timestamp()) if time else 0
