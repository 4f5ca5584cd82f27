from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from s2lookback.errors import GridMismatchError, SceneError
from s2lookback.masking import mask as module
from s2lookback.masking.classes import COVERS, Class, usable
from s2lookback.masking.mask import (
    agreement,
    believed,
    classify,
    month_of,
    over_views,
    sample_scene,
    score,
    training_cutoff,
)
from s2lookback.scene import NO_PERCENT, NODATA
from s2lookback.settings import MaskSettings

TRUTH = {"thick": 3, "veil": 2, "shade": 4, "lake": 6, "": 0}
SURFACES = hnp.arrays(
    "<U6", (4, 7), elements=st.sampled_from(["forest", "lake", "thick", "shade", "burn", "fire", "smoke", "snow", ""])
)


def codes(surface):
    return np.array([TRUTH.get(name, 1) for name in surface.ravel()]).reshape(surface.shape)


@pytest.fixture(params=["rules", "lookback"])
def any_model(request, model):
    return model if request.param == "lookback" else None


@pytest.fixture(scope="module")
def forest(paint):
    return paint(np.full((4, 7), "forest", "<U6"), day=-5).pixels


def test_weather_is_told_from_ground(any_model, paint, weather, ground, quick):
    surface = weather(40)
    settings = quick.model_copy(update={"dilation": 0})
    mask = classify(paint(surface, 40), ground.pixels, any_model, settings)
    assert mask.method == ("lookback" if any_model else "rules")
    assert (mask.classes == codes(surface)).mean() > 0.97
    hidden = mask.probability[np.isin(surface, ("thick", "veil", "shade"))]
    shown = mask.probability[np.isin(surface, ("forest", "field", "lake"))]
    assert hidden.min() > 50 > shown.max()


@given(surface=SURFACES)
def test_no_data_stays_no_data_and_is_found_nowhere_else(paint, forest, model, quick, surface):
    for one in (None, model):
        mask = classify(paint(surface, 3), forest, one, quick)
        np.testing.assert_array_equal(mask.classes == Class.NO_DATA, surface == "")
        np.testing.assert_array_equal(mask.probability == NO_PERCENT, surface == "")


@given(surface=SURFACES, dilation=st.integers(0, 200))
def test_fire_burn_and_smoke_are_never_masked_whatever_the_labels_say(paint, forest, model, quick, surface, dilation):
    settings = quick.model_copy(update={"dilation": dilation})
    for one in (None, model):
        classes = classify(paint(surface, 3), forest, one, settings).classes
        assert (classes[surface == "fire"] == Class.ACTIVE_FIRE).all()
        assert (classes[surface == "burn"] == Class.FRESH_BURN).all()
        assert usable(classes)[np.isin(surface, ("fire", "burn"))].all()


def test_a_plume_is_smoke_whatever_the_labels_say_and_so_is_cloud_in_it_that_may_be(any_model, paint, forest, quick):
    surface = np.full((4, 7), "smoke", "<U6")
    surface[:, 0] = "thick"
    classes = classify(paint(surface, 3), forest, any_model, quick.model_copy(update={"dilation": 0})).classes
    assert (classes[:, 1:] == Class.SMOKE).all()
    assert (classes[:, 0] == Class.THICK_CLOUD).all()


def test_what_is_dropped_is_less_probable_than_the_threshold(paint, forest, quick):
    surface = np.full((4, 7), "forest", "<U6")
    surface[1:3, 3:5] = "thick"
    kept = classify(paint(surface, 3), forest, None, quick.model_copy(update={"dilation": 0}))
    lost = classify(paint(surface, 3), forest, None, quick.model_copy(update={"dilation": 0, "opening": 60}))
    assert (kept.probability[1:3, 3:5] == 100).all()
    assert (lost.classes == Class.CLEAR).all()
    assert lost.probability.max() == 49


def test_a_mountains_shade_is_no_shadow_of_a_cloud(paint, forest, quick):
    surface = np.full((4, 7), "shade", "<U6")
    scene = paint(surface, 3)
    scene = replace(scene, about=replace(scene.about, sun_azimuth=90.0, sun_elevation=45.0))
    elevation = np.zeros(surface.shape, np.float32)
    elevation[:, -1] = 1_000
    assert (classify(scene, forest, None, quick).classes == Class.SHADOW).all()
    classes = classify(scene, forest, None, quick.model_copy(update={"dilation": 0}), elevation=elevation).classes
    assert (classes[:, :-1] == Class.CLEAR).all()
    with pytest.raises(GridMismatchError, match=r"an elevation of \(7, 4\) does not fit a scene of \(4, 7\)"):
        classify(scene, forest, None, quick, elevation=elevation.T)


