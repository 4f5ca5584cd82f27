"""Reduces one date of an ENVI series: what is estimated, what comes from the composite, what stays.

Source: HAZELESS of BC Wildfire Service (25 February 2026), whose rules for going back to the
composite are kept but for pixels that may have burnt.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s2lookback.masking.classes import Class
from s2lookback.mrap.fold import has_data
from s2lookback.mrap.preview import as_reflectance
from s2lookback.mrap.series import Date
from s2lookback.reduce_cloud.change import SHORT_WAVE, surface_changed
from s2lookback.reduce_cloud.regression import reduce_scene
from s2lookback.settings import ReduceSettings

SENSED, ESTIMATED, CARRIED, KEPT, NOTHING = range(5)
"""Where a pixel comes from: as sensed, estimated, from the composite, as sensed though masked, no data."""


@dataclass(frozen=True, slots=True)
class Hazeless:
    """A date with less cloud."""

    pixels: NDArray[np.float32]
    """Digital numbers, (band, y, x); NaN where neither the date nor the composite has data."""
    origin: NDArray[np.uint8]
    """Where each pixel comes from, (y, x)."""
    uncertainty: NDArray[np.uint16]
    """Standard error of an estimate, digital numbers, (y, x); 0 elsewhere."""
    reason: str
    """Why bands are estimated, or why none."""


def remove_haze(
    date: Date,
    composite: NDArray[np.float32],
    before: NDArray[np.float32],
    *,
    bands: Sequence[str],
    settings: ReduceSettings,
    revert_within: float,
    max_veil: float,
    least_masked: float,
) -> Hazeless:
    """Estimate what thin cloud veils, and take the rest of what is masked or missing from the composite.

    Args:
        date: The image and its masks.
        composite: Of this date, digital numbers, (band, y, x), NaN where never seen.
        before: The composite before it, which does not hold this date yet.
        bands: Names of the bands.
        settings: How to fit, and what is too little.
        revert_within: Share within which an estimate counts as the same as the composite.
        max_veil: Digital numbers by which all bands may be brighter than before.
        least_masked: Share of masked pixels below which the date stays as it is.

    Raises:
        SceneError: If the bands do not suffice to tell a burn.
    """
    if date.masked_share < least_masked:
        reason = f"{date.masked_share:.1%} are masked, less than {least_masked:.1%}"
        pixels, origin = _assemble(date, composite, date.pixels, np.zeros_like(date.masked), date.masked)
        return Hazeless(pixels, origin, np.zeros(origin.shape, np.uint16), reason)
    raw, past, classes = as_reflectance(date.pixels), as_reflectance(before), _classes(date, before, max_veil)
    reduced = reduce_scene(raw, classes, past, bands=bands, settings=settings)
    changed = surface_changed(raw, past, bands, max_contrast_loss=settings.max_contrast_loss)
    burnt = changed & (classes == Class.THIN_CLOUD) & has_data(past)
    chosen = np.isin(bands, list(reduced.coefficients))[:, np.newaxis, np.newaxis]
    estimate = np.where(chosen, reduced.pixels, date.pixels).astype(np.float32)
    estimated = reduced.estimated & ~_reverted(estimate, date.pixels, composite, bands, revert_within)
    pixels, origin = _assemble(date, composite, estimate, estimated, burnt)
    return Hazeless(pixels, origin, np.where(estimated, reduced.uncertainty, np.uint16(0)), reduced.reason)


def _assemble(
    date: Date,
    composite: NDArray[np.float32],
    estimate: NDArray[np.float32],
    estimated: NDArray[np.bool_],
    kept: NDArray[np.bool_],
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Lay together what is clear, estimated or kept, the composite elsewhere, and cloud where even that is empty."""
    seen = has_data(date.pixels)
    origin = np.select(
        [date.clear, estimated, kept, has_data(composite), seen], [SENSED, ESTIMATED, KEPT, CARRIED, KEPT], NOTHING
    ).astype(np.uint8)
    pixels = np.select([origin == ESTIMATED, origin == CARRIED], [estimate, composite], date.pixels)
    return pixels.astype(np.float32), origin


def _classes(date: Date, before: NDArray[np.float32], max_veil: float) -> NDArray[np.uint8]:
    """Tell thick cloud, which brightens every band, from thin; a mask of cloud alone does not."""
    brightened = (date.pixels - before).min(axis=0)
    return np.select(
        [~has_data(date.pixels), date.clear, date.shadow, brightened > max_veil],
        [Class.NO_DATA, Class.CLEAR, Class.SHADOW, Class.THICK_CLOUD],
        Class.THIN_CLOUD,
    ).astype(np.uint8)


def _reverted(
    pixels: NDArray[np.float32],
    raw: NDArray[np.float32],
    composite: NDArray[np.float32],
    bands: Sequence[str],
    within: float,
) -> NDArray[np.bool_]:
    """Mark estimates that are the composite again in all bands, or that moved the short-wave infrared too far."""
    if within == 0:
        return np.zeros(raw.shape[1:], np.bool_)
    short = [bands.index(band) for band in SHORT_WAVE if band in bands]
    same: NDArray[np.bool_] = np.all(_apart(composite, pixels) <= within, axis=0)
    moved: NDArray[np.bool_] = np.all(_apart(raw[short], pixels[short]) >= within, axis=0)
    return same | moved


def _apart(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the difference as a share of the first."""
    apart: NDArray[np.float32] = np.abs(one - other) / (np.abs(one) + np.float32(1e-6))
    return apart
