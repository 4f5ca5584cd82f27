"""A scene: one acquisition of one tile, harmonised to one grid, one unit and one offset."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from s2lookback.grid import Grid

NODATA = -9999
"""Pixels outside the swath, in every int16 band."""

SCALE = 0.0001
"""Reflectance = pixels · SCALE; there is no offset: it was removed at ingest."""

NO_PERCENT = 255
"""No data in a uint8 percentage (0-100) or probability."""


@dataclass(frozen=True, slots=True)
class SceneRef:
    """One acquisition of one tile as a source lists it, before any pixel is read."""

    tile: str
    """MGRS square without the leading T: ``10UFB``."""
    sensed: datetime
    """Sensing time, UTC, whole seconds."""
    files: tuple[str, ...]
    """Every file or product the scene is read from, sorted; several when it came in parts or has masks of its own."""
    changed: int
    """Newest change time (``st_ctime_ns``) among the files; 0 for a source that has none."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An input that cannot be used, and why."""

    href: str
    reason: str
    """One sentence: what was found and what was expected."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a source holds of a tile: scenes by sensing time, and what it had to leave out."""

    scenes: tuple[SceneRef, ...]
    rejected: tuple[Rejected, ...] = ()


@dataclass(frozen=True, slots=True)
class Acquisition:
    """Facts about a scene that its metadata tell; None where the source does not say."""

    tile: str
    sensed: datetime
    platform: str | None = None
    """``sentinel-2a`` and so on."""
    level: str | None = None
    """``L1C`` or ``L2A``."""
    baseline: str | None = None
    """Processing baseline, ``05.11``."""
    relative_orbit: int | None = None
    orbit_state: str | None = None
    """``ascending`` or ``descending``."""
    products: tuple[str, ...] = ()
    """Names of the products it was read from, oldest processing first."""
    generated: datetime | None = None
    """When the producer processed the newest of them."""
    sun_azimuth: float | None = None
    """Mean over the tile, degrees clockwise from north."""
    sun_elevation: float | None = None
    """Mean over the tile, degrees above the horizon."""
    view_azimuth: float | None = None
    view_incidence: float | None = None
    """Mean incidence angle, degrees from nadir."""
    offset_removed: int = 0
    """Digital numbers that were subtracted from every band: 1000 or 0."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A harmonised acquisition; a pixel lacks data in all bands or in none."""

    about: Acquisition
    grid: Grid
    bands: tuple[str, ...]
    pixels: NDArray[np.int16]
    """Reflectance × 10 000, offset removed, (band, y, x); ``NODATA`` outside the swath."""
    cloud_probability: NDArray[np.uint8] | None = None
    """The producer's own cloud probability, percent 0-100, (y, x); ``NO_PERCENT`` where it has none."""
    scl: NDArray[np.uint8] | None = None
    """Sen2Cor's scene classification 0-11, (y, x); 0 where it has none."""
    metadata: Mapping[str, bytes] = field(default_factory=dict)
    """Original metadata documents, file name to content."""

    @property
    def valid(self) -> NDArray[np.bool_]:
        """True inside the swath, (y, x)."""
        valid: NDArray[np.bool_] = self.pixels[0] != NODATA
        return valid
