"""Whether a model still knows the ground it masks: read from what its masks say of themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import median

from catalog.items.facts import sensed_of
from catalog.layout import Item, sources_of
from catalog.store import Store

NEWEST = 5
"""Masks that are looked at: a month, every five or six days."""

FEWEST = 3
"""Masks without which nothing is said: one or two may be odd days."""

FAR = 0.25
"""Population-stability index from which numbers have moved far.

Source: Siddiqi 2006, Credit Risk Scorecards, chapter 8."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """What the newest masks of a model say about it."""

    tile: str
    model: str
    """Id of the model."""
    masks: int
    """How many say it."""
    psi: float | None
    """Median over these of the mean population-stability index; None where too few had clear pixels."""
    disagreement: float | None
    """Median share of pixels on which the model and what else is known disagree; None with too few masks."""
    reasons: tuple[str, ...]
    """Why the model is stale; empty if it is not."""


def freshness(model: Item, masks: Sequence[Item]) -> Freshness:
    """Judge a model by the newest masks that it made.

    It is stale if, over the median mask, clear ground lies farther from that of the training than 0.25 and than the
    oddest scene of the training did; or if what else is known contradicts it twice as often as on the scenes that it
    was chosen by, and on more than a tenth of the pixels.

    Args:
        model: Item of the model.
        masks: Items of masks, of which those by other models are passed over.
    """
    mine = sorted((mask for mask in masks if maker_of(mask) == model["id"]), key=sensed_of)[-NEWEST:]
    told = [mask["properties"].get("s2lookback:drift", {}) for mask in mine]
    psi, disagreement = (_median([one[name] for one in told if name in one]) for name in ("psi_mean", "disagreement"))
    usual = model["properties"]["s2lookback:metrics"]
    far = max(FAR, usual.get("usual_psi", 0.0))
    often = max(0.1, 2 * usual.get("disagreement", 0.0))
    reasons = []
    if psi is not None and psi > far:
        reasons.append(f"clear ground lies {psi:.2f} from where it lay in the training, up to {far:.2f} is usual")
    if disagreement is not None and disagreement > often:
        reasons.append(f"{disagreement:.0%} of its pixels contradict label or light, up to {often:.0%} is usual")
    tile = model["properties"]["grid:code"].removeprefix("MGRS-")
    return Freshness(tile, model["id"], len(mine), psi, disagreement, tuple(reasons))


def current(store: Store, tile: str) -> Freshness | None:
    """Judge the model that made a tile's newest mask; None where rules did, or the model is gone."""
    newest = (store.sound("masks", tile, name) for name in reversed(store.ids("masks", tile)))  # an id ends in its time
    masks = (mask for mask in newest if mask)
    name = maker_of(first) if (first := next(masks, None)) else None
    model = store.sound("models", tile, name) if name else None
    if first is None or model is None:
        return None
    # Read no farther back than is looked at: a tile may have a thousand masks.
    return freshness(model, [first, *islice((mask for mask in masks if maker_of(mask) == name), NEWEST - 1)])


def overview(store: Store) -> list[Freshness]:
    """Judge the model at work in each tile that has one, by tile."""
    judged = (current(store, tile) for tile in sorted(store.tiles("masks")))
    return [one for one in judged if one]


def maker_of(mask: Item) -> str | None:
    """Name the model that made a mask; None where none did."""
    return next((name for name, _ in sources_of(mask) if name.startswith("model-")), None)


def _median(figures: Sequence[float]) -> float | None:
    return median(figures) if len(figures) >= FEWEST else None
