"""Every pixel explained, on composites that are made here by the slowest obvious definition."""

import io
import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pydantic_core import to_jsonable_python
from rasterio.warp import transform
from rich.console import Console

from catalog.explain.composite import explain
from catalog.explain.reduced import explain_reduced
from catalog.explain.verdict import Verdict
from catalog.items.builders import COLLECTIONS, Basis, item_id, mask_item, mrap_item, reduced_item, scene_item
from catalog.layout import source_link
from catalog.provenance import Recipe
from catalog.store import Request
from flows.cli.explained import composite_text
from s2lookback.errors import CatalogError, SceneError
from s2lookback.footprint import outline
from s2lookback.grid import Grid
from s2lookback.masking.classes import MEANINGS, Class, uses
from s2lookback.raster import write_band
from s2lookback.scene import NODATA, Acquisition

GRID = Grid(32610, (20.0, 0.0, 600_000.0, 0.0, -20.0, 5_700_000.0), 4, 7)
BANDS = ("B12", "B8A", "B04")
TILE = "10UFB"
START = datetime(2025, 7, 1, 19, 19, 21, tzinfo=UTC)
TIMES = [START + timedelta(days=days) for days in (0, 5, 5.2, 12, 20, 31)]  # two on one day
SOFTWARE = {"s2lookback": "0.1.0"}
RASTER = {"nodata": None}


