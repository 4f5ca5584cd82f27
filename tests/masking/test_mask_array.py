"""The functions for anyone with an array: the platform's masks, and sentences instead of nonsense."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from s2lookback.bands import BANDS
from s2lookback.errors import SceneError
from s2lookback.masking import classify, cloud_mask, geomedian, shadow_mask
from s2lookback.masking.array import TEN_BANDS
from s2lookback.masking.classes import MASKED, Class
from s2lookback.masking.mask import classify as classify_scene
from s2lookback.scene import NO_PERCENT
from s2lookback.settings import MaskSettings
from s2lookback.simulate.families import DEVELOPMENT
from s2lookback.simulate.series import plain, series

SIX = ("B02", "B03", "B04", "B8A", "B11", "B12")
FOUR = ("B02", "B03", "B04", "B08")


@pytest.fixture(scope="module")
def observations():
    return list(series(DEVELOPMENT[1], 9201, height=40, width=52, dates=6))


@pytest.fixture(scope="module")
def stack(observations):
    return np.stack([plain(one.scene) for one in observations])


@pytest.fixture(scope="module")
def bands(observations):
    return observations[0].scene.bands


def of(stack, bands, names):
    return stack[..., [bands.index(name) for name in names]]


def test_the_package_is_imported_at_once():
    heavy = "{'numba', 'lightgbm', 'rasterio', 'numpy'}"
    script = f"import sys, s2lookback.masking; sys.exit(bool({heavy} & sys.modules.keys()))"
    subprocess.run([sys.executable, "-c", script], check=True)
    with pytest.raises(ImportError, match="no_such"):
        from s2lookback.masking import no_such  # noqa: F401


@pytest.mark.parametrize("model", ["spectral", "rules"])
def test_an_array_is_masked_as_its_scene_is(observations, model):
    scene = observations[3].scene
    about = scene.about
    bare = scene.__class__(about, scene.grid, scene.bands, scene.pixels)
    classes, probability = classify(plain(scene), scene.bands, model, sun=(about.sun_azimuth, about.sun_elevation))
    mask = classify_scene(bare, None, None, MaskSettings(method=model))
    assert (classes == mask.classes).all()
    known = mask.probability != NO_PERCENT
    assert probability[known] == pytest.approx(mask.probability[known] / 100)
    assert np.isnan(probability[~known]).all()


@pytest.mark.parametrize("model", ["spectral", "temporal", "background"])
def test_most_of_what_hides_the_surface_is_found(observations, stack, bands, model):
    settings = MaskSettings(dilation=0)
    classes, _ = classify(stack, bands, model, settings=settings)
    truth = np.stack([one.truth.classes for one in observations])
    found, hidden = np.isin(classes, MASKED), np.isin(truth, MASKED)
    assert classes.shape == truth.shape
    assert (found & hidden).sum() > 0.7 * hidden.sum()
    assert (found & hidden).sum() > 0.7 * found.sum()
    assert ((classes == Class.NO_DATA) == (truth == Class.NO_DATA)).all()


@pytest.mark.real
@pytest.mark.parametrize("model", ["spectral", "temporal"])
def test_real_scenes_seen_through_the_whole_air_are_told_apart(model, realdata):
    """Of five dates of level 1C, s2cloudless calls three clear, one wholly cloudy and one nearly so."""
    stack = np.load(realdata / "eolearn_TestEOPatch" / "REFERENCE_SCENES.npy")
    classes, _ = classify(stack, [*BANDS], model, pixel_size=10)
    cloudy = np.isin(classes, (Class.THIN_CLOUD, Class.THICK_CLOUD)).mean(axis=(1, 2))
    assert cloudy[0] > 0.99
    assert cloudy[1] > 0.7
    assert (cloudy[2:] < 0.01).all()
    assert (np.isin(classes, (Class.SMOKE, Class.SNOW)).mean(axis=(1, 2)) < 0.05).all()


def test_a_stack_is_compared_with_its_geomedian(stack, bands):
    given = classify(stack, bands, "temporal", geomedian(stack))
    made = classify(stack, bands, "temporal")
    assert (given[0] == made[0]).all()
    one = classify(stack[2], bands, "temporal", geomedian(stack))
    assert (one[0] == made[0][2]).all()


def test_the_background_is_of_earlier_dates_unless_the_future_is_allowed(stack, bands):
    early = classify(stack, bands, "background")[0]
    changed = stack.copy()
    changed[4:] = np.clip(stack[4:] + 0.2, 0, 1)
    assert (classify(changed, bands, "background")[0][:4] == early[:4]).all()
    settings = MaskSettings(allow_future=True)
    both = classify(stack, bands, "background", settings=settings)[0]
    assert (classify(changed, bands, "background", settings=settings)[0][:4] != both[:4]).any()


def test_the_six_bands_are_enough_in_any_order_and_with_either_near_infrared(stack, bands):
    six = classify(of(stack, bands, SIX), SIX)[0]
    turned = SIX[::-1]
    assert (classify(of(stack, bands, turned), turned)[0] == six).all()
    other = tuple("B08" if band == "B8A" else band for band in SIX)
    assert (classify(of(stack, bands, other), other)[0] == six).mean() > 0.9


def test_four_bands_are_enough_with_a_warning(stack, bands):
    with pytest.warns(UserWarning, match="for want of B11 B12"):
        classes, _ = classify(of(stack, bands, FOUR)[2], FOUR)
    six = classify(of(stack, bands, SIX)[2], SIX)[0]
    assert (np.isin(classes, MASKED) == np.isin(six, MASKED)).mean() > 0.85


def test_the_one_liners_say_what_classify_says(observations):
    scene = next(iter(series(DEVELOPMENT[1], 9201, height=24, width=31, dates=1, bands=TEN_BANDS))).scene
    obs = plain(scene)
    classes, _ = classify(obs, TEN_BANDS)
    assert (cloud_mask(obs) == np.isin(classes, (Class.THIN_CLOUD, Class.THICK_CLOUD))).all()
    reference = np.full_like(obs, 0.2)
    shadow = classify(obs, TEN_BANDS, "temporal", reference)[0] == Class.SHADOW
    assert (shadow_mask(obs, reference=reference) == shadow).all()


def test_the_documented_lines_run(stack, bands):
    page = (Path(__file__).parents[2] / "docs" / "masking.md").read_text()
    given = {"obs": of(stack, bands, SIX)[3], "stack": of(stack, bands, SIX)}
    exec("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)), given)  # noqa: S102  our own page
    assert given["classes"].shape == given["cloud"].shape == given["obs"].shape[:2]
    assert (given["open_to_the_infrared"] >= given["open_to_all_bands"]).all()
    assert (given["open_to_the_infrared"] == (given["published_bits"] & 1 == 1)).all()


def test_the_shadow_of_a_mountain_is_no_cloud_s(stack, bands):
    """A wall to the south under a low southern sun shades all of the valley."""
    obs, ground = stack[1] * 0 + 0.05, np.zeros(stack.shape[1:3])
    ground[-6:] = 3000
    settings = MaskSettings(opening=0, dilation=0)
    reference = np.full_like(obs, 0.15)
    obs[2, 2] = 0.6
    open_, walled = (
        classify(obs, bands, "rules", reference, (180.0, 20.0), elevation=relief, settings=settings)[0]
        for relief in (None, ground)
    )
    assert (walled == Class.SHADOW).sum() < (open_ == Class.SHADOW).sum()


def test_the_array_is_left_untouched(stack, bands):
    before = stack.copy()
    classify(stack, bands, "temporal")
    np.testing.assert_array_equal(stack, before)


def test_pixels_do_not_look_at_what_is_far(stack, bands):
    settings = MaskSettings(opening=0, dilation=0)
    whole = classify(stack[3], bands, "spectral", settings=settings)[1]
    part = classify(stack[3, 10:30, 5:45], bands, "spectral", settings=settings)[1]
    np.testing.assert_array_equal(whole[10:30, 5:45], part)


BAD = [
    (lambda obs: obs * 10_000, "digital numbers.*divide by 10000"),
    (lambda obs: obs * 100, "percent.*divide by 100"),
    (lambda obs: obs / 10_000, "divided twice"),
    (lambda obs: np.full_like(obs, np.nan), "NaN throughout"),
    (lambda obs: np.where(obs > 0.2, np.inf, obs), "infinity"),
    (lambda obs: np.where(np.isnan(obs), -9999, obs), "-9999.*set no data to NaN"),
    (np.nan_to_num, "0 in every band"),
    (lambda obs: obs[..., :4], "has 4 bands on its last axis.* and 8 names"),
    (lambda obs: obs[0], "expected \\(y, x, band\\)"),
    (lambda obs: obs[:0], "expected \\(y, x, band\\)"),
    (lambda obs: obs.astype(complex), "complex"),
]


@pytest.mark.parametrize(("spoil", "sentence"), BAD)
def test_what_is_no_reflectance_is_one_sentence(stack, bands, spoil, sentence):
    with pytest.raises(SceneError, match=sentence):
        classify(spoil(stack[2]), bands)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"model": "magic"}, "model is 'magic', expected rules"),
        ({"model": "lookback"}, "a Model of the look-back classifier"),
        ({"model": "temporal"}, "give one, \\(y, x, band\\), or several dates"),
        ({"model": "s2cloudless"}, "B01.*B10 is in L1C products alone"),
        ({"bands": ["B02"] * 8}, "expected different names"),
        ({"bands": ["red", *SIX, "B09"]}, "expected different names out of B01"),
        ({"reference": np.ones((3, 4, 8))}, "reference has the shape \\(3, 4, 8\\), expected \\(40, 52, 8\\)"),
        ({"reference": np.full((40, 52, 8), 900.0)}, "reference has a median of 900"),
        ({"elevation": np.zeros((3, 4))}, "elevation of \\(3, 4\\) does not fit"),
        ({"sun": (10, 100)}, "elevation \\(0 to 90\\)"),
        ({"sun": [(10, 20), (10, 30)]}, "once or for each of 1 dates"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(stack, bands, arguments, sentence):
    with pytest.raises(SceneError, match=sentence):
        classify(stack[2], **({"bands": bands} | arguments))


def test_bands_that_do_not_suffice_are_named(stack, bands):
    names = ("B12", "B11", "B09", "B08")
    for model in ("spectral", "background"):
        with pytest.raises(SceneError, match=f"expected for {model} also B02 B03 B04"):
            classify(of(stack, bands, names)[2], names, model)
