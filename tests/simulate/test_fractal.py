import numpy as np
import pytest

from s2lookback.simulate.fractal import cells, fractal


def field(seed=1, shape=(30, 44), **how):
    return fractal(np.random.default_rng(seed), shape, **{"slope": 1.6, "outer": 20.0, **how})


@pytest.mark.parametrize("shape", [(30, 44), (31, 45), (8, 9)])
def test_a_field_is_standard(shape):
    made = field(shape=shape)
    assert made.shape == shape
    assert made.mean() == pytest.approx(0, abs=1e-5)
    assert made.std() == pytest.approx(1, abs=1e-5)


def test_a_steeper_slope_is_smoother():
    rough, smooth = (np.abs(np.diff(field(slope=slope), axis=0)).mean() for slope in (1.0, 2.5))
    assert smooth < 0.7 * rough


def test_stretch_lengthens_structures_along_its_axis():
    made = field(stretch=(1.0, 4.0))
    assert np.abs(np.diff(made, axis=1)).mean() < 0.6 * np.abs(np.diff(made, axis=0)).mean()


def test_a_field_continues_across_its_edges():
    made = field(slope=2.5)
    seam = np.abs(made[:, 0] - made[:, -1]).mean()
    assert seam < 2 * np.abs(np.diff(made, axis=1)).mean()


def test_a_turn_turns_structures():
    made = field(shape=(40, 40), stretch=(1.0, 4.0), turn=np.pi / 2)
    assert np.abs(np.diff(made, axis=0)).mean() < 0.6 * np.abs(np.diff(made, axis=1)).mean()


def test_cells_are_standard_parted_by_seams_and_go_on_across_the_edges():
    made = cells(np.random.default_rng(3), (60, 84), 14.0)
    assert made.shape == (60, 84)
    assert made.mean() == pytest.approx(0, abs=1e-5)
    assert made.std() == pytest.approx(1, abs=1e-5)
    # Seams are narrow and dark: the low side is steeper than the high side is tall.
    assert np.abs(made[:, 0] - made[:, -1]).mean() < 2 * np.abs(np.diff(made, axis=1)).mean()
    assert np.abs(made[0] - made[-1]).mean() < 2 * np.abs(np.diff(made, axis=0)).mean()
