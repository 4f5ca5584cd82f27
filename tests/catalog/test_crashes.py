"""Killing a publisher at any step loses nothing and shows nothing half-made; two publishers do not harm each other."""

import importlib.util
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

import pystac
import pytest

from catalog.audit import found
from catalog.index.upkeep import current
from catalog.place.disk import locked
from catalog.search import search
from catalog.store import Store

SCRIPT = Path(__file__).with_name("publisher.py")


@pytest.fixture(scope="module")
def publisher() -> ModuleType:
    spec = importlib.util.spec_from_file_location("publisher", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def process(*arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(SCRIPT), *map(str, arguments)])


def listed(root: Path) -> list[pystac.Item]:
    if not (root / "catalog.json").exists():
        return []
    return list(pystac.Catalog.from_file(str(root / "catalog.json")).get_items(recursive=True))


def published(root: Path) -> Store:
    root.mkdir()
    return Store(str(root))


@pytest.mark.parametrize("before", ["nothing", "the same", "another version", "a damaged version", "an orphan"])
def test_a_publisher_killed_at_any_step_harms_nothing(before, tmp_path, publisher, tree):
    template, copies = tmp_path / "template", tmp_path / "copies"
    store = published(template)
    if before != "nothing":
        publisher.publish(store, "old" if before == "another version" else "new")
    if before == "a damaged version":
        next(template.rglob("B12.tif")).write_text("damaged")
    if before == "an orphan":
        (template / "scenes" / "10UFB" / publisher.ID / f"{publisher.ID}.json").unlink()
    stood = before in {"the same", "another version"}
    assert process("crash", template, copies, "new").wait() == 0

    roots = sorted(copies.iterdir())
    assert len(roots) > (5 if before == "the same" else 10)
    for root in roots:
        killed = Store(str(root))
        if before != "an orphan":  # the test itself tore the item away from under its listing
            assert len(listed(root)) >= stood
            assert search(killed) == list(killed.items("scenes"))
        if before != "a damaged version":
            assert killed.check(deep=True) == []
        if killed.find(publisher.request("new")) is None or before == "a damaged version":
            publisher.publish(killed, "new")
        killed.gc(older_than=-1)
        assert killed.check(deep=True) == []
        assert search(killed) == list(killed.items("scenes"))
        assert [item.properties["s2lookback:recipe"]["settings"] for item in listed(root)] == [{"content": "new"}]
        assert tree(root) == tree(roots[-1])


def test_a_stage_left_by_a_killed_publisher_is_swept_when_it_is_old(tmp_path, publisher, tree):
    template, copies = tmp_path / "template", tmp_path / "copies"
    published(template)
    process("crash", template, copies, "new").wait()
    left = Counter(bool(Store(str(root)).gc(older_than=3600)) for root in copies.iterdir())
    assert left == {False: len(list(copies.iterdir()))}
    swept = [Store(str(root)).gc(older_than=-1) for root in copies.iterdir()]
    assert sum(".stage-" in "".join(names) for names in swept) > 2
    assert not [path for path in copies.rglob(".*") if path.name not in {".unlisted", ".index"}]


def test_a_publisher_waits_for_another_at_every_level(tmp_path, publisher):
    item = f"scenes/10UFB/{publisher.ID}"
    with ExitStack() as stack:
        waiting = []
        for number, level in enumerate([".", "scenes", "scenes/10UFB", item]):
            root = tmp_path / str(number)
            (root / item).mkdir(parents=True)
            stack.enter_context(locked(root / level))
            waiting.append(process("race", root, 1, "a"))
        time.sleep(1.5)
        assert [one.poll() for one in waiting] == [None] * 4
    assert [one.wait(timeout=30) for one in waiting] == [0] * 4
    assert [len(listed(root)) for root in tmp_path.iterdir()] == [1] * 4


@pytest.fixture
def race() -> Iterator[Callable[..., Iterator[None]]]:
    """Let processes race; their race is over when the test has looked two dozen times, however slow the machine."""
    running: list[subprocess.Popen[bytes]] = []

    def looks(root: Path, *rivals: tuple[object, ...]) -> Iterator[None]:
        racing, left = Path(f"{root}.racing"), 24
        racing.touch()
        running.extend(process(*rival) for rival in rivals)
        while any(one.poll() is None for one in running):
            yield
            left -= (root / "catalog.json").exists()
            if left < 0:
                racing.unlink(missing_ok=True)
            time.sleep(0.01)
        assert [one.returncode for one in running] == [0] * len(rivals)

    yield looks
    for one in running:
        one.kill()
        one.wait()


def test_two_publishers_of_one_item_harm_neither_it_nor_each_other(race, tmp_path, publisher):
    root = tmp_path / "products"
    store = Store(str(root))
    seen = 0
    for _ in race(root, ("race", root, 12, "a", "b"), ("race", root, 12, "b", "a", "c")):
        seen += store.item("scenes", "10UFB", publisher.ID) is not None
        assert store.check() == []
        assert store.gc() == []
    assert seen > 9
    assert store.check(deep=True) == []
    assert store.gc(older_than=-1) == []
    assert len(listed(root)) == 1
    versions = [path for path in (root / "scenes" / "10UFB" / publisher.ID).iterdir() if path.is_dir()]
    assert len(versions) == 3
    standing = store.read(str(root / "scenes" / "10UFB" / publisher.ID / f"{publisher.ID}.json"))
    for version in versions:
        archived = (version / f"{publisher.ID}.json").exists()
        assert archived or version.name == standing["properties"]["version"]


def test_who_checks_while_others_publish_and_retract_finds_no_fault(race, tmp_path):
    root = tmp_path / "products"
    store = Store(str(root))
    for _ in race(root, ("race", root, 12, "a", "b"), ("retract", root)):
        assert [*found(store, store.places(), lambda: current(store), deep=True)] == []
        assert store.gc() == []
        assert len(search(store)) <= 1
    assert search(store) == [*store.items("scenes")]
