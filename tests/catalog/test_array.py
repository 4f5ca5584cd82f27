"""Items become one xarray without a pixel moving, on both indexes and over their APIs."""

import warnings
from datetime import timedelta

import numpy as np
import pystac_client
import pytest
import rasterio

from catalog.api.app import create_app
from catalog.out.array import to_xarray
from catalog.out.located import located
from catalog.search import search
from catalog.store import Store
from s2lookback.errors import CatalogError, GridMismatchError
from s2lookback.grid import Grid
from s2lookback.raster import write_band
from s2lookback.scene import NODATA, SCALE
from tests.catalog.conftest import BANDS, GRID, SENSED
from tests.catalog.serving import served

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # of affine, in stackstac

DAYS = [SENSED + timedelta(days=5 * number) for number in range(3)]


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path, monkeypatch):
    if request.param == "postgresql":
        monkeypatch.setenv("S2LOOKBACK_INDEX", request.getfixturevalue("empty_pgstac"))
    store = Store(str(tmp_path / "products"))
    yield store
    assert store.index.name == request.param
    if request.param == "postgresql":
        store.index.close()


@pytest.fixture
def pixels(store, sample, tmp_path):
    """Publish three composites with pixels; give them, (time, band, y, x)."""
    random = np.random.default_rng(20)
    made = random.integers(-500, 12_000, (len(DAYS), len(BANDS), *GRID.shape)).astype(np.int16)
    made[1, :, 2, 3] = NODATA
    for day, bands in zip(DAYS, made, strict=True):
        publish(sample("mrap", sensed=day), dict(zip(BANDS, bands, strict=True)), GRID, store, tmp_path)
    return made


def publish(made, bands, grid, store, folder):
    for name, band in bands.items():
        write_band(folder / f"{name}.tif", band, grid, nodata=NODATA, description=name, scale=SCALE, continuous=True)
        made.files[f"{name}.tif"] = (folder / f"{name}.tif").read_bytes()
    made.publish(store)


def test_the_array_holds_every_pixel_where_it_was(store, pixels):
    array = to_xarray(search(store, collections=["mrap"], tile="10UFB"), BANDS, store)
    assert array.dims == ("time", "band", "y", "x")
    assert array.dtype == np.int16
    assert (array.values == pixels).all()
    assert list(array.band.values) == list(BANDS)
    assert (array.attrs["nodata"], array.attrs["scale"]) == (NODATA, SCALE)
    west, _, _, north = GRID.bounds
    assert (array.x.values[0], array.y.values[0]) == (west + 10, north - 10)


def test_a_window_holds_what_rasterio_reads_there(store, pixels):
    items = search(store, collections=["mrap"], tile="10UFB", limit=1)
    window = to_xarray(items, ["B8A"], store).isel(time=0, band=0, y=slice(1, 4), x=slice(2, 7))
    with rasterio.open(store.asset(items[0], "B8A")) as file:
        assert (window.values == file.read(1, window=((1, 4), (2, 7)))).all()


def test_another_reader_agrees(store, pixels):
    import pystac
    from odc.stac import load

    items = [pystac.Item.from_dict(located(store, one)) for one in search(store, collections=["mrap"], tile="10UFB")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = load(items, bands=list(BANDS), dtype="int16", nodata=NODATA)
    array = to_xarray(search(store, collections=["mrap"], tile="10UFB"), BANDS, store)
    for band in BANDS:
        assert (loaded[band].values == array.sel(band=band).values).all()
        assert (loaded[band].x.values == array.x.values).all()
        assert (loaded[band].y.values == array.y.values).all()


def test_the_api_gives_the_same_array(store, pixels, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with served(create_app(str(store.root))) as address:
        found = pystac_client.Client.open(address).search(collections=["mrap"], datetime="2025-08-31/..")
        array = to_xarray(found.items_as_dicts(), BANDS)
        assert (array.values == pixels[1:]).all()


def test_reflectance_is_pixels_by_scale(store, pixels):
    array = to_xarray(search(store, collections=["mrap"]), ["B12"], store)
    reflectance = (array * array.attrs["scale"]).where(array != array.attrs["nodata"])
    assert np.isnan(reflectance.values[1, 0, 2, 3])
    assert np.nanmax(reflectance.values) == pytest.approx(pixels[:, 0].max() * 0.0001)


def test_what_cannot_be_stacked_is_refused(store, pixels, sample, tmp_path):
    composites = search(store, collections=["mrap"])
    with pytest.raises(CatalogError, match="no item was found"):
        to_xarray([], BANDS, store)
    with pytest.raises(CatalogError, match="no asset was asked for"):
        to_xarray(composites, [], store)
    with pytest.raises(CatalogError, match="has no asset 'B03'"):
        to_xarray(composites, ["B12", "B03"], store)
    for mixed in (["B12", "sensed"], ["thumbnail"]):
        with pytest.raises(CatalogError, match="are not rasters of one type"):
            to_xarray(composites, mixed, store)
    elsewhere = Grid(32609, (20.0, 0.0, 600_000.0, 0.0, -20.0, 5_600_040.0), 5, 7)
    sample("mrap", tile="09UYT", grid=elsewhere).publish(store)
    with pytest.raises(GridMismatchError, match="stack one tile at a time"):
        to_xarray(search(store, collections=["mrap"]), BANDS, store)


def test_items_are_left_as_they_were(store, pixels):
    items = search(store, collections=["mrap"])
    before = repr(items)
    to_xarray(items, BANDS, store)
    assert repr(items) == before
