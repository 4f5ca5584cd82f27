"""Whether digital numbers carry the +1000 of processing baseline 04.00, judged from the pixels."""

import numpy as np
from numpy.typing import NDArray

from s2lookback.errors import SceneError
from s2lookback.settings import IngestSettings
from s2lookback.sources.metadata import ProductMetadata

OFFSET = 1000
"""Digital numbers that baseline 04.00 and later add to every band."""

DARK_PERCENT = 1.0
"""The darkest number of a band is this percentile: a real share of it, not a few bad pixels."""

FAR_BELOW = 500
"""Reflectance −0.05 where the offset is there: steep shade and hazy water reach it, a hundredth of a tile does not."""

JUST_ABOVE = (950, 1200)
"""Where the darkest surfaces end up when an offset was left in: reflectance −0.005 to 0.02. BC's own composites, with
the offset in them, begin at 1050."""


def darkest(numbers: NDArray[np.generic], valid: NDArray[np.bool_]) -> float | None:
    """Find the low percentile of the darkest band, or None where nothing is valid.

    Args:
        numbers: Digital numbers as they came, (band, y, x).
        valid: True inside the swath, (y, x).
    """
    if not valid.any():
        return None
    return min(float(np.percentile(band[valid], DARK_PERCENT)) for band in numbers)


def contradiction(darkest: float, offset: int) -> str | None:
    """Say why the pixels contradict the claimed offset, or None where they do not.

    Nearly every tile has water, shade or dark forest, whose reflectance in its darkest
    band is near zero: its digital numbers begin near zero, or near 1000 with the
    offset. So a claimed offset is contradicted by numbers far below 1000, and a claimed
    absence by numbers that begin just above 1000.

    A tile of bright cloud or desert alone begins anywhere above. It says nothing, and
    the claim stands; where it happens to begin between 950 and 1200 without an offset,
    it is taken for a contradiction. Of 118 dates of a 640 m square of 31UDS, all without
    an offset, that befell 9, each 61 to 100 % cloud by Sen2Cor; no date less cloudy than
    half began above 819. A whole tile begins lower still.

    Args:
        darkest: Low percentile of the valid digital numbers of the darkest band.
        offset: Digital numbers that the scene is said to carry, 1000 or 0.
    """
    if offset and darkest < FAR_BELOW:
        return (
            f"an offset of {offset} is claimed, but the darkest band begins at {darkest:.0f}, "
            f"expected above {FAR_BELOW}"
        )
    low, high = JUST_ABOVE
    if not offset and low <= darkest <= high:
        return f"no offset is claimed, but the darkest band begins at {darkest:.0f}, just above {OFFSET}"
    return None


def claimed_offset(about: ProductMetadata, settings: IngestSettings) -> int:
    """Decide which offset the digital numbers are said to carry, 1000 or 0; a person's word goes before the metadata.

    Raises:
        SceneError: If the metadata names another number, or none for a baseline that has the offset.
    """
    if settings.offset != "auto":
        return OFFSET if settings.offset == "present" else 0
    if not about.offsets and about.baseline < "04.00":
        return 0
    stated = {about.offsets.get(band) for band in settings.bands}
    if stated in ({-OFFSET}, {0}):
        return OFFSET if stated == {-OFFSET} else 0
    found = ", ".join(sorted("nothing" if number is None else str(number) for number in stated))
    raise SceneError(
        f"{about.uri}: baseline {about.baseline} adds {found} to the wanted bands, expected {-OFFSET} or 0 to all"
    )
