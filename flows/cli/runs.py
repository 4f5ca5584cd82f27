"""Subcommands that make something."""

import os
from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from flows.cli.words import (
    HERE,
    Day,
    Masks,
    Root,
    Scenes,
    SettingsFile,
    Since,
    Tile,
    Until,
    app,
    aware,
    end_of,
    err,
    out,
    prefect,
    read_settings,
    sentences,
    stop,
    utc,
)

if TYPE_CHECKING:  # Prefect takes a second to import, which `--help` need not wait for
    from s2lookback.sources.settings import SourceSettings
    from tasks.report import TileReport


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
    reports = _nightly(source, str(root), None)
    with sentences():
        from tasks.sheet import draw_sheet

        sheet = folder / "contact-sheet.png"
        draw_sheet(str(root), source.scenario.tile, sheet)
    _paths({"pictures": sheet, "catalog": root / "catalog.json"})
    out.print(f"next:     .venv/bin/s2lookback search --root {root}", highlight=False, soft_wrap=True)
    exit_code(reports)


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
    exit_code(reports)


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
    with prefect(root):
        from flows.ingest import ingest as run
        from flows.progress import progress

        with progress():
            report = run(
                tile, utc(start), end_of(end), source=source, root=str(root), settings=read_settings(settings).ingest
            )
    told([report])
    exit_code([report])


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
    exit_code(_nightly(source, root, settings, tiles=[tile], start=start, end=end))


def _stage(name: str, sentence: str, settings_of: str) -> None:
    """Add the command that makes one product of one scene."""

    def command(tile: Tile, day: Day, root: Root = HERE, settings: SettingsFile = None) -> None:
        with prefect(root):
            run = getattr(import_module(f"flows.{name}"), name)
            product = run(tile, aware(day), str(root), getattr(read_settings(settings), settings_of))
        out.print(f"{'made' if product.made else 'up to date'}: {product.href}", highlight=False, soft_wrap=True)

    example = f"Example: s2lookback {name} 10UFB 2025-08-30 --root /data/products"
    app.command(name=name, help=sentence, epilog=example)(command)


_stage("mask", "Classify the pixels of one ingested scene.", "mask")
_stage("mrap", "Fold one masked scene into the composite before it.", "mrap")
_stage("reduce", "Make the thin cloud of one composited scene thinner.", "reduce")
_stage("train", "Train the model that masks a tile's scenes of the day's month.", "mask")


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
    with prefect(root):
        from flows.retract import retract as run
        from tasks.retract import restore_scene

        if undo:
            out.print(f"{restore_scene(str(root), tile, aware(day))} is ingested again by the next run of the tile")
            return
        report = run(tile, aware(day), reason, str(root), read_settings(settings))
    told([report])


def _nightly(
    source: "SourceSettings",
    root: str,
    settings_file: Path | None,
    *,
    tiles: list[str] | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> list["TileReport"]:
    """Run the nightly flow, show its progress, then what it did."""
    with prefect(root):
        from flows.nightly import nightly as run
        from flows.progress import progress

        with progress():
            reports = run(
                tiles or (),
                utc(start),
                end_of(end),
                source=source,
                root=str(root),
                settings=read_settings(settings_file),
            )
    for report in reports:
        _table(report)
    told(reports, {"scenes": source.scenes, "masks": source.masks, "root": str(root)})
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


def told(reports: list["TileReport"], named: Mapping[str, str] | None = None) -> None:
    """Say what was left out and why, then a sentence a tile, then what to do next; ``named`` are options to repeat."""
    from tasks.night import next_steps, totals

    for report in reports:
        for left in report.left_out:
            err.print(f"[yellow]left out[/yellow] {left.name}: {left.reason}", highlight=False, soft_wrap=True)
    for report in reports:
        out.print(report.sentence(), highlight=False, soft_wrap=True)
    if len(reports) > 1:
        out.print(totals(reports), highlight=False, soft_wrap=True)
    for step in next_steps(reports, named or {}):
        out.print(f"next: {step}", highlight=False, soft_wrap=True, markup=False)


def _paths(paths: dict[str, Path]) -> None:
    for name, path in paths.items():
        out.print(f"{name + ':':10}{path.resolve()}", highlight=False, soft_wrap=True)


def exit_code(reports: list["TileReport"]) -> None:
    """Exit with 1 only when nothing could be made and nothing is there."""
    if not any(report.made or report.kept for report in reports):
        stop("nothing could be made")
