"""A recipe determines a product; its digest says so, whatever order its parts come in."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.provenance import Recipe, content_digest, digest_of, require_complete, software
from s2lookback.errors import CatalogError

DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
NAMES = st.text("abcXYZ0189.-_é", min_size=1, max_size=9)
PLAIN = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
INPUTS = st.dictionaries(NAMES, DIGESTS, max_size=4)
SETTINGS = st.dictionaries(NAMES, PLAIN, max_size=4)


@given(INPUTS, SETTINGS, st.randoms())
def test_order_does_not_matter(inputs, settings, random):
    def shuffled(content: dict[str, Any]) -> dict[str, Any]:
        return dict(random.sample(list(content.items()), len(content)))

    one, two = Recipe("mask", 1, inputs, settings), Recipe("mask", 1, shuffled(inputs), shuffled(settings))
    assert one == two
    assert one.digest == two.digest


@given(INPUTS, SETTINGS)
def test_a_recipe_survives_being_written_down(inputs, settings):
    recipe = Recipe("mask", 1, inputs, settings)
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


@pytest.mark.parametrize(
    "other",
    [
        Recipe("mrap", 1, {"a": "0" * 64}, {"x": 1}),
        Recipe("mask", 2, {"a": "0" * 64}, {"x": 1}),
        Recipe("mask", 1, {"b": "0" * 64}, {"x": 1}),
        Recipe("mask", 1, {"a": "1" * 64}, {"x": 1}),
        Recipe("mask", 1, {"a": "0" * 64}, {"x": 2}),
        Recipe("mask", 1, {"a": "0" * 64}, {}),
    ],
)
def test_every_part_counts(other):
    assert other.digest != Recipe("mask", 1, {"a": "0" * 64}, {"x": 1}).digest


def test_a_setting_that_is_none_is_a_setting_that_is_absent():
    assert Recipe("mrap", 1, {}, {"max_age": None, "deep": {"x": None}}) == Recipe("mrap", 1, {}, {"deep": {}})


def test_a_recipe_does_not_change_with_the_mapping_it_was_made_from():
    settings = {"deep": {"x": 1}}
    recipe = Recipe("mask", 1, {}, settings)
    settings["deep"]["x"] = 2
    assert recipe.settings == {"deep": {"x": 1}}


def test_an_input_without_a_digest_is_refused():
    with pytest.raises(CatalogError, match=r"input scene has digest '12:03', expected SHA-256"):
        Recipe("mask", 1, {"scene": "12:03"}, {})


@pytest.mark.parametrize("damage", [{"digest": "0" * 64}, {"revision": 2}, {"inputs": [1]}, {"settings": None}])
def test_a_recipe_that_was_tampered_with_is_refused(damage):
    facts = Recipe("mask", 1, {"a": "0" * 64}, {"x": 1}).to_dict() | damage
    with pytest.raises(CatalogError, match="recipe"):
        Recipe.from_dict(facts)


def test_content_is_names_and_bytes_and_nothing_else():
    files = {"B12.tif": "1220" + "a" * 64, "B11.tif": "1220" + "b" * 64}
    assert content_digest(files) == content_digest(dict(reversed(files.items())))
    assert content_digest(files) != content_digest({"B11.tif": files["B12.tif"], "B12.tif": files["B11.tif"]})


def test_a_digest_is_the_hash_of_canonical_json():
    # printf '{"a":[1,2.5],"b":"\\u00e9"}' | sha256sum
    assert digest_of({"b": "é", "a": [1, 2.5]}).startswith("60d4fe7d84d09285")


def test_software_names_each_program_once_and_sorted():
    versions = software()
    assert list(versions) == sorted(versions)
    assert versions.keys() >= {"gdal", "lightgbm", "numpy", "prefect", "rasterio", "s2lookback"}
    assert all(version[0].isdigit() for version in versions.values())


@pytest.mark.parametrize(
    ("lacks", "sentence"),
    [
        (lambda item: item["properties"]["s2lookback:recipe"].update(inputs={}), "an input in its recipe"),
        (lambda item: item["properties"].pop("processing:software"), "the versions of its programs"),
        (lambda item: item["assets"]["class"].pop("file:checksum"), "a checksum of every asset"),
        (lambda item: item["links"].clear(), "a link to what it is derived from"),
        (lambda item: [one.pop("s2lookback:content", 0) for one in item["links"]], "the content of every source"),
    ],
)
def test_provenance_with_a_gap_is_refused(lacks, sentence, sample, store):
    item = store.read(sample("mask").publish(store))
    require_complete(item)
    lacks(item)
    with pytest.raises(CatalogError, match=sentence):
        require_complete(item)
