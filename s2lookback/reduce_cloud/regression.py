"""Makes thin cloud thinner by regression, and only where that is shown to be worth it.

The fit is that of BC Wildfire Service's HAZELESS (February 2026): within the cloud, today's
bands are regressed on the composite. That the composite is first brought into today's light,
and which bands and pixels the result may touch, is ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from s2lookback.errors import GridMismatchError
from s2lookback.masking.classes import Class
from s2lookback.mrap.fold import has_data
from s2lookback.reduce_cloud.change import surface_changed
from s2lookback.reduce_cloud.judge import Errors, Trial, judge, uncertainty
from s2lookback.reduce_cloud.linear import Fit, Spectra, fit_alone, fit_repeatedly, predict, spectra
from s2lookback.settings import ReduceSettings

JUDGED_BY = (Class.CLEAR, Class.WATER)
"""Pixels that tell how good an estimate is. Not fire, burn and snow: where they lie the composite is out of date as
it is nowhere else, and would be held for worse than it is under the cloud."""

Places = NDArray[np.intp]
"""Flat indices into a raster."""

Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Reduced:
    """A scene whose thin cloud was made thinner, or the scene as it was."""

    pixels: NDArray[np.int16]
    """(band, y, x); as observed wherever ``estimated`` is False."""
    estimated: NDArray[np.bool_]
    """True where at least one band is an estimate, (y, x)."""
    uncertainty: NDArray[np.uint16]
    """Standard error of the estimated bands, reflectance × 10 000, (y, x); 0 where nothing is estimated."""
    used: bool
    """False where nothing is estimated."""
    reason: str
    """Why or why not, in a few words."""
    errors: dict[str, Errors] = field(default_factory=dict)
    """By band, those that were refused included."""
    coefficients: dict[str, list[list[float]]] = field(default_factory=dict)
    """By estimated band, one list a repeat: of a constant 10 000, then of each raw band."""


def reduce_scene(
    pixels: NDArray[np.int16],
    classes: NDArray[np.uint8],
    composite: NDArray[np.int16],
    *,
    bands: Sequence[str],
    settings: ReduceSettings,
) -> Reduced:
    """Estimate the surface under thin cloud, band by band, where that beats both the raw pixels and the composite.

    Only pixels of class THIN_CLOUD are touched, and of those none that may have burnt; a
    band that is not worth it keeps its raw pixels.

    Args:
        pixels: Today's, (band, y, x); ``NODATA`` outside the swath.
        classes: Codes of ``Class``, (y, x).
        composite: Most recent pixels from before this scene, (band, y, x); ``NODATA`` where
            never seen. One that this scene was folded into already is refused in effect:
            its pixels agree with the clear ones too well to be beaten.
        bands: Names of the bands.
        settings: How to fit, and what is too little.

    Raises:
        GridMismatchError: If the shapes disagree.
        SceneError: If the bands do not suffice to tell a burn.
    """
    if not pixels.shape == composite.shape == (len(bands), *classes.shape):
        raise GridMismatchError(
            f"scene {pixels.shape}, classes {classes.shape}, composite {composite.shape} "
            f"and {len(bands)} bands disagree"
        )
    known = has_data(pixels) & has_data(composite)
    changed = surface_changed(pixels, composite, bands, max_contrast_loss=settings.max_contrast_loss)
    thin = np.flatnonzero(known & ~changed & (classes == Class.THIN_CLOUD))
    clear = np.flatnonzero(known & np.isin(classes, JUDGED_BY))
    if min(thin.size, clear.size) < settings.min_samples:
        found = f"found {thin.size} thin-cloud and {clear.size} clear pixels"
        return _as_observed(pixels, f"{found}, expected {settings.min_samples} of each")
    fits, trial = _learn(pixels, composite, thin, clear, settings)
    tried = predict(trial.veiled, fits)
    errors = judge(trial, tried, bands)
    chosen = [index for index, band in enumerate(bands) if errors[band].worth_it]
    if not chosen:
        return _as_observed(pixels, "in no band is the estimate better than raw pixels and composite", errors)
    raw = spectra(pixels, thin)
    estimate = predict(raw, fits)
    doubt = uncertainty(
        (raw - estimate)[:, chosen], (trial.veiled - tried)[:, chosen], (tried - trial.truth)[:, chosen]
    )
    return Reduced(
        pixels=_replaced(pixels, thin, estimate, chosen),
        estimated=_placed(np.ones(thin.size, np.bool_), thin, classes.shape),
        uncertainty=_placed(doubt, thin, classes.shape),
        used=True,
        reason=f"better than raw pixels and composite in {', '.join(bands[index] for index in chosen)}",
        errors=errors,
        coefficients={bands[index]: [fit[:, index].tolist() for fit in fits] for index in chosen},
    )


def _learn(
    pixels: NDArray[np.int16],
    composite: NDArray[np.int16],
    thin: Places,
    clear: Places,
    settings: ReduceSettings,
) -> tuple[list[Fit], Trial]:
    """Fit on half of the thin-cloud pixels; lend the veils of the other half to half of the clear ones.

    The composite was lit by another sun. A target that is not in today's light would teach
    the difference of light as if it were cloud, and the trial could not notice; the other
    half of the clear pixels brings it there.
    """
    random = np.random.default_rng(settings.seed)
    fitted, veils = np.array_split(random.permutation(thin), 2)
    lit, tried = np.array_split(random.choice(clear, min(clear.size, 2 * settings.max_samples), replace=False), 2)
    lent = random.choice(veils, tried.size)
    light = [fit_alone(spectra(composite, lit), spectra(pixels, lit))]
    fits = fit_repeatedly(spectra(pixels, fitted), predict(spectra(composite, fitted), light), settings, random)
    return fits, Trial(
        truth=spectra(pixels, tried),
        composite=spectra(composite, tried),
        target=predict(spectra(composite, tried), light),
        veil=spectra(pixels, lent) - predict(spectra(composite, lent), light),
    )


def _replaced(pixels: NDArray[np.int16], places: Places, estimate: Spectra, chosen: list[int]) -> NDArray[np.int16]:
    replaced = pixels.copy()
    for index in chosen:
        replaced[index].flat[places] = estimate[:, index]
    return replaced


def _placed(values: NDArray[Value], places: Places, shape: tuple[int, ...]) -> NDArray[Value]:
    """Put values at flat indices of a raster of zeros."""
    raster = np.zeros(shape, values.dtype)
    raster.flat[places] = values
    return raster


def _as_observed(pixels: NDArray[np.int16], reason: str, errors: dict[str, Errors] | None = None) -> Reduced:
    shape = pixels.shape[1:]
    nothing = np.zeros(shape, np.bool_), np.zeros(shape, np.uint16)
    return Reduced(pixels, *nothing, used=False, reason=reason, errors=errors or {})
