"""Models from month to month: the better of new and old serves, and drift may end its service early."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

import tasks.train
from catalog.staleness import freshness, maker_of
from catalog.store import Store
from flows.cli import app
from flows.tile import tile as update
from flows.train import train
from s2lookback.errors import SceneError
from s2lookback.masking.champion import contest
from s2lookback.settings import MaskSettings
from tasks.model import read_model
from tasks.retract import retract_scene
from tests.faults import chain

TILE = chain.TILES[0]
START = datetime(2025, 6, 5, 19, 19, 21, tzinfo=UTC)
SOURCE = chain.source(TILE, height=36, width=52, dates=14, revisit_days=6, start=START)
SETTINGS = chain.SETTINGS.model_copy(
    update={"mask": MaskSettings(min_training_scenes=3, training_lag=0, sample_size=500, trees=8)}
)
JULY, AUGUST, MIDJULY = (f"model-{TILE}-{name}" for name in ("202507", "202508", "20250716"))


def run(root, start=None, end=None):
    with chain.without_server():
        return update(TILE, source=SOURCE, root=str(root), settings=SETTINGS, start=start, end=end)


def versions(root, *collections):
    store = Store(str(root))
    return {
        item["id"]: item["properties"]["version"]
        for collection in collections or ("masks", "mrap", "models")
        for item in store.items(collection, TILE)
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("made")
    assert run(root).left_out == []
    return root


@pytest.fixture
def copied(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "catalog"))


def model_at(root, name):
    return Store(str(root)).item("models", TILE, name)


def test_each_month_a_challenger_meets_the_champion_on_scenes_new_to_both(made):
    first, second = model_at(made, JULY), model_at(made, AUGUST)
    assert "s2lookback:champion" not in first["properties"]
    told, metrics = (second["properties"][f"s2lookback:{name}"] for name in ("champion", "metrics"))
    assert told["id"] == JULY
    assert told["winner"] == max(told["f1"], key=told["f1"].get)
    assert metrics["MASKED"]["f1"] == pytest.approx(told["f1"][told["winner"]], abs=1e-6)
    learnt = read_model(Store(str(made)), str(made / "models" / TILE / JULY / f"{JULY}.json")).schema["scenes"]
    assert not set(learnt) & set(metrics["sensed"])
    titles = {one["title"] for one in second["links"] if one["rel"] == "derived_from"}
    assert JULY in titles
    assert {f"scene-{TILE}-{sensed.translate({45: None, 58: None, 90: None})}" for sensed in metrics["sensed"]} < titles


def test_a_champion_that_is_not_beaten_serves_on_under_the_new_month(copied, monkeypatch, made):
    def unbeaten(models, unseen, settings):
        return replace(contest(models, unseen, settings), winner="champion" if "champion" in models else "challenger")

    monkeypatch.setattr(tasks.train, "contest", unbeaten)
    shutil.rmtree(copied / "models" / TILE / AUGUST)
    assert run(copied).made["model"] == 1
    store, before, after = Store(str(copied)), model_at(copied, JULY), model_at(copied, AUGUST)
    assert after["properties"]["s2lookback:champion"]["winner"] == "champion"
    assert after["properties"]["s2lookback:content"] == before["properties"]["s2lookback:content"]
    assert after["properties"]["start_datetime"] == before["properties"]["start_datetime"]
    newest = max(store.items("masks", TILE), key=lambda mask: mask["id"])
    assert maker_of(newest) == AUGUST


def test_scenes_of_july_that_come_in_september_give_the_same_models_and_masks(made, tmp_path):
    july, august = datetime(2025, 7, 1, tzinfo=UTC), datetime(2025, 8, 1, tzinfo=UTC)
    for start, end in ((START, july), (august, None), (july, august)):
        run(tmp_path, start, end)
    assert versions(tmp_path) == versions(made)


def test_a_model_that_went_stale_is_followed_on_the_sixteenth_until_it_proves_sound(copied, made, monkeypatch):
    def stale(model, masks):
        return replace(freshness(model, masks), reasons=("so it is",) if model["id"] == JULY else ())

    with monkeypatch.context() as patched:
        patched.setattr(tasks.train, "freshness", stale)
        assert run(copied).made["model"] >= 1
        assert set(versions(copied, "models")) == {JULY, MIDJULY, AUGUST}
        followed = model_at(copied, MIDJULY)["properties"]
        assert followed["datetime"] == "2025-07-16T00:00:00Z"
        assert followed["s2lookback:champion"]["id"] == JULY
        assert model_at(copied, AUGUST)["properties"]["s2lookback:champion"]["id"] == MIDJULY
        makers = {mask["id"][-15:-7]: maker_of(mask) for mask in Store(str(copied)).items("masks", TILE)}
        assert (makers["20250711"], makers["20250717"]) == (JULY, MIDJULY)
        assert not run(copied).made
    (copied / ".index" / f"{TILE}-steps.json").unlink()  # for no file shows what was patched here
    run(copied)
    assert versions(copied) == versions(made)


def test_by_hand_the_model_comes_out_that_the_tile_was_masked_by(made):
    with chain.without_server():
        for day, name in ((datetime(2025, 7, 3, tzinfo=UTC), JULY), (datetime(2025, 8, 20, tzinfo=UTC), AUGUST)):
            product = train(TILE, day, root=str(made), settings=SETTINGS.mask)
            assert Path(product.href).stem == name
            assert not product.made
        with pytest.raises(SceneError, match="fewer than 3 scenes were composited before 2025-06"):
            train(TILE, datetime(2025, 6, 20, tzinfo=UTC), root=str(made), settings=SETTINGS.mask)


def test_a_scene_that_is_retracted_takes_with_it_the_models_that_took_over_from_what_learnt_it(copied):
    retract_scene(str(copied), TILE, START, "shifted by a pixel")
    assert Store(str(copied)).ids("models", TILE) == []


def test_without_a_champion_that_can_be_read_the_challenger_serves(copied, monkeypatch):
    def unreadable(store, href):
        raise SceneError("no model")

    monkeypatch.setattr(tasks.train, "read_model", unreadable)
    shutil.rmtree(copied / "models" / TILE / AUGUST)
    run(copied)
    told = model_at(copied, AUGUST)["properties"]["s2lookback:champion"]
    assert (told["winner"], set(told["f1"])) == ("challenger", {"challenger"})


def test_where_nothing_can_be_trained_the_champion_goes_on(copied, monkeypatch):
    def untrainable(samples, settings, bands):
        raise SceneError("too few samples")

    monkeypatch.setattr(tasks.train, "train", untrainable)
    shutil.rmtree(copied / "models" / TILE / AUGUST)
    run(copied)
    told = model_at(copied, AUGUST)["properties"]["s2lookback:champion"]
    assert (told["winner"], set(told["f1"])) == ("champion", {"champion"})


@pytest.mark.parametrize("file", ["model", "schema"])
def test_a_model_whose_file_is_not_the_published_one_is_refused(copied, file):
    store, item = Store(str(copied)), model_at(copied, JULY)
    with store.asset(item, file).open("a") as part:
        part.write("\n")
    with pytest.raises(SceneError, match=r"its SHA-256 is .*, that of the published file was .* run the tile again"):
        read_model(store, store.href("models", TILE, JULY))


def test_every_mask_by_a_model_tells_of_drift_in_finite_numbers(made):
    for mask in Store(str(made)).items("masks", TILE):
        drift = mask["properties"].get("s2lookback:drift")
        assert (drift is not None) == (mask["properties"]["s2lookback:method"] == "lookback")
        if drift and drift["clear_pixels"] >= 50:
            assert all(0 <= number < 100 for number in [drift["psi_mean"], *drift["psi"].values()])


def asked(*words):
    result = CliRunner().invoke(app, ["stale", *words])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_program_lists_the_tiles_whose_model_is_stale_and_says_why(copied):
    root = str(copied)
    before = json.loads(asked("--root", root, "--all", "--json"))
    assert [(one["tile"], one["model"]) for one in before] == [(TILE, AUGUST)]
    for mask in (copied / "masks" / TILE).glob("mask-*/mask-*.json"):
        item = json.loads(mask.read_text())
        if "psi_mean" in item["properties"].get("s2lookback:drift", {}):
            item["properties"]["s2lookback:drift"]["psi_mean"] = 55.5
            mask.write_text(json.dumps(item))
    (after,) = json.loads(asked("--root", root, "--json"))
    assert after["psi"] == 55.5
    assert after["reasons"][0].startswith("clear ground lies 55.50 from where it lay in the training")
    assert AUGUST in asked("--root", root)


def test_the_program_says_that_no_model_is_stale_and_gives_an_example(tmp_path):
    assert asked("--root", str(tmp_path)) == "no model is stale\n"
    assert "s2lookback stale --root" in asked("--help")
