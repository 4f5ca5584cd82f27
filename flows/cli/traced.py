"""Where items come from, and whether they can be made again, as a person reads it."""

from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from catalog.items.facts import time_in
from catalog.origin.descent import Graph, Key, Node, State
from catalog.origin.reproduction import EQUAL, Reproduction


def nodes(graph: Graph) -> list[dict[str, Any]]:
    """Write a graph as JSON."""
    return [
        {
            "id": node.id,
            "content": node.key[1],
            "state": node.state.value,
            "sources": [{"id": name, "content": content} for name, content in node.sources],
        }
        for node in graph.values()
    ]


def backward(graph: Graph, start: Key) -> Tree:
    """Lay out what an item was made from; a version that stands above is not opened again."""
    if not graph[start].sources:
        return Tree(f"{_label(graph[start])} was read from its source")
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


def scenes(graph: Graph) -> str:
    """Say to how many scenes an item goes back."""
    times = sorted(time_in(name) for (name, _), node in graph.items() if node.item and name.startswith("scene-"))
    if len(graph) == 1 or not times:
        return ""
    scenes = "1 scene" if len(times) == 1 else f"{len(times)} scenes"
    return f"in all from {scenes}, {times[0]:%Y-%m-%d} to {times[-1]:%Y-%m-%d}\n"


def forward(graph: Graph, start: Key) -> Tree:
    """List what an item went into."""
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
    return f"{escape(node.id)}{told[node.state]}" + (f" [dim]{escape(products)}[/dim]" if products else "")


def comparison(found: Reproduction) -> Group:
    """Lay out how an item and the same made again compare."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for key, verdict in found.assets.items():
        table.add_row(key, verdict, style="" if verdict == EQUAL else "yellow")
    same = "equal in every byte" if found.equal else "differs"
    reasons = [Text(f"because {reason}", "yellow") for reason in found.reasons]
    return Group(table, *reasons, Text(f"{found.id} version {found.version}: {same}", "bold"))
