"""Every product can be made again from what is recorded of it; where it cannot, the reason is named."""

import json
import shutil
from pathlib import Path
from unittest import mock

import pytest
from typer.testing import CliRunner

import tasks.mask
from catalog.search import find_item
from catalog.store import Store
from flows.cli import app
from flows.reproduce import reproduce
from flows.tile import tile as update
from s2lookback.errors import CatalogError, SceneError
from s2lookback.simulate import Scenario
from s2lookback.sources.settings import SourceSettings

pytestmark = pytest.mark.flow

DAY = "10UFB-20250803T191921"
RUN = CliRunner()


@pytest.fixture(scope="module")
def made(tmp_path_factory, prefect_server, source, settings):
    root = tmp_path_factory.mktemp("catalog")
    update("10UFB", source=source, root=str(root), settings=settings)
    return root


@pytest.fixture
def root(made, tmp_path):
    return str(shutil.copytree(made, tmp_path / "catalog"))


def path_of(root, name):
    item = find_item(Store(root), name)
    return Path(Store(root).href(item["collection"], "10UFB", name))


@pytest.mark.parametrize("name", [f"mask-{DAY}", f"mrap-{DAY}", f"reduced-{DAY}", "model-10UFB-202508"])
def test_a_product_comes_out_equal_and_the_catalog_is_not_touched(name, root):
    before = {path: path.stat().st_mtime_ns for path in Path(root).rglob("*.json")}
    found = reproduce(name, root)
    assert found.equal
    assert set(found.assets.values()) == {"equal"}
    assert found.assets.keys() == find_item(Store(root), name)["assets"].keys()
    assert before == {path: path.stat().st_mtime_ns for path in Path(root).rglob("*.json")}


def test_a_scene_is_made_again_from_the_producers_files(root, source):
    assert reproduce(f"scene-{DAY}", root, source).equal


def test_a_scene_of_other_files_is_not_compared(root, source):
    other = SourceSettings(kind="simulated", scenario=Scenario(**{**source.scenario.model_dump(), "seed": 21}))
    with pytest.raises(SceneError, match="its files hold something else than what it was made from"):
        reproduce(f"scene-{DAY}", root, other)
    with pytest.raises(SceneError, match="holds no scene of that second"):
        reproduce(f"scene-{DAY}", root, SourceSettings(kind="simulated"))


def test_damage_is_told_from_difference(root):
    item = find_item(Store(root), f"mask-{DAY}")
    file = Store(root).asset(item, "class")
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    found = reproduce(f"mask-{DAY}", root)
    assert "was damaged since" in found.assets["class"]
    assert found.assets["probability"] == "equal"
    assert not found.equal


def test_code_that_gives_other_pixels_is_named(root):
    classify = tasks.mask.classify

    def changed(*arguments, **named):
        mask = classify(*arguments, **named)
        mask.probability[:2, :3] = 77
        return mask

    with mock.patch.multiple(tasks.mask, classify=changed, REVISION=tasks.mask.REVISION + 1):
        found = reproduce(f"mask-{DAY}", root)
    assert found.assets["class"] == "equal"
    assert found.assets["probability"] in {f"differs in {count} pixels" for count in range(1, 7)}
    (reason,) = found.reasons
    assert reason == f"it was made by revision {tasks.mask.REVISION} of its stage, this is {tasks.mask.REVISION + 1}"


def test_another_program_is_named(root):
    path = path_of(root, f"mask-{DAY}")
    item = json.loads(path.read_text())
    item["properties"]["processing:software"]["numpy"] = "1.0"
    path.write_text(json.dumps(item))
    file = Store(root).asset(item, "thumbnail")
    file.write_bytes(b"other")
    assert any("the program numpy was 1.0, now 2" in reason for reason in reproduce(f"mask-{DAY}", root).reasons)


def test_a_tampered_recipe_is_refused(root):
    path = path_of(root, f"mask-{DAY}")
    item = json.loads(path.read_text())
    item["properties"]["s2lookback:recipe"]["settings"]["dilation"] = 0
    path.write_text(json.dumps(item))
    with pytest.raises(CatalogError, match="says its digest is"):
        reproduce(f"mask-{DAY}", root)


def test_an_input_that_was_swept_is_named(root):
    Store(root).retract("scenes", "10UFB", f"scene-{DAY}")
    with pytest.raises(CatalogError, match=f"scene-{DAY}: there is no such item"):
        reproduce(f"mask-{DAY}", root)


def test_the_program_says_whether_it_is_equal(root):
    result = RUN.invoke(app, ["reproduce", f"mask-{DAY}", "--root", root])
    assert result.exit_code == 0, result.output
    assert "equal in every byte" in result.stdout
    Store(root).asset(find_item(Store(root), f"mask-{DAY}"), "class").write_bytes(b"other")
    result = RUN.invoke(app, ["reproduce", f"mask-{DAY}", "--root", root, "--json"])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["equal"] is False


def test_the_program_traces_an_item(root, tmp_path):
    result = RUN.invoke(app, ["lineage", f"mrap-{DAY}", "--root", root])
    assert f"mask-{DAY}" in result.stdout
    assert "in all from 5 scenes, 2025-07-14 to 2025-08-03" in result.stdout
    assert "mrap-10UFB-20250808T191921" in result.stdout.split("went into")[1]
    told = json.loads(RUN.invoke(app, ["lineage", f"mrap-{DAY}", "--root", root, "--json"]).stdout)
    assert {node["state"] for node in told["made_from"]} == {"stands"}
    prov = json.loads(RUN.invoke(app, ["lineage", f"mrap-{DAY}", "--root", root, "--prov"]).stdout)
    assert len(prov["wasGeneratedBy"]) == len(told["made_from"])
    picture = tmp_path / "lineage.svg"
    assert RUN.invoke(app, ["lineage", f"mrap-{DAY}", "--root", root, "--picture", str(picture)]).exit_code == 0
    assert b"<svg" in picture.read_bytes()
