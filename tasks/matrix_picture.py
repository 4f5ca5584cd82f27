"""The matrix of tiles by dates as a picture: a square a date, whose colour and mark tell what became of its scene."""

from collections.abc import Iterable, Sequence
from datetime import date
from io import BytesIO
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from tasks.matrix import LEGEND, NOTHING, SYMBOLS, Matrix

CELL = 16
"""Pixels from square to square. All that is drawn is placed in squares, from the upper left."""

COLOURS = {"●": "#2A6F97", "◆": "#8FC4E6", "○": "#E9B44C", "✕": "#9B1D3A", "·": "#EBEDF0"}
"""By symbol. What was made is blue and what was not is warm, in either once dark and once light: red tells from green
nowhere, and marks tell where colours do not."""

_MARKS = {"◆": ("D", 12, "#1F2933", "none"), "○": ("o", 22, "none", "#1F2933"), "✕": ("X", 44, "white", "none")}
"""Shape, its area in square points, and what it is filled and drawn with."""

_DPI = 100
_NAMES, _NARROWEST, _LONG = 4, 21, 40
"""Squares for the names of tiles; squares across that the legend fills; tiles from which on dates stand below, too."""
_FAILED = "a tile in red: it failed as a whole of late"


class Square(NamedTuple):
    """A place and what stands there."""

    x: int
    y: int
    symbol: str


def picture(found: Matrix) -> bytes:
    """Draw a matrix as PNG, dates across and tiles down, under its legend; the same matrix gives the same bytes."""
    first = len(LEGEND) + 4 + bool(found.failing)
    end = first + len(found.tiles)
    many = len(found.tiles) >= _LONG
    figure, axes = _sheet(max(_NARROWEST, _NAMES + len(found.days)), end + 2 * many)
    _head(axes, found)
    for above in (first - 2, *[end] * many):
        _dates(axes, found.days, above)
    for y, tile in enumerate(found.tiles, first):
        _text(axes, 0, y, tile, failed=tile in found.failing)
    legend = [Square(0, y, symbol) for y, symbol in enumerate(LEGEND, 1)]
    _draw(axes, [*legend, *_squares(found, first)])
    return _encoded(figure)


def _squares(found: Matrix, first: int) -> Iterable[Square]:
    for y, fates in enumerate(found.tiles.values(), first):
        for x, day in enumerate(found.days, _NAMES):
            yield Square(x, y, SYMBOLS[fates[day]] if day in fates else NOTHING)


def _sheet(across: int, down: int) -> tuple[Figure, Axes]:
    """Open an empty sheet of so many squares, with a margin of one around them."""
    figure = Figure(figsize=((across + 2) * CELL / _DPI, (down + 2) * CELL / _DPI), dpi=_DPI)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-1, across + 1), ylim=(down + 1, -1))
    axes.axis("off")
    return figure, axes


def _head(axes: Axes, found: Matrix) -> None:
    span = " to ".join(f"{day}" for day in dict.fromkeys([*found.days[:1], *found.days[-1:]]))
    axes.text(0, 0.2, f"Tiles by sensed date {span}", va="center", fontsize=9, weight="bold")
    for y, meaning in enumerate(LEGEND.values(), 1):
        _text(axes, 1.4, y, meaning)
    if found.failing:
        _text(axes, 0, len(LEGEND) + 1, _FAILED, failed=True)


def _dates(axes: Axes, days: Sequence[date], y: int) -> None:
    """Write days below their months, a line where a month begins."""
    for x, (before, day) in enumerate(zip([None, *days], days, strict=False), _NAMES):
        axes.text(x + 0.5, y + 1.5, f"{day.day}", ha="center", va="center", fontsize=7)
        if before is None or before.month != day.month:
            axes.plot([x, x], [y, y + 1.9], color=COLOURS["·"], linewidth=1.0)
            axes.text(x + 0.12, y + 0.5, f"{day:%b}", va="center", fontsize=6)


def _text(axes: Axes, x: float, y: float, words: str, *, failed: bool = False) -> None:
    colour, weight = (COLOURS["✕"], "bold") if failed else ("black", "normal")
    axes.text(x, y + 0.5, words, va="center", fontsize=7, color=colour, weight=weight, parse_math=False)


def _draw(axes: Axes, squares: Sequence[Square]) -> None:
    gap = 1 / CELL
    patches = [Rectangle((one.x + gap, one.y + gap), 1 - 2 * gap, 1 - 2 * gap) for one in squares]
    axes.add_collection(PatchCollection(patches, facecolor=[COLOURS[one.symbol] for one in squares]))
    for symbol, (shape, area, fill, edge) in _MARKS.items():
        marked = [one for one in squares if one.symbol == symbol]
        across, down = [one.x + 0.5 for one in marked], [one.y + 0.5 for one in marked]
        axes.scatter(across, down, marker=shape, s=area, c=fill, edgecolors=edge, linewidths=1.2)


def _encoded(figure: Figure) -> bytes:
    file = BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
