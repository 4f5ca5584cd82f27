"""The thirteen bands of the Sentinel-2 MSI, by name.

Source: Sentinel-2 spectral response functions (ESA COPE-GSEG-EOPG-TN-15-0007), centre
wavelengths and bandwidths of S2A; common names as in the STAC eo extension 2.0.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Band:
    """One spectral band."""

    name: str
    """ESA's name, two digits: ``B09``, ``B8A``."""
    common_name: str
    """The eo extension's name: ``swir22``."""
    wavelength: int
    """Centre wavelength, nm, as BC's ENVI headers round it."""
    width: int
    """Full width at half maximum, nm."""
    resolution: int
    """Native pixel size, m."""


_TABLE = (
    Band("B01", "coastal", 443, 21, 60),
    Band("B02", "blue", 490, 66, 10),
    Band("B03", "green", 560, 36, 10),
    Band("B04", "red", 665, 31, 10),
    Band("B05", "rededge071", 705, 15, 20),
    Band("B06", "rededge075", 740, 15, 20),
    Band("B07", "rededge078", 783, 20, 20),
    Band("B08", "nir", 842, 106, 10),
    Band("B8A", "nir08", 865, 21, 20),
    Band("B09", "nir09", 945, 20, 60),
    Band("B10", "cirrus", 1375, 31, 60),
    Band("B11", "swir16", 1610, 91, 20),
    Band("B12", "swir22", 2190, 175, 20),
)

BANDS: dict[str, Band] = {band.name: band for band in _TABLE}

DEFAULT_BANDS = ("B12", "B11", "B09", "B08", "B8A", "B04", "B03", "B02")
"""What the platform harmonises and composites unless told otherwise, on the 20 m grid."""

ENVI_BANDS = ("B12", "B11", "B09", "B08")
"""What BC's burn mapping reads, in its order."""
