"""The wrapper of s2cloudless gives what the package gives, or says in one sentence why it cannot."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest
from s2cloudless import S2PixelCloudDetector

from s2lookback.bands import BANDS
from s2lookback.errors import SceneError
from s2lookback.masking.classes import COVERS, Class
from s2lookback.masking.cloudless import CLOUDLESS_BANDS, Cloudless, cloud_probability
from s2lookback.masking.covers import told_apart
from s2lookback.masking.mask import classify as classify_scene
from s2lookback.masking.method import View
from s2lookback.masking.spectrum import Spectrum
from s2lookback.scene import NODATA
from s2lookback.settings import MaskSettings
from s2lookback.simulate.families import DEVELOPMENT
from s2lookback.simulate.series import series

PLACES = [[*BANDS].index(band) for band in CLOUDLESS_BANDS]


@pytest.fixture(scope="module")
def references(realdata):
    """Give all 13 bands of five real L1C scenes, (time, y, x, band)."""
    return np.load(realdata / "eolearn_TestEOPatch" / "REFERENCE_SCENES.npy")


@pytest.mark.real
def test_the_probability_is_the_package_s_on_real_scenes(references):
    part = references[:, 20:61, 10:42]
    package = S2PixelCloudDetector(all_bands=True).get_cloud_probability_maps(part)
    assert package.min() < 0.05
    assert package.max() > 0.9
    np.testing.assert_array_equal(cloud_probability(part[..., PLACES]), package)


@pytest.mark.real
def test_pixels_as_they_are_kept_have_the_package_s_probability(references):
    """Ten thousandths, in which pixels are kept, are what the product was delivered in."""
    part = references[:, 20:61, 10:42]
    pixels = np.moveaxis(np.rint(part * 10_000), -1, 0).astype(np.int16)
    now, never = (Spectrum.of(each, [*BANDS]) for each in (pixels, np.full_like(pixels, NODATA)))
    chance = Cloudless([*BANDS], "L1C").probabilities(View(now, never, np.zeros(pixels.shape[1:], np.uint8)))
    package = S2PixelCloudDetector(all_bands=True).get_cloud_probability_maps(part)
    ours = chance[COVERS.index(Class.THIN_CLOUD)] + chance[COVERS.index(Class.THICK_CLOUD)]
    assert np.mean(np.abs(ours - package) < 1e-6) > 0.999  # a float's last bit may lie beyond a threshold


@pytest.fixture(scope="module")
def scene():
    every = series(DEVELOPMENT[1], 9203, height=24, width=31, dates=4, bands=tuple(BANDS), level="L1C")
    return max(every, key=lambda one: np.count_nonzero(one.truth.classes == Class.THICK_CLOUD)).scene


def test_a_scene_of_level_1c_is_masked(scene):
    mask = classify_scene(scene, None, None, MaskSettings(method="s2cloudless"))
    assert mask.method == "s2cloudless"
    assert np.isin(mask.classes, (Class.THIN_CLOUD, Class.THICK_CLOUD)).mean() > 0.3


def test_level_2a_is_refused(scene):
    corrected = replace(scene, about=replace(scene.about, level="L2A"))
    with pytest.raises(SceneError, match="of level L2A, expected L1C"):
        classify_scene(corrected, None, None, MaskSettings(method="s2cloudless"))


def test_a_missing_band_is_named():
    with pytest.raises(SceneError, match="also B10; B10 is in L1C products alone"):
        Cloudless([band for band in BANDS if band != "B10"], "L1C")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr("s2lookback.masking.cloudless.find_spec", lambda name: None)
    assert importlib.util.find_spec("s2cloudless") is not None
    with pytest.raises(SceneError, match="not installed: pip install"):
        Cloudless([*BANDS], "L1C")


def test_cloud_is_told_apart_by_how_much_it_hides():
    spectra = {"B04": [0.05, 0.6, 0.15, 0.015], "nir": [0.3, 0.6, 0.35, 0.1], "B11": [0.15, 0.5, 0.2, 0.05]}
    layers = {"B8A" if band == "nir" else band: np.array(values, np.float32) for band, values in spectra.items()}
    before = {band: np.full(4, values[0], np.float32) for band, values in layers.items()}
    view = View(Spectrum(layers), Spectrum(before), np.zeros(4, np.uint8))
    chance = told_apart(np.array([0.0, 1.0, 0.75, 0.25], np.float32), view)
    assert chance.sum(axis=0) == pytest.approx(np.ones(4))
    assert [COVERS[place] for place in chance.argmax(axis=0)] == [
        Class.CLEAR, Class.THICK_CLOUD, Class.THIN_CLOUD, Class.SHADOW,
    ]  # fmt: skip
