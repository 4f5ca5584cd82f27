"""Training what comes trained: the same program gives the same bytes, and never sees the family kept unseen."""

import json

import lightgbm
import numpy as np
import pytest

from s2lookback.masking import lessons, school
from s2lookback.masking.classes import COVERS
from s2lookback.masking.forest import Forest
from s2lookback.masking.trees import read_trees
from s2lookback.simulate.families import DEVELOPMENT

NAMES = ("one", "other", "third")


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(lessons, "SIZE", {"height": 24, "width": 31, "dates": 4})
    monkeypatch.setattr(lessons, "DEVELOPMENT", DEVELOPMENT[:2])


@pytest.mark.usefixtures("small")
def test_the_same_program_gives_the_same_bytes(tmp_path):
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        school.main(tmp_path / folder, seeds=(9301,), rounds=2)
    one, other = (sorted((tmp_path / folder).iterdir()) for folder in ("one", "other"))
    assert [path.name for path in one] == [path.name for path in other]
    assert len(one) == 12
    for here, there in zip(one, other, strict=True):
        assert here.read_bytes() == there.read_bytes()
    card = json.loads((tmp_path / "one" / "temporal.json").read_text())
    assert card["seeds"] == [9301]


def test_the_seeds_that_are_scored_are_not_those_that_are_learnt_from():
    assert min(school.SEEDS) > 9000


@pytest.mark.parametrize("kind", ["gbdt", "rf"])
def test_the_text_predicts_what_lightgbm_does(kind):
    random = np.random.default_rng(5)
    columns = random.normal(size=(3, 4000)).astype(np.float32)
    targets = np.clip(np.rint(columns[0] + columns[1] ** 2), 0, 3).astype(np.intp)
    parameters = {**school._BOOSTED, "min_data_in_leaf": 20}
    parameters |= {"boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1} if kind == "rf" else {}
    text = school.boosted(columns, targets, NAMES, parameters, 7)
    data = lightgbm.Dataset(np.ascontiguousarray(columns.T), targets, feature_name=[*NAMES], params=dict(parameters))
    booster = lightgbm.train(dict(parameters), data, num_boost_round=7)
    forest = Forest.of(read_trees(text, NAMES, len(COVERS)), len(NAMES), len(COVERS))
    ours = forest.probabilities(columns).T
    assert ours == pytest.approx(np.asarray(booster.predict(columns.T.copy(), num_threads=1)), abs=1e-12)
