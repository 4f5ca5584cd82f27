"""What must hold of every composite and from one to the next, and how well its scenes fit together.

Source: the two invariants that BC Wildfire Service checks after each composite
(``sentinel2_mrap_QA``), made exact by the source raster.
"""

import numpy as np
from numpy.typing import NDArray

from s2lookback.errors import CatalogError
from s2lookback.mrap.fold import Composite, expire, has_data, valued
from s2lookback.mrap.policy import effective


def check_composite(composite: Composite) -> None:
    """Demand that a pixel has data in all bands where it has a source, and in none where it has not.

    Raises:
        CatalogError: If not; says how many pixels are wrong.
    """
    seen = composite.source > 0
    if all(np.array_equal(valued(band), seen) for band in composite.pixels):
        return
    complete = has_data(composite.pixels)
    torn = int(np.count_nonzero(valued(composite.pixels).any(axis=0) & ~complete))
    if torn:
        raise CatalogError(f"composite: {torn} pixels have data in some bands only, expected in all or none")
    orphans = int(np.count_nonzero(complete != seen))
    if orphans:
        raise CatalogError(f"composite: {orphans} pixels have data without a source or a source without data")


def check_succession(
    before: Composite, after: Composite, *, at: int, max_age_days: int | None = None, prefer_days: int = 0
) -> None:
    """Demand that no pixel was lost or replaced by one that counts as older, save those that left the look-back window.

    Not for a composite that was healed after a scene was withdrawn or masked anew.

    Args:
        before: The predecessor.
        after: The new composite.
        at: Its time, seconds since 1970-01-01 UTC.
        max_age_days: Its look-back window; None has no end.
        prefer_days: Days that a pixel counts as older if it is surely hidden.

    Raises:
        CatalogError: If not; says how many pixels went back.
    """
    kept = before if max_age_days is None else expire(before, at, max_age_days, prefer_days=prefer_days)
    one, other = (effective(each.source, each.doubt, prefer_days) for each in (kept, after))
    lost = int(np.count_nonzero(other < one))
    if lost:
        raise CatalogError(f"composite: {lost} pixels went back to an older observation or to none")


def seam_score(band: NDArray[np.int16], source: NDArray[np.uint32]) -> float | None:
    """Compare the steps where two scenes meet with those inside scenes: their ratio, 1 where no seam is to be seen.

    A step is the absolute difference of two neighbours in a row or column.

    Args:
        band: (y, x); ``NODATA`` has no steps.
        source: Scene of each pixel, (y, x).

    Returns:
        None where no two scenes meet, or all is flat inside them.
    """
    across = inside = np.empty(0)
    for one, other in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        known = valued(band[one]) & valued(band[other])
        steps = np.abs(band[one].astype(np.int32) - band[other])[known]
        meets = (source[one] != source[other])[known]
        across, inside = np.append(across, steps[meets]), np.append(inside, steps[~meets])
    if not across.size or not inside.any():
        return None
    return float(across.mean() / inside.mean())
