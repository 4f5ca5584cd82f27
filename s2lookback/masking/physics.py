"""What a spectrum alone tells of a pixel: snow, water, cloud, and light that came or went.

Thresholds come from the literature or from optics as named; none was fitted to data.
"""

import numpy as np
from numpy.typing import NDArray

from s2lookback.masking.spectrum import (
    INFRARED,
    VISIBLE,
    Spectrum,
    contrast,
    haze,
    nbr,
    ndsi,
    ndvi,
    whiteness,
)

Found = NDArray[np.bool_]


def snow(now: Spectrum) -> Found:
    """Find snow and ice: bright in the visible or near infrared, black in the short-wave infrared.

    Source: Hall et al. 1995, Remote Sensing of Environment 54 (NDSI from 0.4, near infrared above 0.11), with green
    above 0.1 as in Zhu & Woodcock 2012, equation 20. Without a green band: near infrared above 0.3 and at least six
    times the short-wave infrared; the densest canopy has three times, ice cloud two.
    """
    by_green = (ndsi(now) > 0.4) & (now.nir > 0.11) & (now["B03"] > 0.1)
    if now.has("B03"):
        return by_green
    return (now.nir > 0.3) & (contrast(now.nir, now["B11"]) > 5 / 7)


def snow_alone(now: Spectrum) -> Found:
    """Find, among what ``snow`` finds, what no cloud can be: ice clouds have most of its colours.

    Source: Zhu & Woodcock 2012, Remote Sensing of Environment 118, equation 1: a cloud's NDSI is below 0.8. They tell
    the rest apart by temperature, which Sentinel-2 does not see. Without a green band nothing is found.
    """
    return np.asarray(ndsi(now) >= 0.8)


def grey_infrared(now: Spectrum) -> Found:
    """Find what reflects nearly as much at 2.2 as at 1.6 µm, as clouds and soil do and leaves do not.

    Source: own choice that the share be 0.65: the water in leaves leaves about half, clouds three quarters or more
    (``mixture.CLOUD``).
    """
    return np.asarray(now["B12"] > 0.65 * now["B11"])


def water(now: Spectrum) -> Found:
    """Find open water, turbid water included.

    Source: Zhu & Woodcock 2012, equation 5. Without a red band: near infrared under 0.05 and short-wave infrared under
    0.03, which only water and the deepest shade are.
    """
    if now.has("B04"):
        green = ndvi(now)
        return ((green < 0.01) & (now.nir < 0.11)) | ((green < 0.1) & (now.nir < 0.05))
    return (now.nir < 0.05) & (now["B11"] < 0.03)


def cloud(now: Spectrum) -> Found:
    """Find cloud in one date by its colour; nothing where a visible band is missing.

    Source: potential cloud pixels of Zhu & Woodcock 2012, equations 1 to 4.
    """
    bright = (now["B12"] > 0.03) & (ndsi(now) < 0.8) & (ndvi(now) < 0.8)
    not_rock = now.nir > 0.75 * now["B11"]
    found: Found = bright & not_rock & (whiteness(now) < 0.7) & (haze(now) > 0)
    return found


def thick(now: Spectrum, before: Spectrum) -> Found:
    """Tell, among cloudy pixels, those that hide the surface.

    A cloud is seen over its ground, which light passes it twice to reach and to leave.

    Source: Sen2Cor 2.x algorithm theoretical basis, whose cloud probability grows from 0 at 0.07 to 1 at 0.25 in red
    and is called high from 0.65, so from 0.187. Where the ground was never seen, and without red, 0.25.
    """
    if not now.has("B04"):
        return np.asarray(now.nir > 0.25 + (1 - 0.25) ** 2 * before.nir)
    ground = before["B04"]
    found: Found = now["B04"] > np.where(np.isnan(ground), 0.25, 0.187 + (1 - 0.187) ** 2 * ground)
    return found


def darkened(now: Spectrum, before: Spectrum) -> Found:
    """Find what a shadow darkened since it was last clear: less light, the same colour.

    Infrared bands only, since the blue sky lights a shadow in the visible. No brighter than 0.2 either: a shadow
    leaves at most 0.45 of the light, and leaves reflect at most 0.45 of it.

    Source: BC Wildfire Service's temporal shadow rule: mean below 0.6 of what it was, spectral angle with cosine above
    0.95. Fire turns the spectrum over and fails the second test.
    """
    today, clear = _infrared(now), _infrared(before)
    lengths = np.sqrt((today**2).sum(axis=0) * (clear**2).sum(axis=0))
    same_colour = (today * clear).sum(axis=0) > 0.95 * lengths
    found: Found = same_colour & (today.mean(axis=0) < 0.6 * clear.mean(axis=0)) & (now.nir < 0.2)
    return found


def lit(now: Spectrum, before: Spectrum) -> Found:
    """Find what is in no shadow: about as bright in the infrared as when it was last clear, or redder.

    More than 0.8 of the light is left by a cloud of optical depth 0.2 before a sun 60 degrees from the zenith
    (exp(−0.4) and a third of what is scattered), which no mask finds; slopes and seasons take as much. The light of a
    shadow comes from the sky, so it loses more of the longer waves and the burn ratio does not fall.

    Source: Key & Benson 2006, USDA RMRS-GTR-164: dNBR of 0.1 is the bound between unburnt and burnt with low severity.
    """
    bright = _infrared(now).mean(axis=0) > 0.8 * _infrared(before).mean(axis=0)
    return np.asarray(bright | (nbr(before) - nbr(now) > 0.1))


def _infrared(spectrum: Spectrum) -> NDArray[np.float32]:
    bands = [band for band in INFRARED if spectrum.has(band)] or list(spectrum.layers)
    return np.stack([spectrum[band] for band in bands])


def unbrightened(now: Spectrum, before: Spectrum) -> Found:
    """Find what no cloud has come over: no brighter in any band than when it was last clear.

    A cloud of optical depth 0.5, the thinnest that anybody maps, adds 0.03 to dark ground in the visible by two-stream
    theory. Bright ground gains less, so without a blue band nothing is found.
    """
    bands = [band for band in (*VISIBLE, *INFRARED) if now.has(band)]
    if "B02" not in bands:
        return np.zeros_like(now.nir, np.bool_)
    rise = np.stack([now[band] - before[band] for band in bands])
    found: Found = rise.max(axis=0) < 0.02
    return found


def heated(now: Spectrum, before: Spectrum) -> Found:
    """Find what a fire passed or heats: the longest wave rose most, and the near infrared did not.

    Too small a flame and too light a burn for ``active_fire`` and ``fresh_burn`` show so, also through smoke. Cloud
    raises 2.2 µm most over some crops, but always the near infrared with it.

    Without a blue band nothing is found.

    Source: own choice that the rise be 0.03, twice what air and season do.
    """
    rise = {band: now[band] - before[band] for band in ("B02", "B11", "B12")}
    most = (rise["B12"] > rise["B11"]) & (rise["B12"] > rise["B02"])
    found: Found = (rise["B12"] > 0.03) & most & (now.nir - before.nir < 0.01)
    return found
