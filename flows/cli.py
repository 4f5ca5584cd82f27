"""The program `s2lookback`: one subcommand a job."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from s2lookback.bands import ENVI_BANDS
from s2lookback.errors import CatalogError, SceneError, TransientError

if TYPE_CHECKING:  # Prefect takes a second to import, which `--help` need not wait for
    from s2lookback.settings import Settings
    from s2lookback.sources.settings import SourceSettings
    from tasks.policy import Product
    from tasks.report import TileReport

app = typer.Typer(
    help="Sentinel-2 scenes to cloud masks, most-recent-available-pixel (MRAP) composites and cloud-reduced images.",
    epilog="Start with: s2lookback demo",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
out = Console()
err = Console(stderr=True)

Root = Annotated[Path, typer.Option("--root", envvar="S2LOOKBACK_ROOT", help="Folder of the catalog and its products.")]
Scenes = Annotated[
    str, typer.Option(envvar="S2LOOKBACK_SCENES", help="Folder of SAFE products (folders or zips), or of ENVI images.")
]
Masks = Annotated[
    str, typer.Option(envvar="S2LOOKBACK_MASKS", help="ENVI only: folder of masks, or of several folders of masks.")
]
Tile = Annotated[str, typer.Argument(help="MGRS tile without the T, as in 10UFB.")]
Day = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Day (UTC), or sensing time.")]
Since = Annotated[datetime | None, typer.Option("--start", formats=["%Y-%m-%d"], help="First day, UTC.")]
Until = Annotated[datetime | None, typer.Option("--end", formats=["%Y-%m-%d"], help="Last day, UTC, included.")]

SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", exists=True, dir_okay=False, help="JSON file with any of the settings; see `settings`."),
]


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


HERE = Path("products")
MAX_SETTINGS = 1_000_000
"""Bytes of the largest settings file that is read."""


@contextmanager
def _prefect(root: Path) -> Iterator[None]:
    """Run flows on Prefect's own embedded server, unless one is configured; turn expected errors into sentences."""
    if not os.environ.get("PREFECT_API_URL"):
        home = root.resolve() / ".prefect"  # beside the products: no account, no server, nothing in the home folder
        home.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("PREFECT_HOME", str(home))
        os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")  # 20 s is too short when busy
        os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")  # the bars and the table say it better
    with _sentences():
        yield


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except (SceneError, CatalogError, TransientError) as error:
        _stop(str(error))


def _stop(sentence: str) -> NoReturn:
    err.print(f"[red]s2lookback:[/red] {sentence}", highlight=False, soft_wrap=True)
    raise typer.Exit(1)


@app.command(epilog="Example: s2lookback demo --out /tmp/demo")
def demo(
    folder: Annotated[Path, typer.Option("--out", help="Where to put what it makes.")] = Path("demo"),
    dates: Annotated[int, typer.Option(min=2, max=200, help="Sensing times to simulate.")] = 14,
    seed: Annotated[int, typer.Option(min=0, help="Another landscape, other weather.")] = 20,
) -> None:
    """Simulate a tile with clouds, smoke and a growing fire, and run the nightly flow on it."""
    for name in ("PREFECT_API_URL", "PREFECT_HOME", "PREFECT_PROFILE"):
        os.environ.pop(name, None)  # a demo runs here, whatever server this shell is set up for
    from s2lookback.simulate.scenario import Scenario
    from s2lookback.sources.settings import SourceSettings

    source = SourceSettings(kind="simulated", scenario=Scenario(seed=seed, dates=dates))
    root = folder / "catalog"
    reports = _nightly(source, root, None)
    with _sentences():
        from tasks.sheet import draw_sheet

        sheet = folder / "contact-sheet.png"
        draw_sheet(str(root), source.scenario.tile, sheet)
    _paths({"pictures": sheet, "catalog": root / "catalog.json"})
    out.print(f"next:     .venv/bin/s2lookback search --root {root}", highlight=False, soft_wrap=True)
    _exit_code(reports)


@app.command(epilog="Example: s2lookback nightly --scenes /data/L2 --root /data/products")
def nightly(
    scenes: Scenes,
    root: Root = HERE,
    masks: Masks = "",
    settings: SettingsFile = None,
    start: Since = None,
    end: Until = None,
) -> None:
    """Bring every tile up to date: ingest, mask, composite and reduce what is new."""
    from s2lookback.sources.settings import SourceSettings

    reports = _nightly(SourceSettings(scenes=scenes, masks=masks), root, settings, start=start, end=end)
    _exit_code(reports)


@app.command(epilog="Example: s2lookback ingest 10UFB --scenes /data/L2 --root /data/products --start 2025-07-01")
def ingest(
    tile: Tile,
    scenes: Scenes,
    root: Root = HERE,
    masks: Masks = "",
    settings: SettingsFile = None,
    start: Since = None,
    end: Until = None,
) -> None:
    """Harmonise a tile's new scenes and publish them."""
    from s2lookback.sources.settings import SourceSettings

    source = SourceSettings(scenes=scenes, masks=masks, tile=tile)
    with _prefect(root):
        from flows.ingest import ingest as run
        from flows.progress import progress

        with progress():
            report = run(tile, source, str(root), _settings(settings).ingest, start=_utc(start), end=_end(end))
    _left_out([report])
    out.print(report.sentence())
    _exit_code([report])