class Maker:
    """Publishes scenes, masks and composites of chosen classes; nothing of it is shared with the platform's chain."""

    def __init__(self, store, tile=TILE, grid=GRID):
        self.store, self.tile, self.grid = store, tile, grid

    def _publish(self, stage, sensed, files, build, settings, sources, table=()):
        recipe = Recipe(stage, 1, {one["id"]: one["properties"]["s2lookback:content"] for one in sources}, settings)
        if not sources:
            recipe = Recipe(stage, 1, {"product.zip": "12" * 32}, settings)
        wanted = Request(COLLECTIONS[stage], item_id(stage, self.tile, sensed), self.tile, recipe)
        with self.store.stage(wanted) as folder:
            for name, band in files.items():
                write_band(folder / f"{name}.tif", band, self.grid, **RASTER)
            (folder / "sources.json").write_text(json.dumps(table)) if stage == "mrap" else None
            basis = Basis(
                tile=self.tile, sensed=sensed, grid=self.grid, footprint=outline(self.grid), software=SOFTWARE,
                files=sorted(path.name for path in folder.iterdir()), sources=[source_link(one) for one in sources],
            )  # fmt: skip
            return self.store.read(self.store.publish(wanted, folder, build(basis)))

    def scene(self, sensed, pixels):
        about = Acquisition(self.tile, sensed)
        return self._publish(
            "scene", sensed, dict(zip(BANDS, pixels, strict=True)),
            lambda basis: scene_item(basis, about, BANDS, valid_fraction=1), {}, [],
        )  # fmt: skip

    def mask(self, scene, sensed, classes, probability, **settings):
        about, facts = Acquisition(self.tile, sensed), {"threshold": 0.5, "dilation": 40} | settings
        return self._publish(
            "mask", sensed, {"class": classes, "probability": probability, "usable": uses(classes)},
            lambda basis: mask_item(basis, about, method="rules", counts={}), facts, [scene],
        )  # fmt: skip

    def composite(self, sensed, pixels, source, sources, settings, count=None, doubt=None, visible=None, table=()):
        days = (source // 86_400).astype(np.uint16)
        count = np.ones(source.shape, np.uint16) if count is None else count
        doubt = np.full(source.shape, 255, np.uint8) if doubt is None else doubt
        rasters = {"sensed": days, "source": source, "count": count, "doubt": doubt}
        if visible is not None:
            others = {
                "sensed": (visible // 86_400).astype(np.uint16),
                "source": visible,
                "count": count,
                "doubt": doubt,
            }
            rasters |= {f"{name}-visible": band for name, band in others.items()}
        groups = {"": BANDS} if visible is None else {"": BANDS[:2], "-visible": BANDS[2:]}
        files = dict(zip(BANDS, pixels, strict=True)) | rasters
        return self._publish(
            "mrap", sensed, files,
            lambda basis: mrap_item(
                basis, BANDS, start=START, filled_fraction=1, age_days={}, source_count=1, groups=groups,
                light={"matched": 1} if table else None,
            ),
            settings, sources, table,
        )  # fmt: skip

    def reduced(self, sensed, pixels, estimated, sources, measured):
        doubt = np.where(estimated == 1, 123, 0).astype(np.int16)
        files = dict(zip(BANDS, pixels, strict=True)) | {"estimated": estimated, "uncertainty": doubt}
        return self._publish(
            "reduced", sensed, files,
            lambda basis: reduced_item(
                basis, Acquisition(self.tile, sensed), BANDS, estimated_fraction=0, counts={}, measured=measured
            ), {}, sources,
        )  # fmt: skip


def doubts(number, classes):
    """Draw the probabilities of the mask of a date."""
    percent = np.random.default_rng(number).integers(0, 101, classes.shape)
    return np.where(classes == 0, 255, percent).astype(np.uint8)


def candidates(layers, row, column, at, settings):
    """Give the scenes that may be shown, by the time that each counts as: the definition."""
    found = {}
    for number, (sensed, classes) in enumerate(layers.items()):
        meaning, doubt = MEANINGS[Class(classes[row, column])], int(doubts(number, classes)[row, column])
        usable = meaning.swir and (meaning.visible or not settings.get("visible"))
        sure = 100 - doubt >= 100 * settings.get("min_clear_probability", 0)
        days = settings["prefer_days"] if settings.get("prefer") == "clearest" else 0
        counts = sensed - timedelta(seconds=min(doubt, 100) * (days * 86_400 // 100))
        if sensed <= at and usable and sure:
            found[counts, sensed] = (at.date() - counts.date()).days
    return found


def newest(layers, row, column, at, settings):
    """Give the sensing time of the scene that is to be shown."""
    found = candidates(layers, row, column, at, settings)
    young = [key for key, age in found.items() if age <= settings.get("max_age", 10_000)]
    return max(young)[1] if young else None


def shown_at(layers, at, settings):
    source = np.zeros(GRID.shape, np.uint32)
    for row, column in np.ndindex(*GRID.shape):
        found = newest(layers, row, column, at, settings)
        source[row, column] = int(found.timestamp()) if found else 0
    return source


def chain(maker, layers, settings):
    """Publish every scene, mask and composite; the band values tell which scene they are from."""
    before = None
    for number, (sensed, classes) in enumerate(layers.items()):
        pixels = np.full((len(BANDS), *maker.grid.shape), 100 * (number + 1), np.int16)
        scene = maker.scene(sensed, pixels)
        mask = maker.mask(scene, sensed, classes, doubts(number, classes))
        source = shown_at(layers, sensed, settings)
        values = np.full((len(BANDS), *maker.grid.shape), NODATA, np.int16)
        doubt = np.full(maker.grid.shape, 255, np.uint8)
        for index, (time, layer) in enumerate(layers.items()):
            here = source == int(time.timestamp())
            values[:, here], doubt[here] = 100 * (index + 1), doubts(index, layer)[here]
        made_from = [one for one in (scene, mask, before) if one]
        before = maker.composite(sensed, values, source, made_from, settings, doubt=doubt)
    return before


def random_layers():
    random = np.random.default_rng(8)
    layers = {sensed: random.integers(0, len(Class), GRID.shape).astype(np.uint8) for sensed in TIMES}
    for classes in layers.values():
        classes[0, 0] = Class.THICK_CLOUD  # never seen
        classes[0, 1] = Class.SMOKE  # never seen when the visible bands must be clean
        classes[0, 2] = Class.CLEAR  # always the newest
    layers[TIMES[0]][0, 3] = Class.FRESH_BURN
    for sensed in TIMES[1:]:
        layers[sensed][0, 3] = Class.SHADOW  # seen once, long ago
    return layers


def lonlat(row, column, grid=GRID):
    x, y = grid.affine @ (column + 0.5, row + 0.5)
    (longitude,), (latitude,) = transform(grid.crs, "OGC:CRS84", [x], [y])
    return longitude, latitude


@pytest.fixture
def maker(store):
    return Maker(store)


POLICIES = [
    {"visible": False},
    {"visible": True},
    {"visible": False, "max_age": 19},
    {"visible": False, "min_clear_probability": 0.4},
    {"visible": False, "max_age": 24, "prefer": "clearest", "prefer_days": 10},
]


@pytest.mark.parametrize("settings", POLICIES)
def test_every_pixel_is_explained_as_it_was_made(maker, settings):
    layers = random_layers()
    chain(maker, layers, settings)
    for row, column in np.ndindex(*GRID.shape):
        (found,) = explain(maker.store, *lonlat(row, column))
        expected = newest(layers, row, column, TIMES[-1], settings)
        assert (found.winner.sensed if found.winner else None) == expected
        assert [one.sensed for one in found.considered] == TIMES[::-1]
        for one in found.considered:
            assert one.verdict == judged(layers, row, column, one.sensed, expected, settings), one
        value = None if expected is None else 0.01 * (TIMES.index(expected) + 1)
        assert found.values == dict.fromkeys(BANDS, value)
        assert found.notes == ()


def judged(layers, row, column, sensed, shown, settings):
    """Tell what a verdict must be: the table a person would write."""
    if sensed == shown:
        return Verdict.SHOWN
    if layers[sensed][row, column] == Class.NO_DATA:
        return Verdict.OUTSIDE
    ages = {time: age for (_, time), age in candidates(layers, row, column, TIMES[-1], settings).items()}
    if sensed not in ages:
        return Verdict.HIDDEN
    if ages[sensed] > settings.get("max_age", 10_000):
        return Verdict.EXPIRED
    return Verdict.DOUBTED if sensed > shown else Verdict.OLDER


def test_bands_that_come_from_two_dates_are_explained_apart(maker):
    pixels = np.full((len(BANDS), *GRID.shape), 100, np.int16)
    scenes = [maker.scene(time, pixels * (number + 1)) for number, time in enumerate(TIMES[:2])]
    codes = Class.CLEAR, Class.SMOKE
    masks = [maker.mask(*pair, uniform(code), uniform(0)) for *pair, code in zip(scenes, TIMES[:2], codes, strict=True)]
    old, new = (np.full(GRID.shape, int(time.timestamp()), np.uint32) for time in TIMES[:2])
    both = pixels * np.array([2, 2, 1], np.int16)[:, None, None]
    settings = {"visible": False, "groups": "split"}
    first = maker.composite(TIMES[0], pixels, old, [scenes[0], masks[0]], settings, visible=old)
    maker.composite(TIMES[1], both, new, [scenes[1], masks[1], first], settings, visible=old)
    infrared, visible = explain(maker.store, *lonlat(1, 2))
    assert infrared.sentence == "10UFB on 2025-07-06 in B12 B8A shows the scene of 2025-07-06 19:19:21, 0 days old"
    assert visible.sentence == "10UFB on 2025-07-06 in B04 shows the scene of 2025-07-01 19:19:21, 5 days old"
    assert (infrared.values, visible.values) == ({"B12": 0.02, "B8A": 0.02}, {"B04": 0.01})
    assert [one.reason for one in visible.considered] == ["smoke in the visible bands", "shown: newest clear view"]
    assert infrared.notes == visible.notes == ()


def lit(maker, light):
    """Publish two dates of which the second shows only its left half, and how the first was brought to its light."""
    pixels = np.full((len(BANDS), *GRID.shape), 1000, np.int16)
    scenes = [maker.scene(time, pixels * (number + 1)) for number, time in enumerate(TIMES[:2])]
    masks = [maker.mask(*pair, uniform(Class.CLEAR), uniform(0)) for pair in zip(scenes, TIMES[:2], strict=True)]
    seconds = [int(time.timestamp()) for time in TIMES[:2]]
    source = np.where(np.arange(7) < 3, seconds[1], seconds[0]).astype(np.uint32) * np.ones((4, 1), np.uint32)
    table = [{"source": seconds[1], "scene": "new", "pixels": 12}, {"source": seconds[0], "light": light}]
    settings = {"visible": False, "adjust_lighting": True}
    return maker.composite(TIMES[1], pixels, source, [scenes[1], masks[1]], settings, table=table)


def test_the_lines_that_change_the_light_of_a_pixel_are_told_with_what_they_give(maker):
    lines = {
        name: {"gain": gain, "offset": 12.5, "residual": 3.0} for name, gain in zip(BANDS, (0.9, 1, 2), strict=True)
    }
    lit(maker, {"lines": lines, "samples": 1234, "refused": ""})
    (new,), (old,) = (explain(maker.store, *lonlat(1, column)) for column in (1, 5))
    assert (new.light, new.adjusted) == (None, {})
    assert (old.light.samples, old.light.lines["B04"].gain, old.light.lines["B04"].residual) == (1234, 2, 3)
    assert to_jsonable_python(old)["light"]["lines"]["B8A"] == {"gain": 1, "offset": 12.5, "residual": 3}
    assert old.values == dict.fromkeys(BANDS, 0.1)
    assert old.adjusted == {"B12": 0.0912, "B8A": 0.1012, "B04": 0.2012}  # 912.5 and its like go to the even number
    table = shown(old)
    assert "light as observed; export --relight applies these lines, fitted on 1234 pixels" in table
    assert "B12 0.1000 0.900 +0.0013 0.0003 0.0912" in table
    assert "light" not in shown(new)


def test_a_light_that_was_not_matched_says_why(maker):
    lit(maker, {"lines": {}, "samples": 7, "refused": "7 of 9 pixels are stable, expected 1000"})
    (found,) = explain(maker.store, *lonlat(1, 5))
    assert found.adjusted == {}
    assert "light as observed: 7 of 9 pixels are stable, expected 1000" in shown(found)


def shown(found):
    """Print an explanation as a person sees it, single-spaced."""
    console = Console(width=200, file=io.StringIO())
    console.print(composite_text(found))
    return " ".join(console.file.getvalue().split())


def test_a_list_of_sources_that_is_damaged_is_one_sentence(maker):
    composite = lit(maker, {"lines": {}, "samples": 7, "refused": "why"})
    maker.store.asset(composite, "sources").write_text('[{"source": "then"}]')
    with pytest.raises(CatalogError, match=r"sources\.json: is damaged, expected a list of sources"):
        explain(maker.store, *lonlat(1, 5))


def test_a_clear_pixel_that_is_not_surely_clear_says_how_sure_it_is(maker):
    layers = {TIMES[0]: uniform(Class.CLEAR), TIMES[1]: uniform(Class.CLEAR)}
    chain(maker, layers, {"visible": False, "min_clear_probability": 0.4})
    doubt = doubts(1, layers[TIMES[1]])
    row, column = np.argwhere(doubt > 60)[0]
    (found,) = explain(maker.store, *lonlat(row, column))
    sure = 100 - doubt[row, column]
    assert found.considered[0].reason == f"{sure} % surely clear; the settings demand 40 %"


def test_settings_that_are_not_known_here_are_one_sentence(maker):
    chain(maker, {TIMES[0]: uniform(Class.CLEAR)}, {"visible": False, "phase_of_the_moon": 3})
    with pytest.raises(CatalogError, match="was made with settings that are not known here: phase_of_the_moon"):
        explain(maker.store, *lonlat(1, 1))


def test_an_earlier_day_is_explained_by_its_own_composite(maker):
    layers = random_layers()
    chain(maker, layers, {"visible": False})
    (found,) = explain(maker.store, *lonlat(0, 2), at=TIMES[3] + timedelta(hours=1))
    assert found.at == found.winner.sensed == TIMES[3]
    assert found.winner.age == 0
    assert len(found.considered) == 4
    assert found.notes == ()
    assert found.composite.id == "mrap-10UFB-20250713T191921"


def test_sentences_say_how_old_or_why_nothing_is_there(maker):
    layers = random_layers()
    chain(maker, layers, {"visible": False, "max_age": 19})
    say = {column: explain(maker.store, *lonlat(0, column))[0].sentence for column in range(4)}
    assert say[0] == "10UFB on 2025-08-01 shows nothing here: none of 6 scenes saw it clear"
    assert say[2] == "10UFB on 2025-08-01 shows the scene of 2025-08-01 19:19:21, 0 days old"
    assert say[3] == "10UFB on 2025-08-01 shows nothing here: every clear view is too old"


def uniform(code):
    return np.full(GRID.shape, code, np.uint8)


def test_a_pixel_that_is_masked_only_because_clouds_are_grown_says_so(maker):
    scene = maker.scene(START, np.full((3, *GRID.shape), 100, np.int16))
    percent = np.where(np.arange(7) < 3, 49, 50).astype(np.uint8) * np.ones((4, 1), np.uint8)
    mask = maker.mask(scene, START, uniform(Class.THIN_CLOUD), percent)
    nothing = np.full((3, *GRID.shape), NODATA, np.int16)
    maker.composite(START, nothing, np.zeros(GRID.shape, np.uint32), [scene, mask], {"visible": False})
    reasons = [explain(maker.store, *lonlat(1, column))[0].considered[0].reason for column in (2, 3)]
    assert reasons == ["within 40 m of thin cloud", "hidden by thin cloud"]


def two_dates(maker):
    """Publish two dates of which the second hides nothing."""
    layers = {TIMES[0]: uniform(Class.CLEAR), TIMES[1]: uniform(Class.WATER)}
    return chain(maker, layers, {"visible": False})


def test_a_mask_that_was_made_anew_shows_the_composite_to_be_behind(maker):
    two_dates(maker)
    scene = maker.store.item("scenes", TILE, item_id("scene", TILE, TIMES[1]))
    maker.mask(scene, TIMES[1], uniform(Class.THICK_CLOUD), uniform(90), threshold=0.4)
    (found,) = explain(maker.store, *lonlat(2, 2))
    assert found.winner.sensed == TIMES[1]
    assert found.winner.verdict == Verdict.STALE
    assert found.winner.reason == "shown, though now hidden by thick cloud"
    assert found.notes == (
        "mrap-10UFB-20250706T191921 was made before mask-10UFB-20250706T191921 changed",
        "`s2lookback tile 10UFB` brings the composites up to date",
    )


def test_a_scene_that_came_late_is_newer_than_what_is_shown_and_not_folded_in(maker):
    layers = {TIMES[0]: uniform(Class.CLEAR), TIMES[3]: uniform(Class.THICK_CLOUD)}
    chain(maker, layers, {"visible": False})
    late = maker.scene(TIMES[1], np.full((3, *GRID.shape), 900, np.int16))
    (before,) = explain(maker.store, *lonlat(2, 2))
    assert before.considered[1].reason == "not masked yet"
    maker.mask(late, TIMES[1], uniform(Class.CLEAR), uniform(0))
    (found,) = explain(maker.store, *lonlat(2, 2))
    assert [one.verdict for one in found.considered] == [Verdict.HIDDEN, Verdict.STALE, Verdict.SHOWN]
    assert found.notes == ("`s2lookback tile 10UFB` brings the composites up to date",)


def test_a_scene_that_was_retracted_but_is_still_shown_is_named(maker):
    two_dates(maker)
    for stage in ("scene", "mask"):
        maker.store.retract(COLLECTIONS[stage], TILE, item_id(stage, TILE, TIMES[1]))
    (found,) = explain(maker.store, *lonlat(2, 2))
    assert found.winner.scene is found.winner.mask is None
    assert found.winner.reason == "shown, though it was retracted"
    assert (
        "mrap-10UFB-20250706T191921 was made from scene-10UFB-20250706T191921, which is no longer there" in found.notes
    )


def test_scenes_newer_than_the_newest_composite_are_counted(maker):
    two_dates(maker)
    maker.scene(TIMES[4], np.full((3, *GRID.shape), 900, np.int16))
    (found,) = explain(maker.store, *lonlat(2, 2))
    assert found.notes[0] == "newer scenes without a composite: 1"
    assert explain(maker.store, *lonlat(2, 2), at=TIMES[3])[0].notes == ()


def test_the_history_of_a_composite_tells_what_began_each_change(maker):
    two_dates(maker)
    store = maker.store
    (one, two) = (store.item("scenes", TILE, item_id("scene", TILE, time)) for time in TIMES[:2])
    anew = maker.mask(one, TIMES[0], uniform(Class.SHADOW), uniform(80), threshold=0.3)
    nothing = np.full((3, *GRID.shape), NODATA, np.int16)
    first = maker.composite(TIMES[0], nothing, np.zeros(GRID.shape, np.uint32), [one, anew], {"visible": False})
    mask = store.item("masks", TILE, item_id("mask", TILE, TIMES[1]))
    source = np.full(GRID.shape, int(TIMES[1].timestamp()), np.uint32)
    pixels = np.full((3, *GRID.shape), 200, np.int16)
    count = np.full(GRID.shape, 7, np.uint16)
    maker.composite(TIMES[1], pixels, source, [two, mask, first], {"visible": False}, count)
    (found,) = explain(store, *lonlat(2, 2))
    assert [version.causes for version in found.history] == [("mask-10UFB-20250701T191921 was made anew",), ()]
    assert {version.shown for version in found.history} == {TIMES[1]}
    maker.composite(TIMES[1], pixels, source, [two, mask, first], {"visible": True}, count + np.uint16(1))
    (found,) = explain(store, *lonlat(2, 2))
    assert found.history[0].causes == ("the setting visible was False, now True",)
    assert len(found.history) == 3
    assert found.observations == 8


def test_a_late_scene_is_the_cause_of_what_follows_it(maker):
    layers = {TIMES[0]: uniform(Class.CLEAR), TIMES[3]: uniform(Class.THICK_CLOUD)}
    chain(maker, layers, {"visible": False})
    late = chain(maker, {TIMES[0]: uniform(Class.CLEAR), TIMES[1]: uniform(Class.CLEAR)}, {"visible": False})
    last = maker.store.item("scenes", TILE, item_id("scene", TILE, TIMES[3]))
    mask = maker.store.item("masks", TILE, item_id("mask", TILE, TIMES[3]))
    source = np.full(GRID.shape, int(TIMES[1].timestamp()), np.uint32)
    maker.composite(TIMES[3], np.full((3, *GRID.shape), 300, np.int16), source, [last, mask, late], {"visible": False})
    (found,) = explain(maker.store, *lonlat(2, 2))
    assert found.history[0].causes == ("the scene of 2025-07-06 came in",)
    assert [version.shown for version in found.history] == [TIMES[1], TIMES[0]]


def test_a_point_in_two_tiles_of_two_zones_is_explained_in_each(store):
    longitude, latitude = lonlat(1, 3)
    (x,), (y,) = transform("OGC:CRS84", "EPSG:32611", [longitude], [latitude])
    other = Grid(32611, (20.0, 0.0, x - 90, 0.0, -20.0, y + 50), 4, 7)
    two_dates(Maker(store))
    two_dates(Maker(store, "11UKS", other))
    first, second = explain(store, longitude, latitude)
    assert (first.place.tile, first.place.row, first.place.column) == (TILE, 1, 3)
    assert (second.place.tile, second.place.row, second.place.column) == ("11UKS", 2, 4)
    assert [one.place.tile for one in explain(store, longitude, latitude, tile="11UKS")] == ["11UKS"]


@pytest.mark.parametrize(("point", "sentence"), [
    ((181.0, 50.0), "181.0 50.0: expected a longitude within ±180 degrees, then a latitude within ±90"),
    ((50.0, -121.0), "50.0 -121.0: expected a longitude within ±180 degrees, then a latitude within ±90"),
    ((float("nan"), 50.0), "nan 50.0: expected a longitude within ±180 degrees, then a latitude within ±90"),
    ((-100.0, 50.0), "-100.0 50.0: lies in no tile; .* has mrap items of 10UFB"),
])  # fmt: skip
def test_a_point_that_is_none_or_lies_outside_is_one_sentence(maker, point, sentence):
    two_dates(maker)
    with pytest.raises(CatalogError, match=f"^{sentence}$"):
        explain(maker.store, *point)


def test_a_day_before_the_first_composite_and_an_empty_catalog_are_one_sentence_each(maker):
    with pytest.raises(CatalogError, match=r"has mrap items of none$"):
        explain(maker.store, *lonlat(1, 1))
    two_dates(maker)
    with pytest.raises(CatalogError, match=r"nothing is so early; the first mrap item here is of 2025-07-01$"):
        explain(maker.store, *lonlat(1, 1), at=START - timedelta(seconds=1))


def test_a_raster_that_was_lost_is_one_sentence(maker):
    composite = two_dates(maker)
    maker.store.asset(composite, "source").unlink()
    with pytest.raises(SceneError, match=r"source\.tif: cannot be read as a raster"):
        explain(maker.store, *lonlat(1, 1))


def test_a_reduced_pixel_is_explained_by_its_class_and_by_how_the_scene_was_judged(maker):
    two_dates(maker)
    store, at = maker.store, TIMES[3]
    classes = uniform(Class.CLEAR)
    classes[0] = [Class.THIN_CLOUD, Class.THIN_CLOUD, Class.THICK_CLOUD, Class.NO_DATA, 1, 1, 1]
    estimated = np.zeros(GRID.shape, np.uint8)
    estimated[0, 0], estimated[0, 3] = 1, 255
    scene = maker.scene(at, np.full((3, *GRID.shape), 4000, np.int16))
    mask = maker.mask(scene, at, classes, uniform(30))
    before = store.item("mrap", TILE, item_id("mrap", TILE, TIMES[1]))
    pixels = np.full((3, *GRID.shape), 4000, np.int16)
    pixels[:, 0, 0], pixels[:, 0, 3] = 1500, NODATA
    maker.reduced(at, pixels, estimated, [scene, mask, before], {"used": True, "reason": "better in B12"})
    found = [explain_reduced(store, *lonlat(0, column))[0] for column in range(5)]
    assert [one.reason for one in found] == [
        "thin cloud, estimated: better in B12",
        "thin cloud, left as observed: it was never seen clear before, or it may have burnt",
        "thick cloud, as observed: only thin cloud is made thinner",
        "outside the swath: the satellite did not look here",
        "clear land, as observed: only thin cloud is made thinner",
    ]
    assert [one.estimated for one in found] == [True, False, False, False, False]
    values = found[0].values["B12"]
    assert (values.reduced, values.observed, values.composite) == (0.15, 0.4, 0.02)
    assert found[0].uncertainty == 0.0123
    assert found[3].values["B8A"].reduced is None
    assert found[0].composite.id == before["id"]


def test_a_scene_that_was_not_worth_reducing_says_why(maker):
    scene = maker.scene(START, np.full((3, *GRID.shape), 4000, np.int16))
    mask = maker.mask(scene, START, uniform(Class.THIN_CLOUD), uniform(70))
    measured = {"used": False, "reason": "found 28 thin-cloud and 0 clear pixels, expected 500 of each"}
    maker.reduced(START, np.full((3, *GRID.shape), 4000, np.int16), uniform(0), [scene, mask], measured)
    (found,) = explain_reduced(maker.store, *lonlat(1, 1))
    assert found.reason == f"thin cloud, left as observed: {measured['reason']}"
    assert found.composite is None
