"""Explain one pixel of a composite: every scene that could have supplied it, and why it did or did not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from pydantic import ValidationError

from catalog.explain.considered import Considered, consider, second_of
from catalog.explain.light import adjusted, matches_of
from catalog.explain.point import Place, Source, covering, item_at, reflectance, source_at
from catalog.explain.verdict import Folding, Verdict
from catalog.items.facts import bands_of, sensed_of, settings_of, time_in
from catalog.layout import Item, replaced_link
from catalog.origin.replaced import causes, execution, outdated, versions
from catalog.store import Store
from s2lookback.errors import CatalogError
from s2lookback.mrap.match import Match
from s2lookback.mrap.policy import Group, groups_of
from s2lookback.pixel import read_pixel
from s2lookback.scene import NO_PERCENT
from s2lookback.settings import MrapSettings


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a composite: the one that stands, or one that it replaced."""

    version: str
    made: str
    """When, as the record of its making says; empty where there is none."""
    causes: tuple[str, ...]
    """Why it replaced the one before it; empty for the oldest that is known."""
    shown: datetime | None
    """Sensing time of the scene that it shows at the pixel."""
    changed_pixels: int | None
    """Pixels of the tile in which it differs from the one before it; None where that was not counted."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a pixel of a composite is what it is."""

    sentence: str
    """All of it in one sentence."""
    place: Place
    composite: Source
    at: datetime
    """The composite's time: nothing sensed later was considered."""
    settings: Mapping[str, Any]
    """How scenes were folded, as the composite's recipe says."""
    winner: Considered | None
    """The scene that is shown; None where none is."""
    values: Mapping[str, float | None]
    """Reflectance by band, 0 to 1; None where nothing is shown."""
    light: Match | None
    """The lines that bring the winner to the light of the composite's newest scene, or why there are none; None where
    no light was matched, or the winner is that scene."""
    adjusted: Mapping[str, float | None]
    """Reflectance by band in that light: an estimate, which ``values`` are not; empty where there are no lines."""
    observations: int
    """How often the pixel was seen clear."""
    considered: tuple[Considered, ...]
    """Every scene of the tile up to the composite's time, newest first."""
    notes: tuple[str, ...]
    """Where the composite is behind what the catalog holds; empty where it is up to date."""
    history: tuple[Version, ...]
    """Versions of the composite, newest first, as far as they were kept."""


def explain(
    store: Store, longitude: float, latitude: float, *, at: datetime | None = None, tile: str | None = None
) -> list[Explanation]:
    """Explain the pixel at a point in the newest composite of every tile that covers it.

    Where the visible bands of a composite come from dates of their own, each group of bands is explained by itself.

    Args:
        store: Where to look.
        longitude: Degrees east, WGS 84.
        latitude: Degrees north, WGS 84.
        at: Latest sensing time of the composite; None for the newest.
        tile: MGRS square without the T; None for every tile.

    Raises:
        CatalogError: If there is no such point, no tile covers it, or none that does has a composite so early.
        SceneError: If a raster cannot be read.
    """
    found = covering(store, "mrap", longitude, latitude, at=at, tile=tile)
    return [
        _explain(store, composite, place, at, group)
        for composite, place in found
        for group in groups_of(bands_of(composite), _folded_with(composite))
    ]


def _explain(store: Store, composite: Item, place: Place, until: datetime | None, group: Group) -> Explanation:
    at, shown = sensed_of(composite), _shown(store, composite, place, group)
    folding = Folding(second_of(at), second_of(shown), _doubt(store, composite, place, group), group.settings)
    times = [time_in(name) for name in store.ids("scenes", place.tile)]
    known = [time for time in times if time <= at]
    wanted = sorted({*known, *([shown] if shown else [])}, reverse=True)
    considered = tuple(consider(store, place, time, folding, there=time in known) for time in wanted)
    winner = next((one for one in considered if one.sensed == shown), None)
    newer = [time for time in times if at < time <= (until or time)]
    values = {band: reflectance(store, composite, band, place) for band in group.bands}
    light = matches_of(store, composite).get(second_of(shown))
    return Explanation(
        sentence=_sentence(f"{place.tile} on {at:%Y-%m-%d}{_named(group, composite)}", winner, considered),
        place=place,
        composite=source_at(store, "mrap", place.tile, at),
        at=at,
        settings=settings_of(composite),
        winner=winner,
        values=values,
        light=light,
        adjusted=adjusted(light, values) if light and light.lines else {},
        observations=read_pixel(store.asset(composite, f"count{group.suffix}"), place.row, place.column),
        considered=considered,
        notes=tuple(_notes(store, place.tile, at, newer, considered)),
        history=tuple(_history(store, composite, place, group)),
    )


