"""The engine against the kernel: the same pixels, and the same bytes by every way to them."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rio_cogeo import cog_validate

from s2lookback.cog import Cog, Stored, open_cog
from s2lookback.errors import CatalogError, GridMismatchError, SceneError
from s2lookback.grid import Grid
from s2lookback.masking.classes import Class
from s2lookback.mrap import engine, tile
from s2lookback.mrap.engine import Observation, fold_files, rebuild
from s2lookback.mrap.fold import DAY, Composite, expire, fold_scene
from s2lookback.mrap.policy import counted
from s2lookback.mrap.tile import tally
from s2lookback.raster import read_band, write_band
from s2lookback.scene import NO_PERCENT, NODATA, SCALE
from s2lookback.settings import MrapSettings

TILE = 16
GRID = Grid(32610, (20.0, 0.0, 500_020.0, 0.0, -20.0, 5_600_040.0), 37, 52)
BANDS = ("B12", "B08")
RASTERS = (*BANDS, "source", "sensed", "count", "doubt")
CODES = [Class.NO_DATA, Class.CLEAR, Class.THIN_CLOUD, Class.SHADOW, Class.SMOKE, Class.FRESH_BURN]


def scene(seed, codes):
    """Draw pixels, classes and doubt in patches, so that some tiles change wholly, some partly and some not at all."""
    random = np.random.default_rng(seed)
    blocks = random.choice(np.array(codes, np.uint8), (5, 7)).repeat(8, 0).repeat(8, 1)[: GRID.height, : GRID.width]
    pixels = random.integers(-50, 9000, (len(BANDS), *GRID.shape)).astype(np.int16)
    pixels[:, blocks == Class.NO_DATA] = NODATA
    torn = random.random(GRID.shape) < random.choice([0, 0.01])
    pixels[0, torn] = NODATA
    doubt = random.choice(np.array([0, 20, 21, 60, 100], np.uint8), (10, 13)).repeat(4, 0).repeat(4, 1)
    doubt = np.where(blocks == Class.NO_DATA, NO_PERCENT, doubt[: GRID.height, : GRID.width]).astype(np.uint8)
    return pixels, blocks, doubt


@st.composite
def series(draw, most=4):
    """Scenes with their times, in any order; some are wholly clear, covered or outside the swath."""
    times = draw(st.lists(st.integers(DAY, 30 * DAY), min_size=1, max_size=most, unique=True))
    kinds = st.sampled_from([CODES, [Class.CLEAR], [Class.THICK_CLOUD], [Class.NO_DATA], [*CODES, *[Class.CLEAR] * 9]])
    return [(*scene(draw(st.integers(0, 99)), draw(kinds)), time) for time in times]


POLICIES = st.builds(
    MrapSettings,
    max_age=st.sampled_from([None, 1, 7]),
    visible=st.booleans(),
    min_clear_probability=st.sampled_from([0, 0.4, 0.8]),
    prefer=st.sampled_from(["newest", "clearest"]),
    prefer_days=st.sampled_from([1, 10]),
)


def stored(folder, pixels, classes, doubt, sensed, tile=TILE):
    """Write a scene as the platform publishes it."""
    folder.mkdir(parents=True)
    bands = {name: str(folder / f"{name}.tif") for name in BANDS}
    for name, band in zip(BANDS, pixels, strict=True):
        write_band(bands[name], band, GRID, nodata=NODATA, description=name, scale=SCALE, continuous=True, tile=tile)
    write_band(folder / "class.tif", classes, GRID, nodata=Class.NO_DATA, tile=tile)
    write_band(folder / "probability.tif", doubt, GRID, nodata=NO_PERCENT, tile=tile)
    return Observation(sensed, bands, str(folder / "class.tif"), str(folder / "probability.tif"))


def files(folder):
    return {name: str(folder / f"{name}.tif") for name in RASTERS}


def run(folder, dates, **options):
    """Fold dates one after the other; give the folder and the summary of each step."""
    steps = []
    for number, date in enumerate(dates):
        step = folder / f"step{number}"
        step.mkdir(parents=True)
        steps.append((step, fold_files(step, date, files(steps[-1][0]) if steps else None, **options)))
    return steps


def written(folder, composite):
    """Write a composite in memory to files, band by band, as a whole."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, band in zip(BANDS, composite.pixels, strict=True):
        path = folder / f"{name}.tif"
        write_band(path, band, GRID, nodata=NODATA, description=name, scale=SCALE, continuous=True, tile=TILE)
    told = {
        "source": (composite.source, 0, "seconds since 1970-01-01"),
        "sensed": (composite.sensed, 0, "days since 1970-01-01"),
        "count": (composite.count, None, "clear observations"),
        "doubt": (composite.doubt, NO_PERCENT, "percent"),
    }
    for name, (band, nodata, description) in told.items():
        write_band(folder / f"{name}.tif", band, GRID, nodata=nodata, description=description, tile=TILE)


