"""A night looks at every file of a tile, and reads only what looks otherwise than when it was last found right."""

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog.place import disk
from catalog.store import Store
from flows import tile
from s2lookback.bands import BANDS
from s2lookback.errors import SceneError
from s2lookback.scene import Listing
from s2lookback.settings import IngestSettings, MaskSettings, Settings
from s2lookback.simulate import sensing_times
from s2lookback.sources.simulated import SimulatedSource
from tasks import mask, mrap, reduce, train
from tests.buckets import contents
from tests.faults import chain

TILE = chain.TILES[0]
RULES = chain.SETTINGS.model_copy(update={"mask": chain.SETTINGS.mask.model_copy(update={"method": "rules"})})
BACKGROUND = Settings(
    ingest=IngestSettings(bands=tuple(BANDS)),
    mask=MaskSettings(method="background", number_of_images=2, allow_future=True),
)
SEEN = {"dates": 8, "start": datetime(2025, 6, 1, 19, 19, 21, tzinfo=UTC)}
"""Enough for a model that serves the last two."""

OWN = ("masks", "mrap", "reduced")


@pytest.fixture
def parsed(monkeypatch):
    """Offer the names of the JSON that is read."""
    names, parse = [], disk.parsed

    def noted(text, where):
        names.append(Path(where).name)
        return parse(text, where)

    for module in ("catalog.place.disk", "catalog.reading"):
        monkeypatch.setattr(f"{module}.parsed", noted)
    return names


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Make a tile, and verify what was made; every test leaves it as it was, which is known by its bytes."""
    root = tmp_path_factory.mktemp("memory") / "catalog"
    assert run(root).made["model"] == 1
    assert not run(root).made
    return root


def run(root, settings=chain.SETTINGS, **scenario):
    """Bring the tile up to date."""
    return chain.run(root, settings=settings, **(scenario or SEEN))


def forget(root):
    for path in (root / ".index").glob("*.json"):
        path.unlink()


def contents_of(root):
    """Give the content of every standing product, whatever it replaced."""
    store = Store(str(root))
    items = [item for collection in store.collections() for item in store.items(collection)]
    return {item["id"]: item["properties"]["s2lookback:content"] for item in items}


def again(root, parsed, settings=chain.SETTINGS, **scenario):
    """Run a tile once more; give the report, and how many items were read."""
    parsed.clear()
    report = run(root, settings, **scenario)
    return report, len([name for name in parsed if name.startswith(("scene-", "mask-", "mrap-", "reduced-", "model-"))])


def test_a_night_without_news_reads_no_item_and_reports_the_same(root, parsed):
    known, read = again(root, parsed)
    assert read == 0
    forget(root)
    verified, read = again(root, parsed)
    assert read > 0
    assert known.kept == verified.kept
    assert [(one.sensed, one.clear_share, one.method, one.made, one.kept) for one in known.dates] == [
        (one.sensed, one.clear_share, one.method, one.made, one.kept) for one in verified.dates
    ]


def test_what_a_night_reads_for_a_new_scene_does_not_grow_with_the_scenes_before_it(tmp_path, parsed):
    read = [again(tmp_path, parsed, RULES, dates=dates)[1] for dates in range(1, 9)]
    assert read[3] == read[7]


def test_what_a_night_asks_a_bucket_for_does_not_grow_either(machine, bucket, requests, monkeypatch):
    machine()
    monkeypatch.setattr("catalog.place.remote.FRESH", 3600.0)
    asked, counts = [], []
    requests(lambda name, answered: asked.extend([] if answered else [name]))
    for dates in (1, 3):
        for _ in range(3):
            asked.clear()
            assert chain.run(bucket.url, dates=dates).left_out == []
        counts.append(sorted(asked))
    assert counts[0] == counts[1]
    assert set(counts[1]) == {"ListObjectsV2"}
    assert not any(key.startswith(".index") for key in contents(bucket))


def gone(path):
    path.unlink()


def shortened(path):
    os.truncate(path, path.stat().st_size // 2)


def garbled(path):
    path.write_bytes(b"x" * path.stat().st_size)


@pytest.mark.parametrize(
    ("collection", "damage"), [(one, way) for one in OWN for way in (gone, garbled)] + [("models", gone)]
)
def test_a_damaged_item_is_noticed_and_made_again(root, collection, damage):
    before = chain.tree(root)
    home = sorted((root / collection / TILE).glob("*-*"))[0]
    damage(home / f"{home.name}.json")
    assert run(root).made.total() >= 1
    assert chain.tree(root) == before
    assert not run(root).made


@pytest.mark.parametrize("damage", [gone, shortened])
@pytest.mark.parametrize("collection", ["scenes", *OWN, "models"])
def test_a_lost_or_shortened_file_is_noticed_and_made_again(root, collection, damage):
    before = chain.tree(root)
    item = sorted((root / collection / TILE).glob("*-*/*.json"))[-1]
    asset = next(iter(json.loads(item.read_text())["assets"].values()))["href"]
    for _ in range(2):  # the second time before what was made was verified
        damage(item.parent / asset)
        assert run(root).made.total() >= 1
        assert chain.tree(root) == before
    assert not run(root).made


def test_what_was_made_is_verified_once_and_then_known(tmp_path, parsed):
    _, making = again(tmp_path, parsed, dates=1)
    _, verifying = again(tmp_path, parsed, dates=1)
    _, knowing = again(tmp_path, parsed, dates=1)
    assert making > 0
    assert verifying > 0
    assert knowing == 0


@pytest.mark.parametrize(("stage", "made"), [(mask, "mask"), (mrap, "mrap"), (reduce, "reduced"), (train, "model")])
def test_a_revision_that_was_raised_is_noticed(root, monkeypatch, stage, made):
    with monkeypatch.context() as patched:
        patched.setattr(stage, "REVISION", stage.REVISION + 1)
        assert run(root).made[made] > 0
    run(root)
    assert not run(root).made


def test_a_scene_that_was_replaced_is_noticed(tmp_path):
    other = RULES.model_copy(update={"ingest": IngestSettings(bands=("B12", "B11", "B8A", "B03"))})
    for settings in (RULES, RULES, other):
        made = run(tmp_path, settings, dates=2).made
    assert made == {"scene": 2, "mask": 2, "mrap": 2, "reduced": 2}


def test_settings_and_heights_that_are_others_are_noticed(root, monkeypatch, parsed):
    mrap_settings = chain.SETTINGS.mrap.model_copy(update={"max_age": 3})
    assert run(root, settings=chain.SETTINGS.model_copy(update={"mrap": mrap_settings})).made["mrap"]
    for _ in range(2):
        run(root)
    assert again(root, parsed)[1] == 0
    monkeypatch.setattr("tasks.walk.elevation_state", lambda: "/heights.tif 20")
    assert again(root, parsed)[1] > 0


@pytest.mark.parametrize(
    ("settings", "nights"),
    [(chain.SETTINGS, [(0, 1, 2, 4, 5, 6), (3,), (7,)]), (BACKGROUND, [(0, 2), (3,), (1,)])],
    ids=["lookback", "background"],
)
def test_scenes_that_come_night_by_night_and_late_give_what_all_at_once_give(tmp_path, settings, nights, monkeypatch):
    listed, there = SimulatedSource.list_scenes, []
    times = sensing_times(chain.source(TILE, **SEEN).scenario)

    def list_scenes(self, *given):
        return Listing(tuple(ref for ref in listed(self, *given).scenes if ref.sensed in there))

    monkeypatch.setattr(SimulatedSource, "list_scenes", list_scenes)
    for numbers in nights:
        there += [times[number] for number in numbers]
        assert run(tmp_path / "nights", settings).made["mrap"] >= len(numbers)
        assert not run(tmp_path / "nights", settings).made
    run(tmp_path / "once", settings)
    assert contents_of(tmp_path / "nights") == contents_of(tmp_path / "once")


def test_a_scene_that_is_left_out_every_night_is_tried_again_and_hinders_no_other(tmp_path, parsed, monkeypatch):
    masked, hidden = tile.masked, []

    def refusing(scene, *given, **named):
        if scene.sensed in hidden:
            raise SceneError(f"{scene}: cannot be masked")
        return masked(scene, *given, **named)

    monkeypatch.setattr(tile, "masked", refusing)
    hidden.append(run(tmp_path, RULES, dates=3).dates[1].sensed)
    shutil.rmtree(tmp_path / "masks" / TILE / f"mask-{TILE}-{hidden[0]:%Y%m%dT%H%M%S}")
    for _ in range(3):
        report, _ = again(tmp_path, parsed, RULES, dates=3)
    assert [left.reason for left in report.left_out] == [f"{hidden[0]:%Y-%m-%d}: cannot be masked"]
    assert {name[-20:-5] for name in parsed} == {f"{hidden[0]:%Y%m%dT%H%M%S}"}
    hidden.clear()
    report, _ = again(tmp_path, parsed, RULES, dates=3)
    assert report.made["mask"] >= 1
    assert report.left_out == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"scene": 3}', b"\xff"])
def test_a_memory_that_is_damaged_remembers_nothing(root, parsed, content):
    before = chain.tree(root)
    for path in (root / ".index").glob("*.json"):
        path.write_bytes(content)
    report, read = again(root, parsed)
    assert read > 0
    assert not report.made
    assert again(root, parsed)[1] == 0
    assert chain.tree(root) == before


def test_the_memory_of_another_catalog_is_of_no_use(root, tmp_path, parsed):
    copied = Path(shutil.copytree(root, tmp_path / "catalog"))
    report, read = again(copied, parsed)
    assert read > 0
    assert not report.made
    assert again(copied, parsed)[1] == 0


def test_a_memory_that_cannot_be_kept_costs_nothing_but_time(root, parsed, monkeypatch, caplog):
    forget(root)
    monkeypatch.setattr("tasks.memory.keep", lambda *given, **named: (_ for _ in ()).throw(OSError(30, "read-only")))
    report, _ = again(root, parsed)
    assert not report.made
    assert "the next run will verify again what this one did" in caplog.text
    assert not list((root / ".index").glob("*.json"))
