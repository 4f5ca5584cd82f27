"""Draws the pictures of docs/simulator.md: ``python -m tests.simulate.draw docs/pictures``."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s2lookback.display import TRUE_COLOUR
from s2lookback.masking.classes import Class
from s2lookback.pictures import class_image, rgb
from s2lookback.simulate import Observation, series
from s2lookback.simulate.families import DEVELOPMENT, UNSEEN, VALLEY

SIZE = {"height": 150, "width": 200}
SEED = 2
COLOURS = 128
"""Of the palette, which keeps a picture below 300 kB."""
BANDS = ("B12", "B8A", "B04", "B03", "B02")
SCL = np.array(
    [
        (0, 0, 0), (255, 0, 0), (47, 47, 47), (100, 50, 0), (0, 160, 0), (255, 230, 90),
        (0, 0, 255), (128, 128, 128), (192, 192, 192), (255, 255, 255), (100, 200, 255), (255, 150, 255),
    ],
    np.uint8,
)  # fmt: skip
"""ESA's colours of the scene classification."""


def share(one: Observation, *what: Class) -> float:
    """Tell which share of a whole scene is of some classes."""
    return float(np.isin(one.truth.classes, what).mean())


def broken(one: Observation) -> float:
    """Rank dates with cloud and shadow side by side highest."""
    return min(share(one, Class.THICK_CLOUD), 0.3) + share(one, Class.SHADOW)


def burning(one: Observation) -> float:
    """Rank dates with fire and smoke under open sky highest."""
    return share(one, Class.SMOKE, Class.FRESH_BURN) - 3 * share(one, Class.THICK_CLOUD, Class.NO_DATA)


def veiled(one: Observation) -> float:
    """Rank dates with thin cloud highest."""
    return share(one, Class.THIN_CLOUD) - 0.5 * share(one, Class.THICK_CLOUD)


def row(one: Observation) -> NDArray[np.uint8]:
    """Show a date: true colour, short-wave infrared, truth, label."""
    scene = one.scene
    shown = (rgb(scene.pixels, BANDS, TRUE_COLOUR), rgb(scene.pixels, BANDS, BANDS[:3]))
    return np.hstack([*shown, class_image(one.truth.classes), SCL[scene.scl]])


def main() -> None:
    """Draw each family: the date most broken, that most veiled, that most on fire."""
    rankings: tuple[Callable[[Observation], float], ...] = (broken, veiled, burning)
    for family in (*DEVELOPMENT, UNSEEN):
        dates = [*series(family, 20 if family is VALLEY else SEED, **SIZE, bands=BANDS)]
        rows = [row(max(dates, key=ranking)) for ranking in rankings]
        picture = Image.fromarray(np.vstack(rows)).quantize(COLOURS, dither=Image.Dither.NONE)
        picture.save(Path(sys.argv[1]) / f"simulated-{family.name}.png", optimize=True)


if __name__ == "__main__":
    main()
