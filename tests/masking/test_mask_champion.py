from dataclasses import replace

import numpy as np
import pytest

from s2lookback.masking.champion import MOST_HELD_OUT, contest, held_out
from s2lookback.masking.classes import Class
from s2lookback.masking.lookback import Lookback, cover_of, train
from s2lookback.masking.mask import agreement, found_by, labelled, score

BANDS = ("B12", "B11", "B09", "B08", "B8A", "B04", "B03", "B02")


@pytest.fixture(scope="module")
def unseen(paint, weather, ground):
    return [(paint(weather(day), day), ground.pixels) for day in (40, 41)]


@pytest.fixture(scope="module")
def worse(samples, quick):
    """Give a model that learnt from labels of which every third says the opposite."""
    lying = []
    for one in samples:
        flipped = np.where(one.labels == Class.CLEAR, Class.THICK_CLOUD, Class.CLEAR)
        third = np.arange(one.labels.size) % 3 == 0
        lying.append(replace(one, labels=np.where(third, flipped, one.labels).astype(np.uint8)))
    return train(lying, quick.model_copy(update={"trees": 2}), BANDS)


def test_the_better_model_masks_whichever_came_first(model, worse, unseen, quick):
    gained = contest({"challenger": model, "champion": worse}, unseen, quick)
    kept = contest({"challenger": worse, "champion": model}, unseen, quick)
    assert (gained.winner, kept.winner) == ("challenger", "champion")
    assert gained.f1["challenger"] == kept.f1["champion"] > gained.f1["champion"] == kept.f1["challenger"]
    assert gained.metrics == kept.metrics


def test_a_challenger_that_is_no_better_does_not_take_the_place(model, unseen, quick):
    assert contest({"challenger": model, "champion": model}, unseen, quick).winner == "champion"


def test_the_first_model_wins_alone(worse, unseen, quick):
    alone = contest({"challenger": worse}, unseen, quick)
    assert alone.winner == "challenger"
    assert alone.f1.keys() == {"challenger"}


def test_the_figures_are_those_of_all_held_out_pixels_together(model, unseen, quick):
    told = contest({"challenger": model}, iter(unseen), quick)
    views = [labelled(*one, quick) for one in unseen]
    found = [found_by(Lookback(model).probabilities(view), view, quick) for view in views]
    expected = agreement(np.concatenate(found), np.concatenate([cover_of(view.labels) for view in views]))
    assert told.metrics.items() >= expected.items()
    assert told.f1["challenger"] == pytest.approx(expected["MASKED"]["f1"], abs=1e-6)
    assert told.metrics["sensed"] == ["2025-07-11T19:00:00Z", "2025-07-12T19:00:00Z"]
    assert 0 <= told.metrics["disagreement"] <= 1
    single = contest({"challenger": model}, unseen[:1], quick).metrics
    assert {**single, "sensed": single["sensed"][0]}.items() >= score(model, *unseen[0], quick).items()


def test_scenes_in_which_nothing_hides_the_surface_are_judged_by_agreement(model, ground, quick):
    told = contest({"challenger": model}, [(ground, ground.pixels)], quick)
    assert told.f1["challenger"] == pytest.approx(told.metrics["agreement"], abs=1e-6)
    nothing = contest({"challenger": model}, [(replace(ground, scl=None), ground.pixels)], quick)
    assert nothing.metrics["pixels"] == nothing.f1["challenger"] == 0


def test_no_champion_is_ever_judged_by_what_it_learnt_from():
    for before in range(2, 60):
        for after in range(before, 61):
            learnt = before - held_out(before)
            assert after - held_out(after) >= learnt
    assert (held_out(2), held_out(10), held_out(200)) == (1, 2, MOST_HELD_OUT)
