"""Sources that change under our hands: vanishing, replaced, replaced while they are read."""

import os
import shutil
from datetime import timedelta

import pytest

from catalog.store import Store
from flows.tile import tile as update
from s2lookback.settings import IngestSettings, Settings
from s2lookback.sources.safe import SafeSource
from s2lookback.sources.settings import SourceSettings
from tests.faults import chain

TILE = "09UYT"
SETTINGS = Settings(ingest=IngestSettings(bands=("B12", "B11", "B8A")))
DAYS = ("20250801T193831", "20250802T193831", "20250803T193831")
NAME = "scene-09UYT-20250802T193831"


def run(scenes, root):
    with chain.without_server():
        return update(TILE, source=SourceSettings(scenes=str(scenes)), root=str(root), settings=SETTINGS)


def recipe(root, name=NAME):
    return Store(str(root)).item("scenes", TILE, name)["properties"]["s2lookback:recipe"]["inputs"]


@pytest.fixture
def scenes(tmp_path, make_safe):
    """Give a folder of three products."""
    for day in DAYS:
        make_safe(sensed=day, folder="scenes")
    return tmp_path / "scenes"


def product(scenes, day):
    return next(scenes.glob(f"*_{day}_*"))


@pytest.mark.parametrize("when", ["checksums", "open_scene"])
@pytest.mark.parametrize("what", ["the product", "one band"])
def test_a_source_that_vanishes_after_it_was_listed_is_left_out_and_the_rest_published(
    when, what, scenes, tmp_path, monkeypatch
):
    victim = product(scenes, DAYS[1])
    asked = getattr(SafeSource, when)

    def vanish(self, ref):
        if ref.sensed.day == 2:
            shutil.rmtree(victim) if what == "the product" else next(victim.rglob("*_B11_20m.jp2")).unlink()
        return asked(self, ref)

    monkeypatch.setattr(SafeSource, when, vanish)
    report = run(scenes, tmp_path / "root")
    (left,) = report.left_out
    assert left.name == victim.name
    assert victim.name in left.reason or "B11" in left.reason
    assert "\n" not in left.reason
    assert report.made["scene"] == report.made["mrap"] == 2


def replace(folder, day, add):
    """Give one band of a product other numbers in a file of the same name, size and times."""
    band = next(product(folder, day).rglob("*_B11_20m.jp2"))
    before = band.stat()
    content = bytearray(band.read_bytes())
    position = len(content) - 40  # within the code stream
    content[position] = (content[position] + add) % 256
    band.write_bytes(content)
    os.utime(band, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert band.stat().st_size == before.st_size
    return band


def test_other_content_of_the_same_name_size_and_time_is_noticed(scenes, tmp_path):
    root = tmp_path / "root"
    run(scenes, root)
    before = recipe(root)
    replace(scenes, DAYS[1], 1)
    report = run(scenes, root)
    assert report.made["scene"] == 1
    changed = {name for name, digest in recipe(root).items() if before[name] != digest}
    assert len(changed) == 1
    assert run(scenes, root).made.total() == 0


def test_content_that_changes_while_it_is_read_is_read_again_by_the_next_run(scenes, tmp_path, monkeypatch):
    root, opened = tmp_path / "root", SafeSource.open_scene

    def open_scene(self, ref):
        if ref.sensed.day == 2:
            replace(scenes, DAYS[1], 1)
        return opened(self, ref)

    with monkeypatch.context() as patched:
        patched.setattr(SafeSource, "open_scene", open_scene)
        run(scenes, root)
    before = recipe(root)
    assert run(scenes, root).made["scene"] == 1
    assert recipe(root) != before
    assert run(scenes, root).made.total() == 0


def test_a_file_that_was_only_touched_is_hashed_once_and_makes_nothing(scenes, tmp_path, monkeypatch):
    root = tmp_path / "root"
    monkeypatch.setattr("tasks.ingest.COARSE", timedelta(0))  # or files of this very second would be hashed again
    run(scenes, root)
    for item in Store(str(root)).items("scenes", TILE):
        os.utime(Store(str(root)).href("scenes", TILE, item["id"]), (4e9, 4e9))  # as if verified much later
    hashed = []
    checksums = SafeSource.checksums
    monkeypatch.setattr(
        SafeSource, "checksums", lambda self, ref: hashed.append(ref.sensed.day) or checksums(self, ref)
    )
    assert run(scenes, root).made.total() == 0
    assert hashed == []
    os.utime(Store(str(root)).href("scenes", TILE, NAME), (0, 0))  # older than its file
    assert run(scenes, root).made.total() == 0
    assert hashed == [2]
    assert run(scenes, root).made.total() == 0
    assert hashed == [2]
