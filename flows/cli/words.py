"""What the subcommands have in common: options, console, Prefect's environment, sentences for errors."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from catalog.layout import TILE
from catalog.place.chosen import place_of
from s2lookback.errors import CatalogError, SceneError, TransientError

if TYPE_CHECKING:  # pydantic and its models take a moment to import, which `--help` need not wait for
    from s2lookback.settings import Settings

app = typer.Typer(
    help="Sentinel-2 scenes to cloud masks, most-recent-available-pixel (MRAP) composites and cloud-reduced images.",
    epilog="Start with: s2lookback demo",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
out = Console()
err = Console(stderr=True)


def _root(name: str) -> str:
    """Take the place of a catalog as it is written; refuse an address that none can have."""
    try:
        place_of(name)
    except CatalogError as error:
        raise typer.BadParameter(str(error)) from error
    return name


Root = Annotated[
    str,
    typer.Option(
        "--root",
        parser=_root,
        metavar="PLACE",
        envvar="S2LOOKBACK_ROOT",
        help="Folder of the catalog and its products, or s3://bucket/prefix.",
    ),
]
Scenes = Annotated[
    str, typer.Option(envvar="S2LOOKBACK_SCENES", help="Folder of SAFE products (folders or zips), or of ENVI images.")
]
Masks = Annotated[
    str, typer.Option(envvar="S2LOOKBACK_MASKS", help="ENVI only: folder of masks, or of several folders of masks.")
]


def tile_of(name: str) -> str:
    """Take a tile with or without its T, in any case."""
    tile = name.upper().removeprefix("T")
    if not TILE.fullmatch(tile):
        raise typer.BadParameter(f"{name!r} is no MGRS tile, expected one like 10UFB")
    return tile


Tile = Annotated[str, typer.Argument(parser=tile_of, metavar="TILE", help="MGRS tile, as in 10UFB.")]
Day = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Day (UTC), or sensing time.")]
Since = Annotated[datetime | None, typer.Option("--start", formats=["%Y-%m-%d"], help="First day, UTC.")]
Until = Annotated[datetime | None, typer.Option("--end", formats=["%Y-%m-%d"], help="Last day, UTC, included.")]

SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", exists=True, dir_okay=False, help="JSON file with any of the settings; see `settings`."),
]


HERE = "products"
MAX_SETTINGS = 1_000_000
"""Bytes of the largest settings file that is read."""


@contextmanager
def prefect(root: str) -> Iterator[None]:
    """Run flows on Prefect's own embedded server, unless one is configured; turn expected errors into sentences."""
    if not os.environ.get("PREFECT_API_URL"):
        # Beside the products, or in the copy of a bucket: no account, no server, nothing in the home folder.
        home = place_of(root).folder.resolve() / ".prefect"
        home.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("PREFECT_HOME", str(home))
        os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")  # 20 s is too short when busy
        os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")  # the bars and the table say it better
    with sentences():
        yield


@contextmanager
def sentences() -> Iterator[None]:
    """Turn the errors that may be expected into one sentence and exit code 1."""
    try:
        yield
    except (SceneError, CatalogError, TransientError) as error:
        stop(str(error))


def stop(sentence: str) -> NoReturn:
    """Say why nothing more can be done, and exit with 1."""
    err.print(f"[red]s2lookback:[/red] {sentence}", highlight=False, soft_wrap=True)
    raise typer.Exit(1)


def percent(number: object, scale: float) -> str:
    """Write a share as a percentage; nothing where there is none, or no number."""
    return f"{scale * number:.0f}" if isinstance(number, int | float) else ""


def read_settings(file: Path | None) -> "Settings":
    """Read a settings file; the defaults where none is given.

    Raises:
        SceneError: If it is not one.
    """
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


def aware(time: datetime) -> datetime:
    """Take a time as UTC."""
    return time.replace(tzinfo=UTC)


def utc(day: datetime | None) -> datetime | None:
    """Take a day from its start, UTC."""
    return None if day is None else aware(day)


def until(time: datetime | None) -> datetime | None:
    """Take a time as it is, and of a day its last second."""
    return end_of(time) if time is not None and time.time() == datetime.min.time() else utc(time)


def end_of(day: datetime | None) -> datetime | None:
    """Take the last second of a day."""
    return None if day is None else aware(day) + timedelta(days=1, seconds=-1)
