"""Pictures of a simulated night: what each tile did when, and how much of each resource was used."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from tests.bench.replay import Night

COLOURS = {
    "start": "#B8BCC4", "ingest": "#2A6F97", "wait": "#F0E2C0", "train": "#C08A2B", "mask": "#7A9E7E",
    "mrap": "#A4243B", "reduce": "#6A4C93",
}  # fmt: skip
SHOWN = {
    "threads": "#2A6F97",
    "places": "#61A5C2",
    "memory": "#6A4C93",
    "disk": "#C08A2B",
    "gpu": "#A4243B",
    "server": "#5B8C5A",
}


def draw(night: Night, title: str, path: Path) -> None:
    """Draw a bar for each tile, above what was used of each resource, over minutes."""
    tiles = list(dict.fromkeys(span.tile for span in night.spans))
    figure = Figure(figsize=(9.5, 3.2 + 0.022 * len(tiles)), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[0.022 * len(tiles) + 1, 1.6])
    above.set_title(title, fontsize=10, loc="left")
    for stage, colour in COLOURS.items():
        chosen = [span for span in night.spans if span.stage == stage]
        above.barh(
            [tiles.index(span.tile) for span in chosen],
            [(span.end - span.begin) / 60 for span in chosen],
            left=[span.begin / 60 for span in chosen],
            height=1.0,
            color=colour,
        )
    above.set_ylabel("tiles")
    above.set_yticks([])
    above.legend(handles=_patches(night), ncols=len(COLOURS), fontsize=7, frameon=False, loc="lower right")
    _use(below, night)
    figure.savefig(path, dpi=100, metadata={"Software": None})


def _patches(night: Night) -> Sequence[Patch]:
    there = {span.stage for span in night.spans}
    return [Patch(facecolor=colour, label=stage) for stage, colour in COLOURS.items() if stage in there]


def _use(axes: Axes, night: Night) -> None:
    """Draw the share of each resource that is used, as means of a hundredth of the night each."""
    width = night.seconds / 100
    for name, colour in SHOWN.items():
        resource = night.resources[name]
        so_far = [resource.busy(width * number) for number in range(101)]
        shares = [100 * (late - early) / (width * resource.capacity) for early, late in pairwise(so_far)]
        axes.plot(
            [width * (number + 0.5) / 60 for number in range(100)], shares, color=colour, label=name, linewidth=1.2
        )
    axes.set_ylim(0, 103)
    axes.set_xlim(0, night.seconds / 60)
    axes.set_ylabel("used, %")
    axes.set_xlabel("minutes")
    axes.legend(ncols=len(SHOWN), fontsize=7, frameon=False, loc="lower right", bbox_to_anchor=(1, 1))
