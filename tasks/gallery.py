"""What a run made of one tile: the newest date in five pictures, and a row for each date."""

from catalog.items import COLLECTIONS, item_id
from catalog.store import Store
from tasks.entry import Item, facts_of, link_to, picture_of
from tasks.history import Arrival, scenes_of
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


def gallery(root: str, report: TileReport) -> str:
    """Write down what a run did to a tile, with pictures of its newest date that has a composite."""
    store = Store(root)
    newest = next((one for one in reversed(scenes_of(root, report.tile)) if _item(store, one, "mrap")), None)
    pictures = [] if newest is None else [f"### {newest}", _pictures(store, newest)]
    rows = [_row(one) for one in sorted(report.dates, key=lambda one: one.sensed, reverse=True)]
    more = [f"{len(rows) - MAX_ROWS} earlier dates are not listed."] if len(rows) > MAX_ROWS else []
    left = [f"- {out.name}: {out.reason}" for out in report.left_out]
    return "\n\n".join(
        [
            *pictures,
            "### Dates of this run",
            "\n".join(["| sensed (UTC) | clear | masked by | made | up to date | seconds |", _RULE, *rows[:MAX_ROWS]]),
            *more,
            *(["### Left out", "\n".join(left[:MAX_ROWS])] if left else []),
        ]
    )


_RULE = "| --- | ---: | --- | ---: | ---: | ---: |"


def _item(store: Store, scene: Arrival, stage: str) -> Item | None:
    return store.item(COLLECTIONS[stage], scene.tile, item_id(stage, scene.tile, scene.sensed))


def _pictures(store: Store, scene: Arrival) -> str:
    """Set the five pictures side by side, below each what it shows, and below all of them where they are."""
    there = [(heading, key, _item(store, scene, stage)) for heading, key, stage in _SHOWN]
    shown = [(heading, key, item) for heading, key, item in there if item]
    columns = [(heading, "---", picture_of(store, item, key), _facts(item, key)) for heading, key, item in shown]
    table = "\n".join(f"| {' | '.join(line)} |" for line in zip(*columns, strict=True))
    places = [f"- {heading}: {link_to(store, item)}" for heading, key, item in shown if key != "age"]
    return "\n\n".join([table, "\n".join(places)])


def _facts(item: Item, key: str) -> str:
    """Say what a picture shows, a line a fact; of a composite the pixels or their age."""
    facts = facts_of(item)
    if item["collection"] == "mrap":
        facts = [fact for fact in facts if ("old" in fact) == (key == "age")]
    return "<br>".join(facts)


def _row(one: DateReport) -> str:
    cells = (
        f"{one.sensed:%Y-%m-%d %H:%M}", f"{100 * one.clear_share:.0f} %", one.method, one.made, one.kept,
        f"{one.seconds:.1f}",
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"
