from datetime import timedelta

import pytest

from catalog.items.facts import sensed_of
from catalog.staleness import FAR, current, freshness, maker_of, overview

QUIET = {"pixels": 900, "clear_pixels": 500, "disagreement": 0.01, "psi": {"B12": 0.1}, "psi_mean": 0.1}


@pytest.fixture
def model(sample):
    return sample("model").item


@pytest.fixture
def masks(sample, model):
    """Offer masks of one model, a day apart, that tell these drifts."""

    def make(*drifts, by=model):
        found = []
        for day, drift in enumerate(drifts):
            mask = sample("mask").item
            sensed = f"2025-09-{day + 1:02d}T19:00:00Z"
            mask["properties"] |= {"datetime": sensed, "s2lookback:drift": drift}
            mask["links"] = [{"rel": "derived_from", "title": by["id"]}] if by else []
            found.append(mask)
        return found

    return make


def test_a_model_whose_masks_lie_where_it_learnt_is_fresh(model, masks):
    told = freshness(model, masks(QUIET, QUIET, QUIET))
    assert (told.tile, told.model, told.masks, told.reasons) == ("10UFB", model["id"], 3, ())
    assert (told.psi, told.disagreement) == (0.1, 0.01)


def test_ground_that_moved_in_most_masks_makes_it_stale_and_one_odd_day_does_not(model, masks):
    far = QUIET | {"psi_mean": FAR + 0.1}
    assert freshness(model, masks(far, QUIET, QUIET)).reasons == ()
    (reason,) = freshness(model, masks(far, QUIET, far)).reasons
    assert reason == "clear ground lies 0.35 from where it lay in the training, up to 0.25 is usual"


def test_scenes_of_the_training_may_have_lain_as_far(model, masks):
    far = QUIET | {"psi_mean": FAR + 0.1}
    model["properties"]["s2lookback:metrics"]["usual_psi"] = 0.5
    assert freshness(model, masks(far, far, far)).reasons == ()


def test_contradiction_by_labels_and_light_makes_it_stale(model, masks):
    contradicted = QUIET | {"disagreement": 0.15}
    (reason,) = freshness(model, masks(*[contradicted] * 3)).reasons
    assert reason == "15% of its pixels contradict label or light, up to 10% is usual"
    model["properties"]["s2lookback:metrics"]["disagreement"] = 0.08
    assert freshness(model, masks(*[contradicted] * 3)).reasons == ()


def test_only_the_newest_masks_are_heard(model, masks):
    far = QUIET | {"psi_mean": 0.9}
    assert freshness(model, masks(far, far, far, QUIET, QUIET, QUIET)).reasons == ()
    assert freshness(model, masks(QUIET, QUIET, QUIET, far, far, far)).masks == 5


def test_nothing_is_said_from_two_masks_or_from_those_of_others(model, masks, sample):
    far = QUIET | {"psi_mean": 0.9, "disagreement": 0.9}
    other = sample("model").item | {"id": "model-10UFB-202401"}
    told = freshness(model, [*masks(far, far), *masks(far, far, by=other), *masks(far, by=None)])
    assert (told.masks, told.psi, told.disagreement, told.reasons) == (2, None, None, ())


def test_masks_without_clear_pixels_tell_of_no_ground(model, masks):
    cloudy = {"pixels": 900, "clear_pixels": 3, "disagreement": 0.02}
    told = freshness(model, masks(cloudy, cloudy, cloudy, QUIET))
    assert (told.psi, told.disagreement) == (None, 0.02)


def test_a_tile_is_judged_by_what_made_its_newest_mask(store, sample):
    assert current(store, "10UFB") is None
    scene = store.read(sample("scene").publish(store))
    model = store.read(sample("model", sources=[scene]).publish(store))
    mask = store.read(sample("mask", sources=[scene, model]).publish(store))
    told = current(store, "10UFB")
    assert maker_of(mask) == model["id"] == told.model
    assert told.masks == 1
    assert overview(store) == [told]
    later = sensed_of(mask) + timedelta(days=1)
    by_rules = store.read(sample("mask", sensed=later, sources=[scene]).publish(store))
    assert maker_of(by_rules) is None
    assert current(store, "10UFB") is None
    assert overview(store) == []
