import itertools
import os
from contextlib import suppress
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s2lookback.errors import SceneError
from s2lookback.settings import IngestSettings
from s2lookback.sources import product as product_module
from s2lookback.sources.imagery import choose_members, read_product
from s2lookback.sources.product import name_of, open_product

TOP = "X.SAFE/MTD_MSIL2A.xml"


@pytest.fixture
def pack(tmp_path):
    def write(members, method=ZIP_DEFLATED):
        path = tmp_path / "X.zip"
        with ZipFile(path, "w", method) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return str(path)

    return write


@pytest.mark.parametrize("suffix", ["", ".SAFE", ".safe", ".zip", ".SAFE.zip"])
@pytest.mark.parametrize("prefix", ["", "esa_"])
def test_a_product_has_one_name_whatever_it_is_packed_in(prefix, suffix):
    assert name_of(f"/archive/{prefix}S2C_MSIL2A{suffix}") == "S2C_MSIL2A"


@pytest.mark.parametrize("root", ["", "X.SAFE/", "out/X.SAFE/"])
def test_members_are_named_from_the_product_document_whatever_holds_it(tmp_path, pack, root):
    documents = {f"{root}MTD_MSIL2A.xml": "a", f"{root}GRANULE/g/MTD_TL.xml": "b", f"{root}DATASTRIP/d/MTD_DS.xml": "c"}
    packed = open_product(pack(documents))
    for name, content in documents.items():
        (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / name).write_text(content)
    for product in (packed, open_product(str(tmp_path / "folder"))):
        assert list(product.members) == ["DATASTRIP/d/MTD_DS.xml", "GRANULE/g/MTD_TL.xml", "MTD_MSIL2A.xml"]
        assert product.read("GRANULE/g/MTD_TL.xml", 1) == b"b"


@pytest.mark.parametrize("name", ["../MTD_DS.xml", "/etc/passwd", "X.SAFE/../../../home/a", "X.SAFE\\..\\a"])
def test_a_zip_that_names_a_file_outside_itself_is_refused(pack, name):
    with pytest.raises(SceneError, match="leaves the product"):
        open_product(pack({TOP: "", name: ""}))


def test_a_folder_that_links_outside_itself_is_not_followed(tmp_path):
    (tmp_path / "secret.xml").write_text("secret")
    safe = tmp_path / "X.SAFE"
    safe.mkdir()
    (safe / "MTD_MSIL2A.xml").symlink_to(tmp_path / "secret.xml")
    with pytest.raises(SceneError, match="expected a file inside the product"):
        open_product(str(safe)).read("MTD_MSIL2A.xml", 100)


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "MTD_MSIL2A.xml")
    with pytest.raises(SceneError, match="expected a file inside the product"):
        open_product(str(tmp_path)).read("MTD_MSIL2A.xml", 100)


def test_a_member_beyond_its_limit_is_not_unpacked(tmp_path, pack):
    bomb = open_product(pack({TOP: b"0" * 1_000_001}))
    with pytest.raises(SceneError, match="1000001 bytes, expected at most 1000000"):
        bomb.read("MTD_MSIL2A.xml", 1_000_000)
    (tmp_path / "MTD_MSIL2A.xml").write_bytes(b"0" * 11)
    with pytest.raises(SceneError, match="11 bytes, expected at most 10"):
        open_product(str(tmp_path)).read("MTD_MSIL2A.xml", 10)


def test_more_members_than_any_product_has_are_refused(pack, monkeypatch):
    monkeypatch.setattr(product_module, "MAX_MEMBERS", 2)
    with pytest.raises(SceneError, match="holds 3 files, expected at most 2"):
        open_product(pack({TOP: "", "X.SAFE/a": "", "X.SAFE/b": ""}))


def test_unusual_compression_is_refused(pack):
    with pytest.raises(SceneError, match="compression method 12"):
        open_product(pack({TOP: "a"}, ZIP_BZIP2)).read("MTD_MSIL2A.xml", 10)


@pytest.mark.parametrize(
    ("members", "found"), [({"notes.txt": ""}, 0), ({TOP: "", "Y.SAFE/MTD_MSIL1C.xml": ""}, 2), ({}, 0)]
)
def test_what_is_not_exactly_one_product_is_refused(pack, members, found):
    with pytest.raises(SceneError, match=f"holds {found} product documents"):
        open_product(pack(members))


def test_what_is_neither_folder_nor_zip_is_refused(tmp_path):
    (tmp_path / "X.zip").write_text("an error page of a download site")
    (tmp_path / "X.SAFE").write_text("a file")
    for href in ("X.zip", "X.SAFE", "gone.zip", "gone.SAFE"):
        with pytest.raises(SceneError, match=f"{href}: cannot be opened as a product"):
            open_product(str(tmp_path / href))


def test_two_images_for_one_role_are_refused(tmp_path):
    for granule in ("one", "two"):
        image = tmp_path / "GRANULE" / granule / "IMG_DATA" / "R20m" / "T09UYT_20250830T193831_B12_20m.jp2"
        image.parent.mkdir(parents=True)
        image.touch()
    (tmp_path / "MTD_MSIL2A.xml").touch()
    with pytest.raises(SceneError, match=r"one.* and .*two.*expected one such file"):
        choose_members(open_product(str(tmp_path)), ("B12",))


def test_whichever_byte_of_a_zip_is_wrong_it_is_read_or_refused(pack):
    href = pack({TOP: "a", "X.SAFE/GRANULE/é.xml": "b"})
    whole, refused = Path(href).read_bytes(), 0
    for at, wrong in itertools.product(range(len(whole)), (0, 255)):
        Path(href).write_bytes(whole[:at] + bytes([wrong]) + whole[at + 1 :])
        try:
            open_product(href).read("MTD_MSIL2A.xml", 10)
        except SceneError:
            refused += 1
    assert refused > 100


@pytest.fixture
def packed(make_safe, zip_of):
    href = zip_of(make_safe())
    return href, href.read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.data())
def test_damaged_zips_are_refused_or_hurt_where_nothing_is_read(packed, data):
    href, whole = packed
    at = data.draw(st.integers(0, len(whole) - 1))
    href.write_bytes(data.draw(st.sampled_from([whole[:at], whole[:at] + b"\x00" * 64 + whole[at + 64 :]])))
    with suppress(SceneError):
        scene = read_product(open_product(str(href)), IngestSettings(bands=("B12", "B09")))
        assert scene.valid.all()
