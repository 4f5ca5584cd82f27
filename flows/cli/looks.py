"""Subcommands that look at what is there."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from flows.cli.times import Since, Until, period
from flows.cli.words import HERE, Root, app, err, out, sentences
from flows.cli.words import until as until_time
from s2lookback.bands import ENVI_BANDS


class Kind(StrEnum):
    """Collections of the catalog."""

    SCENES = "scenes"
    MASKS = "masks"
    MRAP = "mrap"
    REDUCED = "reduced"
    MODELS = "models"


class Explained(StrEnum):
    """Products of which a pixel can be explained."""

    MRAP = "mrap"
    REDUCED = "reduced"


@app.command(
    epilog="Example: s2lookback search --root demo/catalog --tile 10UFB --product mrap --since '10 days' --max-age 5"
)
def search(  # noqa: PLR0913, PLR0917  one option a filter
    root: Root = HERE,
    product: Annotated[list[Kind] | None, typer.Option(help="Kind of product; may be given several times.")] = None,
    tile: Annotated[str | None, typer.Option(help="MGRS tile without the T.")] = None,
    since: Since = None,
    until: Until = None,
    at: Annotated[tuple[float, float] | None, typer.Option(help="Longitude and latitude to cover.")] = None,
    bbox: Annotated[
        tuple[float, float, float, float] | None, typer.Option(help="West, south, east and north to touch, degrees.")
    ] = None,
    cloud_below: Annotated[float | None, typer.Option(min=0, max=100, help="Largest cloud cover, percent.")] = None,
    max_age: Annotated[
        int | None, typer.Option(min=0, help="Of composites: largest age of 95 of 100 pixels, days.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most items to list.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print a GeoJSON feature collection.")] = False,
    file: Annotated[
        Path | None, typer.Option("--out", help="Write them to a file: .geojson, or .parquet for stac-geoparquet.")
    ] = None,
) -> None:
    """List what the catalog holds, newest first.

    A time is a day (2025-08-30), a moment (2025-08-30T19:38, UTC), `today`, `yesterday`, or how long ago: `36 hours`,
    `10 days`, `2 weeks`. How long ago counts back from the end given by `--until`, and from now where none is given.
    """
    from catalog.search import search as find
    from catalog.store import Store
    from flows.cli.found import feature_collection, found_table, hint, write

    store = Store(str(root))
    start, end = period(since, until, datetime.now(UTC))
    with sentences():
        items = find(
            store, collections=product, tile=tile, start=start, end=end, bbox=bbox, point=at,
            max_cloud_cover=cloud_below, max_age=max_age, limit=limit,
        )  # fmt: skip
        if file is not None:
            write(store, items, file)
            out.print(f"{file}", soft_wrap=True, highlight=False)
        elif as_json:
            out.print_json(data=feature_collection(store, items))
        else:
            out.print(found_table(items) if items else hint(store, product))
    if len(items) == limit:
        err.print(f"only the newest {limit} are listed: --limit lists more")


@app.command(epilog="Example: s2lookback show mrap-10UFB-20250830T191921 --root demo/catalog")
def show(
    item: Annotated[str, typer.Argument(help="Id of an item, as `search` lists it.")],
    root: Root = HERE,
    as_json: Annotated[bool, typer.Option("--json", help="Print the item itself.")] = False,
) -> None:
    """Show one item: what it is, what it was made from, where its files are."""
    from catalog.layout import sources_of
    from catalog.search import find_item
    from catalog.store import Store

    store = Store(str(root))
    with sentences():
        found = find_item(store, item)
    if as_json:
        out.print_json(data=found)
        return
    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_column(no_wrap=True)
    for name, value in found["properties"].items():
        if isinstance(value, str | int | float):
            facts.add_row(name, str(value))
    out.print(f"[bold]{found['id']}[/bold]  version {found['properties']['version']}", facts)
    sources = [name for name, _ in sources_of(found)]
    if sources:
        out.print("[bold]made from[/bold]", *sources, sep="\n  ")
    out.print("[bold]files[/bold]", *(store.address(found, key) for key in found["assets"]), sep="\n  ", soft_wrap=True)


@app.command(
    context_settings={"ignore_unknown_options": True},  # or -120.95 would be taken for options
    epilog="Example: s2lookback explain -120.96 51.05 --at 2025-08-13 --root demo/catalog",
)
def explain(
    longitude: Annotated[float, typer.Argument(help="Degrees east, WGS 84; west is negative.")],
    latitude: Annotated[float, typer.Argument(help="Degrees north, WGS 84; south is negative.")],
    at: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Explain what stood on this day, or at this time."
        ),
    ] = None,
    product: Annotated[Explained, typer.Option(help="Kind of product.")] = Explained.MRAP,
    tile: Annotated[
        str | None, typer.Option(help="MGRS tile without the T; by default all that cover the point.")
    ] = None,
    root: Root = HERE,
    as_json: Annotated[bool, typer.Option("--json", help="Print all that is known.")] = False,
) -> None:
    """Explain one pixel: which scene it shows and why, and why no other."""
    from pydantic_core import to_jsonable_python

    from catalog.explain.composite import Explanation
    from catalog.explain.composite import explain as explain_composite
    from catalog.explain.reduced import ReducedExplanation, explain_reduced
    from catalog.store import Store
    from flows.cli.explained import composite_text, reduced_text

    store, moment = Store(str(root)), until_time(at)
    found: list[Explanation] | list[ReducedExplanation]
    with sentences():
        if product is Explained.MRAP:
            found = explain_composite(store, longitude, latitude, at=moment, tile=tile)
        else:
            found = explain_reduced(store, longitude, latitude, at=moment, tile=tile)
    if as_json:
        out.print_json(data=to_jsonable_python(found))
        return
    for one in found:
        out.print(composite_text(one) if isinstance(one, Explanation) else reduced_text(one))


@app.command(epilog="Example: s2lookback export mrap-10UFB-20250830T191921 --root demo/catalog --out /data/envi")
def export(
    item: Annotated[str, typer.Argument(help="Id of a scene, a composite or a reduced scene.")],
    root: Root = HERE,
    folder: Annotated[Path, typer.Option("--out", help="Folder for the .bin and .hdr.")] = Path(),
    bands: Annotated[str, typer.Option(help="Bands, in order, separated by commas.")] = ",".join(ENVI_BANDS),
    add_offset: Annotated[bool, typer.Option(help="Add the +1000 that tools for raw digital numbers expect.")] = False,
    relight: Annotated[
        bool,
        typer.Option("--relight", help="Bring a composite to the light of its newest scene, where that was fitted."),
    ] = False,
) -> None:
    """Write an item as ENVI (float32, NaN nodata), for the tools that burn mappers have."""
    from catalog.search import find_item
    from catalog.store import Store
    from tasks.export import write_item

    store = Store(str(root))
    with sentences():
        found, names = find_item(store, item), tuple(bands.split(","))
        path = write_item(store, found, folder, names, add_offset=add_offset, relit=relight)
    out.print(f"{path}", soft_wrap=True, highlight=False)


@app.command(epilog="Example: s2lookback settings > settings.json")
def settings() -> None:
    """Print every setting with its default, as a file that `--settings` takes."""
    from s2lookback.settings import Settings

    out.print_json(Settings().model_dump_json())
