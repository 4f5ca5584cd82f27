"""Composites by other policies than the newest clear pixel, through the flow, against the slowest definition."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np
import pytest

from catalog.items.facts import bands_of
from catalog.store import Store
from flows.mrap import mrap as fold
from flows.tile import tile as update
from s2lookback.errors import CatalogError
from s2lookback.masking.classes import Class
from s2lookback.raster import read_band
from s2lookback.scene import NO_PERCENT, NODATA
from s2lookback.settings import MaskSettings, MrapSettings, Settings
from s2lookback.simulate import sensing_times
from tasks.history import steps_before
from tasks.products import read_pixels

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("prefect_server")]
TILE = "10UFB"
EVER = datetime(2100, 1, 1, tzinfo=UTC)
POLICY = MrapSettings(groups="split", prefer="clearest", prefer_days=40, min_clear_probability=0.7)
VISIBLE = ("B04", "B03", "B02")


@pytest.fixture(scope="module")
def made(tmp_path_factory, prefect_server, source, scenario):
    """Run the first dates of the tile, some of which see smoke."""
    root = str(tmp_path_factory.mktemp("made"))
    settings = Settings(mrap=POLICY, mask=MaskSettings(method="rules"))
    update(TILE, source=source, root=root, settings=settings, end=sensing_times(scenario)[4])
    return Store(root), steps_before(root, TILE, EVER)


def counts(bits, percent, *, visible):
    seen = bits & (2 if visible else 1)
    return seen and Fraction(100 - int(percent), 100) >= Fraction(7, 10)


@pytest.mark.parametrize("visible", [False, True])
def test_each_group_shows_the_scene_that_counts_as_newest(made, visible):
    store, steps = made
    suffix, best = "-visible" if visible else "", {}
    for step in steps:
        scene, mask, composite = (store.read(href) for href in (step.scene.href, step.mask, step.composite))
        bands = [name for name in bands_of(scene) if (name in VISIBLE) == visible]
        pixels, second = read_pixels(store, scene, bands), int(step.scene.sensed.timestamp())
        bits, doubt = (read_band(store.asset(mask, key)) for key in ("usable", "probability"))
        for y, x in np.ndindex(bits.shape):
            if counts(bits[y, x], doubt[y, x], visible=visible) and (pixels[:, y, x] != NODATA).all():
                key = second - timedelta(days=40).total_seconds() * int(doubt[y, x]) / 100, second
                seen = best.setdefault((y, x), [])
                seen.append((key, doubt[y, x], pixels[:, y, x]))
        shown = read_pixels(store, composite, bands)
        told = {key: read_band(store.asset(composite, key + suffix)) for key in ("source", "sensed", "count", "doubt")}
        for y, x in np.ndindex(bits.shape):
            (_, newest), percent, values = max(best.get((y, x), [((0, 0), NO_PERCENT, NODATA)]), key=lambda one: one[0])
            assert (told["source"][y, x], told["doubt"][y, x]) == (newest, percent)
            assert told["sensed"][y, x] == newest // 86_400
            assert told["count"][y, x] == len(best.get((y, x), []))
            assert (shown[:, y, x] == values).all()


def test_smoke_is_waited_out_in_the_visible_bands_alone(made):
    store, steps = made
    composite = store.read(steps[-1].composite)
    infrared, visible = (read_band(store.asset(composite, key)) for key in ("source", "source-visible"))
    smoky = read_band(store.asset(store.read(steps[-1].mask), "class")) == Class.SMOKE
    assert smoky.any()
    assert (visible[smoky] < int(steps[-1].scene.sensed.timestamp())).all()
    assert (infrared[smoky] > visible[smoky]).any()


def test_the_item_says_which_bands_go_by_which_source(made):
    store, steps = made
    item = store.read(steps[-1].composite)
    told = {name: item["assets"][name]["s2lookback:source"] for name in bands_of(item)}
    assert {name for name, key in told.items() if key == "source-visible"} == set(VISIBLE)
    assert set(told.values()) <= set(item["assets"])
    assert "Of the bands B04, B03, B02." in item["assets"]["sensed-visible"]["description"]
    assert "visible and infrared bands each of one scene" in item["properties"]["processing:lineage"]


@pytest.mark.parametrize(("before", "after"), [("split", "one"), ("one", "split")])
def test_a_composite_whose_bands_go_by_other_sources_is_not_built_on(tmp_path, source, scenario, before, after):
    asked = Settings(mrap=MrapSettings(groups=before), mask=MaskSettings(method="rules"))
    last = sensing_times(scenario)[1]
    update(TILE, source=source, root=str(tmp_path), settings=asked, end=last)
    held = {path: path.read_bytes() for path in (tmp_path / "mrap").rglob("*.json")}
    with pytest.raises(CatalogError, match=r"B04, B03, B02 do not go by the source that the setting groups asks for"):
        fold(TILE, last, str(tmp_path), MrapSettings(groups=after))
    assert {path: path.read_bytes() for path in (tmp_path / "mrap").rglob("*.json")} == held
