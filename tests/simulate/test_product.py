import hashlib
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from defusedxml.ElementTree import fromstring
from rasterio.errors import NotGeoreferencedWarning

from s2lookback.bands import BANDS
from s2lookback.scene import NO_PERCENT
from s2lookback.settings import IngestSettings
from s2lookback.simulate import families, series
from s2lookback.simulate.product import write_safe
from s2lookback.sources.safe import SafeSource

HEIGHT, WIDTH = 36, 52  # the last column does not fill a 60 m pixel
CUT = (slice(0, 36), slice(0, 51))
BAND_SETS = {
    "L2A": ("B12", "B11", "B8A", "B08", "B05", "B04", "B03", "B02"),
    "L1C": ("B12", "B11", "B8A", "B08", "B05", "B04", "B03", "B02"),
}


@pytest.fixture(scope="module", params=["L2A", "L1C"])
def product(request, tmp_path_factory):
    *_, last = series(families.PRAIRIE, 6, height=HEIGHT, width=WIDTH, dates=3, bands=tuple(BANDS), level=request.param)
    assert (~last.scene.valid).any()
    return last.scene, write_safe(last.scene, tmp_path_factory.mktemp("products"))


def read(safe, bands, scene):
    source = SafeSource(str(safe), settings=IngestSettings(bands=bands))
    [ref] = source.list_scenes(scene.about.tile).scenes
    return source.open_scene(ref)


def test_our_own_source_reads_back_the_same_reflectance(product):
    scene, safe = product
    bands = BAND_SETS[scene.about.level]
    found = read(safe, bands, scene)
    wanted = np.stack([scene.pixels[scene.bands.index(band)][CUT] for band in bands])
    np.testing.assert_array_equal(found.pixels, wanted)
    assert found.grid.transform == scene.grid.transform
    assert found.grid.shape == (36, 51)


def test_the_facts_come_back(product):
    scene, safe = product
    found = read(safe, ("B04",), scene).about
    for fact in ("tile", "sensed", "platform", "level", "baseline", "relative_orbit", "orbit_state"):
        assert getattr(found, fact) == getattr(scene.about, fact), fact
    assert found.sun_azimuth == pytest.approx(scene.about.sun_azimuth, abs=1e-3)
    assert found.sun_elevation == pytest.approx(scene.about.sun_elevation, abs=1e-3)
    assert found.view_incidence == pytest.approx(scene.about.view_incidence, abs=1e-3)
    assert found.view_azimuth == pytest.approx(scene.about.view_azimuth, abs=1e-3)
    assert found.offset_removed == 1000
    assert found.products == (safe.stem,)


def test_the_labels_come_back(product):
    scene, safe = product
    found = read(safe, ("B04",), scene)
    if scene.about.level == "L1C":
        assert found.scl is None
        return
    np.testing.assert_array_equal(found.scl, scene.scl[CUT])
    np.testing.assert_array_equal(found.cloud_probability, scene.cloud_probability[CUT])
    assert (found.cloud_probability == NO_PERCENT).any()


def test_a_60_m_pixel_is_the_mean_of_its_nine(product):
    scene, safe = product
    [path] = safe.glob("GRANULE/*/IMG_DATA/**/*_B09*.jp2")
    with rasterio.open(path) as raster:
        coarse = raster.read(1)
    assert coarse.shape == (12, 17)
    fine = scene.pixels[scene.bands.index("B09")]
    for y, x in np.ndindex(12, 17):
        nine = fine[3 * y : 3 * y + 3, 3 * x : 3 * x + 3]
        seen = nine[nine != -9999]
        wanted = 1000 + seen.mean() if seen.size > 4 else 0
        assert abs(coarse[y, x] - wanted) <= 0.5 + 1e-6


def test_gdal_opens_it_as_a_product_of_sentinel_2(product):
    scene, safe = product
    with pytest.warns(NotGeoreferencedWarning):  # the product as a whole lies nowhere, only its parts do
        whole = rasterio.open(safe / f"MTD_MSI{scene.about.level}.xml")
    with whole:
        assert whole.driver == "SENTINEL2"
        assert whole.tags()["PRODUCT_URI"] == safe.name
        parts = whole.subdatasets
    assert len(parts) == 4
    shapes = {}
    for part in parts:
        with rasterio.open(part) as raster:
            assert raster.crs.to_epsg() == scene.grid.epsg
            assert raster.read().any()
            shapes[part.split(":")[-2]] = (raster.count, *raster.shape)
    assert {size: shape[1:] for size, shape in shapes.items()} == {
        "10m": (72, 102), "20m": (36, 51), "60m": (12, 17), "TCI": (72, 102),
    }  # fmt: skip
    assert shapes["TCI"][0] == 3


def test_the_manifest_lists_every_other_file_with_its_checksum(product):
    _, safe = product
    listed = {}
    for stream in fromstring((safe / "manifest.safe").read_bytes()).iter("byteStream"):
        listed[stream.find("fileLocation").get("href")[2:]] = (stream.get("size"), stream.find("checksum").text)
    there = {path.relative_to(safe).as_posix(): path.read_bytes() for path in safe.rglob("*") if path.is_file()}
    del there["manifest.safe"]
    assert listed == {
        name: (str(len(content)), hashlib.md5(content, usedforsecurity=False).hexdigest())
        for name, content in there.items()
    }


def test_a_zip_holds_the_same_and_has_the_same_bytes_each_time(product, tmp_path):
    scene, _ = product
    one, other = (write_safe(scene, tmp_path / name, packed=True) for name in ("one", "other"))
    assert one.suffix == ".zip"
    assert [path.name for path in (tmp_path / "one").iterdir()] == [one.name]
    assert one.read_bytes() == other.read_bytes()
    found = read(one, ("B12", "B04"), scene)
    np.testing.assert_array_equal(found.pixels[0], scene.pixels[scene.bands.index("B12")][CUT])


def test_a_scene_without_all_bands_is_refused(product, tmp_path):
    scene, _ = product
    with pytest.raises(ValueError, match=f"level {scene.about.level} needs B12, the scene has none"):
        write_safe(replace(scene, bands=scene.bands[:-1], pixels=scene.pixels[:-1]), tmp_path)
    assert not any(tmp_path.iterdir())


def test_a_product_that_is_there_is_not_written_over(product):
    scene, safe = product
    with pytest.raises(FileExistsError, match="is there already"):
        write_safe(scene, safe.parent)
