"""Where an MGRS tile lies.

Source: DMA TM 8358.1 (1990), appendix on the military grid reference system; letters
I and O are never used.
"""

_ROWS = "ABCDEFGHJKLMNPQRSTUV"
"""Letters of 100 km rows, repeating every 2000 km."""
_COLUMNS = ("STUVWXYZ", "ABCDEFGH", "JKLMNPQR")
"""Letters of 100 km columns for zones 3n, 3n + 1 and 3n + 2."""
_BANDS = "CDEFGHJKLMNPQRSTUVWX"
"""Letters of bands of 8° of latitude, from 80° south."""
TILE = rf"^(0[1-9]|[1-5]\d|60)[{_BANDS}][A-HJ-NP-Z][A-HJ-NP-V]$"


def tile_corner(tile: str) -> tuple[int, float, float]:
    """Find the north-west corner of a tile: EPSG code, west and north in metres.

    Raises:
        ValueError: If no such square exists in its zone.
    """
    zone, band, column, row = int(tile[:2]), tile[2], tile[3], tile[4]
    if column not in _COLUMNS[zone % 3]:
        raise ValueError(f"{tile}: zone {zone} has columns {_COLUMNS[zone % 3]}, found {column}")
    west = 100_000.0 * (1 + _COLUMNS[zone % 3].index(column))
    south = 100_000.0 * ((_ROWS.index(row) - (5 if zone % 2 == 0 else 0)) % 20)
    latitude = 8 * _BANDS.index(band) - 80
    # Rows repeat every 2000 km, bands are 890 km high: the row nearest the middle of the band is meant.
    middle = (latitude + 4) * 111_000.0 + (0.0 if latitude >= 0 else 10_000_000.0)
    south += 2_000_000.0 * round((middle - south) / 2_000_000.0)
    return (32_600 if latitude >= 0 else 32_700) + zone, west, south + 100_000.0
