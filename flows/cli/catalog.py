"""Subcommands that keep the catalog: its index, its files, its exports."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from flows.cli.words import HERE, Root, app, err, out, sentences, stop

if TYPE_CHECKING:
    from catalog.store import Store

T = TypeVar("T")

catalog = typer.Typer(help="Keep the catalog: fill its index, check it, sweep it, export it.", no_args_is_help=True)
app.add_typer(catalog, name="catalog")


@catalog.command(epilog="Example: s2lookback catalog rebuild --root /data/products")
def rebuild(root: Root = HERE) -> None:
    """Make the index and all listings anew from the items; searches go on meanwhile."""
    from catalog.index.upkeep import readable
    from catalog.index.upkeep import rebuild as refill
    from catalog.store import Store

    store = Store(str(root))
    with sentences():
        store.relist()
        count = refill(store, store.index, _watched(readable(store), store, "indexing"))
        known = set(store.index.keys())
        left = [place for place in store.places() if (place[0], place[2]) not in known]
        damaged = [place for place in left if store.sound(*place) is None]
    out.print(f"{count} items are in the index ({store.index.name})", highlight=False)
    if damaged:
        many = "is damaged and was" if len(damaged) == 1 else "are damaged and were"
        total = len(known) + len(left)
        stop(f"{len(damaged)} of {total} {many} left out; `s2lookback catalog check` tells what is wrong")


@catalog.command(epilog="Example: S2LOOKBACK_INDEX=postgresql://stac@db/stac s2lookback catalog migrate")
def migrate(root: Root = HERE) -> None:
    """Fill the index that S2LOOKBACK_INDEX names (a PostgreSQL, or none: the file beside the items) from the items.

    Run it once with the new setting before the workers get it. The index that was used before is not touched: what is
    published meanwhile is noted for both.
    """
    from catalog.index.protocol import VARIABLE

    if not os.environ.get(VARIABLE):
        err.print(f"{VARIABLE} is not set: filling the index beside the items", highlight=False)
    rebuild(root)


@catalog.command(epilog="Example: s2lookback catalog check --root /data/products --quick")
def check(
    root: Root = HERE,
    quick: Annotated[bool, typer.Option("--quick", help="Compare sizes of files, not their bytes.")] = False,
    schemas: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Folder with the schema.json of STAC extensions.")
    ] = None,
) -> None:
    """Check that every item is valid, every file there and unchanged, nothing orphaned, and the index the same.

    Items are judged by the schema of our own fields, offline; with --schemas by those of the extensions too.
    """
    from catalog.audit import found
    from catalog.index.upkeep import current
    from catalog.items.schema import Judge
    from catalog.store import Store

    store, problems = Store(str(root)), 0
    with sentences():
        places, judge = _watched(store.places(), store, "checking"), Judge(schemas)
        for problem in found(store, places, lambda: current(store), deep=not quick, judge=judge):
            problems += 1
            out.print(f"{problem.item}: {problem.reason}", highlight=False, soft_wrap=True, markup=False)
    if problems:
        stop("1 problem found" if problems == 1 else f"{problems} problems found")
    out.print("no problem found")


@catalog.command(epilog="Example: s2lookback catalog gc --root /data/products --older-than 48")
def gc(
    root: Root = HERE,
    older_than: Annotated[float, typer.Option(min=0, help="Hours since it was last changed.")] = 24,
) -> None:
    """Remove what no item names: stages and versions that killed processes left behind."""
    from catalog.store import Store

    with sentences():
        removed = Store(str(root)).gc(older_than=3600 * older_than)
    for href in removed:
        out.print(href, highlight=False, soft_wrap=True, markup=False)
    out.print(f"{len(removed)} removed", highlight=False)


@catalog.command(epilog="Example: s2lookback catalog export items.parquet --root /data/products")
def export(
    file: Annotated[Path, typer.Argument(help="File to write: .parquet (stac-geoparquet), .geojson or .json.")],
    root: Root = HERE,
) -> None:
    """Write every item into one file, for tools that read many at once."""
    from catalog.index.upkeep import readable
    from catalog.store import Store
    from flows.cli.found import write

    store = Store(str(root))
    with sentences():
        items = list(_watched(readable(store), store, "reading"))
        write(store, items, file)
    out.print(f"{len(items)} items in {file}", highlight=False, soft_wrap=True)


@catalog.command(epilog="Example: s2lookback catalog push s3://bucket/products --root /data/products")
def push(
    url: Annotated[str, typer.Argument(metavar="URL", help="Bucket and prefix: s3://bucket/products.")],
    root: Root = HERE,
) -> None:
    """Let a bucket hold what the catalog holds, readable by any STAC client; run again, it sends what has changed.

    Endpoint, region and credentials come from the environment: AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and so on.
    """
    from collections import Counter

    from catalog.place.bucket import Bucket
    from catalog.place.push import push as steps
    from catalog.store import Store

    store, done = Store(str(root)), Counter[str]()
    with sentences():
        for step in _watched(steps(store, Bucket(url)), store, "pushing"):
            done[step.done] += 1
            if step.reason:
                err.print(f"{step.item}: {step.done}: {step.reason}", highlight=False, soft_wrap=True, markup=False)
    out.print(", ".join(f"{count} {what}" for what, count in sorted(done.items())), highlight=False)
    if done["damaged"]:
        stop(f"{done['damaged']} items are damaged here and were left in the bucket as they were")


def _watched(things: "Iterable[T]", store: "Store", doing: str) -> "Iterator[T]":
    """Show how far it is with as many things as the catalog has items, where somebody looks."""
    from rich.progress import track

    total = sum(1 for _ in store.places())
    yield from track(things, description=doing, total=total, console=err, transient=True, disable=not err.is_terminal)
