"""Subcommands that follow an item: back to the scenes, forward to what it went into, and through its making again."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.words import HERE, Masks, Root, Scenes, app, out, prefect, sentences

if TYPE_CHECKING:  # what reads rasters takes a second to import, which `--help` need not wait for
    from catalog.origin.descent import Graph

Name = Annotated[str, typer.Argument(metavar="ITEM", help="Id of an item, as `search` lists it.")]


@app.command(epilog="Example: s2lookback lineage mrap-10UFB-20250901T191921 --root demo/catalog --picture lineage.png")
def lineage(
    item: Name,
    root: Root = HERE,
    depth: Annotated[
        int | None, typer.Option(min=1, max=200, help="Steps to go back; by default 2, of JSON and PROV all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole graph as JSON.")] = False,
    prov: Annotated[bool, typer.Option("--prov", help="Print it as W3C PROV-JSON.")] = False,
    picture: Annotated[Path | None, typer.Option(help="Draw it into a .png or .svg.")] = None,
) -> None:
    """Trace an item back to the scenes, and forward to what was made from it."""
    from catalog.origin.descent import ancestors, descendants, key_of
    from catalog.origin.prov import prov_document
    from catalog.search import find_item
    from catalog.store import Store
    from flows.cli.traced import backward, forward, nodes, scenes

    store = Store(str(root))
    with sentences():
        found = find_item(store, item)
        back = ancestors(store, found, depth if as_json or prov else depth or 2)
        if picture is not None:
            _draw(back, picture)
        elif prov:
            out.print_json(data=prov_document(store, back))
        elif as_json:
            out.print_json(data={"made_from": nodes(back), "went_into": nodes(descendants(store, found))})
        else:
            out.print(backward(back, key_of(found)), scenes(ancestors(store, found)))
            out.print(forward(descendants(store, found), key_of(found)))


@app.command(epilog="Example: s2lookback reproduce mrap-10UFB-20250901T191921 --root demo/catalog")
def reproduce(
    item: Name,
    root: Root = HERE,
    scenes: Scenes = "",
    masks: Masks = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print all that was found.")] = False,
) -> None:
    """Make an item again from what is recorded of it, and compare every byte; the catalog is not touched.

    A scene is made again from the producer's files: say where they are.
    """
    from s2lookback.sources.settings import SourceSettings

    source = SourceSettings(scenes=scenes, masks=masks) if scenes else SourceSettings()
    with prefect(root):
        from flows.cli.traced import comparison
        from flows.reproduce import reproduce as run

        found = run(item, str(root), source)
    if as_json:
        out.print_json(data={**asdict(found), "equal": found.equal})
    else:
        out.print(comparison(found))
    if not found.equal:
        raise typer.Exit(1)


def _draw(graph: "Graph", picture: Path) -> None:
    from catalog.origin.drawing import draw
    from s2lookback.files import whole_file

    drawn = draw(graph, picture.suffix)
    with whole_file(picture) as part:
        part.write_bytes(drawn)
    out.print(f"{picture}", soft_wrap=True, highlight=False)
