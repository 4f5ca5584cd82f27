"""What a pixel can be: the codes of every class raster, and what each is usable for."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, IntFlag

import numpy as np
from numpy.typing import NDArray


class Class(IntEnum):
    """Codes of a class raster (uint8)."""

    NO_DATA = 0
    CLEAR = 1
    THIN_CLOUD = 2
    THICK_CLOUD = 3
    SHADOW = 4
    SNOW = 5
    WATER = 6
    SMOKE = 7
    ACTIVE_FIRE = 8
    FRESH_BURN = 9


MASKED = (Class.THIN_CLOUD, Class.THICK_CLOUD, Class.SHADOW)
"""What hides the surface."""

GROUND = (Class.CLEAR, Class.SNOW, Class.WATER)
"""What is there where nothing hides it, and no fire."""

COVERS = (Class.CLEAR, *MASKED)
"""What a method tells apart; the other classes are found among these by physics."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """How a class is shown and what its pixels may be used for."""

    title: str
    color: str
    """RGB, six hexadecimal digits."""
    swir: bool
    """Surface seen in the near and short-wave infrared."""
    visible: bool
    """Surface seen in the visible bands."""


MEANINGS: dict[Class, Meaning] = {
    Class.NO_DATA: Meaning("Outside the swath", "000000", swir=False, visible=False),
    Class.CLEAR: Meaning("Clear land", "7FB069", swir=True, visible=True),
    Class.THIN_CLOUD: Meaning("Thin cloud", "C9D6DF", swir=False, visible=False),
    Class.THICK_CLOUD: Meaning("Thick cloud", "FFFFFF", swir=False, visible=False),
    Class.SHADOW: Meaning("Cloud shadow", "3D405B", swir=False, visible=False),
    Class.SNOW: Meaning("Snow or ice", "80D8FF", swir=True, visible=True),
    Class.WATER: Meaning("Water", "1D6FA5", swir=True, visible=True),
    Class.SMOKE: Meaning("Smoke", "B08968", swir=True, visible=False),
    Class.ACTIVE_FIRE: Meaning("Active fire", "FF3B1F", swir=True, visible=True),
    Class.FRESH_BURN: Meaning("Fresh burn", "7A2E1D", swir=True, visible=True),
}


class Use(IntFlag):
    """Bits of a raster of uses (uint8): in which bands the surface of a pixel was seen."""

    INFRARED = 1
    """Near and short-wave infrared."""
    VISIBLE = 2


def uses(classes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give the bits of ``Use`` of every pixel; 0 where no surface was seen, and outside the swath.

    Args:
        classes: Codes of ``Class``, any shape.
    """
    table = np.zeros(256, np.uint8)
    for code, meaning in MEANINGS.items():
        table[code] = Use.INFRARED * meaning.swir | Use.VISIBLE * meaning.visible
    return table[classes]


def usable(classes: NDArray[np.uint8], *, visible: bool = False) -> NDArray[np.bool_]:
    """Mark the pixels whose surface was seen: in the infrared bands or, if asked, in the visible ones too.

    Args:
        classes: Codes of ``Class``, any shape.
        visible: Demand that the visible bands are clean too, which smoke is not.
    """
    demanded = np.uint8(Use.INFRARED | Use.VISIBLE if visible else Use.INFRARED)
    seen: NDArray[np.bool_] = (uses(classes) & demanded) == demanded
    return seen


def among(classes: NDArray[np.uint8], codes: Iterable[Class]) -> NDArray[np.bool_]:
    """Mark the pixels of these classes, any shape, in a byte a pixel; ``np.isin`` takes eight."""
    found = np.zeros(classes.shape, np.bool_)
    for code in codes:
        found |= classes == np.uint8(code)
    return found
