"""Smoke: the visible bands see it, the infrared sees through; close to a fire it is likelier than cloud."""

import numpy as np
from numpy.typing import NDArray

from s2lookback.masking.cast import within
from s2lookback.masking.classes import GROUND, Class, among
from s2lookback.masking.method import View
from s2lookback.masking.mixture import UNLIKELY
from s2lookback.masking.physics import Found, snow
from s2lookback.masking.spatial import outnumber
from s2lookback.masking.spectrum import Layer, brightness

THINNEST = 0.2
"""Opacity in blue from which smoke shows."""

BRIGHTEST = 0.4
"""Mean reflectance in the visible that smoke never exceeds and thick cloud does."""

THROUGH = 0.25
"""Rise of the short-wave infrared as a share of that of blue up to which the ground shows.

Smoke particles of 0.1 to 0.3 µm scatter at 2.2 µm a tenth or less of what they do at 0.49 µm, the droplets and crystals
of any cloud nearly as much; a quarter lies between."""

STEADY = 0.02
"""Rise of the short-wave infrared that season and correction make."""

PLUME = 200.0
"""Metres to each side over which smoke and cloud outvote each other."""

FROM_FIRE = 20_000.0
"""Metres from an active fire within which smoke is likelier than cloud, unless clouds outnumber it threefold."""

FAR_FETCHED = 9.2
"""Misfit by which smoke far from any fire must explain the light better than cloud: twice the logarithm of 100, since
opaque cloud covers most of the sky and smoke as opaque a hundredth of it at most."""


def smoke_possible(view: View) -> Found:
    """Find what may be smoke: it explains the light well, or better than cloud and shadow; never over snow."""
    mixture = view.mixture
    explained = (mixture.smoke_misfit < UNLIKELY) & (_rise(view) < THROUGH * (view.now["B02"] - view.before["B02"]))
    enough = (mixture.smoke >= THINNEST) & (brightness(view.now) < BRIGHTEST)
    found: Found = (explained | (mixture.smoke_misfit < mixture.misfit)) & enough
    return found & ~snow(view.now) & ~snow(view.before)


def smoky(view: View) -> Found:
    """Find what is smoke more likely than cloud, each pixel by itself."""
    likelier = view.mixture.smoke_misfit < view.mixture.misfit
    return smoke_possible(view) & (likelier | (_rise(view) < STEADY))


def smoke_surely(view: View) -> Found:
    """Find what is smoke though no fire is near: what explains the light far better than cloud does."""
    return np.asarray(view.mixture.smoke_misfit + FAR_FETCHED < view.mixture.misfit)


def _rise(view: View) -> Layer:
    """Give the larger rise of the two short-wave infrared bands."""
    rise: Layer = np.fmax(view.now["B11"] - view.before["B11"], view.now["B12"] - view.before["B12"])
    return rise


def plumes(
    cloudy: NDArray[np.bool_],
    seen: NDArray[np.uint8],
    possible: NDArray[np.bool_],
    surely: NDArray[np.bool_],
    pixel: tuple[float, float],
    *,
    told: bool = False,
) -> NDArray[np.bool_]:
    """Mark smoke: where a pixel may be smoke or cloud, what most of its neighbours are decides, (y, x).

    The rim of a cloud, in its own shadow or seen at another place by every band, can have the colour of smoke; thick
    smoke can have that of cloud. Neither does over hundreds of metres. Even so a cloud over its own shadow may have it
    anywhere; where no fire is near, only what cloud cannot explain speaks for smoke.

    Args:
        cloudy: True for what is cloud or shadow unless it is smoke.
        seen: Codes of ``Class``, ``SMOKE`` for what each pixel by itself takes for smoke.
        possible: True for what may be smoke.
        surely: True for what is smoke wherever the fire.
        pixel: Height and width of a pixel in metres.
        told: Whether what is cloudy was told by who knows smoke from cloud: then it speaks against smoke by itself.
    """
    near = within(seen == Class.ACTIVE_FIRE, FROM_FIRE, pixel)
    alone = (seen == Class.SMOKE) & (near | surely)
    if told:
        alone &= ~cloudy
    worth = np.where(near, np.uint8(3), np.uint8(1))
    more = outnumber(alone, cloudy & ~alone, worth, (int(PLUME / pixel[0]), int(PLUME / pixel[1])))
    return np.where(cloudy, possible & more & among(seen, (*GROUND, Class.SMOKE)), seen == Class.SMOKE)