def test_what_is_dark_every_day_is_no_shadow_whatever_labels_and_model_say(any_model, paint, quick):
    surface = np.full((4, 7), "burn", "<U6")
    surface[2:] = "lake"
    settings = quick.model_copy(update={"dilation": 0})
    shadow = np.full(surface.shape, 3, np.uint8)
    scene, reference = paint(surface, 3, labels=shadow), paint(surface, 1)
    assert (believed(scene, reference.pixels, settings) == Class.NO_DATA).all()
    assert (believed(scene, None, settings) == Class.SHADOW).all()
    mask = classify(scene, reference.pixels, any_model, settings)
    assert (mask.classes[:2] == Class.CLEAR).all()
    assert (mask.classes[2:] == Class.WATER).all()
    shaded = paint(np.full((4, 7), "shade", "<U6"), 3, labels=shadow)
    forest = paint(np.full((4, 7), "forest", "<U6"), 1)
    assert (classify(shaded, forest.pixels, any_model, settings).classes == Class.SHADOW).all()


def test_an_infrared_folder_is_enough(paint, weather, ground, quick):
    bands = ("B12", "B11", "B09", "B08")
    surface = weather(40)
    settings = quick.model_copy(update={"dilation": 0})
    mask = classify(paint(surface, 40, bands), ground.pixels[:4], None, settings)
    assert (mask.classes == codes(surface)).mean() > 0.97


def test_a_first_scene_without_labels_is_classified_too(paint, weather, quick):
    surface = weather(40)
    scene = paint(surface, 40, labels=np.zeros(surface.shape, np.uint8))
    mask = classify(scene, None, None, quick.model_copy(update={"dilation": 0}))
    assert np.isin(mask.classes[surface == "thick"], (Class.THICK_CLOUD, Class.THIN_CLOUD)).all()
    assert (mask.classes[np.isin(surface, ("forest", "field"))] == Class.CLEAR).all()


@pytest.mark.parametrize("threads", [1, 5])
def test_neither_the_size_of_a_block_nor_threads_change_anything(
    any_model, paint, weather, ground, quick, monkeypatch, threads
):
    scene = paint(weather(40), 40)
    whole = classify(scene, ground.pixels, any_model, quick)
    sample = sample_scene(scene, ground.pixels, quick)
    monkeypatch.setattr(module, "BLOCK", 40)
    monkeypatch.setattr(module, "THREADS", threads)
    parts = classify(scene, ground.pixels, any_model, quick)
    np.testing.assert_array_equal(parts.classes, whole.classes)
    np.testing.assert_array_equal(parts.probability, whole.probability)
    np.testing.assert_array_equal(sample_scene(scene, ground.pixels, quick).features, sample.features)


def test_what_fails_in_one_thread_fails_the_scene(paint, weather, ground, quick, monkeypatch):
    def fail(rows, view):
        if rows.start > 0:
            raise SceneError(f"rows from {rows.start} on cannot be looked at")
        return rows.start

    monkeypatch.setattr(module, "BLOCK", 40)
    with pytest.raises(SceneError, match=r"rows from \d+ on"):
        over_views(fail, paint(weather(40), 40), ground.pixels, quick)


def test_nothing_that_goes_in_is_changed(any_model, paint, weather, ground, quick):
    scene = paint(weather(40), 40)
    pixels, scl, reference = scene.pixels.copy(), scene.scl.copy(), ground.pixels.copy()
    classify(scene, reference, any_model, quick)
    sample_scene(scene, reference, quick)
    np.testing.assert_array_equal(scene.pixels, pixels)
    np.testing.assert_array_equal(scene.scl, scl)
    np.testing.assert_array_equal(reference, ground.pixels)


def test_the_setting_rules_leaves_the_model_alone(model, paint, weather, ground):
    mask = classify(paint(weather(40), 40), ground.pixels, model, MaskSettings(method="rules"))
    assert mask.method == "rules"


def test_a_reference_of_another_shape_is_refused(paint, weather, ground, quick):
    with pytest.raises(GridMismatchError, match=r"a reference of \(4, 12, 17\) does not fit a scene of \(8, 12, 17\)"):
        classify(paint(weather(40), 40), ground.pixels[:4], None, quick)


