"""A simulated acquisition: the ground seen through air, smoke and cloud by a noisy sensor."""

import math
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from s2lookback.bands import DEFAULT_BANDS
from s2lookback.scene import NODATA, SCALE, Acquisition, Scene
from s2lookback.simulate.air import through_clear_air
from s2lookback.simulate.atmosphere import (
    HAZE_EXPONENT,
    aerosol_opacity,
    cloud_opacity,
    ice_cloud,
    mix,
    shade,
    smoke,
    water_cloud,
)
from s2lookback.simulate.cloud import Layer, seen_finely
from s2lookback.simulate.fractal import fractal
from s2lookback.simulate.labels import weak_labels
from s2lookback.simulate.mistakes import mistaken_labels
from s2lookback.simulate.moment import Moment, observe, shaded_surface, surface_of
from s2lookback.simulate.scenario import Scenario, generator, scene_number
from s2lookback.simulate.sensor import SATURATED, noise, saturation
from s2lookback.simulate.swath import VIEW_AZIMUTH, at_edge, later_view, view_incidence

Level = Literal["L1C", "L2A"]

_LIGHT_LEFT_OVER = 0.025
"""Standard deviation, from date to date, of the brightness of all bands together: what direction of view and errors of
the correction leave over, a guess."""


def simulate_scene(
    scenario: Scenario, sensed: datetime, bands: tuple[str, ...] = DEFAULT_BANDS, *, level: Level = "L2A"
) -> Scene:
    """Make the scene of a sensing time; its pixels depend on the scenario and the time, not on what else is made.

    Raises:
        ValueError: If the scenario has no scene then, or its family is seen at level 2A only.
    """
    return scene_of(scenario, sensed, observe(scenario, sensed), bands, level=level)


def scene_of(scenario: Scenario, sensed: datetime, moment: Moment, bands: tuple[str, ...], *, level: Level) -> Scene:
    """Make the scene of a moment; level 1C has all the air's own light and no labels."""
    if level == "L1C" and not moment.ground.family.physical:
        raise ValueError(f"{scenario.family}: has no air to see through, level 1C needs another family")
    scl, probability = (None, None) if level == "L1C" else _labels(scenario, sensed, moment)
    if moment.ground.family.physical:
        light = math.exp(generator(scenario, "light", sensed).normal(0.0, _LIGHT_LEFT_OVER))
        seen = np.float32(light) * _seen(moment, bands, generator(scenario, "haze", sensed), level)
        sensors = [generator(scenario, f"sensor {level} {band}", sensed) for band in bands]
        pixels = _counted(seen, noise(seen, bands, moment.sun_elevation), sensors)
        full = saturation(bands, moment.sun_elevation)[:, None, None]
        pixels = np.where(seen >= full, np.int16(SATURATED), pixels)
    else:
        random = generator(scenario, "sensor", sensed)
        pixels = _digital(_through_air(moment, bands, random), random)
    return Scene(
        about=_about(scenario, sensed, moment, level),
        grid=scenario.grid,
        bands=bands,
        pixels=np.where(moment.valid, pixels, np.int16(NODATA)),
        cloud_probability=probability,
        scl=scl,
        metadata={"scenario.json": scenario.recipe.encode()},
    )


def _labels(scenario: Scenario, sensed: datetime, moment: Moment) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    random = generator(scenario, "labels", sensed)
    if moment.ground.family.physical or scenario.label_noise is not None:
        return mistaken_labels(moment, random, scenario.label_noise)
    return weak_labels(moment, random)