def bytes_of(folder, names=RASTERS):
    return {name: (folder / f"{name}.tif").read_bytes() for name in names}


@settings(max_examples=25)
@given(series(), POLICIES, st.sampled_from([1, 3]))
def test_each_step_gives_the_bytes_of_a_fold_in_memory(tmp_path_factory, scenes, policy, threads):
    folder, expected = tmp_path_factory.mktemp("fold"), Composite.empty(len(BANDS), *GRID.shape)
    if policy.max_age is not None:
        scenes = sorted(scenes, key=lambda each: each[-1])
    days = {"prefer_days": policy.penalty_days}
    dates = [stored(folder / f"scene{number}", *each) for number, each in enumerate(scenes)]
    steps = run(folder, dates, settings=policy, threads=threads)
    for (step, summary), (pixels, classes, doubt, sensed) in zip(steps, scenes, strict=True):
        before = expected
        expected = fold_scene(before, pixels, counted(classes, doubt, policy), sensed, doubt, **days)
        expected = expected if policy.max_age is None else expire(expected, sensed, policy.max_age, **days)
        written(folder / "expected", expected)
        assert bytes_of(step) == bytes_of(folder / "expected")
        np.testing.assert_array_equal(summary.seen, expected.source > 0)
        counts = Counter(expected.source[expected.source > 0].tolist())
        assert list(summary.sources.items()) == sorted(counts.items(), reverse=True)
        assert summary.changed == np.count_nonzero(expected.source != before.source)


@settings(max_examples=25)
@given(series(), POLICIES, st.booleans(), st.sampled_from([1, 3]))
def test_a_rebuild_gives_the_bytes_of_the_fold(tmp_path_factory, scenes, policy, counts, threads):
    folder = tmp_path_factory.mktemp("rebuild")
    dates = [stored(folder / f"scene{number}", *each) for number, each in enumerate(scenes)]
    in_order = sorted(dates, key=lambda date: date.sensed)
    last, told = run(folder, in_order, settings=policy)[-1]
    (folder / "rebuilt").mkdir()
    summary = rebuild(folder / "rebuilt", dates, policy, counted=counts, threads=threads)
    names = [name for name in RASTERS if counts or name != "count"]
    assert bytes_of(folder / "rebuilt", names) == bytes_of(last, names)
    assert (folder / "rebuilt" / "count.tif").exists() == counts
    assert summary.sources == told.sources
    np.testing.assert_array_equal(summary.seen, told.seen)


@settings(max_examples=6)
@given(series(), POLICIES)
def test_the_size_of_a_tile_changes_no_pixel(tmp_path_factory, scenes, policy):
    folder, found = tmp_path_factory.mktemp("tiles"), []
    scenes = sorted(scenes, key=lambda each: each[-1])
    for size in (16, 32, 64):  # of the last, the raster is a single tile
        dates = [stored(folder / f"{size}-{number}", *each, size) for number, each in enumerate(scenes)]
        step, told = run(folder / f"steps{size}", dates, settings=policy)[-1]
        assert open_cog(step / "B12.tif").layout.levels[0].tile == size
        (folder / f"rebuilt{size}").mkdir()
        again = rebuild(folder / f"rebuilt{size}", dates, policy, counted=True)
        for place, summary in ((step, told), (folder / f"rebuilt{size}", again)):
            pixels = {name: read_band(place / f"{name}.tif").tobytes() for name in RASTERS}
            found.append((pixels, summary.sources, summary.seen.tobytes()))
    assert all(one == found[0] for one in found)


