"""The subcommand that shows what became of every scene of the last weeks."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from flows.cli.times import Since, Until, period
from flows.cli.words import HERE, Root, app, out, sentences

if TYPE_CHECKING:
    from tasks.matrix import Matrix

_COLOURS = {"●": "green", "◆": "blue", "○": "yellow", "✕": "red", "·": "bright_black"}


@app.command(epilog="Example: s2lookback matrix --root /data/products --since '3 weeks' --png matrix.png")
def matrix(
    root: Root = HERE,
    since: Since = None,
    until: Until = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    png: Annotated[Path | None, typer.Option(help="Draw it into this PNG, with its legend.")] = None,
) -> None:
    """Show tiles by sensed dates: done, late, skipped, failed; by default the thirty days up to the newest scene."""
    from tasks.matrix import matrix as look_up

    start, end = period(since, until, datetime.now(UTC))
    with sentences():
        found = look_up(str(root), since=start, until=end)
    if as_json:
        out.print_json(data=_plain(found))
    elif not found.tiles:
        out.print("no scene came yet")
    elif png is not None:
        _draw(found, png)
    else:
        _print(found)


def _plain(found: "Matrix") -> dict[str, object]:
    tiles = {tile: {f"{day}": fate for day, fate in sorted(row.items())} for tile, row in found.tiles.items()}
    return {"days": [f"{day}" for day in found.days], "tiles": tiles, "failing": dict(found.failing)}


def _draw(found: "Matrix", png: Path) -> None:
    from catalog.place.disk import told
    from s2lookback.files import whole_file
    from tasks.matrix_picture import picture

    drawn = picture(found)
    with sentences(), told(png), whole_file(png) as part:
        part.write_bytes(drawn)
    out.print(f"{png}", soft_wrap=True, highlight=False)


def _print(found: "Matrix") -> None:
    from tasks.matrix import LEGEND, text

    laid = Text(text(found), no_wrap=True, overflow="ignore")
    for symbol, colour in _COLOURS.items():
        laid.highlight_regex(symbol, colour)
    out.print(laid, soft_wrap=True)
    for symbol, meaning in LEGEND.items():
        out.print(Text.assemble((symbol, _COLOURS[symbol]), f" {meaning}"))
    for tile, why in found.failing.items():
        out.print(Text(f"{tile} failed {why}", "red"), soft_wrap=True)
