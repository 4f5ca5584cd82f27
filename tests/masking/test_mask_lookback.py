import hashlib
import json
import logging
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2lookback.errors import SceneError
from s2lookback.masking import trees
from s2lookback.masking.classes import COVERS, Class
from s2lookback.masking.features import feature_names
from s2lookback.masking.histogram import Histogram, histogram
from s2lookback.masking.lookback import Lookback, load_model, train, warn_of_strange
from s2lookback.masking.mask import classify
from s2lookback.masking.method import View
from s2lookback.masking.spectrum import Spectrum

BANDS = ("B12", "B11", "B09", "B08", "B8A", "B04", "B03", "B02")


def view(scene, ground, bands=BANDS):
    rows = [BANDS.index(band) for band in bands]
    now, before = (Spectrum.of(pixels[rows], bands) for pixels in (scene.pixels, ground.pixels))
    return View(now, before, np.zeros(scene.grid.shape, np.uint8))


def test_the_order_of_the_samples_does_not_change_the_model(samples, model, quick):
    assert train(samples[::-1], quick, BANDS) == model
    assert train([*samples[3:], *samples[:3]], quick, BANDS).text == model.text


def test_the_seed_and_the_samples_do_change_it(samples, model, quick):
    assert train(samples[1:], quick, BANDS).text != model.text
    assert train(samples, quick.model_copy(update={"seed": 3}), BANDS).text != model.text


def test_the_schema_says_what_goes_in_and_comes_out(model, samples):
    assert model.schema["bands"] == list(BANDS)
    assert model.schema["features"] == list(feature_names(BANDS))
    assert model.schema["classes"] == ["CLEAR", "THIN_CLOUD", "THICK_CLOUD", "SHADOW"]
    assert model.schema["scenes"] == [f"{sample.sensed:%Y-%m-%dT%H:%M:%SZ}" for sample in samples]


def test_probabilities_sum_to_one_and_find_the_weather_of_another_day(model, paint, weather, ground):
    surface = weather(40)
    chance = Lookback(model).probabilities(view(paint(surface, 40), ground))
    assert chance.shape == (4, *surface.shape)
    np.testing.assert_allclose(chance.sum(axis=0), 1, atol=1e-5)
    names = np.array(["clear", "veil", "thick", "shade"])[chance.argmax(axis=0)]
    truth = np.where(np.isin(surface, ("forest", "field", "lake", "")), "clear", surface)
    assert (names == truth)[surface != ""].mean() > 0.97


def test_a_class_without_samples_enough_is_not_learnt(samples, quick, paint, weather, ground):
    few = [replace(sample, labels=np.where(sample.labels == 4, np.uint8(0), sample.labels)) for sample in samples]
    model = train(few, quick, BANDS)
    assert model.schema["classes"] == ["CLEAR", "THIN_CLOUD", "THICK_CLOUD"]
    chance = Lookback(model).probabilities(view(paint(weather(40), 40), ground))
    assert not chance[COVERS.index(Class.SHADOW)].any()


def test_one_class_alone_cannot_be_trained_on(samples, quick):
    only = [replace(sample, labels=np.full_like(sample.labels, Class.SNOW)) for sample in samples]
    with pytest.raises(SceneError, match=r"too few samples to train on: .* 0 of THICK_CLOUD"):
        train(only, quick, BANDS)
    with pytest.raises(SceneError, match="0 of CLEAR"):
        train([], quick, BANDS)


def test_samples_of_other_bands_are_refused(samples, quick):
    with pytest.raises(SceneError, match=r"2025-06-01 has bands .* expected"):
        train(samples, quick, BANDS[:4])


def test_a_model_needs_all_its_bands(model, paint, weather, ground):
    with pytest.raises(SceneError, match="the scene has the bands B12 B11, expected those of the model: B12 B11 B09"):
        Lookback(model).probabilities(view(paint(weather(1), 1), ground, ("B12", "B11")))