@pytest.fixture
def clear(tmp_path):
    """A scene that is clear everywhere, and the composite of it."""
    pixels, classes, doubt = scene(5, [Class.CLEAR])
    pixels[0, 1, 1] = 4  # in no band no data, whatever was drawn
    pixels[pixels == NODATA] = 3
    date = stored(tmp_path / "clear", pixels, classes, doubt, 3 * DAY)
    return date, run(tmp_path / "base", [date])[-1][0]


def test_every_file_is_valid_and_says_what_it_holds(clear):
    for name in RASTERS:
        path = clear[1] / f"{name}.tif"
        assert cog_validate(path, strict=True, quiet=True) == (True, [], [])
    with rasterio.open(clear[1] / "B08.tif") as raster:
        assert (raster.descriptions, raster.scales, raster.nodata) == (("B08",), (SCALE,), NODATA)


def test_the_first_composite_of_a_clear_scene_is_that_scene(clear):
    date, base = clear
    for name in BANDS:
        with open(date.bands[name], "rb") as file:  # noqa: PTH123  an href is a str
            assert file.read() == (base / f"{name}.tif").read_bytes()


def later(tmp_path, covers):
    """A later scene that is clear in one tile and covered elsewhere."""
    pixels, _, doubt = scene(8, [Class.CLEAR])
    pixels[pixels == NODATA] = 2
    classes = np.full(GRID.shape, covers, np.uint8)
    classes[16:32, 32:40] = Class.CLEAR
    return stored(tmp_path / "later", pixels, classes, doubt, 5 * DAY)


def test_what_no_pixel_enters_is_neither_read_nor_compressed(tmp_path, clear, monkeypatch):
    date = later(tmp_path, Class.THICK_CLOUD)
    decoded, encoded = [], []
    read, original = Cog.pixels, engine.encode
    monkeypatch.setattr(Cog, "pixels", lambda self, *at: decoded.append((self.path, at[:3])) or read(self, *at))
    monkeypatch.setattr(engine, "encode", lambda part, spec: encoded.append(part.shape) or original(part, spec))
    run_folder = tmp_path / "next"
    run_folder.mkdir()
    summary = fold_files(run_folder, date, files(clear[1]))
    scene_reads = [at for path, at in decoded if str(path) in date.bands.values()]
    assert scene_reads == [(0, 1, 2)] * len(BANDS)
    # of each raster the tile that changed, and above it one tile of each of the two overviews
    assert len(encoded) == 3 * len(RASTERS)
    assert summary.changed == 16 * 8


def test_a_scene_without_a_clear_pixel_changes_no_byte(tmp_path, clear):
    pixels, _, doubt = scene(9, [Class.CLEAR])
    date = stored(tmp_path / "covered", pixels, np.full(GRID.shape, Class.SHADOW, np.uint8), doubt, 9 * DAY)
    folder = tmp_path / "next"
    folder.mkdir()
    assert fold_files(folder, date, files(clear[1])).changed == 0
    assert bytes_of(folder) == bytes_of(clear[1])


def test_a_rebuild_looks_no_further_back_than_it_must(tmp_path, clear, monkeypatch):
    pixels, classes, doubt = scene(7, [Class.CLEAR])
    older = stored(tmp_path / "older", pixels, classes, doubt, 2 * DAY)
    read = []
    original = Stored.read
    monkeypatch.setattr(Stored, "read", lambda self, *into: read.append(self.path) or original(self, *into))
    (tmp_path / "rebuilt").mkdir()
    rebuild(tmp_path / "rebuilt", [older, clear[0]])
    assert read
    assert not [path for path in read if path.parent == tmp_path / "older"]


