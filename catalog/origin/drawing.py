"""A picture of where an item comes from: a row for each sensing time, a column for each stage, arrows to sources."""

import math
from collections.abc import Mapping, Sequence
from io import BytesIO

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from catalog.origin.descent import Graph, Key, Node, State, edges
from s2lookback.errors import CatalogError

MAX_ROWS = 60
"""Sensing times in one picture."""

_COLUMNS = {"model": "models", "scene": "scenes", "mask": "masks", "mrap": "MRAP", "reduced": "reduced"}
_PITCH = (118, 36)
"""Points from column to column and from row to row."""
_COLOURS = {State.STANDS: "#2A6F97", State.REPLACED: "#C08A2B", State.GONE: "#A4243B"}
_TYPES = {".png": "png", ".svg": "svg"}

Places = Mapping[Key, tuple[float, float]]


def draw(graph: Graph, suffix: str) -> bytes:
    """Draw a graph; the first of it, which was asked for, stands out.

    Args:
        graph: As ``catalog.origin.descent`` gives it.
        suffix: ``.png`` or ``.svg``.

    Raises:
        CatalogError: If it is another kind of picture, or the graph has more sensing times than one can show.
    """
    if suffix.lower() not in _TYPES:
        raise CatalogError(f"{suffix or 'no ending'!r} is no kind of picture, expected .png or .svg")
    rows = sorted({_time(key) for key in graph}, reverse=True)
    if len(rows) > MAX_ROWS:
        raise CatalogError(f"{len(rows)} sensing times do not fit into a picture of {MAX_ROWS}: --depth shows fewer")
    columns = [stage for stage in _COLUMNS if any(_stage(key) == stage for key in graph)]
    size = (1.6 + len(columns) * _PITCH[0] / 72, 1.1 + len(rows) * _PITCH[1] / 72)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    _frame(axes, columns, rows, next(iter(graph))[0])
    places = {key: (float(columns.index(_stage(key))), float(rows.index(_time(key)))) for key in graph}
    _arrows(axes, graph, places)
    for number, (key, node) in enumerate(graph.items()):
        _box(axes, node, places[key], asked_for=number == 0)
    return _encoded(figure, _TYPES[suffix.lower()])


def _frame(axes: Axes, columns: Sequence[str], rows: list[str], name: str) -> None:
    axes.set_title(f"What {name} was made from", fontsize=10, loc="left", pad=16)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xticks(range(len(columns)), [_COLUMNS[stage] for stage in columns])
    axes.set_yticks(range(len(rows)), [_day(row) for row in rows])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _arrows(axes: Axes, graph: Graph, places: Places) -> None:
    for made, source in edges(graph):
        level, upright = places[made][1] == places[source][1], places[made][0] == places[source][0]
        style = {
            "arrowstyle": "->",
            "color": "#D3D7DD" if made[0].startswith("model") else "#8A8F98",
            "linewidth": 0.9,
            "shrinkA": _reach(graph[made], places[made], places[source]),
            "shrinkB": _reach(graph[source], places[source], places[made]),
            "connectionstyle": f"arc3,rad={0.12 if level or upright else 0}",
        }
        axes.annotate("", xy=places[source], xytext=places[made], arrowprops=style, zorder=1)


def _reach(node: Node, place: tuple[float, float], other: tuple[float, float]) -> float:
    """Measure from the middle of a box to a little outside its edge, on the way to another; points."""
    right, down = (abs(there - here) * pitch for here, there, pitch in zip(place, other, _PITCH, strict=True))
    way = math.hypot(right, down)
    return 3 + min(way * half / part for half, part in ((5 + 2.5 * len(_label(node)), right), (10, down)) if part)


def _label(node: Node) -> str:
    return node.key[1][:7] if node.state is State.STANDS else f"{node.key[1][:7]} {node.state}"


def _box(axes: Axes, node: Node, place: tuple[float, float], *, asked_for: bool) -> None:
    colour = _COLOURS[node.state]
    axes.text(
        *place,
        _label(node),
        ha="center",
        va="center",
        fontsize=8,
        family="monospace",
        color="white" if asked_for else colour,
        bbox={"boxstyle": "round,pad=0.4", "facecolor": colour if asked_for else "white", "edgecolor": colour},
        zorder=2,
    )


def _stage(key: Key) -> str:
    stage = key[0].partition("-")[0]
    return stage if stage in _COLUMNS else "model"


def _time(key: Key) -> str:
    return key[0].rpartition("-")[2]


def _day(time: str) -> str:
    day = "-".join(part for part in (time[:4], time[4:6], time[6:8]) if part)
    return f"{day} {time[9:11]}:{time[11:13]}" if len(time) > 8 else f"{day} (month)"


def _encoded(figure: Figure, kind: str) -> bytes:
    file, metadata = BytesIO(), {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
    figure.savefig(file, format=kind, dpi=130, metadata=metadata)
    return file.getvalue()
