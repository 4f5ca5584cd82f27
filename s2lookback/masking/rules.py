"""The classifier that needs no training on its tile: light as a mixture, labels, and the advice of simulated scenes."""

import numpy as np
from numpy.typing import NDArray

from s2lookback.masking.advice import HIDING, advised, likeliest
from s2lookback.masking.classes import COVERS, MASKED, Class
from s2lookback.masking.method import View
from s2lookback.masking.mixture import UNLIKELY
from s2lookback.masking.physics import Found, cloud, darkened, grey_infrared, snow, snow_alone, thick
from s2lookback.masking.spectrum import Layer

THINNEST = 0.05
"""Share of light that a cloud sends back from which it counts: optical depth 0.7 by two-stream theory. The light that a
correction leaves in the air, and the season, make up to 0.03."""

OPAQUE = 0.21
"""Share of light from which a cloud is thick.

Source: Sen2Cor 2.x algorithm theoretical basis: cloud probability grows from 0 at 0.07 to 1 at 0.25 in red and is
called high from 0.65, so from 0.187 over dark ground, of a cloud's 0.9."""

DARKENED = 0.4
"""Share of direct sunlight without which a pixel is in shadow."""

UNEXPLAINED = 0.35
"""Share of a change that a cloud may leave unexplained: its spectrum and the neighbours it drifts over vary."""

DIMMED = 0.03
"""Reflectance by which a shadow darkens the near infrared at least; less, and the ground is too dark to tell."""

_CLOUDS = (Class.THIN_CLOUD, Class.THICK_CLOUD)


class Rules:
    """Takes the weak labels where there is nothing else, and asks physics where there is."""

    name = "rules"

    def probabilities(self, view: View) -> Layer:
        """Give the probability of each of ``COVERS``, (cover, ...): that of the decision is 1 where no advice is."""
        decided = decide(view)
        return advised(np.stack([decided == cover for cover in COVERS]).astype(np.float32), view)


def decide(view: View) -> NDArray[np.uint8]:
    """Decide what covers each pixel: codes out of ``COVERS``; clear where nothing says otherwise."""
    mixture, labels = view.mixture, view.labels
    seen = ~np.isnan(mixture.cloud)
    veiled = np.where(seen, _veiled(view), _told_cloud(view) & ~snow(view.now))
    shaded = np.where(seen, _shaded(view), labels == Class.SHADOW)
    opaque = mixture.red >= OPAQUE if view.now.has("B04") else thick(view.now, view.before)
    hidden = np.where(seen, opaque, (labels == Class.THICK_CLOUD) | thick(view.now, view.before))
    decided = np.where(shaded, np.uint8(Class.SHADOW), np.uint8(Class.CLEAR))
    decided[veiled] = Class.THIN_CLOUD
    decided[veiled & hidden] = Class.THICK_CLOUD
    return decided


def _veiled(view: View) -> Found:
    """Find cloud over ground that was seen before; half as much will do where a label says so.

    Without blue, soil that dries and crops that grow look like cloud, and a label of clear stands against all but an
    opaque one.
    """
    mixture, told = view.mixture, np.isin(view.labels, _CLOUDS)
    opaque_grey = thick(view.now, view.before) & grey_infrared(view.now)
    free = told | (view.labels == Class.NO_DATA) | view.now.has("B02", "B04") | opaque_grey
    explained = mixture.misfit < np.maximum(UNLIKELY, UNEXPLAINED * mixture.change)
    enough = np.minimum(mixture.cloud, mixture.red) >= np.where(told, THINNEST / 2, THINNEST)
    fits = (mixture.misfit < UNLIKELY) & (mixture.lost < DARKENED / 2) & ~snow(view.before)
    opaque = mixture.red >= OPAQUE
    found: Found = enough & free & (fits | (told & opaque) | ~_snowy(view)) & (explained | opaque)
    return found


def _snowy(view: View) -> Found:
    """Find snow; what came over bare ground as bright as a cloud that hides it may be ice cloud, of the same colours.

    It is believed where the producer sees snow too, and where no cloud has that colour.
    """
    doubtful = (view.mixture.red >= HIDING) & ~snow(view.before) & (view.labels != Class.SNOW)
    return np.asarray(snow(view.now) & (snow_alone(view.now) | ~doubtful))


def _shaded(view: View) -> Found:
    """Find shadow on ground that was seen before; half as much will do where a label says so.

    Where a cloud shows in some of the visible bands, the infrared alone decides.
    """
    mixture, told = view.mixture, view.labels == Class.SHADOW
    enough = (mixture.lost >= np.where(told, DARKENED / 2, DARKENED)) & (mixture.misfit < UNLIKELY)
    found: Found = (enough & (view.before.nir - view.now.nir > DIMMED)) | darkened(view.now, view.before)
    return found


def _told_cloud(view: View) -> Found:
    """Find cloud over ground that was never seen: by its label, or by its colour where it has none."""
    found: Found = np.isin(view.labels, _CLOUDS) | ((view.labels == Class.NO_DATA) & cloud(view.now))
    return found


def mend_labels(view: View) -> NDArray[np.uint8]:
    """Add to the labels the clouds and shadows that the rules find; the rest keeps its label, or none.

    No label says shadow where a pixel was never clear before: one look cannot tell a shadow from dark ground, and a
    model that learnt to would never let such a pixel be seen.
    """
    decided = likeliest(Rules().probabilities(view))
    never = np.isnan(view.before.nir)
    mended = np.where((decided == Class.CLEAR) & ~np.isin(view.labels, MASKED), view.labels, decided)
    return np.where(never & (mended == Class.SHADOW), np.uint8(Class.NO_DATA), mended)
