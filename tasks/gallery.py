"""What a run made of one tile: the newest date in five pictures, and a row for each date."""

from catalog.items.builders import COLLECTIONS, item_id
from catalog.store import Store
from tasks.entry import Item, facts_of, link_to, picture_of
from tasks.history import Arrival, scenes_of
from tasks.page import listed, plain, table
from tasks.report import DateReport, TileReport

MAX_ROWS = 60
"""Dates that are listed, newest first."""

_SHOWN = (
    ("scene", "thumbnail", "scene"),
    ("mask", "thumbnail", "mask"),
    ("MRAP", "thumbnail", "mrap"),
    ("age", "age", "mrap"),
    ("reduced", "thumbnail", "reduced"),
)
"""Heading, asset and stage of each picture."""

_COLUMNS = ("sensed (UTC)", "clear:", "masked by", "made:", "up to date:", "seconds:")


def gallery(root: str, report: TileReport) -> str:
    """Write down what a run did to a tile, with pictures of its newest date that has a composite."""
    store = Store(root)
    newest = next((one for one in reversed(scenes_of(root, report.tile)) if _item(store, one, "mrap")), None)
    pictures = [] if newest is None else [f"### {newest}", _pictures(store, newest)]
    rows = [_row(one) for one in sorted(report.dates, key=lambda one: one.sensed, reverse=True)]
    more = [f"{len(rows) - MAX_ROWS} earlier dates are not listed."] if len(rows) > MAX_ROWS else []
    left = [f"{plain(out.name)}: {plain(out.reason)}" for out in report.left_out]
    parts = [
        *pictures,
        *(["### Dates of this run", table(_COLUMNS, rows[:MAX_ROWS]), *more] if rows else []),
        *(["### Left out", listed(left, MAX_ROWS, "`s2lookback ledger`")] if left else []),
    ]
    return "\n\n".join(parts)


def _item(store: Store, scene: Arrival, stage: str) -> Item | None:
    return store.sound(COLLECTIONS[stage], scene.tile, item_id(stage, scene.tile, scene.sensed))


def _pictures(store: Store, scene: Arrival) -> str:
    """Set the five pictures side by side, below each what it shows, and below all of them where they are."""
    there = [(heading, key, _item(store, scene, stage)) for heading, key, stage in _SHOWN]
    shown = [(heading, key, item) for heading, key, item in there if item]
    cells = [[picture_of(store, item, key) for _, key, item in shown], [_facts(item, key) for _, key, item in shown]]
    places = [f"- {heading}: {link_to(store, item)}" for heading, key, item in shown if key != "age"]
    return "\n\n".join([table([heading for heading, _, _ in shown], cells), "\n".join(places)])


def _facts(item: Item, key: str) -> str:
    """Say what a picture shows, a line a fact; of a composite the pixels or their age."""
    facts = facts_of(item)
    if item["collection"] == "mrap":
        facts = [fact for fact in facts if ("old" in fact) == (key == "age")]
    return "<br>".join(facts)


def _row(one: DateReport) -> list[object]:
    clear, seconds = f"{100 * one.clear_share:.0f} %", f"{one.seconds:.1f}"
    return [f"{one.sensed:%Y-%m-%d %H:%M}", clear, one.method, one.made, one.kept, seconds]