def _seen(moment: Moment, bands: tuple[str, ...], random: np.random.Generator, level: Level) -> NDArray[np.float32]:
    """Lay haze, smoke and every layer of cloud over the shaded ground, with clear air between them for level 1C."""
    family = moment.ground.family
    pixels = shaded_surface(moment, bands, moment.shadow)
    patchy = np.exp(0.3 * fractal(random, moment.shadow.shape, slope=1.9, outer=200.0))
    haze = (random.uniform(*family.aerosol) * patchy).astype(np.float32)
    pixels = mix(pixels, aerosol_opacity(haze, bands, family.aerosol_exponent), smoke(bands))
    pixels = mix(pixels, aerosol_opacity(moment.fire.smoke, bands), smoke(bands))
    floor = 0.0
    for layer in moment.sky:
        if level == "L1C":
            pixels = through_clear_air(pixels, bands, moment.sun_elevation, bottom=floor, top=layer.height)
        pixels = mix(pixels, _opacity(layer, moment, bands), ice_cloud(bands) if layer.ice else water_cloud(bands))
        floor = layer.height
    if level == "L1C":
        pixels = through_clear_air(pixels, bands, moment.sun_elevation, bottom=floor, top=math.inf)
    return pixels


def _opacity(layer: Layer, moment: Moment, bands: tuple[str, ...]) -> NDArray[np.float32]:
    """Compute the opacity of a layer where each band sees it, (band, y, x): the later the view, the further along."""
    apparent = next(seen for seen in moment.seen if seen.height == layer.height).depth
    depths = [seen_finely(apparent, layer.height, *later_view(band, moment.number)) for band in bands]
    return cloud_opacity(np.stack(depths))


def _counted(
    pixels: NDArray[np.float32], deviation: NDArray[np.float32], sensors: list[np.random.Generator]
) -> NDArray[np.int16]:
    """Add each band's calibration error and noise, which no other band's draw shifts, and count in ten thousandths."""
    gain = np.array([random.normal(1.0, 0.01) for random in sensors], np.float32)
    grain = np.stack([random.standard_normal(pixels.shape[1:], np.float32) for random in sensors])
    counted: NDArray[np.int16] = np.rint((pixels * gain[:, None, None] + grain * deviation) / SCALE).astype(np.int16)
    return counted


def _through_air(moment: Moment, bands: tuple[str, ...], random: np.random.Generator) -> NDArray[np.float32]:
    """Lay shadow, haze, smoke, cloud and cirrus over the ground, from the bottom up."""
    pixels = shade(surface_of(moment, bands), moment.shadow, bands)
    # The producer corrects for the mean haze; what is left differs from date to date.
    haze = np.full(moment.low.shape, random.uniform(0.0, 0.05), np.float32)
    pixels = mix(pixels, aerosol_opacity(haze, bands, HAZE_EXPONENT), smoke(bands))
    pixels = mix(pixels, aerosol_opacity(moment.fire.smoke, bands), smoke(bands))
    pixels = mix(pixels, cloud_opacity(moment.low), water_cloud(bands))
    return mix(pixels, cloud_opacity(moment.high), ice_cloud(bands))


def _digital(pixels: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.int16]:
    """Add the date's gain and the sensor's noise, and count in ten thousandths."""
    gain = random.normal(1.0, 0.012, (pixels.shape[0], 1, 1)).astype(np.float32)
    noise = random.standard_normal(pixels.shape, np.float32) * (0.0012 + 0.006 * pixels)
    counted: NDArray[np.int16] = np.rint((pixels * gain + noise) / SCALE).astype(np.int16)
    return counted


def _about(scenario: Scenario, sensed: datetime, moment: Moment, level: Level) -> Acquisition:
    number = scene_number(scenario, sensed)
    return Acquisition(
        tile=scenario.tile,
        sensed=sensed,
        platform="sentinel-2b" if number % 2 else "sentinel-2a",
        level=level,
        baseline="05.11",
        relative_orbit=113 if at_edge(number) else 13,
        orbit_state="descending",
        products=(f"simulated:{scenario.tile}:{sensed:%Y%m%dT%H%M%S}",),
        sun_azimuth=round(moment.sun_azimuth, 3),
        sun_elevation=round(moment.sun_elevation, 3),
        view_azimuth=VIEW_AZIMUTH,
        view_incidence=view_incidence(number),
    )
