"""A question as clients send it: of any size, and from maps that go around, with longitudes beyond 180 degrees."""

import math
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, field_validator, model_validator

from catalog.api.limits import bounded


class Bounded(BaseModel):
    """A question that can be answered in time, whose box may lie beyond the antimeridian."""

    @model_validator(mode="before")
    @classmethod
    def small_enough(cls, question: Any) -> Any:
        """Refuse too large a question before anything else reads it."""
        return bounded(question)

    @field_validator("bbox", mode="before", check_fields=False)
    @classmethod
    def turned_back(cls, bbox: Any) -> Any:
        """Turn the box by whole circles until it lies where longitudes are counted; what is no box stays as it is."""
        if not isinstance(bbox, list | tuple) or len(bbox) not in {4, 6}:
            return bbox
        half = len(bbox) // 2
        west, east = bbox[0], bbox[half]
        if not all(isinstance(one, int | float) and math.isfinite(one) for one in (west, east)):
            return bbox
        west, east = turned(west, east)
        return [west, *bbox[1:half], east, *bbox[half + 1 :]]


def turned(west: float, east: float) -> tuple[float, float]:
    """Count longitudes from -180 to 180; west comes out greater than east where they cross the antimeridian.

    >>> turned(-190, -170), turned(170, 200), turned(-200, 200), turned(-122, -121)
    ((170, -170), (170, -160), (-180, 180), (-122, -121))
    """
    if west > east or (west >= -180 and east <= 180):
        return west, east
    if east - west >= 360:
        return -180, 180
    start = west - 360 * math.floor((west + 180) / 360)
    end = start + (east - west)
    return start, end if end <= 180 else end - 360


def box_of(bbox: Sequence[float]) -> tuple[float, float, float, float]:
    """Take west, south, east and north of a box, which may have heights between them."""
    half = len(bbox) // 2
    return (bbox[0], bbox[1], bbox[half], bbox[half + 1])