def _folded_with(composite: Item) -> MrapSettings:
    try:
        return MrapSettings.model_validate(settings_of(composite))
    except ValidationError as error:
        found = ", ".join(str(one["loc"][0]) for one in error.errors())
        raise CatalogError(f"{composite['id']}: was made with settings that are not known here: {found}") from error


def _doubt(store: Store, composite: Item, place: Place, group: Group) -> int | None:
    """Read how surely the pixel that is shown is hidden, percent; None where its mask does not say."""
    doubt = read_pixel(store.asset(composite, f"doubt{group.suffix}"), place.row, place.column)
    return None if doubt == NO_PERCENT else doubt


def _notes(
    store: Store, tile: str, at: datetime, newer: list[datetime], considered: tuple[Considered, ...]
) -> Iterator[str]:
    """Say where the chain of composites does not follow from what the catalog holds."""
    times = [time for time in map(time_in, store.ids("mrap", tile)) if time <= at]
    composites = [one for time in times if (one := item_at(store, "mrap", tile, time))]
    behind = [note for one in composites for note in outdated(store, one)]
    behind += [
        f"{two['id']} does not build on {one['id']}"
        for one, two in pairwise(composites)
        if one["id"] not in two["properties"]["s2lookback:recipe"]["inputs"]
    ]
    others = sum(settings_of(one) != settings_of(composites[-1]) for one in composites)
    if others:
        behind.append(f"{others} of the {len(composites)} composites up to this one were folded with other settings")
    if newer:
        behind.append(f"newer scenes without a composite: {len(newer)}")
    yield from behind
    if behind or any(one.verdict == Verdict.STALE for one in considered):
        yield f"`s2lookback tile {tile}` brings the composites up to date"


def _history(store: Store, composite: Item, place: Place, group: Group) -> Iterator[Version]:
    chain = list(versions(store, composite))
    for item, older in zip(chain, [*chain[1:], None], strict=True):
        replaced: Mapping[str, Any] = replaced_link(item) or {}
        yield Version(
            version=item["properties"]["version"],
            made=str(execution(store, item).get("created", "")),
            causes=tuple(causes(store, older, item)) if older else (),
            shown=_shown(store, item, place, group),
            changed_pixels=replaced.get("s2lookback:changed_pixels"),
        )


def _named(group: Group, composite: Item) -> str:
    """Name the bands of a group, unless they are all there are."""
    return "" if group.bands == bands_of(composite) else f" in {' '.join(group.bands)}"


def _sentence(what: str, winner: Considered | None, considered: tuple[Considered, ...]) -> str:
    if winner:
        days = "1 day" if winner.age == 1 else f"{winner.age} days"
        return f"{what} shows the scene of {winner.sensed:%Y-%m-%d %H:%M:%S}, {days} old"
    expired = any(one.verdict == Verdict.EXPIRED for one in considered)
    why = "every clear view is too old" if expired else f"none of {len(considered)} scenes saw it clear"
    return f"{what} shows nothing here: {why}"


def _shown(store: Store, composite: Item, place: Place, group: Group) -> datetime | None:
    """Read which scene a composite shows at a pixel; a version from before the bands were divided has one for all."""
    key = f"source{group.suffix}"
    second = read_pixel(
        store.asset(composite, key if key in composite["assets"] else "source"), place.row, place.column
    )
    return datetime.fromtimestamp(second, UTC) if second else None
