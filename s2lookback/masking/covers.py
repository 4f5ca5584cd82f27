"""From the probability of cloud, which is all that some methods tell, to that of every cover."""

import numpy as np

from s2lookback.masking.classes import COVERS, Class
from s2lookback.masking.method import View
from s2lookback.masking.physics import darkened, thick
from s2lookback.masking.spectrum import Layer


def told_apart(cloud: Layer, view: View) -> Layer:
    """Give the probability of each of ``COVERS``, (cover, ...), summing to 1.

    Cloud is thick where it hides the surface; what is not cloud is shadow where the light went as a shadow takes it.

    Args:
        cloud: Probability of cloud, 0 to 1, the shape of the view.
        view: The same pixels.
    """
    hides, shaded = thick(view.now, view.before), darkened(view.now, view.before)
    chance = {
        Class.CLEAR: (1 - cloud) * ~shaded,
        Class.THIN_CLOUD: cloud * ~hides,
        Class.THICK_CLOUD: cloud * hides,
        Class.SHADOW: (1 - cloud) * shaded,
    }
    return np.stack([chance[cover] for cover in COVERS]).astype(np.float32, copy=False)
