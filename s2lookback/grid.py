"""The grid of a raster: where its pixels lie on the Earth."""

import math
from dataclasses import dataclass

from rasterio.crs import CRS
from rasterio.transform import Affine, array_bounds


@dataclass(frozen=True, slots=True)
class Grid:
    """CRS, transform and shape of a north-up or rotated raster."""

    epsg: int
    """EPSG code of the CRS."""
    transform: tuple[float, float, float, float, float, float]
    """Affine coefficients a, b, c, d, e, f: x = a·column + b·row + c, y = d·column + e·row + f, in CRS units."""
    height: int
    """Rows."""
    width: int
    """Columns."""

    @classmethod
    def of(cls, crs: CRS, transform: Affine, height: int, width: int) -> "Grid":
        """Take the grid of an open raster; ``ValueError`` where its CRS has no EPSG code."""
        epsg = crs.to_epsg()
        if epsg is None:
            raise ValueError(f"its CRS has no EPSG code: {crs.to_wkt()[:80]}")
        return cls(epsg, tuple(transform)[:6], height, width)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.height, self.width

    @property
    def spacing(self) -> float:
        """Distance from a pixel to the next of its row, in CRS units."""
        return math.hypot(self.transform[0], self.transform[3])

    @property
    def affine(self) -> Affine:
        """The transform, as rasterio takes it."""
        return Affine(*self.transform)

    @property
    def crs(self) -> CRS:
        """The CRS, as rasterio takes it."""
        return CRS.from_epsg(self.epsg)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in CRS units."""
        west, south, east, north = array_bounds(self.height, self.width, self.affine)
        return west, south, east, north
