"""Masks for anyone with an array: the methods and the fire-safe rest of the platform, without files or catalog."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from s2lookback.errors import SceneError
from s2lookback.grid import Grid
from s2lookback.masking.background import background_of
from s2lookback.masking.classes import Class
from s2lookback.masking.lookback import Model
from s2lookback.masking.mask import classify as classify_scene
from s2lookback.masking.medians import geomedian
from s2lookback.masking.reflectance import check_bands, checked_reflectance
from s2lookback.scene import NO_PERCENT, NODATA, SCALE, Acquisition, Scene
from s2lookback.settings import MaskMethod, MaskSettings

TEN_BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
"""What ten bands are taken for if nobody names them: those of 10 and 20 m, as s2cloudmask wants them."""

Sun = tuple[float, float]
"""Azimuth, degrees clockwise from north, and elevation, degrees above the horizon."""

_NOWHERE, _NEVER = 32631, datetime(1970, 1, 1, tzinfo=UTC)
"""An array does not say where and when it was sensed; neither changes what is found in it."""


def classify(
    obs: NDArray[np.generic],
    bands: Sequence[str],
    model: str | Model = "spectral",
    reference: NDArray[np.generic] | None = None,
    sun: Sun | Sequence[Sun] | None = None,
    *,
    elevation: NDArray[np.generic] | None = None,
    pixel_size: float = 20.0,
    settings: MaskSettings = MaskSettings(),
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Say what each pixel of one date, or of each of several, is, and how sure it is that something hides it.

    Args:
        obs: Reflectance, 0 to 1, (y, x, band) or (time, y, x, band), oldest first; NaN for no data. Left untouched.
        bands: Names of its bands, in their order: ``B02 B03 B04``, ``B8A`` or ``B08``, ``B11`` and ``B12``, more if
            there are more. Without the last two the trained methods warn and do worse.
        model: ``spectral``, ``temporal``, ``background``, ``s2cloudless`` (which wants top-of-atmosphere reflectance),
            ``rules``, or a ``Model`` of the look-back classifier.
        reference: What the ground looks like without cloud, (y, x, band); without one, of several dates, their
            geomedian, or for ``background`` the median of the nearest ones.
        sun: Where it stood, for all dates or for each; shadows are then looked for on the other side of clouds.
        elevation: Metres, (y, x): with the sun, what mountains shade is then no cloud's shadow.
        pixel_size: Metres.
        settings: Thresholds, and how clouds are grown; its ``method`` gives way to ``model``.

    Returns:
        Codes of ``Class``, and the probability that cloud or shadow hides the surface, 0 to 1, NaN for no data; both
        (y, x) or (time, y, x).

    Raises:
        SceneError: If something is not as above; the sentence says what to do.
    """
    check_bands("obs", obs, bands)
    stack = checked_reflectance("obs", obs if obs.ndim == 4 else obs[np.newaxis])
    chosen = _chosen(settings, model, compared=reference is not None or len(stack) > 1)
    before, suns = _references(reference, stack, bands, chosen), _suns(sun, len(stack))
    scenes = [_scene(date, bands, at, pixel_size) for date, at in zip(stack, suns, strict=True)]
    trained = model if isinstance(model, Model) else None
    ground = None if elevation is None else elevation.astype(np.float32)
    pairs = zip(scenes, before, strict=True)
    masks = [classify_scene(scene, one, trained, chosen, elevation=ground) for scene, one in pairs]
    classes = np.stack([mask.classes for mask in masks])
    percent = np.stack([mask.probability for mask in masks])
    probability = np.where(percent == NO_PERCENT, np.float32(np.nan), percent / np.float32(100))
    return (classes, probability) if obs.ndim == 4 else (classes[0], probability[0])


def cloud_mask(
    obs: NDArray[np.generic],
    model: str | Model = "spectral",
    reference: NDArray[np.generic] | None = None,
    bands: Sequence[str] = TEN_BANDS,
) -> NDArray[np.bool_]:
    """Mark cloud, thin or thick, grown by some metres; arguments as for ``classify``, True where there is cloud."""
    classes, _ = classify(obs, bands, model, reference)
    return np.isin(classes, (Class.THIN_CLOUD, Class.THICK_CLOUD))


