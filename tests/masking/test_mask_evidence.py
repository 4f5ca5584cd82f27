from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2lookback.masking.advice import advice_features
from s2lookback.masking.classes import COVERS, MASKED, Class, usable
from s2lookback.masking.dilation import Rim
from s2lookback.masking.evidence import RELIABILITY, cleared, rims, weighed
from s2lookback.masking.mask import believed, classify
from s2lookback.masking.method import View
from s2lookback.masking.physics import heated, unbrightened
from s2lookback.masking.pretrained import forest_of
from s2lookback.masking.rules import Rules, decide
from s2lookback.masking.spectrum import Spectrum
from s2lookback.settings import MaskSettings

VISIBLE = ("B12", "B11", "B09", "B08", "B8A", "B04", "B03", "B02")
chances = st.lists(st.floats(0.01, 1), min_size=4, max_size=4)


def spectrum(values, bands=VISIBLE):
    return Spectrum({band: np.array([values[VISIBLE.index(band)]], np.float32) for band in bands})


def chance_of(*values):
    return np.array(values, np.float32).reshape(4, 1) / np.float32(sum(values))


def labelled(label, now=(0.1,) * 8, before=(np.nan,) * 8):
    return View(spectrum(now), spectrum(before), np.array([label], np.uint8))


@given(chances, st.sampled_from([int(each) for each in Class]))
def test_a_label_multiplies_the_odds_of_cover_as_bayes_says(values, label):
    chance = chance_of(*values)
    after = weighed(chance, labelled(label))
    worth = {Class.THIN_CLOUD: 5.25, Class.THICK_CLOUD: 5.25}.get(label, 1.0)
    worth = 1 / 5.25 if label in (Class.CLEAR, Class.SNOW, Class.WATER) else worth
    odds = (1 - chance[0]) / chance[0] * worth
    assert after.sum() == pytest.approx(1, abs=1e-5)
    assert after[0] == pytest.approx(1 / (1 + odds), abs=1e-4)
    np.testing.assert_allclose(after[1:] * chance[1], after[1] * chance[1:], atol=1e-5)


def test_a_sure_haze_survives_a_clear_label_and_a_suspected_field_does_not():
    clear = labelled(Class.CLEAR)
    assert weighed(chance_of(0.1, 0.9, 0, 0), clear)[0] < 0.5
    assert weighed(chance_of(0.4, 0.6, 0, 0), clear)[0] > 0.5
    assert RELIABILITY == 0.84


def test_a_shadow_that_label_and_light_agree_on_is_believed_and_one_of_the_label_alone_is_not(spectra):
    chance = chance_of(0.97, 0.01, 0.01, 0.01)
    both = weighed(chance, labelled(Class.SHADOW, spectra["shade"], spectra["forest"]))
    np.testing.assert_array_equal(both.ravel(), [cover == Class.SHADOW for cover in COVERS])
    for now, before in (("burn", "forest"), ("burn", "burn"), ("lake", "lake")):
        alone = weighed(chance, labelled(Class.SHADOW, spectra[now], spectra[before]))
        np.testing.assert_allclose(alone, chance, rtol=1e-6)


@pytest.mark.parametrize(
    ("now", "before", "left"),
    [
        ("forest", "forest", []),
        ("shade", "forest", [Class.SHADOW]),
        ("thick", "forest", [Class.THIN_CLOUD, Class.THICK_CLOUD]),
        ("veil", "forest", [Class.THIN_CLOUD, Class.THICK_CLOUD]),
        ("forest", "smoke", []),
        ("burn", "burn", []),
        ("burn", "forest", []),
    ],
)
def test_only_a_cover_that_could_have_made_the_change_keeps_its_chance(spectra, now, before, left):
    view = View(spectrum(spectra[now]), spectrum(spectra[before]), np.zeros(1, np.uint8))
    after = cleared(chance_of(1, 1, 1, 1), view)
    assert [cover for cover in MASKED if after[COVERS.index(cover), 0] > 0] == left
    assert after.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("now", "before", "rim"),
    [
        ("forest", "forest", Rim.CLOUD | Rim.SHADOW),
        ("lake", "lake", Rim.CLOUD | Rim.SHADOW),
        ("burn", "burn", Rim(0)),
        ("burn", "forest", Rim(0)),
        ("burn", "lake", Rim.CLOUD),
    ],
)
@pytest.mark.parametrize("bands", [VISIBLE, VISIBLE[:4]])
def test_a_margin_takes_all_ground_but_char_whose_light_tells_of_no_cover(spectra, now, before, rim, bands):
    view = View(spectrum(spectra[now], bands), spectrum(spectra[before], bands), np.zeros(1, np.uint8))
    if len(bands) < len(VISIBLE) and now == "burn":
        rim |= Rim.CLOUD  # without blue no cloud is ruled out
    assert rims(view) == rim


