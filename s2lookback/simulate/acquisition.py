"""A simulated acquisition: the ground seen through air, smoke and cloud by a noisy sensor."""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from s2lookback.bands import DEFAULT_BANDS
from s2lookback.scene import NODATA, SCALE, Acquisition, Scene
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
from s2lookback.simulate.labels import weak_labels
from s2lookback.simulate.scenario import Scenario, generator, scene_number
from s2lookback.simulate.swath import VIEW_AZIMUTH, at_edge, view_incidence
from s2lookback.simulate.truth import Moment, observe, surface_of


def simulate_scene(scenario: Scenario, sensed: datetime, bands: tuple[str, ...] = DEFAULT_BANDS) -> Scene:
    """Make the scene of a sensing time; its pixels depend on the scenario and the time, not on what else is made.

    Raises:
        ValueError: If the scenario has no scene then.
    """
    moment = observe(scenario, sensed)
    random = generator(scenario, "sensor", sensed)
    pixels = _digital(_through_air(moment, bands, random), random)
    scl, probability = weak_labels(moment, generator(scenario, "labels", sensed))
    return Scene(
        about=_about(scenario, sensed, moment),
        grid=scenario.grid,
        bands=bands,
        pixels=np.where(moment.valid, pixels, np.int16(NODATA)),
        cloud_probability=probability,
        scl=scl,
        metadata={"scenario.json": scenario.recipe.encode()},
    )


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


def _about(scenario: Scenario, sensed: datetime, moment: Moment) -> Acquisition:
    number = scene_number(scenario, sensed)
    return Acquisition(
        tile=scenario.tile,
        sensed=sensed,
        platform="sentinel-2b" if number % 2 else "sentinel-2a",
        level="L2A",
        baseline="05.11",
        relative_orbit=113 if at_edge(number) else 13,
        orbit_state="descending",
        products=(f"simulated:{scenario.tile}:{sensed:%Y%m%dT%H%M%S}",),
        sun_azimuth=round(moment.sun_azimuth, 3),
        sun_elevation=round(moment.sun_elevation, 3),
        view_azimuth=VIEW_AZIMUTH,
        view_incidence=view_incidence(number),
    )