def test_a_file_of_another_place_shape_or_kind_is_refused(tmp_path, clear):
    date, base = clear
    moved = Grid(32610, (20.0, 0.0, 500_040.0, 0.0, -20.0, 5_600_040.0), *GRID.shape)
    zone = Grid(32611, GRID.transform, *GRID.shape)
    larger = Grid(32610, GRID.transform, 38, 52)
    band = {"nodata": NODATA, "continuous": True}
    write_band(tmp_path / "moved.tif", np.ones(GRID.shape, np.int16), moved, **band, tile=TILE)
    write_band(tmp_path / "zone.tif", np.ones(GRID.shape, np.int16), zone, **band, tile=TILE)
    write_band(tmp_path / "larger.tif", np.ones(larger.shape, np.int16), larger, **band, tile=TILE)
    write_band(tmp_path / "tiles.tif", np.ones(GRID.shape, np.int16), GRID, **band, tile=32)
    write_band(tmp_path / "kind.tif", np.ones(GRID.shape, np.int32), GRID, **band, tile=TILE)
    wrong = {"moved": "elsewhere", "zone": "elsewhere", "larger": "38 × 52", "tiles": "tiles of 32", "kind": "int32"}
    for name, found in wrong.items():
        with pytest.raises(GridMismatchError, match=rf"{name}\.tif: .*{found}"):
            fold_files(tmp_path, date, files(base) | {"B08": str(tmp_path / f"{name}.tif")})


def test_a_predecessor_that_is_torn_is_not_built_on(tmp_path, clear):
    _, base = clear
    band = read_band(base / "B12.tif")
    band[20, 45] = NODATA
    options = {"nodata": NODATA, "description": "B12", "scale": SCALE, "continuous": True, "tile": TILE}
    write_band(base / "B12.tif", band, GRID, **options)
    (tmp_path / "next").mkdir()
    with pytest.raises(CatalogError, match="1 pixels have data in some bands only"):
        fold_files(tmp_path / "next", later(tmp_path, Class.SHADOW), files(base))


def test_a_pixel_that_would_go_back_is_a_fault(tmp_path, clear, monkeypatch):
    monkeypatch.setattr(tile, "_fold", lambda job, at, state, date: state.source.fill(0))
    (tmp_path / "next").mkdir()
    with pytest.raises(CatalogError, match="256 pixels went back"):
        fold_files(tmp_path / "next", later(tmp_path, Class.SHADOW), files(clear[1]))


def test_a_group_of_bands_lies_beside_the_others_under_names_of_its_own(tmp_path, clear):
    alone, together = tmp_path / "alone", tmp_path / "together"
    for number, date in enumerate((clear[0], later(tmp_path, Class.SMOKE))):
        part = replace(date, bands={"B08": date.bands["B08"]})
        for folder, suffix in ((alone, ""), (together, "-visible")):
            (folder / str(number)).mkdir(parents=True)
            names = ("B08", *(f"{name}{suffix}" for name in ("source", "sensed", "count", "doubt")))
            before = {name: str(folder / "0" / f"{name}.tif") for name in names} if number else None
            fold_files(folder / str(number), part, before, MrapSettings(visible=True), suffix=suffix)
    for path in (alone / "1").iterdir():
        name = path.name if path.stem == "B08" else f"{path.stem}-visible.tif"
        assert (together / "1" / name).read_bytes() == path.read_bytes()
    assert len([*(together / "1").iterdir()]) == len([*(alone / "1").iterdir()]) == 5


def test_a_mask_that_does_not_say_how_sure_it_is_gives_no_doubt_and_serves_no_policy_that_asks(tmp_path, clear):
    silent = replace(clear[0], doubt=None)
    (tmp_path / "silent").mkdir()
    fold_files(tmp_path / "silent", silent)
    names = [name for name in RASTERS if name != "doubt"]
    assert bytes_of(tmp_path / "silent", names) == bytes_of(clear[1], names)
    assert not (tmp_path / "silent" / "doubt.tif").exists()
    for policy in (MrapSettings(prefer="clearest"), MrapSettings(min_clear_probability=0.1)):
        with pytest.raises(SceneError, match=r"class\.tif: comes without probabilities"):
            fold_files(tmp_path / "silent", silent, settings=policy)


def test_no_scene_is_no_composite(tmp_path):
    with pytest.raises(SceneError, match="no scene"):
        rebuild(tmp_path, [])


@given(st.lists(st.sampled_from([0, 7, 7, 9, 2**32 - 1]), min_size=1, max_size=40))
def test_a_tally_counts_every_number_but_zero(numbers):
    assert tally(np.array(numbers, np.uint32)) == {key: n for key, n in Counter(numbers).items() if key}
