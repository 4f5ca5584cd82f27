"""Subcommands for what has just landed, is late, or went wrong."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from flows.cli.runs import exit_code, told
from flows.cli.times import Since, Until, period
from flows.cli.words import (
    HERE,
    Masks,
    Root,
    Scenes,
    SettingsFile,
    app,
    out,
    prefect,
    read_settings,
    sentences,
    tile_of,
)

Errors = Annotated[
    list[str] | None, typer.Option("--error", help="Class of error, as in SceneError; may be given several times.")
]
Tiles = Annotated[
    list[str] | None,
    typer.Option("--tile", parser=tile_of, metavar="TILE", help="MGRS tile; may be given several times."),
]


@app.command(epilog="Example: s2lookback ledger --root /data/products --since '10 days' --error SceneError")
def ledger(
    root: Root = HERE,
    since: Since = None,
    error: Errors = None,
    tile: Annotated[str, typer.Option(help="MGRS tile without the T.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the entries as JSON.")] = False,
) -> None:
    """List what failed and what was left out, why, and for how many nights; what was seen last comes last."""
    from tasks.ledger import entries

    start, _ = period(since, None, datetime.now(UTC))
    with sentences():
        found = entries(str(root), since=start, errors=error or (), tile=tile)
    if as_json:
        out.print_json(data=[asdict(entry) for entry in found])
        return
    table = Table("first", "last (UTC)", "nights", "tile", "outcome", "error", "scene", "message", box=None)
    for entry in found:
        last = entry.when[:16].replace("T", " ")
        table.add_row(
            entry.first[:10], last, str(entry.nights), entry.tile, entry.outcome, entry.error, entry.scene,
            entry.message,
        )  # fmt: skip
    out.print(table if found else "nothing failed, and nothing was left out")


@app.command(epilog="Example: s2lookback rerun --failed --since '10 days' --error SceneError --root /data/products")
def rerun(
    scenes: Scenes,
    root: Root = HERE,
    masks: Masks = "",
    failed: Annotated[bool, typer.Option("--failed", help="Only tiles of which the ledger tells.")] = False,
    since: Since = None,
    error: Errors = None,
    tile: Tiles = None,
    settings: SettingsFile = None,
) -> None:
    """Bring up to date what failed or was left out (--failed), or every tile with its scenes since a time."""
    from s2lookback.sources.settings import SourceSettings

    if error and not failed:
        raise typer.BadParameter("--error names what --failed shall look for")
    start, _ = period(since, None, datetime.now(UTC))
    source = SourceSettings(scenes=scenes, masks=masks)
    with prefect(root):
        from flows.nightly import nightly as every
        from flows.progress import progress
        from flows.rerun import rerun as those

        how = read_settings(settings)
        with progress():
            if failed:
                reports = those(start, error or (), tile or (), source=source, root=str(root), settings=how)
            else:
                reports = every(tile or (), start, source=source, root=str(root), settings=how)
    told(reports)
    if reports:
        exit_code(reports)
    else:
        out.print("the ledger names no tile")


@app.command(epilog="Example: s2lookback backfill 10UFB 09UYT --since 2025-07-01 --until 2025-08-31 --estimate")
def backfill(
    tiles: Annotated[
        list[str] | None, typer.Argument(parser=tile_of, metavar="[TILE]...", help="MGRS tiles; all if none is named.")
    ] = None,
    scenes: Scenes = "",
    root: Root = HERE,
    masks: Masks = "",
    since: Since = None,
    until: Until = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Say what there is to do, and do nothing.")] = False,
    anew: Annotated[
        bool, typer.Option("--anew", help="Make products of those dates again though they are there, as after damage.")
    ] = False,
    settings: SettingsFile = None,
) -> None:
    """Make what some tiles lack of some dates: what it costs is told first, and run again it goes on."""
    from s2lookback.sources.settings import SourceSettings

    if not scenes and not anew:
        raise typer.BadParameter("name the folder of scenes, or say --anew", param_hint="--scenes")
    start, end = period(since, until, datetime.now(UTC))
    source = SourceSettings(scenes=scenes, masks=masks)
    with prefect(root):
        from flows.backfill import backfill as run
        from flows.progress import progress

        how = read_settings(settings)
        with progress():
            reports = run(tiles or (), start, end, estimate, anew, source=source, root=str(root), settings=how)
    told(reports)


@app.command(epilog="Example: s2lookback landing --scenes /data/L2 --root /data/products")
def landing(
    scenes: Scenes,
    root: Root = HERE,
    masks: Masks = "",
    settle: Annotated[
        int, typer.Option(min=0, help="Seconds between two looks, within which nothing may change.")
    ] = 60,
    settings: SettingsFile = None,
) -> None:
    """Bring up to date the tiles of which a new scene has landed whole; for cron, where no server looks."""
    from s2lookback.sources.settings import SourceSettings

    source = SourceSettings(scenes=scenes, masks=masks)
    with prefect(root):
        from flows.landing import landing as run
        from flows.progress import progress

        how = read_settings(settings)
        with progress():
            tiles = run(settle=settle, source=source, root=str(root), settings=how)
    out.print(f"brought up to date: {', '.join(tiles)}" if tiles else "nothing has landed", highlight=False)
