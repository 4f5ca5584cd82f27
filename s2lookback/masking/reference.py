"""What a pixel looked like when last clear, where the composite saw it through smoke."""

import numpy as np

from s2lookback.masking.physics import snow
from s2lookback.masking.spectrum import VISIBLE, Spectrum, nbr

LEAVES = {"B02": 0.25, "B03": 0.6, "B04": 0.5}
"""Reflectance of dense vegetation as a share of that at 2.2 µm.

Source: blue and red Kaufman et al. 1997, IEEE Transactions on Geoscience and Remote Sensing 35, who find the ground
under aerosol by it; green, which leaves reflect a fifth more of than red, own choice."""

DARK = 0.15
"""Reflectance at 2.2 µm up to which that holds. Source: as for ``LEAVES``."""

LEAFY = 0.3
"""Burn ratio from which ground is taken for vegetated: bare soil and rock lie about 0, burnt ground below."""

BRIGHT = 0.1
"""Reflectance in the near infrared below which ground is water or deep shade, whatever its indices say."""

VEILED = 0.05
"""Reflectance in blue beyond that of leaves which only smoke, haze or cloud adds."""


def unveiled(before: Spectrum) -> Spectrum:
    """Give vegetation that a composite shows through smoke the visible reflectance that its infrared tells of.

    A composite takes the infrared through smoke, and with it the smoke's blue, against which neither the smoke of the
    next date nor a thin cloud stands out. Ground that is not vegetated stays as it is.
    """
    if not before.has("B12", *VISIBLE):
        return before
    leafy = (before["B12"] < DARK) & (nbr(before) > LEAFY) & (before.nir > BRIGHT) & ~snow(before)
    veiled = leafy & (before["B02"] > LEAVES["B02"] * before["B12"] + VEILED)
    clean = {band: np.where(veiled, share * before["B12"], before[band]) for band, share in LEAVES.items()}
    return Spectrum({**before.layers, **clean})