def test_a_published_model_comes_back_and_predicts_the_same(model, paint, weather, ground):
    again = load_model(model.text, json.loads(json.dumps(model.schema, sort_keys=True)))  # as the catalog writes it
    one = view(paint(weather(41), 41), ground)
    np.testing.assert_array_equal(Lookback(again).probabilities(one), Lookback(model).probabilities(one))


def test_a_model_of_trees_with_one_leaf_is_a_model(samples, quick):
    same = [replace(sample, features=np.zeros_like(sample.features)) for sample in samples]
    flat = train(same, quick, BANDS)
    assert load_model(flat.text, flat.schema) == flat


def test_thresholds_that_part_missing_values_are_read(samples, quick):
    features = samples[0].features.copy()
    features[:, 1:] = np.nan
    features[::2, 0] = np.nan
    labels = np.where(np.arange(len(features)) % 2, 1, 3).astype(np.uint8)
    missing = replace(samples[0], features=features, labels=labels)
    model = train([missing], quick, BANDS)
    assert load_model(model.text, model.schema) == model


def signed(text, schema):
    """Give a schema that says that it belongs to a text."""
    return {**schema, "sha256": hashlib.sha256(text.encode()).hexdigest()}


LIES = [
    ("num_class=4", "num_class=5", "num_class 5, expected 4"),
    ("feature_names=B12 B11", "feature_names=B11 B12", "says feature_names"),
    ("max_feature_idx=", "max_feature_idx=9", "says max_feature_idx"),
    ("tree_sizes=", "tree_sizes=9", "says tree_sizes"),
    ("version=v4", "version=v4\nlinear=1", "says linear"),
    ("version=v4", "version=v4\nversion=v4", "says something twice"),
    ("tree\n", "forest\n", "no key=value"),
    ("end of trees", "", "twice|incomplete|says"),
]


@pytest.mark.parametrize(("truth", "lie", "complaint"), LIES)
def test_a_header_that_lies_is_refused(model, truth, lie, complaint):
    assert truth in model.text
    with pytest.raises(SceneError, match=complaint):
        load_model(lying := model.text.replace(truth, lie, 1), signed(lying, model.schema))


def in_first_tree(text, key, change):
    """Change the numbers of one line of the first tree that splits, and keep the table of sizes true."""
    head, *rest = text.split("\nTree=")
    line = next(line for line in rest[0].split("\n") if line.startswith(f"{key}="))
    words = line.partition("=")[2].split(" ")
    rest[0] = rest[0].replace(line, f"{key}={' '.join(change(words))}", 1)
    sizes = next(line for line in head.split("\n") if line.startswith("tree_sizes="))
    first = str(len(f"Tree={rest[0]}\n"))
    head = head.replace(sizes, " ".join([f"tree_sizes={first}", *sizes.split(" ")[1:]]))
    return "\nTree=".join([head, *rest])


POISON = [
    ("split_feature", lambda words: ["999", *words[1:]], "not a plain decision tree"),
    ("split_feature", lambda words: ["-1", *words[1:]], "not a plain decision tree"),
    ("left_child", lambda words: ["0", *words[1:]], "not a plain decision tree"),
    ("right_child", lambda words: ["-999", *words[1:]], "not a plain decision tree"),
    ("right_child", lambda words: ["2000000000", *words[1:]], "not a plain decision tree"),
    ("decision_type", lambda words: ["1", *words[1:]], "not a plain decision tree"),
    ("decision_type", lambda words: ["4", *words[1:]], "not a plain decision tree"),
    ("leaf_value", lambda words: ["nan", *words[1:]], "not a plain decision tree"),
    ("leaf_value", lambda words: words[1:], "numbers belong"),
    ("threshold", lambda words: ["0x10", *words[1:]], "numbers belong"),
    ("threshold", lambda words: ["1_0", *words[1:]], "numbers belong"),
    ("num_leaves", lambda words: ["100000000"], "numbers belong"),
    ("num_leaves", lambda words: ["-3"], "belong"),
    ("num_leaves", lambda words: ["inf"], "incomplete"),
    ("num_cat", lambda words: ["1"], "not a plain decision tree"),
    ("is_linear", lambda words: ["1"], "not a plain decision tree"),
]


