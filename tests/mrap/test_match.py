"""Lines between the light of two scenes: the fit against its definition, and what is refused."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from s2lookback.grid import Grid
from s2lookback.masking.classes import Class
from s2lookback.mrap import light_table
from s2lookback.mrap.engine import Observation, fold_files
from s2lookback.mrap.fold import DAY
from s2lookback.mrap.light_table import match_files, relight
from s2lookback.mrap.match import MIN_STABLE, MOVED, Line, apply, burn_ratio, fit_line, match
from s2lookback.raster import read_band, write_band
from s2lookback.scene import NODATA, SCALE

BANDS = ("B12", "B8A", "B04")
FOREST, BURN, SNOW = [700, 2900, 500], [2400, 1000, 900], [900, 7000, 8000]
NUMBERS = st.integers(-500, 12_000)


def ground(*spectrum, number=1500, seed=0):
    """Draw pixels of one kind of ground, (band, sample)."""
    bright = np.random.default_rng(seed).uniform(0.7, 1.6, number)
    return np.rint(np.array(spectrum)[:, np.newaxis] * bright).astype(np.int16)


def lit(pixels, gain=0.8, offset=60):
    """Show pixels in another light."""
    return np.where(pixels == NODATA, NODATA, np.rint(gain * pixels + offset)).astype(np.int16)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=30))
def test_a_line_is_that_of_least_squares(pairs):
    past, now = np.array(pairs, np.int16).T
    line = fit_line(past, now)
    x, y = ([Fraction(int(number)) for number in one] for one in (past, now))
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((one - mean_x) ** 2 for one in x)
    gain = sum((one - mean_x) * (two - mean_y) for one, two in zip(x, y, strict=True)) / spread if spread else 0
    offset = mean_y - gain * mean_x
    left = sum((two - gain * one - offset) ** 2 for one, two in zip(x, y, strict=True)) / len(x)
    assert line.gain == pytest.approx(float(gain), abs=2e-6)
    assert line.offset == pytest.approx(float(offset), abs=2e-3)
    assert line.residual == pytest.approx(float(left) ** 0.5, abs=2e-3)


def test_a_match_finds_the_light_and_leaves_the_ground_as_it_is():
    past = ground(*FOREST)
    found = match(past, lit(past), past, BANDS)
    assert (found.refused, found.samples) == ("", 1500)
    for line in found.lines.values():
        assert (line.gain, line.offset) == (pytest.approx(0.8, abs=0.01), pytest.approx(60, abs=8))
        assert line.residual < 0.5
    assert np.abs(apply(found.lines, past, BANDS).astype(int) - lit(past)).max() <= 1


@pytest.mark.parametrize("other", [BURN, SNOW])
def test_what_burnt_or_was_snowed_on_between_the_two_is_not_fitted(other):
    past = ground(*FOREST, number=3000)
    now = lit(past)
    now[:, :1500] = ground(*other)
    found = match(past, now, past, BANDS)
    assert found.samples == 1500
    assert found.lines == match(past[:, 1500:], now[:, 1500:], past, BANDS).lines


def test_too_little_stable_ground_is_refused():
    past = ground(*FOREST)
    now = np.hstack([ground(*BURN)[:, : 1501 - MIN_STABLE], lit(past)[:, 1501 - MIN_STABLE :]])
    assert match(past, now, past, BANDS).refused == "999 of 1500 pixels are stable, expected 1000"


def test_pixels_without_data_are_neither_fitted_nor_moved():
    past = ground(*FOREST)
    past[1, :7] = NODATA
    assert match(past, lit(past), past, BANDS).samples == 1493
    moved = apply(dict.fromkeys(BANDS, Line(1.5, 20_000, 0)), past, BANDS)
    np.testing.assert_array_equal(moved == NODATA, past == NODATA)
    assert moved.max() <= 32_767


def test_a_match_that_would_change_a_burn_is_refused():
    past, shown = ground(*FOREST), np.hstack([ground(*FOREST), ground(*BURN)])
    now = past.copy()
    now[0] = np.rint(1.08 * past[0] + 150)  # haze in the short-wave infrared alone: a burn would be burnt deeper
    found = match(past, now, shown, BANDS)
    assert not found.lines
    assert "would move the burn ratio of burnt ground" in found.refused
    assert match(past, now, ground(*FOREST), BANDS).lines, "where there is no burn, there is none to change"


@given(hnp.arrays(np.int16, (3, 40), elements=st.sampled_from([NODATA, 0, 300, 900, 2500])), st.integers(-100, 300))
def test_no_match_moves_the_burn_ratio_of_most_burnt_pixels_far(shown, offset):
    past = ground(*FOREST)
    lines = match(past, lit(past, 0.9, offset), shown, BANDS).lines
    burnt = shown[:, (shown != NODATA).all(axis=0) & (burn_ratio(shown, BANDS) < 0)]
    if lines and burnt.size:
        moved = np.abs(burn_ratio(apply(lines, burnt, BANDS), BANDS) - burn_ratio(burnt, BANDS))
        assert np.mean(moved <= MOVED + 1e-9) >= 0.95 - 1 / moved.size


def test_a_line_that_is_no_change_of_light_is_refused():
    past = ground(*FOREST)
    assert "B12 has a gain of 3.00" in match(past, lit(past, 3, 0), past, BANDS).refused


SHAPE = (100, 110)
GRID = Grid(32610, (20.0, 0.0, 500_020.0, 0.0, -20.0, 5_600_040.0), *SHAPE)


@pytest.fixture
def dates(tmp_path):
    """A factory of scenes on disk: day, light, and how many columns from the left are hidden."""
    surface = ground(*FOREST, number=SHAPE[0] * SHAPE[1]).reshape(3, *SHAPE)
    surface[:, 40:60, 5:20] = ground(*BURN, number=300).reshape(3, 20, 15)

    def date(day, gain, hidden):
        folder = tmp_path / f"scene{day}"
        folder.mkdir()
        bands = {name: str(folder / f"{name}.tif") for name in BANDS}
        for name, band in zip(BANDS, lit(surface, gain, 0), strict=True):
            write_band(bands[name], band, GRID, nodata=NODATA, description=name, scale=SCALE, continuous=True)
        classes = np.where(np.arange(SHAPE[1]) < hidden, Class.THICK_CLOUD, Class.CLEAR).astype(np.uint8)
        write_band(folder / "class.tif", np.broadcast_to(classes, SHAPE), GRID, nodata=0)
        return Observation(day * DAY, bands, str(folder / "class.tif"))

    return date


@pytest.fixture
def composed(tmp_path):
    """Fold dates; give the files of the last composite but one, and of the last."""

    def fold(*dates):
        files = [None]
        for number, date in enumerate(dates):
            folder = tmp_path / f"composite{number}of{len(dates)}"
            folder.mkdir()
            fold_files(folder, date, files[-1])
            files.append({path.stem: str(path) for path in folder.iterdir()})
        return files[-2:]

    return fold


def test_the_hidden_part_of_a_scene_is_filled_in_its_own_light(dates, composed):
    old, now = dates(10, 1.0, 0), dates(15, 0.9, 30)
    before, after = composed(old, now)
    matches = match_files(before, now, after["source"])
    assert matches.keys() == {10 * DAY}
    assert matches[10 * DAY].samples == 5000
    pixels, source = np.stack([read_band(after[name]) for name in BANDS]), read_band(after["source"])
    relit, estimated = relight(pixels, source, matches, BANDS)
    truth = np.stack([read_band(now.bands[name]) for name in BANDS])
    np.testing.assert_array_equal(estimated, source == 10 * DAY)
    assert np.abs(relit - truth.astype(int)).max() <= 2, "the burn, which is hidden, included"
    assert np.abs(pixels[:, :, :30] - truth[:, :, :30].astype(int)).mean() > 100
    np.testing.assert_array_equal(relit[:, ~estimated], pixels[:, ~estimated])


def test_scenes_without_enough_in_common_and_scenes_that_are_mostly_hidden_are_refused_with_the_reason(
    dates, composed, monkeypatch
):
    monkeypatch.setattr(light_table, "OVERLAP", 6000)
    old, mostly, hidden = dates(10, 1.0, 0), dates(15, 0.9, 60), dates(20, 0.9, 80)
    before, after = composed(old, mostly)
    found = match_files(before, mostly, after["source"])
    assert found[10 * DAY].refused == "5000 pixels are clear in both scenes, expected more than 6000"
    before, after = composed(old, mostly, hidden)
    found = match_files(before, hidden, after["source"])
    assert {one.refused for one in found.values()} == {"73% of the newest scene is masked, expected 70% at most"}
