"""Subcommands that follow an item: back to the scenes, forward to what it went into, and through its making again."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.tree import Tree

from catalog.descent import Graph, Key, Node, State, ancestors, descendants, key_of
from catalog.facts import time_in
from flows.cli.words import HERE, Root, app, out, sentences

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
    from catalog.prov import prov_document
    from catalog.search import find_item
    from catalog.store import Store

    store = Store(str(root))
    with sentences():
        found = find_item(store, item)
        back = ancestors(store, found, depth if as_json or prov else depth or 2)
        if picture is not None:
            _draw(back, picture)
        elif prov:
            out.print_json(data=prov_document(store, back))
        elif as_json:
            out.print_json(data={"made_from": _nodes(back), "went_into": _nodes(descendants(store, found))})
        else:
            out.print(_backward(back, key_of(found)), _scenes(ancestors(store, found)))
            out.print(_forward(descendants(store, found), key_of(found)))


def _draw(graph: Graph, picture: Path) -> None:
    from catalog.drawing import draw
    from s2lookback.files import whole_file

    drawn = draw(graph, picture.suffix)
    with whole_file(picture) as part:
        part.write_bytes(drawn)
    out.print(f"{picture}", soft_wrap=True, highlight=False)


def _nodes(graph: Graph) -> list[dict[str, Any]]:
    return [
        {
            "id": node.id,
            "content": node.key[1],
            "state": node.state.value,
            "sources": [{"id": name, "content": content} for name, content in node.sources],
        }
        for node in graph.values()
    ]


def _backward(graph: Graph, start: Key) -> Tree:
    """Lay out what an item was made from; a version that stands above is not opened again."""
    tree = Tree(f"[bold]{start[0]}[/bold] was made from")
    opened = {start}

    def grow(branch: Tree, key: Key) -> None:
        for source in graph[key].sources:
            if source in opened:
                branch.add(f"{escape(source[0])} [dim]see above[/dim]")
            elif source in graph:
                opened.add(source)
                grow(branch.add(_label(graph[source])), source)
        beyond = [name for name, content in graph[key].sources if (name, content) not in graph]
        if beyond:
            more = f" and {len(beyond) - 1} more" if beyond[1:] else ""
            branch.add(f"[dim]{escape(beyond[0])}{more} …[/dim]")

    grow(tree, start)
    return tree


def _scenes(graph: Graph) -> str:
    """Say to how many scenes an item goes back."""
    times = sorted(time_in(name) for name, _ in graph if name.startswith("scene-"))
    return f"in all from {len(times)} scenes, {times[0]:%Y-%m-%d} to {times[-1]:%Y-%m-%d}\n" if times else ""


def _forward(graph: Graph, start: Key) -> Tree:
    tree = Tree(f"[bold]{start[0]}[/bold] went into" if len(graph) > 1 else f"nothing was made from {start[0]}")
    for key, node in graph.items():
        if key != start:
            directly = "" if start in node.sources else " [dim]through another[/dim]"
            tree.add(f"{node.id}{directly}")
    return tree


def _label(node: Node) -> str:
    facts = node.item["properties"] if node.item and node.item["collection"] == "scenes" else {}
    told = {State.STANDS: "", State.REPLACED: " [yellow]replaced since[/yellow]", State.GONE: " [red]gone[/red]"}
    products = " ".join(facts.get("s2lookback:products", []))
    return f"{escape(node.id)}{told[node.state]} [dim]{escape(products)}[/dim]"