def shadow_mask(
    obs: NDArray[np.generic],
    model: str | Model = "temporal",
    reference: NDArray[np.generic] | None = None,
    bands: Sequence[str] = TEN_BANDS,
) -> NDArray[np.bool_]:
    """Mark the shadow of cloud, grown by some metres; arguments as for ``classify``, True where there is shadow."""
    classes, _ = classify(obs, bands, model, reference)
    return np.asarray(classes == Class.SHADOW)


def _chosen(settings: MaskSettings, model: str | Model, *, compared: bool) -> MaskSettings:
    """Put the method that was asked for into the settings."""
    if isinstance(model, Model):
        return settings.model_copy(update={"method": "lookback"})
    known = [name for name in get_args(MaskMethod) if name != "lookback"]
    if model not in known:
        raise SceneError(f"model is {model!r}, expected {', '.join(known)}, or a Model of the look-back classifier")
    if model == "temporal" and not compared:
        raise SceneError("the temporal model compares with a reference: give one, (y, x, band), or several dates")
    return settings.model_copy(update={"method": model})


def _references(
    reference: NDArray[np.generic] | None, stack: NDArray[np.float32], bands: Sequence[str], settings: MaskSettings
) -> list[NDArray[np.int16] | None]:
    """Give what each date is compared with: what was given, or made of the other dates, or nothing."""
    if reference is not None:
        if reference.shape != stack.shape[1:]:
            raise SceneError(f"reference has the shape {reference.shape}, expected {stack.shape[1:]} as obs has")
        return [_pixels(checked_reflectance("reference", reference))] * len(stack)
    if settings.method == "background":
        return [_background(stack, date, settings) for date in range(len(stack))]
    return [_pixels(geomedian(stack))] * len(stack) if len(stack) > 1 else [None]


def _background(stack: NDArray[np.float32], date: int, settings: MaskSettings) -> NDArray[np.int16] | None:
    """Give the median of the dates next to one."""
    others = [other for other in range(len(stack)) if other < date or (other > date and settings.allow_future)]
    others.sort(key=lambda other: (abs(other - date), other))
    return background_of([_pixels(stack[other]) for other in sorted(others[: settings.number_of_images])])


def _pixels(reflectance: NDArray[np.float32]) -> NDArray[np.int16]:
    """Turn reflectance, (y, x, band), into pixels, (band, y, x); one that lacks a band has no data in any."""
    lost = np.isnan(reflectance).any(axis=-1, keepdims=True)
    counted = np.rint(np.nan_to_num(reflectance) / SCALE).clip(NODATA + 1, np.iinfo(np.int16).max)
    pixels = np.where(lost, NODATA, counted).astype(np.int16)
    return np.ascontiguousarray(np.moveaxis(pixels, -1, 0))


def _scene(date: NDArray[np.float32], bands: Sequence[str], sun: Sun | None, pixel_size: float) -> Scene:
    height, width = date.shape[:2]
    grid = Grid(_NOWHERE, (pixel_size, 0.0, 0.0, 0.0, -pixel_size, 0.0), height, width)
    azimuth, elevation = sun or (None, None)
    about = Acquisition("", _NEVER, sun_azimuth=azimuth, sun_elevation=elevation)
    return Scene(about, grid, tuple(bands), _pixels(date))


def _suns(sun: Sun | Sequence[Sun] | None, dates: int) -> list[Sun | None]:
    """Give the place of the sun on each date."""
    if sun is None:
        return [None] * dates
    places = np.atleast_2d(np.asarray(sun, np.float64))
    if places.shape not in ((1, 2), (dates, 2)) or not _in_sky(places):
        raise SceneError(
            f"sun is {np.asarray(sun).tolist()}, expected azimuth (0 to 360) and elevation (0 to 90), once or for each "
            f"of {dates} dates"
        )
    each = [(float(azimuth), float(elevation)) for azimuth, elevation in places]
    return [*each] * dates if len(each) == 1 else [*each]


def _in_sky(places: NDArray[np.float64]) -> bool:
    return bool(((places >= 0) & (places <= (360, 90))).all())