@app.command(name="tile", epilog="Example: s2lookback tile 10UFB --scenes /data/L2 --root /data/products")
def one_tile(
    tile: Tile,
    scenes: Scenes,
    root: Root = HERE,
    masks: Masks = "",
    settings: SettingsFile = None,
    start: Since = None,
    end: Until = None,
) -> None:
    """Bring one tile up to date."""
    from s2lookback.sources.settings import SourceSettings

    source = SourceSettings(scenes=scenes, masks=masks, tile=tile)
    _exit_code(_nightly(source, root, settings, tiles=[tile], start=start, end=end))


@app.command(epilog="Example: s2lookback mask 10UFB 2025-08-30 --root /data/products")
def mask(tile: Tile, day: Day, root: Root = HERE, settings: SettingsFile = None) -> None:
    """Classify the pixels of one ingested scene."""
    with _prefect(root):
        from flows.mask import mask as run

        _made(run(tile, _aware(day), str(root), _settings(settings).mask))


@app.command(epilog="Example: s2lookback mrap 10UFB 2025-08-30 --root /data/products")
def mrap(tile: Tile, day: Day, root: Root = HERE, settings: SettingsFile = None) -> None:
    """Fold one masked scene into the composite before it."""
    with _prefect(root):
        from flows.mrap import mrap as run

        _made(run(tile, _aware(day), str(root), _settings(settings).mrap))


@app.command(epilog="Example: s2lookback reduce 10UFB 2025-08-30 --root /data/products")
def reduce(tile: Tile, day: Day, root: Root = HERE, settings: SettingsFile = None) -> None:
    """Make the thin cloud of one composited scene thinner."""
    with _prefect(root):
        from flows.reduce import reduce as run

        _made(run(tile, _aware(day), str(root), _settings(settings).reduce))


@app.command(epilog="Example: s2lookback train 10UFB 2025-08-01 --root /data/products")
def train(tile: Tile, day: Day, root: Root = HERE, settings: SettingsFile = None) -> None:
    """Train the model that masks a tile's scenes of the day's month."""
    with _prefect(root):
        from flows.train import train as run

        _made(run(tile, _aware(day), str(root), _settings(settings).mask))


@app.command(epilog="Example: s2lookback retract 10UFB 2025-08-30 --reason 'shifted by a pixel' --root /data/products")
def retract(
    tile: Tile,
    day: Day,
    reason: Annotated[str, typer.Option(help="Why, for whoever wonders later.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Let the scene of this very second be ingested again.")] = False,
    root: Root = HERE,
    settings: SettingsFile = None,
) -> None:
    """Take one scene out for good, and make every composite that holds its pixels without it."""
    with _prefect(root):
        from flows.retract import retract as run
        from tasks.retract import restore_scene

        if undo:
            out.print(f"{restore_scene(str(root), tile, _aware(day))} is ingested again by the next run of the tile")
            return
        report = run(tile, _aware(day), reason, str(root), _settings(settings))
    _left_out([report])
    out.print(report.sentence(), highlight=False, soft_wrap=True)


