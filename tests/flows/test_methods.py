"""Masks by other methods than the look-back classifier, through the flow."""

from datetime import UTC, datetime

import pytest

from catalog.items.facts import bands_of
from catalog.store import Store
from flows.reproduce import reproduce
from flows.tile import tile as update
from s2lookback.bands import BANDS
from s2lookback.masking.background import background_of
from s2lookback.masking.cloudless import CLOUDLESS_BANDS
from s2lookback.masking.mask import classify
from s2lookback.masking.methods import delivered
from s2lookback.raster import read_band
from s2lookback.settings import IngestSettings, MaskSettings, Settings
from s2lookback.simulate import sensing_times
from s2lookback.simulate.families import BOREAL
from s2lookback.simulate.product import write_safe
from s2lookback.simulate.series import series
from s2lookback.sources.settings import SourceSettings
from tasks.history import steps_before
from tasks.products import read_pixels, read_scene

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("prefect_server")]
TILE = "10UFB"
EVER = datetime(2100, 1, 1, tzinfo=UTC)
DATES = 4


def masks(source, scenario, root, mask):
    """Run the first dates of the tile; give the catalog, its steps and what was made."""
    report = update(
        TILE, source=source, root=root, settings=Settings(mask=mask), end=sensing_times(scenario)[DATES - 1]
    )
    return Store(root), steps_before(root, TILE, EVER), report


@pytest.mark.parametrize("method", ["spectral", "temporal"])
def test_a_method_that_comes_trained_masks_a_tile(method, tmp_path, source, scenario):
    settings = MaskSettings(method=method)
    store, steps, report = masks(source, scenario, str(tmp_path), settings)
    assert [row.method for row in report.dates] == [method] * DATES
    assert not report.made["model"]
    last = steps[-1]
    scene, reference = store.read(last.scene.href), store.read(last.reference)
    before = read_pixels(store, reference, bands_of(scene))
    mask = classify(read_scene(store, scene), before, None, settings)
    assert (read_band(store.asset(store.read(last.mask), "class")) == mask.classes).all()


@pytest.mark.parametrize(("future", "place", "nearest"), [(False, 3, [1, 2]), (True, 1, [0, 2])])
def test_a_background_is_the_median_of_the_nearest_scenes(future, place, nearest, tmp_path, source, scenario):
    settings = MaskSettings(method="background", number_of_images=2, allow_future=future)
    store, steps, _ = masks(source, scenario, str(tmp_path), settings)
    item = store.read(steps[place].mask)
    sources = {link["href"].split("/")[-1] for link in item["links"] if link["rel"] == "derived_from"}
    scenes = [store.read(step.scene.href) for step in steps]
    assert sources == {f"{scenes[number]['id']}.json" for number in (place, *nearest)}
    bands = bands_of(scenes[place])
    before = background_of([read_pixels(store, scenes[number], bands) for number in nearest])
    mask = classify(read_scene(store, scenes[place]), before, None, settings)
    assert (read_band(store.asset(item, "class")) == mask.classes).all()
    assert item["properties"]["s2lookback:detector"] == delivered("background", bands)
    assert reproduce(item["id"], str(tmp_path)).equal


@pytest.mark.parametrize(("images", "changed"), [(1, 1), (2, 3)])
def test_a_later_scene_changes_just_the_masks_whose_background_it_joins(images, changed, tmp_path, source, scenario):
    settings = Settings(mask=MaskSettings(method="background", number_of_images=images, allow_future=True))
    times = sensing_times(scenario)
    update(TILE, source=source, root=str(tmp_path), settings=settings, end=times[1])
    assert not update(TILE, source=source, root=str(tmp_path), settings=settings, end=times[1]).made["mask"]
    assert update(TILE, source=source, root=str(tmp_path), settings=settings, end=times[2]).made["mask"] == changed


def test_s2cloudless_masks_products_of_level_1c(tmp_path):
    every = series(BOREAL, 9401, height=36, width=51, dates=2, bands=(*BANDS,), level="L1C")
    for one in every:
        write_safe(one.scene, tmp_path / "scenes")
    settings = Settings(ingest=IngestSettings(bands=CLOUDLESS_BANDS), mask=MaskSettings(method="s2cloudless"))
    root = str(tmp_path / "products")
    report = update(BOREAL.tile, source=SourceSettings(scenes=str(tmp_path / "scenes")), root=root, settings=settings)
    assert [row.method for row in report.dates] == ["s2cloudless"] * 2
    store, steps = Store(root), steps_before(root, BOREAL.tile, EVER)
    scene = read_scene(store, store.read(steps[0].scene.href))
    assert scene.about.offset_removed == 1000
    mask = classify(scene, None, None, settings.mask)
    assert (read_band(store.asset(store.read(steps[0].mask), "class")) == mask.classes).all()
