"""Whether a product is there whole, told without decoding a pixel."""

import pytest

from s2lookback.errors import SceneError
from s2lookback.settings import IngestSettings
from s2lookback.sources.manifest import require_whole
from s2lookback.sources.safe import SafeSource

STREAM = '<dataObject><byteStream size="{size}"><fileLocation href="./{path}"/></byteStream></dataObject>'


@pytest.fixture
def product(make_safe):
    """Give a product whose manifest lists all its files."""
    safe = make_safe()
    files = [path for path in sorted(safe.rglob("*")) if path.is_file()]
    streams = [STREAM.format(size=path.stat().st_size, path=path.relative_to(safe).as_posix()) for path in files]
    (safe / "manifest.safe").write_text(f"<XFDU>{''.join(streams)}</XFDU>")
    return safe


def test_a_folder_is_whole_when_every_file_has_the_size_that_the_manifest_gives(product):
    require_whole(str(product))
    image = next(product.rglob("*_B04_10m.jp2"))
    content = image.read_bytes()
    image.write_bytes(content[:-1])
    with pytest.raises(SceneError, match=rf"B04_10m.jp2 has {len(content) - 1} bytes, expected {len(content)}"):
        require_whole(str(product))
    image.unlink()
    with pytest.raises(SceneError, match=r"B04_10m.jp2 has no bytes, expected"):
        require_whole(str(product))


def test_a_folder_without_a_manifest_is_whole_once_its_document_is_there(make_safe):
    safe = make_safe()
    require_whole(str(safe))
    (safe / "MTD_MSIL2A.xml").unlink()
    with pytest.raises(SceneError, match="0 product documents"):
        require_whole(str(safe))


def test_a_zip_is_not_whole_before_its_last_byte(product, zip_of):
    packed = zip_of(product)
    require_whole(str(packed))
    whole = packed.read_bytes()
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        packed.write_bytes(whole[:length])
        with pytest.raises(SceneError, match="cannot be opened as a product"):
            require_whole(str(packed))


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "<XFDU>",
        '<!DOCTYPE a [<!ENTITY b "c">]><XFDU>&b;</XFDU>',
        '<XFDU><byteStream size="many"><fileLocation href="a"/></byteStream></XFDU>',
    ],
)
def test_a_manifest_that_cannot_be_read_says_that_the_folder_is_not_whole(product, manifest):
    (product / "manifest.safe").write_text(manifest)
    with pytest.raises(SceneError, match=r"manifest\.safe cannot be read"):
        require_whole(str(product))


def test_a_manifest_that_names_files_elsewhere_learns_nothing_of_them(product, tmp_path):
    (tmp_path / "secret").write_text("1234567")
    for href in ("../secret", str(tmp_path / "secret")):
        stream = STREAM.format(size=7, path="").replace("./", href)
        (product / "manifest.safe").write_text(f"<XFDU>{stream}</XFDU>")
        with pytest.raises(SceneError, match="has no bytes, expected 7"):
            require_whole(str(product))


def test_a_source_says_which_product_of_a_scene_is_on_its_way(product):
    source = SafeSource(str(product.parent), settings=IngestSettings())
    (ref,) = source.list_scenes("09UYT").scenes
    assert source.unfinished(ref) == ""
    next(product.rglob("MTD_TL.xml")).unlink()
    assert "MTD_TL.xml has no bytes" in source.unfinished(ref)