@app.command(epilog="Example: s2lookback search --root demo/catalog --tile 10UFB --product mrap --cloud-below 20")
def search(
    root: Root = HERE,
    product: Annotated[list[Kind] | None, typer.Option(help="Kind of product; may be given several times.")] = None,
    tile: Annotated[str | None, typer.Option(help="MGRS tile without the T.")] = None,
    start: Since = None,
    end: Until = None,
    at: Annotated[tuple[float, float] | None, typer.Option(help="Longitude and latitude to cover.")] = None,
    cloud_below: Annotated[float | None, typer.Option(min=0, max=100, help="Largest cloud cover, percent.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most items to list.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print a GeoJSON feature collection.")] = False,
) -> None:
    """List what the catalog holds, newest first."""
    from catalog.search import search as find
    from catalog.store import Store

    with _sentences():
        items = find(
            Store(str(root)), collections=product, tile=tile, start=_utc(start), end=_end(end), point=at,
            max_cloud_cover=cloud_below, limit=limit,
        )  # fmt: skip
    if as_json:
        out.print_json(data={"type": "FeatureCollection", "features": items})
        return
    table = Table("id", "sensed (UTC)", "cloud %", "clear %", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    for item in items:
        facts = item["properties"]
        sensed, cloud = facts["datetime"][:16].replace("T", " "), facts.get("eo:cloud_cover")
        table.add_row(item["id"], sensed, _percent(cloud, 1), _percent(facts.get("s2lookback:clear_fraction"), 100))
    out.print(table if items else "nothing found")
    if len(items) == limit:
        err.print(f"only the newest {limit} are listed: --limit lists more")


@app.command(epilog="Example: s2lookback show mrap-10UFB-20250830T191921 --root demo/catalog")
def show(
    item: Annotated[str, typer.Argument(help="Id of an item, as `search` lists it.")],
    root: Root = HERE,
    as_json: Annotated[bool, typer.Option("--json", help="Print the item itself.")] = False,
) -> None:
    """Show one item: what it is, what it was made from, where its files are."""
    from catalog.search import find_item
    from catalog.store import Store

    store = Store(str(root))
    with _sentences():
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
    sources = [link["title"] for link in found["links"] if link["rel"] == "derived_from"]
    if sources:
        out.print("[bold]made from[/bold]", *sources, sep="\n  ")
    out.print("[bold]files[/bold]", *(store.asset(found, key) for key in found["assets"]), sep="\n  ", soft_wrap=True)


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

    from catalog.explain import Explanation
    from catalog.explain import explain as explain_composite
    from catalog.explain_reduced import ReducedExplanation, explain_reduced
    from catalog.store import Store
    from flows.explained import composite_text, reduced_text

    store, until = Store(str(root)), _until(at)
    found: list[Explanation] | list[ReducedExplanation]
    with _sentences():
        if product is Explained.MRAP:
            found = explain_composite(store, longitude, latitude, at=until, tile=tile)
        else:
            found = explain_reduced(store, longitude, latitude, at=until, tile=tile)
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
) -> None:
    """Write an item as ENVI (float32, NaN nodata), for the tools that burn mappers have."""
    from catalog.search import find_item
    from catalog.store import Store
    from tasks.export import write_item

    store = Store(str(root))
    with _sentences():
        path = write_item(store, find_item(store, item), folder, tuple(bands.split(",")), add_offset=add_offset)
    out.print(f"{path}", soft_wrap=True, highlight=False)


@app.command(epilog="Example: s2lookback settings > settings.json")
def settings() -> None:
    """Print every setting with its default, as a file that `--settings` takes."""
    from s2lookback.settings import Settings

    out.print_json(Settings().model_dump_json())


def _nightly(
    source: "SourceSettings",
    root: Path,
    settings_file: Path | None,
    *,
    tiles: list[str] | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> list["TileReport"]:
    """Run the nightly flow, show its progress, then what it did."""
    with _prefect(root):
        from flows.nightly import nightly as run
        from flows.progress import progress

        with progress():
            reports = run(source, str(root), _settings(settings_file), tiles=tiles, start=_utc(start), end=_end(end))
    for report in reports:
        _table(report)
    _left_out(reports)
    for report in reports:
        out.print(report.sentence(), highlight=False, soft_wrap=True)
    return reports


def _table(report: "TileReport") -> None:
    table = Table("date", "time (UTC)", "clear %", "masked by", "made", "kept", "seconds", title=f"tile {report.tile}")
    for row in report.dates:
        table.add_row(
            f"{row.sensed:%Y-%m-%d}", f"{row.sensed:%H:%M:%S}", f"{100 * row.clear_share:.0f}", row.method,
            str(row.made), str(row.kept), f"{row.seconds:.1f}",
        )  # fmt: skip
    if report.dates:
        out.print(table)


def _left_out(reports: list["TileReport"]) -> None:
    for report in reports:
        for left in report.left_out:
            err.print(f"[yellow]left out[/yellow] {left.name}: {left.reason}", highlight=False, soft_wrap=True)


def _percent(number: float | None, scale: float) -> str:
    return "" if number is None else f"{scale * number:.0f}"


def _paths(paths: dict[str, Path]) -> None:
    for name, path in paths.items():
        out.print(f"{name + ':':10}{path.resolve()}", highlight=False, soft_wrap=True)


def _made(product: "Product") -> None:
    out.print(f"{'made' if product.made else 'up to date'}: {product.href}", highlight=False, soft_wrap=True)


def _exit_code(reports: list["TileReport"]) -> None:
    """Exit with 1 only when nothing could be made and nothing is there."""
    if not any(report.made or report.kept for report in reports):
        _stop("nothing could be made")


def _settings(file: Path | None) -> "Settings":
    from pydantic import ValidationError

    from s2lookback.settings import Settings

    if file is None:
        return Settings()
    if file.stat().st_size > MAX_SETTINGS:
        raise SceneError(f"{file}: larger than {MAX_SETTINGS} bytes, which no settings file is")
    try:
        return Settings.model_validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SceneError(f"{file}: {where}: {first['msg']}; `s2lookback settings` prints a valid file") from error


def _aware(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC)


def _utc(day: datetime | None) -> datetime | None:
    return None if day is None else _aware(day)


def _until(time: datetime | None) -> datetime | None:
    """Take a time as it is, and of a day its last second."""
    return _end(time) if time is not None and time.time() == datetime.min.time() else _utc(time)


def _end(day: datetime | None) -> datetime | None:
    """Take the last second of a day."""
    return None if day is None else _aware(day) + timedelta(days=1, seconds=-1)
