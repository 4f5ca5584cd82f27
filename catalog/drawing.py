"""A picture of where an item comes from: a row for each sensing time, a column for each stage, arrows to sources."""

from collections.abc import Mapping
from io import BytesIO

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from catalog.descent import Graph, Key, Node, State, edges
from s2lookback.errors import CatalogError

MAX_ROWS = 60
"""Sensing times in one picture."""

_COLUMNS = ("model", "scene", "mask", "mrap", "reduced")
_TITLES = ("models", "scenes", "masks", "MRAP", "reduced")
_COLOURS = {State.STANDS: "#2A6F97", State.REPLACED: "#C08A2B", State.GONE: "#A4243B"}
_TYPES = {".png": "png", ".svg": "svg"}

Places = Mapping[Key, tuple[float, float]]


def draw(graph: Graph, suffix: str) -> bytes:
    """Draw a graph; the first of it, which was asked for, stands out.

    Args:
        graph: As ``catalog.descent`` gives it.
        suffix: ``.png`` or ``.svg``.

    Raises:
        CatalogError: If it is another kind of picture, or the graph has more sensing times than one can show.
    """
    if suffix.lower() not in _TYPES:
        raise CatalogError(f"{suffix or 'no ending'!r} is no kind of picture, expected .png or .svg")
    rows = sorted({_time(key) for key in graph}, reverse=True)
    if len(rows) > MAX_ROWS:
        raise CatalogError(f"{len(rows)} sensing times do not fit into a picture of {MAX_ROWS}: --depth shows fewer")
    figure = Figure(figsize=(9.5, 1.1 + 0.5 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    _frame(axes, rows, next(iter(graph))[0])
    places = {key: (float(_column(key)), float(rows.index(_time(key)))) for key in graph}
    _arrows(axes, graph, places)
    for number, (key, node) in enumerate(graph.items()):
        _box(axes, node, places[key], asked_for=number == 0)
    return _encoded(figure, _TYPES[suffix.lower()])


def _frame(axes: Axes, rows: list[str], name: str) -> None:
    axes.set_title(f"What {name} was made from", fontsize=10, loc="left", pad=16)
    axes.set_xlim(-0.5, len(_COLUMNS) - 0.5)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xticks(range(len(_COLUMNS)), _TITLES)
    axes.set_yticks(range(len(rows)), [_day(row) for row in rows])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _arrows(axes: Axes, graph: Graph, places: Places) -> None:
    for made, source in edges(graph):
        level, upright = places[made][1] == places[source][1], places[made][0] == places[source][0]
        gap = 32 if level else 14 if upright else 24  # points that a box reaches beyond its middle
        style = {
            "arrowstyle": "->",
            "color": "#D3D7DD" if made[0].startswith("model") else "#8A8F98",
            "linewidth": 0.9,
            "shrinkA": gap,
            "shrinkB": gap,
            "connectionstyle": f"arc3,rad={0.12 if level or upright else 0}",
        }
        axes.annotate("", xy=places[source], xytext=places[made], arrowprops=style, zorder=1)


def _box(axes: Axes, node: Node, place: tuple[float, float], *, asked_for: bool) -> None:
    colour = _COLOURS[node.state]
    axes.text(
        *place,
        node.key[1][:7] if node.state is State.STANDS else f"{node.key[1][:7]} {node.state}",
        ha="center",
        va="center",
        fontsize=8,
        family="monospace",
        color="white" if asked_for else colour,
        bbox={"boxstyle": "round,pad=0.4", "facecolor": colour if asked_for else "white", "edgecolor": colour},
        zorder=2,
    )


def _column(key: Key) -> int:
    stage = key[0].partition("-")[0]
    return _COLUMNS.index(stage) if stage in _COLUMNS else 0


def _time(key: Key) -> str:
    return key[0].rpartition("-")[2]


def _day(time: str) -> str:
    day = "-".join(part for part in (time[:4], time[4:6], time[6:8]) if part)
    return f"{day} {time[9:11]}:{time[11:13]}" if len(time) > 8 else f"{day} (month)"


def _encoded(figure: Figure, kind: str) -> bytes:
    file, metadata = BytesIO(), {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
    figure.savefig(file, format=kind, dpi=130, metadata=metadata)
    return file.getvalue()