def test_nothing_is_ruled_out_where_a_pixel_was_never_clear(spectra):
    never = spectrum([np.nan] * 8)
    chance = chance_of(1, 2, 3, 4)
    after = cleared(chance, View(spectrum(spectra["forest"]), never, np.zeros(1, np.uint8)))
    np.testing.assert_array_equal(after, chance)


def test_without_the_visible_bands_no_cloud_is_ruled_out_by_its_brightness(spectra):
    infrared = ("B12", "B11", "B08", "B8A")
    forest = spectrum(spectra["forest"], infrared)
    assert not unbrightened(forest, forest).any()
    assert unbrightened(spectrum(spectra["forest"]), spectrum(spectra["forest"])).all()


def test_a_flame_too_small_to_be_called_fire_still_rules_cloud_out(spectra):
    flame = list(spectra["forest"])
    flame[0] += 0.08
    flame[1] += 0.03
    assert heated(spectrum(flame), spectrum(spectra["forest"])).all()
    assert not heated(spectrum(spectra["thick"]), spectrum(spectra["forest"])).any()
    assert not heated(spectrum(spectra["veil"]), spectrum(spectra["forest"])).any()


@pytest.mark.parametrize("fire", [True, False])
@pytest.mark.parametrize("bands", [VISIBLE, ("B12", "B8A", "B04", "B03", "B02")])
def test_what_is_too_thick_for_its_colour_is_smoke_near_a_fire_and_nowhere_seen_in_the_visible(
    spectra, paint, fire, bands
):
    scene, reference = (paint(np.full((9, 13), "forest", "<U6"), day, bands) for day in (3, 1))
    pixels = scene.pixels.copy()
    pixels[-3:] = np.array([2200, 2300, 2100], np.int16)[:, None, None]
    if fire:
        pixels[:, 0, 0] = [round(10_000 * spectra["fire"][VISIBLE.index(band)]) for band in bands]
    classes = classify(replace(scene, pixels=pixels), reference.pixels, None, MaskSettings()).classes
    assert not usable(classes, visible=True)[5:].any()
    assert not fire or (classes[5:] == Class.SMOKE).all()
    assert fire or "B11" in bands or np.isin(classes, MASKED).any()  # without advice, cloud


def test_a_shadow_under_a_clear_sky_is_ground_and_is_learnt_as_such(paint):
    surface = np.full((160, 170), "forest", "<U6")  # 11 square kilometres
    surface[20:60, 30:80] = "shade"
    labels = np.full(surface.shape, 4, np.uint8)
    labels[20:60, 30:80] = 3
    scene = paint(surface, 3, labels=labels)
    assert (classify(scene, None, None, MaskSettings()).classes != Class.SHADOW).all()
    reference = paint(np.full(surface.shape, "forest", "<U6"), 1).pixels
    assert (believed(scene, reference, MaskSettings(), mend=True) == Class.CLEAR).all()
    surface[100:, 100:] = "thick"
    cloudy = paint(surface, 3, labels=np.where(surface == "thick", np.uint8(9), labels))
    assert (classify(cloudy, reference, None, MaskSettings()).classes[30:50, 40:70] == Class.SHADOW).all()


def test_beside_a_fire_nothing_is_masked(paint):
    surface = np.full((15, 21), "thick", "<U6")
    surface[7, 10] = "fire"
    forest = paint(np.full((15, 21), "forest", "<U6"), 1).pixels
    classes = classify(paint(surface, 3), forest, None, MaskSettings()).classes
    away = np.hypot(*(np.indices(surface.shape) - np.array([7, 10])[:, None, None])) * 20
    np.testing.assert_array_equal(np.isin(classes, MASKED), away > 60)
    assert classes[7, 10] == Class.ACTIVE_FIRE


def test_rules_heed_the_advice_of_trees_but_not_on_what_only_a_cloud_can_be(spectra):
    for now, before in (("veil", "forest"), ("shade", "field"), ("forest", "field"), ("thick", "forest")):
        view = View(spectrum(spectra[now]), spectrum(spectra[before]), np.zeros(1, np.uint8))
        [decided] = decide(view)
        advice = forest_of("advice").probabilities(advice_features(view))[:, 0]
        odds = np.array([3 if cover == decided else 1 for cover in COVERS])
        expected = advice * odds / (advice * odds).sum()
        if now == "thick":
            expected = np.array([cover == decided for cover in COVERS])
        np.testing.assert_allclose(Rules().probabilities(view)[:, 0], expected, atol=1e-6)


def test_rules_decide_alone_where_there_is_nothing_to_compare_with_or_a_band_of_six_is_missing(spectra):
    for bands, before in ((VISIBLE, [np.nan] * 8), (VISIBLE[1:], spectra["field"]), (VISIBLE[:4], spectra["field"])):
        view = View(spectrum(spectra["shade"], bands), spectrum(before, bands), np.zeros(1, np.uint8))
        assert set(Rules().probabilities(view).ravel()) == {0, 1}