def test_a_sample_holds_no_fire_no_burn_and_no_smoke(paint, forest):
    surface = np.full((4, 7), "forest", "<U6")
    surface[0], surface[1], surface[2] = "fire", "burn", "smoke"
    labels = np.full(surface.shape, 9, np.uint8)
    everything = MaskSettings(sample_size=1000, sample_within=(1.0, 1.0))
    sample = sample_scene(paint(surface, 3, labels=labels), forest, everything)
    assert sample.features.shape == (7, 31)
    # What is left is forest as it was, which a label of cloud cannot make cloud.
    assert (sample.labels == Class.CLEAR).all()


def test_a_sample_learns_the_cloud_and_shadow_that_labels_missed(paint, forest):
    surface = np.full((4, 7), "forest", "<U6")
    surface[0], surface[1] = "thick", "shade"
    everything = MaskSettings(sample_size=1000, sample_within=(1.0, 1.0))
    scene = paint(surface, 3, labels=np.full(surface.shape, 4, np.uint8))
    sample = sample_scene(scene, forest, everything)
    assert sorted(sample.labels.tolist()) == [1] * 14 + [3] * 7 + [4] * 7
    assert (believed(scene, forest, everything) == Class.CLEAR).all()


def test_no_sample_calls_a_pixel_a_shadow_that_was_never_clear(paint, forest):
    everything = MaskSettings(sample_size=1000, sample_within=(1.0, 1.0))
    scene = paint(np.full((4, 7), "shade", "<U6"), 3)
    assert sample_scene(scene, None, everything).labels.size == 0
    assert (sample_scene(scene, forest, everything).labels == Class.SHADOW).all()


def test_the_same_scene_gives_the_same_sample_and_another_day_another(paint, weather, ground, quick):
    scene = paint(weather(40), 40)
    one, two = (sample_scene(scene, ground.pixels, quick) for _ in range(2))
    assert one.features.tobytes() == two.features.tobytes()
    assert one.sensed == scene.about.sensed
    assert np.isnan(sample_scene(scene, None, quick).features[:, 8]).all()
    assert (scene.pixels != NODATA).any()


def test_a_model_is_scored_by_its_agreement_with_the_labels_of_another_day(model, paint, weather, ground, quick):
    report = score(model, paint(weather(40), 40), ground.pixels, quick)
    assert report["sensed"] == "2025-07-11T19:00:00Z"
    assert report["agreement"] > 0.97
    assert {"CLEAR", "THIN_CLOUD", "THICK_CLOUD", "SHADOW", "MASKED"} <= set(report)
    everything = paint(np.full((4, 7), "smoke", "<U6"), 3, labels=np.zeros((4, 7), np.uint8))
    assert score(model, everything, None, quick) == {"sensed": "2025-06-04T19:00:00Z", "pixels": 0}


@given(*[hnp.arrays(np.uint8, 30, elements=st.sampled_from([int(cover) for cover in COVERS]))] * 2)
def test_agreement_is_counted_pixel_by_pixel(found, labels):
    report = agreement(found, labels)
    pairs = list(zip(found.tolist(), labels.tolist(), strict=True))
    assert report["agreement"] == pytest.approx(sum(a == b for a, b in pairs) / 30)
    for cover in COVERS:
        support = sum(b == cover for _, b in pairs)
        assert (cover.name in report) == (support > 0)
        if support:
            both, claimed = sum(a == b == cover for a, b in pairs), sum(a == cover for a, _ in pairs)
            rates = report[cover.name]
            assert rates["support"] == support
            assert rates["recall"] == pytest.approx(both / support)
            assert rates["precision"] == pytest.approx(both / claimed if claimed else 0)
            assert rates["f1"] == pytest.approx(2 * both / (support + claimed))


def test_a_model_looks_only_at_what_was_sensed_before_its_month():
    settings = MaskSettings(training_lag=5)
    expected = datetime(2025, 7, 27, tzinfo=UTC)
    assert training_cutoff(month_of(datetime(2025, 8, 1, tzinfo=UTC)), settings) == expected
    assert training_cutoff(month_of(datetime(2025, 8, 31, 23, 59, 59, tzinfo=UTC)), settings) == expected
    assert training_cutoff(month_of(datetime.fromisoformat("2025-09-01T01:00:00+02:00")), settings) == expected
