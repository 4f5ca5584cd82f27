"""Fire, what it leaves and what it gives off: the pixels that no mask may take away."""

import numpy as np
from numpy.typing import NDArray

from s2lookback.masking.classes import Class
from s2lookback.masking.method import View
from s2lookback.masking.physics import Found, snow
from s2lookback.masking.smoke import smoky
from s2lookback.masking.spectrum import Spectrum, contrast, nbr


def active_fire(now: Spectrum) -> Found:
    """Find burning pixels: short-wave infrared that flames give off, more of it the longer the wavelength.

    No cloud, snow or cold ground does: their reflectance falls from 1.6 to 2.2 µm. Burnt ground may rise a little, but
    reflects no more than 0.3. BC Wildfire Service's B11 − B09 above 0.0175 is not asked for: a small fire hardly shows
    at 1.6 µm, and of the 59 pixels found in BC's image of the fire G90292, 13 of them saturated, it finds two.

    Source: Hu, Ban & Nascetti 2021, International Journal of Applied Earth Observation and Geoinformation 101,
    temperate conifer forest (B04 at most 0.504 B12 − 0.198; with no red band, B12 from 0.393) and saturation (B12 from
    1.0); B12 above B11 is BC's, and above near infrared follows from the same reasoning.
    """
    red = now["B04"] if now.has("B04") else np.zeros_like(now["B12"])
    glowing = (now["B12"] > now["B11"]) & (now["B12"] > now.nir)
    hot: Found = (now["B12"] >= 1.0) | (glowing & (red <= 0.504 * now["B12"] - 0.198))
    return hot


def fresh_burn(now: Spectrum, before: Spectrum) -> Found:
    """Find ground that burnt since it was last clear; land stripped by harvest or plough looks the same.

    The near infrared fell and the short-wave infrared did not, which tells a burn from a shadow, that darkens both,
    and from a cloud, that brightens both. Snow that melted does as much, so ground last seen as snow is left out.

    Source: Key & Benson 2006, USDA RMRS-GTR-164: dNBR from 0.27 is burnt with moderate severity. Near infrared at most
    0.2 and under three quarters of what it was, short-wave infrared at least 0.9 of it: own choice, from burnt conifer
    at 0.05 to 0.15 where living was 0.2 to 0.35.
    """
    fell = (now.nir <= 0.2) & (now.nir < 0.75 * before.nir)
    kept = (now["B12"] >= 0.9 * before["B12"]) & (contrast(now["B12"], now["B11"]) > -0.25)
    return (nbr(before) - nbr(now) >= 0.27) & fell & kept & ~snow(before)


def charred(now: Spectrum) -> Found:
    """Find ground that may be burnt, whenever that was; bare soil, water and shadow are as dark.

    Cloud that hides it would be brighter in blue: one of optical depth 1.5, over char of 0.05, reflects 0.13.

    Source: Key & Benson 2006, USDA RMRS-GTR-164: a burn ratio below 0.1 is burnt; near infrared and blue, own choice.
    """
    bright = (now.nir >= 0.2) | (now["B02"] >= 0.12)
    return (nbr(now) < 0.1) & ~bright


def protected(view: View) -> NDArray[np.uint8]:
    """Give the class of burning, freshly burnt and smoky pixels, which any mask must let through; 0 elsewhere."""
    found = np.where(smoky(view), np.uint8(Class.SMOKE), np.uint8(Class.NO_DATA))
    found[fresh_burn(view.now, view.before)] = Class.FRESH_BURN
    found[active_fire(view.now)] = Class.ACTIVE_FIRE
    return found
