import math

import numpy as np
import pytest

from s2lookback.bands import BANDS
from s2lookback.masking.classes import Class
from s2lookback.simulate import families, series
from s2lookback.simulate.sensor import IRRADIANCE, SATURATED, noise, saturation

REQUIRED = {
    # band: radiance in W/m²/sr/µm and the signal to noise there (Sentinel-2 User Handbook)
    "B02": (128.0, 154), "B04": (108.0, 142), "B8A": (52.5, 72), "B11": (4.0, 100), "B12": (1.5, 100),
}  # fmt: skip


@pytest.mark.parametrize("band", REQUIRED)
@pytest.mark.parametrize("elevation", [20.0, 60.0])
def test_at_the_reference_radiance_signal_to_noise_is_what_was_demanded(band, elevation):
    radiance, wanted = REQUIRED[band]
    sun = IRRADIANCE[list(BANDS).index(band)] * math.sin(math.radians(elevation))
    pixels = np.full((1, 2, 3), math.pi * radiance / sun, np.float32)
    averaged = BANDS[band].resolution / 20 if BANDS[band].resolution < 20 else 1.0
    assert pixels / noise(pixels, (band,), elevation) * averaged == pytest.approx(wanted, rel=1e-3)


def test_noise_grows_with_light_and_is_there_in_the_dark():
    pixels = np.array([[[0.0, 0.1, 0.5, -0.01]]], np.float32)
    dark, dim, bright, negative = noise(pixels, ("B04",), 45.0)[0, 0]
    assert 0 < dark < dim < bright
    assert negative == dark


def test_a_detector_is_full_above_what_white_ground_sends_back():
    full = saturation(tuple(BANDS), 50.0)
    assert (full[:10] > 0.95).all()
    assert (saturation(("B12",), 20.0) > saturation(("B12",), 50.0)).all()


def test_the_hottest_flames_fill_the_detector_of_b12_and_their_label_says_defect():
    found = [one for one in series(families.BOREAL, 1, height=120, width=160) if (one.truth.heat > 0.8).any()]
    full = 0
    for one in found:
        beyond = one.scene.pixels[one.scene.bands.index("B12")] == SATURATED
        fire = one.truth.classes == Class.ACTIVE_FIRE
        full += (beyond & fire).sum()
        assert one.truth.heat[beyond & fire].min(initial=1) > 0.3
        assert not (one.scene.scl[fire & (one.truth.heat < 0.2)] == 1).any()
    assert full > 20
