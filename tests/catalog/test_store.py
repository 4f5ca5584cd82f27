"""What is published is there, whole, and nothing else is."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pystac
import pytest

from catalog.place.disk import LARGEST
from catalog.provenance import Recipe
from catalog.store import Request, Store
from s2lookback.errors import CatalogError, TransientError


def refusing(code: int) -> Callable[..., NoReturn]:
    def refuse(*_arguments: object, **_more: object) -> NoReturn:
        raise OSError(code, os.strerror(code))

    return refuse


def failing(folder: Path) -> NoReturn:
    (folder / "x").write_bytes(b"x")
    raise CatalogError("not the catalog's")


def test_what_was_published_is_found_by_its_recipe_alone(store, sample):
    mask = sample("mask")
    assert store.find(mask.request) is None
    href = mask.publish(store)
    assert store.find(mask.request) == href
    assert Path(href).is_absolute()
    assert store.find(replace(mask.request, recipe=Recipe("mask", 2, {"input": "12" * 32}, {}))) is None


def test_pystac_walks_to_every_item_and_everything_is_valid(store, sample, valid):
    scenes = [sample("scene", tile=tile) for tile in ("10UFB", "01WCP")]
    for scene in scenes:
        scene.publish(store)
    source = store.item("scenes", "10UFB", scenes[0].item["id"])
    for stage in ("mask", "mrap", "reduced", "model"):
        sample(stage, sources=[source]).publish(store)
    sample("mask", sources=[source]).with_content(b"other").publish(store)
    root = pystac.Catalog.from_file(str(store.root / "catalog.json"))
    found = list(root.get_items(recursive=True))
    assert len(found) == 6
    for item in found:
        assert item.get_collection().id == item.collection_id
        assert item.get_root() is root
        for asset in item.assets.values():
            assert Path(asset.get_absolute_href()).is_file()
        for link in item.get_links("derived_from"):
            assert pystac.Item.from_file(link.get_absolute_href()).collection_id == "scenes"
    for path in store.root.rglob("*.json"):
        content = json.loads(path.read_bytes())
        if "stac_version" in content:
            valid(content)


def test_no_href_tells_where_the_catalog_lies(store, sample):
    sample("mask").publish(store)
    for path in store.root.rglob("*.json"):
        assert str(store.root) not in path.read_text()


def test_publishing_the_same_again_changes_no_byte_and_no_time(store, sample, tree):
    mask = sample("mask")
    mask.publish(store)
    before = tree(store.root)
    times = {name: (store.root / name).stat().st_mtime_ns for name in before}
    mask.publish(store)
    assert tree(store.root) == before
    assert {name: (store.root / name).stat().st_mtime_ns for name in before} == times


def test_equal_content_of_another_recipe_refreshes_the_recipe_and_nothing_else(store, sample, tree):
    mask = sample("mask")
    href = mask.publish(store)
    before, version = tree(store.root), store.read(href)["properties"]["version"]
    again = replace(mask, request=mask.with_content(b"", threshold=0.6).request)
    assert again.publish(store) == href
    after = tree(store.root)
    assert {name for name in after if after[name] != before.get(name)} == {str(Path(href).relative_to(store.root))}
    assert store.find(mask.request) is None
    assert store.find(again.request) == href
    assert store.read(href)["properties"]["version"] == version
    assert "predecessor-version" not in [link["rel"] for link in store.read(href)["links"]]


def test_new_content_is_a_new_version_that_names_the_one_before(store, sample):
    mask = sample("mask")
    old = store.read(mask.publish(store))
    new = store.read(mask.with_content(b"other").publish(store))
    link = next(link for link in new["links"] if link["rel"] == "predecessor-version")
    folder = store.root / "masks" / "10UFB" / new["id"]
    archived = store.read(str(folder / link["href"]))
    assert archived["properties"] == {**old["properties"], "deprecated": True}
    for key in old["assets"]:
        assert store.asset(archived, key).read_bytes() == mask.files[old["assets"][key]["href"].rsplit("/")[-1]]
        assert store.asset(new, key) != store.asset(archived, key)
    latest = next(link for link in archived["links"] if link["rel"] == "latest-version")
    assert (folder / archived["properties"]["version"] / latest["href"]).resolve() == folder / f"{new['id']}.json"


def test_content_that_comes_back_takes_its_old_version(store, sample):
    mask = sample("mask")
    first = store.read(mask.publish(store))
    mask.with_content(b"other").publish(store)
    again = store.read(mask.publish(store))
    assert again["properties"]["version"] == first["properties"]["version"]
    assert store.check(deep=True) == []
    assert store.gc(older_than=-1) == []


def test_a_retracted_product_is_restored_byte_for_byte(store, sample, tree):
    sample("scene").publish(store)
    mask = sample("mask")
    mask.publish(store)
    before = tree(store.root)
    store.retract("masks", "10UFB", mask.item["id"])
    assert store.find(mask.request) is None
    assert store.collections() == ["scenes"]
    assert list(pystac.Catalog.from_file(str(store.root / "catalog.json")).get_items(recursive=True))
    mask.publish(store)
    assert tree(store.root) == before


def test_a_tile_where_nothing_is_published_yet_is_not_listed(store, sample):
    with store.stage(sample("mask", tile="10UGB").request):
        sample("mask").publish(store)
        root = pystac.Catalog.from_file(str(store.root / "catalog.json"))
        assert [item.id for item in root.get_items(recursive=True)] == [sample("mask").item["id"]]


def test_a_version_whose_folder_is_gone_is_no_predecessor(store, sample):
    mask = sample("mask")
    item = store.read(mask.publish(store))
    shutil.rmtree(store.asset(item, "class").parent)
    new = store.read(mask.with_content(b"other").publish(store))
    assert "predecessor-version" not in [link["rel"] for link in new["links"]]
    assert store.check(deep=True) == []


@pytest.mark.parametrize("lost", ["class.tif", "probability.tif"])
def test_a_lost_or_shortened_file_makes_an_item_absent_and_publishing_mends_it(lost, store, sample, tree):
    mask = sample("mask")
    href = mask.publish(store)
    before = tree(store.root)
    path = next(store.root.rglob(lost))
    for damage in (path.unlink, lambda: path.write_bytes(b"")):
        damage()
        assert store.find(mask.request) is None
        assert [problem.item for problem in store.check()] == [mask.item["id"]]
        assert mask.publish(store) == href
        assert tree(store.root) == before


def test_a_changed_byte_is_found_by_a_deep_check_only(store, sample, tree):
    mask = sample("mask")
    mask.publish(store)
    before = tree(store.root)
    path = next(store.root.rglob("class.tif"))
    path.write_bytes(path.read_bytes()[::-1])
    assert store.check() == []
    assert [problem.reason[:12] for problem in store.check(deep=True)] == ["asset class:"]
    mask.publish(store)
    assert tree(store.root) == before


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"{}", b'{"id": 1}', b"[" * 100_000, b" " * (LARGEST + 1)])
def test_a_damaged_item_is_told_counts_as_absent_and_can_be_made_again(damage, store, sample, tree):
    mask = sample("mask")
    href = mask.publish(store)
    before = tree(store.root)
    Path(href).write_bytes(damage)
    with pytest.raises(CatalogError, match=mask.item["id"]):
        store.read(href)
    assert store.find(mask.request) is None
    assert [problem.item for problem in store.check()] == [mask.item["id"]]
    assert store.gc(older_than=-1) == []
    mask.publish(store)
    assert tree(store.root) == before


def test_an_item_in_the_place_of_another_is_told(store, sample):
    one, two = sample("mask"), sample("mask", tile="10UGB")
    href = one.publish(store)
    Path(two.publish(store)).write_bytes(Path(href).read_bytes())
    assert store.find(two.request) is None
    with pytest.raises(CatalogError, match="expected mask-10UGB"):
        store.item("masks", "10UGB", two.item["id"])


@pytest.mark.parametrize("listing", ["catalog.json", "masks/collection.json", "masks/10UFB/catalog.json"])
def test_lost_and_damaged_listings_are_made_anew_from_the_items(listing, store, sample, tree):
    for stage in ("mask", "scene"):
        sample(stage).publish(store)
    before = tree(store.root)
    for damage in ((store.root / listing).unlink, lambda: (store.root / listing).write_bytes(b"{")):
        damage()
        store.relist()
        assert tree(store.root) == before


def test_items_come_sorted_by_tile_and_time(store, sample):
    for tile, day in (("10UGB", 1), ("10UFB", 9), ("10UFB", 1)):
        sample("scene", tile=tile, sensed=datetime(2025, 8, day, tzinfo=UTC)).publish(store)
    expected = [
        "scene-10UFB-20250801T000000",
        "scene-10UFB-20250809T000000",
        "scene-10UGB-20250801T000000",
    ]
    assert [item["id"] for item in store.items("scenes")] == expected
    assert [item["id"] for item in store.items("scenes", "10UGB")] == expected[2:]
    assert store.tiles("scenes") == ["10UFB", "10UGB"]
    assert list(store.items("masks")) == []


def test_a_folder_that_is_no_item_is_not_taken_for_one(store, sample):
    sample("scene").publish(store)
    for name in ("backup", "lost+found"):
        folder = store.root / "scenes" / "10UFB" / name
        folder.mkdir()
        (folder / f"{name}.json").write_text("{}")
    assert [item["id"] for item in store.items("scenes")] == [sample("scene").item["id"]]


# What is refused


@pytest.mark.parametrize(
    ("collection", "tile", "name"),
    [
        ("../masks", "10UFB", "mask-10UFB-20250830T193831"),
        ("executions", "10UFB", "mask-10UFB-20250830T193831"),
        ("masks", "..", "mask-10UFB-20250830T193831"),
        ("masks", "10UFB", "../../mask-10UFB-20250830T193831"),
        ("masks", "10UFB", "mask-10UFB-20250830T193831/.."),
        ("masks", "10UFB", "mask-10UGB-20250830T193831"),
        ("masks", "10UFB", "mask-10UFB-20250830T193831\n"),
        ("masks", "", ""),
    ],
)
def test_a_name_that_could_leave_the_root_is_refused(collection, tile, name, store):
    with pytest.raises(CatalogError):
        Request(collection, name, tile, Recipe("mask", 1, {}, {}))
    with pytest.raises(CatalogError):
        store.item(collection, tile, name)
    with pytest.raises(CatalogError):
        store.retract(collection, tile, name)


@pytest.mark.parametrize(
    "href", ["../x.tif", "/etc/passwd", "./../../x.tif", "sub/x.tif", "http://host/x.tif", "", ".x", "x\0y", "x\n"]
)
def test_an_href_that_could_leave_its_folder_is_refused(href, store, sample):
    mask = sample("mask")
    mask.item["assets"]["class"]["href"] = href
    with store.stage(mask.request) as folder, pytest.raises(CatalogError, match="not a bare file name"):
        store.publish(mask.request, folder, mask.item)
    item = store.read(sample("mask").publish(store))
    item["assets"]["class"]["href"] = href
    with pytest.raises(CatalogError):
        store.asset(item, "class")


def test_a_link_out_of_the_catalog_is_not_followed(store, sample, tmp_path):
    mask = sample("mask")
    item = store.read(mask.publish(store))
    secret = tmp_path / "secret.tif"
    secret.write_bytes(b"secret")
    path = store.asset(item, "class")
    path.unlink()
    path.symlink_to(secret)
    with pytest.raises(CatalogError, match="is not below"):
        store.asset(item, "class")
    assert store.find(mask.request) is None
    for href in (str(secret), "../secret.tif", "/etc/passwd"):
        with pytest.raises(CatalogError, match="is not below"):
            store.read(href)
    with store.stage(mask.request) as folder:
        (folder / "class.tif").symlink_to(secret)
        with pytest.raises(CatalogError, match=r"asset class has no file class\.tif"):
            store.publish(mask.request, folder, mask.item)


def test_a_root_that_is_itself_a_link_works(tmp_path, sample):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    store = Store(str(tmp_path / "link"))
    item = store.read(sample("mask").publish(store))
    assert store.asset(item, "class").is_file()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda folder: (folder / "class.tif").unlink(), "asset class has no file class.tif, or an empty one"),
        (lambda folder: (folder / "class.tif").write_bytes(b""), "asset class has no file class.tif, or an empty one"),
        (lambda folder: (folder / "class.tif.aux.xml").write_bytes(b"x"), "no asset names the files class.tif.aux.xml"),
    ],
)
def test_files_and_assets_must_be_the_same(spoil, sentence, store, sample):
    mask = sample("mask")
    with store.stage(mask.request) as folder:
        for name, content in mask.files.items():
            (folder / name).write_bytes(content)
        spoil(folder)
        with pytest.raises(CatalogError, match=sentence):
            store.publish(mask.request, folder, mask.item)
    assert not list(store.root.rglob("*.*"))


def test_incomplete_provenance_is_not_published(store, sample):
    mask = sample("mask")
    mask.item["links"].clear()
    with pytest.raises(CatalogError, match="lacks a link to what it is derived from"):
        mask.publish(store)
    assert not list(store.root.rglob("*.*"))


def test_another_item_than_was_wanted_is_not_published(store, sample):
    mask, other = sample("mask"), sample("mask", tile="10UGB")
    with pytest.raises(CatalogError, match="mask-10UFB-20250830T193831: was wanted, but the item is mask-10UGB"):
        replace(mask, item=other.item).publish(store)


def test_a_folder_that_is_no_stage_is_not_published(store, sample, tmp_path):
    mask = sample("mask")
    for name, content in mask.files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CatalogError, match="is no stage of"):
        store.publish(mask.request, tmp_path, mask.item)


# What may go wrong


def test_a_stage_is_private_and_gone_when_it_is_left(store, sample):
    request = sample("mask").request
    with store.stage(request) as one, store.stage(request) as two:
        assert one != two
        (one / "x").write_bytes(b"x")
    assert not one.exists()
    assert store.find(request) is None


def test_a_stage_is_gone_when_its_maker_fails(store, sample):
    with pytest.raises(CatalogError, match="not the catalog's"), store.stage(sample("mask").request) as folder:
        failing(folder)
    assert not list(store.root.rglob(".stage-*"))


@pytest.mark.parametrize("step", ["write_bytes", "rename", "replace", "touch"])
@pytest.mark.parametrize(
    ("code", "kind", "sentence"),
    [
        (errno.ENOSPC, TransientError, "cannot be read or written (No space left on device)"),
        (errno.EROFS, CatalogError, "cannot be read or written (Read-only file system)"),
    ],
)
def test_a_disk_that_refuses_is_told_in_a_sentence_and_nothing_shows(
    step, code, kind, sentence, store, sample, monkeypatch
):
    mask = sample("mask")
    with store.stage(mask.request) as folder:
        for name, content in mask.files.items():
            (folder / name).write_bytes(content)
        monkeypatch.setattr(Path, step, refusing(code))
        with pytest.raises(kind) as told:
            store.publish(mask.request, folder, mask.item)
        monkeypatch.undo()
    assert str(told.value).endswith(sentence)
    assert store.find(mask.request) is None
    assert list(store.items("masks")) == []
    assert store.check() == []
    assert mask.publish(store) == store.find(mask.request)


def test_a_disk_that_fills_up_while_a_stage_is_filled_is_told(store, sample):
    with pytest.raises(TransientError, match="No space left on device"), store.stage(sample("mask").request):
        refusing(errno.ENOSPC)()


def test_an_error_of_the_maker_is_not_taken_for_the_catalogs(store, sample):
    with pytest.raises(FileNotFoundError), store.stage(sample("mask").request):
        Path("/nowhere").read_bytes()


def test_a_read_only_root_is_told_before_anything_is_made(store, sample, monkeypatch):
    monkeypatch.setattr(Path, "mkdir", refusing(errno.EROFS))
    with pytest.raises(CatalogError, match="Read-only file system"), store.stage(sample("mask").request):
        pytest.fail("there is no stage to work in")


def test_a_file_system_without_locks_will_do(store, sample, monkeypatch):
    monkeypatch.setattr("fcntl.flock", refusing(errno.ENOLCK))
    sample("mask").publish(store)
    assert store.check(deep=True) == []


# Beside the products


def test_an_execution_is_recorded_beside_the_product_and_linked_from_it(store, sample, tree):
    href = sample("mask").publish(store)
    before = tree(store.root)
    store.record_execution(href, {"host": "here", "seconds": 1.5})
    after = tree(store.root)
    assert {name: after[name] for name in before} == before
    link = next(link for link in store.read(href)["links"] if link["rel"] == "processing-execution")
    assert json.loads((Path(href).parent / link["href"]).read_text()) == {"host": "here", "seconds": 1.5}
    assert next(store.items("masks"))["id"] == sample("mask").item["id"]
    assert store.gc(older_than=-1) == []
    part = (Path(href).parent / link["href"]).with_name(".x.json.part")
    part.write_bytes(b"{")
    assert store.gc() == []
    assert store.gc(older_than=-1) == [str(part.resolve())]


def test_when_an_item_was_verified_is_known_without_changing_it(store, sample):
    href = sample("mask").publish(store)
    os.utime(href, ns=(0, 0))
    content = Path(href).read_bytes()
    assert store.verified(href) == 0
    store.touch(href, datetime(2025, 8, 31, tzinfo=UTC))
    assert store.verified(href) == 1_756_598_400_000_000_000
    assert Path(href).read_bytes() == content


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def overwritten(path: Path) -> None:
    path.write_bytes(b"x" * path.stat().st_size)


def replaced(path: Path) -> None:
    new = path.with_name("new")
    new.write_bytes(path.read_bytes())
    os.utime(new, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    new.replace(path)


@pytest.mark.parametrize("change", [cut, overwritten, replaced, Path.unlink])
def test_whatever_is_done_to_a_file_shows_in_how_it_looks(change, store, sample):
    href = Path(sample("mask").publish(store))
    asset = next(href.parent.glob("*/class.tif"))
    names = [path.relative_to(store.root).as_posix() for path in (href, asset)]
    before = store.state(names)
    assert store.state(names) == before
    assert store.state([*names, "masks/no.json", f"{names[0]}/below.json"]) == f"{before} - -"
    change(asset)
    assert store.state(names) != before
    assert store.state(names[:1]) == before.split()[0]


def test_an_empty_catalog_holds_nothing_and_says_so(store):
    assert store.collections() == []
    assert list(store.items("scenes")) == []
    assert store.item("masks", "10UFB", "mask-10UFB-20250830T193831") is None
    assert store.check() == []
    assert store.gc() == []
    store.retract("masks", "10UFB", "mask-10UFB-20250830T193831")
    with pytest.raises(CatalogError, match="there is no such item"):
        store.read("masks/10UFB/mask-10UFB-20250830T193831/x.json")