@pytest.mark.parametrize(("key", "change", "complaint"), POISON)
def test_a_tree_that_leads_nowhere_is_refused_before_native_code_sees_it(model, key, change, complaint):
    with pytest.raises(SceneError, match=complaint):
        load_model(poisoned := in_first_tree(model.text, key, change), signed(poisoned, model.schema))


def complaint(text, schema):
    try:
        load_model(text, signed(text, schema))
    except SceneError as error:
        return str(error)
    return ""


def lines(text):
    """Count what is said before the trees end."""
    return sum(line != "" for line in text.partition("end of trees")[0].split("\n"))


@given(st.floats(0, 1), st.text(max_size=9), st.integers(0, 500))
def test_rubbish_is_refused_in_one_sentence(model, place, inserted, lost):
    at = int(place * model.text.index("end of trees"))
    rubbish = model.text[:at] + inserted + model.text[at + lost :]
    said = complaint(rubbish, model.schema)
    assert "\n" not in said
    assert said or lines(rubbish) == lines(model.text)  # a number may turn into another


def test_a_model_that_is_too_big_is_not_read(model, monkeypatch):
    monkeypatch.setattr(trees, "MAX_CHARACTERS", 100)
    with pytest.raises(SceneError, match="expected 100 at most"):
        load_model(model.text, model.schema)


@pytest.mark.parametrize(
    "wrong",
    [
        {"features": ["B12"]}, {"features": None}, {"bands": 3}, {"bands": [*map(str, range(1000))]},
        {"classes": ["CLEAR"]}, {"classes": ["SHADOW", "CLEAR", "THIN_CLOUD", "THICK_CLOUD"]},
        {"classes": ["CLEAR", "FOG"]}, {"classes": ["CLEAR", "SHADOW"]},
        {"distribution": {}}, {"distribution": None}, {"usual_psi": float("nan")},
    ],
)  # fmt: skip
def test_a_schema_that_does_not_belong_is_refused(model, wrong):
    with pytest.raises(SceneError, match="model"):
        load_model(model.text, {**model.schema, **wrong})


def test_a_text_and_a_schema_of_two_models_do_not_go_together(samples, quick, model):
    other = train(samples[1:], quick, BANDS)
    with pytest.raises(SceneError, match=r"its schema belongs to .*: take both from one model, or train it again"):
        load_model(other.text, model.schema)


def test_a_model_warns_on_a_tile_that_it_has_not_learnt_from(model, caplog):
    with caplog.at_level(logging.WARNING):
        warn_of_strange(model, "10UFB")
        assert not caplog.records
        warn_of_strange(model, "09UYT")
    assert caplog.messages == ["09UYT: the model was not trained there but on 10UFB: expect more mistakes"]


def test_the_schema_tells_where_the_features_of_clear_pixels_lay(samples, model):
    clear = np.concatenate([one.features[np.isin(one.labels, (1, 5, 6))] for one in samples])
    for number, name in enumerate(feature_names(BANDS)):
        assert Histogram.model_validate(model.schema["distribution"][name]) == histogram(clear[:, number])
    assert 0 < model.schema["usual_psi"] < 2


def test_a_model_of_another_tile_masks_with_a_warning(model, paint, weather, ground, quick, caplog):
    scene = paint(weather(41), 41)
    elsewhere = replace(scene, about=replace(scene.about, tile="09UYT"))
    with caplog.at_level(logging.WARNING):
        at_home = classify(scene, ground.pixels, model, quick)
        assert not caplog.records
        away = classify(elsewhere, ground.pixels, model, quick)
    np.testing.assert_array_equal(away.classes, at_home.classes)
    assert caplog.messages == ["09UYT: the model was not trained there but on 10UFB: expect more mistakes"]
