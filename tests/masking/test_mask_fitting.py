import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from s2lookback.masking.fitting import fit_cover, fit_smoke

BANDS, PIXELS = 3, 1030  # more than are summed together
LIGHT = st.integers(1, 1000).map(lambda thousandths: np.float32(thousandths / 1000))


def drawn(data, seed):
    """Draw light of today and before with a weight; the rest of the pixels follows from a seed."""
    random = np.random.default_rng(seed)
    layers = random.uniform(0.01, 0.6, (3, BANDS, PIXELS)).astype(np.float32)
    layers[:, :, -2:] = data.draw(hnp.arrays(np.float32, (3, BANDS, 2), elements=LIGHT))
    return layers[0], layers[1], 1 + 2000 * layers[2]


@given(st.data(), st.integers(0, 99))
def test_cover_is_what_no_other_cover_explains_better(data, seed):
    today, ground, weight = drawn(data, seed)
    cloudy, sky, found = np.float32([0.9, 0.8, 0.5]), np.float32([0.35, 0.2, 0.12]), np.zeros((3, PIXELS), np.float32)
    fit_cover(today, ground, weight, cloudy, sky, found)
    cloud, lost, misfit = found.astype(float)
    assert (cloud >= 0).all()
    assert ((lost >= 0) & (lost <= 1)).all()
    assert misfit == pytest.approx(unexplained(today, ground, weight, cloudy, sky, cloud, lost), rel=1e-3, abs=1e-3)
    for step in (-0.02, 0.02):
        for more, darker in ((np.maximum(cloud + step, 0), lost), (cloud, np.clip(lost + step, 0, 1))):
            others = unexplained(today, ground, weight, cloudy, sky, more, darker)
            assert (misfit <= others * 1.001 + 1e-2).all()


def unexplained(today, ground, weight, cloudy, sky, cloud, lost):
    today, ground, weight = (layer.astype(float) for layer in (today, ground, weight))
    veil, dark = cloudy[:, None] - ground, -ground * (1 - sky[:, None])
    return (weight * (today - ground - cloud * veil - lost * dark) ** 2).sum(axis=0)


@given(st.data(), st.integers(0, 99))
def test_smoke_is_the_best_of_what_was_tried(data, seed):
    today, ground, weight = drawn(data, seed)
    opacities, bounds = np.float32([0.2, 0.5, 0.9]), np.float32([0.12, 0.4])
    shares = opacities[:, None] * np.float32([1, 0.6, 0.1])
    found = np.stack([np.zeros(PIXELS, np.float32), np.full(PIXELS, np.inf, np.float32)])
    fit_smoke(today, ground, weight, opacities, shares, bounds, found)
    tries = np.array([smoky(today, ground, weight, share[:, None], bounds) for share in shares])
    assert found[1] == pytest.approx(tries.min(axis=0), rel=1e-3, abs=1e-3)
    chosen = tries[np.searchsorted(opacities, found[0]), np.arange(PIXELS)]
    assert chosen == pytest.approx(tries.min(axis=0), rel=1e-3, abs=1e-3)


def smoky(today, ground, weight, share, bounds):
    today, ground, weight, share = (layer.astype(float) for layer in (today, ground, weight, share))
    added = today - (1 - share) * ground
    own = np.clip((weight * share * added).sum(axis=0) / (weight * share**2).sum(axis=0), *bounds)
    return (weight * (added - share * own) ** 2).sum(axis=0)


def test_what_has_no_data_is_explained_by_nothing():
    missing, weight = np.full((BANDS, 2), np.nan, np.float32), np.ones((BANDS, 2), np.float32)
    cover, smoke = np.zeros((3, 2), np.float32), np.float32([[0, 0], [np.inf, np.inf]])
    some = np.float32([0.5, 0.4, 0.3])
    fit_cover(missing, missing, weight, some, some, cover)
    fit_smoke(missing, missing, weight, some[:1], some[None], some[::-1], smoke)
    assert np.isnan(cover).all()
    assert smoke.tolist() == [[0, 0], [np.inf, np.inf]]
