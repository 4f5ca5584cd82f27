"""What those who never saw the simulator make of it."""

from dataclasses import replace

import numpy as np
import pytest
from s2cloudless import S2PixelCloudDetector

from s2lookback.masking.classes import Class
from s2lookback.simulate import families, plain, series
from s2lookback.simulate.sun import distance
from s2lookback.simulate.swath import later_view

L1C_BANDS = ("B01", "B02", "B04", "B05", "B08", "B8A", "B09", "B10", "B11", "B12")


@pytest.mark.parametrize("family", [families.BOREAL, families.PRAIRIE], ids=lambda family: family.name)
def test_a_detector_trained_on_real_scenes_tells_our_clouds_from_our_ground(family):
    detector = S2PixelCloudDetector(threshold=0.4, average_over=0, dilation_size=0)
    classes, cloudy = [], []
    for one in series(family, 1, height=48, width=66, bands=L1C_BANDS, level="L1C"):
        inside = one.scene.valid
        probability = detector.get_cloud_probability_maps(np.nan_to_num(plain(one.scene))[None])[0]
        classes.append(one.truth.classes[inside])
        cloudy.append(probability[inside] > 0.4)
    truth, found = np.concatenate(classes), np.concatenate(cloudy)
    assert found[truth == Class.THICK_CLOUD].mean() > 0.9
    assert found[truth == Class.THIN_CLOUD].mean() > 0.5
    assert found[truth == Class.CLEAR].mean() < 0.08
    assert found[truth == Class.FRESH_BURN].mean() < 0.08


def best_rows(moving, still):
    """Find by how many rows one picture must be moved along the track, 14° from south, to fit the other best."""

    def likeness(rows):
        return np.corrcoef(np.roll(moving, (rows, round(-0.249 * rows)), (0, 1)).ravel(), still.ravel())[0, 1]

    return max(range(-25, 26), key=likeness)


def test_bands_see_cirrus_apart_by_the_path_of_the_satellite(monkeypatch):
    [cirrus] = [deck for deck in families.BOREAL.decks if deck.ice]
    monkeypatch.setitem(
        families.FAMILIES, "boreal", replace(families.BOREAL, decks=(replace(cirrus, often=1.0, thickest=6.0),))
    )
    observations = [*series(families.BOREAL, 1, height=90, width=110, dates=12, bands=("B01", "B02"))]
    checked = set()
    for number, one in enumerate(observations):
        if not (0.1 < (one.truth.cirrus_optical_depth > 0.4).mean() < 0.8 and one.scene.valid.mean() > 0.5):
            continue
        violet, blue = np.where(one.scene.valid, one.scene.pixels - observations[1].truth.surface, 0)
        height = one.truth.cloud_height.max()
        first, second = (distance(height, *later_view(band, number))[0] for band in ("B01", "B02"))
        assert abs(second - first) > 6
        assert best_rows(violet, blue) == pytest.approx(second - first, abs=1.5)
        checked.add(second > first)
    assert checked == {True, False}
