"""What the figures of masks were taken from, to be looked at: a few dates beside their truth."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from PIL import Image

from s2lookback.display import FALSE_COLOUR, SWIR, TRUE_COLOUR
from s2lookback.masking.classes import MASKED, MEANINGS, Class
from s2lookback.masking.mask import Mask
from s2lookback.pictures import class_image, rgb
from s2lookback.scene import Scene
from tests.bench.mask_scores import Codes, Found, Judged
from tests.bench.mask_series import Date

SHOWN = (4, 7, 9, 10, 12)
"""Which dates of a season are drawn."""
COLOURS = 64
GREEN = np.array([0, 200, 80], np.uint8)


def draw_season(season: Sequence[Date], judged: Sequence[Judged], path: Path) -> None:
    """Draw some dates of a season, a column each: true colour, infrared, truth, label, mask before growth."""
    columns = [
        {
            "true colour": rgb(season[at].scene.pixels, season[at].scene.bands, TRUE_COLOUR),
            "B12 B8A B04": rgb(season[at].scene.pixels, season[at].scene.bands, SWIR),
            "truth": class_image(judged[at].real),
            "mask, not grown": class_image(judged[at].bare),
            "wrong": _wrong(judged[at]),
        }
        for at in SHOWN
    ]
    titles = [f"{season[at].scene.about.sensed:%Y-%m-%d}" for at in SHOWN]
    _grid(titles, columns, [*Class][1:], path)


def _wrong(date: Judged) -> NDArray[np.uint8]:
    """Show the true class where another was found, white where it was the same."""
    image = class_image(date.real)
    same = (date.real == date.bare) | (date.real == Class.NO_DATA)
    return np.where(same[..., None], np.uint8(255), image)


def draw_layton(early: Scene, late: Scene, shadow: Found, masks: Mapping[str, Codes], path: Path) -> None:
    """Draw Layton's two dates, what he painted, and each mask of the second."""
    first = {"2020-04-26": rgb(early.pixels, early.bands, TRUE_COLOUR), "2020-06-27": _marked(late, shadow)}
    rest = {way: class_image(codes) for way, codes in masks.items()}
    pictures = [*(first | rest).items()]
    columns = [dict(pictures[at::3]) for at in range(3)]
    _grid(["", "", ""], columns, [Class.CLEAR, *MASKED, Class.WATER], path, named=True)


def _marked(scene: Scene, shadow: Found) -> NDArray[np.uint8]:
    return np.where(shadow[..., None], GREEN, rgb(scene.pixels, scene.bands, TRUE_COLOUR))


def draw_fire(scene: Scene, mask: Mask, path: Path) -> None:
    """Draw the fire G90292 and what was found of it."""
    images = [{"B12 B11 B09": rgb(scene.pixels, scene.bands, FALSE_COLOUR)}, {"mask": class_image(mask.classes)}]
    _grid(["", ""], images, [Class.CLEAR, Class.ACTIVE_FIRE], path, named=True)


def _grid(
    titles: Sequence[str],
    columns: Sequence[Mapping[str, NDArray[np.uint8]]],
    classes: Sequence[Class],
    path: Path,
    *,
    named: bool = False,
) -> None:
    """Draw columns of images; the names of their rows stand at the left, or above each if ``named``."""
    rows = max(len(column) for column in columns)
    height, width = next(iter(columns[0].values())).shape[:2]
    wide = 1.9 if not named else 4.2
    size = (wide * len(columns) + 0.4, rows * (wide * height / width + 0.25 * named) + 0.6)
    figure = Figure(figsize=size, dpi=90, layout="constrained")
    FigureCanvasAgg(figure)
    cells = figure.subplots(rows, len(columns), squeeze=False)
    for number, (title, column) in enumerate(zip(titles, columns, strict=True)):
        cells[0, number].set_title(title, fontsize=9)
        for axes, (name, image) in zip(cells[:, number], column.items(), strict=False):
            axes.imshow(image, interpolation="nearest")
            axes.set(xticks=[], yticks=[], ylabel="" if number or named else name)
            if named:
                axes.set_title(name, fontsize=9)
    looks = [MEANINGS[each] for each in classes]
    patches = [Patch(facecolor=f"#{look.color}", edgecolor="#888888", label=look.title) for look in looks]
    figure.legend(handles=patches, ncols=len(patches), loc="outside lower center", fontsize=8, frameon=False)
    drawn = BytesIO()
    figure.savefig(drawn, metadata={"Software": None})
    # A third of the bytes; nobody measures on these pictures.
    Image.open(drawn).convert("RGB").quantize(COLOURS).save(path, optimize=True)
