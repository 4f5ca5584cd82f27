"""Subcommand that looks after the models."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from flows.cli.words import HERE, Root, app, out, percent, sentences


@app.command(epilog="Example: s2lookback stale --root /data/products")
def stale(
    root: Root = HERE,
    every: Annotated[bool, typer.Option("--all", help="List the tiles whose model is sound too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all that is known.")] = False,
) -> None:
    """List the tiles whose model no longer knows the ground; the next 1st or 16th of a month brings a challenger."""
    from catalog.staleness import overview
    from catalog.store import Store

    with sentences():
        found = [one for one in overview(Store(str(root))) if every or one.reasons]
    if as_json:
        out.print_json(data=[asdict(one) for one in found])
        return
    table = Table("tile", "model", "masks", "PSI", "contradicted %", "stale because", box=None, pad_edge=False)
    for one in found:
        psi = "" if one.psi is None else f"{one.psi:.2f}"
        table.add_row(one.tile, one.model, str(one.masks), psi, percent(one.disagreement, 100), "; ".join(one.reasons))
    out.print(table if found else "no model is stale")
