import subprocess
import sys

import numpy as np
import pytest

from s2lookback.settings import IngestSettings
from s2lookback.simulate import families, plain, series
from s2lookback.simulate.__main__ import main
from s2lookback.sources.safe import SafeSource

SMALL = ["--seed", "2", "--dates", "2", "--height", "24", "--width", "30"]


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["simulate", *words])
    main()


@pytest.mark.parametrize("what", ["safe", "zip"])
def test_it_writes_products_that_our_source_lists(monkeypatch, tmp_path, what):
    run(monkeypatch, "--family", "coast", *SMALL, "--what", what, "--out", str(tmp_path / "new"))
    source = SafeSource(str(tmp_path / "new"), settings=IngestSettings(bands=("B12", "B04")))
    listing = source.list_scenes("10UDC")
    assert len(listing.scenes) == 2
    assert not listing.rejected
    assert source.open_scene(listing.scenes[1]).pixels.shape == (2, 24, 30)


def test_it_writes_arrays_with_the_truth_the_same_bytes_each_time(monkeypatch, tmp_path):
    for folder in ("one", "other"):
        run(monkeypatch, "--family", "prairie", *SMALL, "--what", "arrays", "--out", str(tmp_path / folder))
    one, other = (sorted((tmp_path / folder).iterdir()) for folder in ("one", "other"))
    assert [path.name for path in one] == ["T12UVA_20250420T191921.npz", "T12UVA_20250425T191921.npz"]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]
    *_, wanted = series(families.PRAIRIE, 2, dates=2, height=24, width=30, bands=("B8A",))
    with np.load(one[1]) as found:
        assert found["reflectance"].shape == (24, 30, 13)
        near_infrared = found["reflectance"][..., list(found["bands"]).index("B8A")]
        np.testing.assert_array_equal(near_infrared, plain(wanted.scene)[..., 0])
        np.testing.assert_array_equal(found["classes"], wanted.truth.classes)
        assert found["elevation"].shape == (24, 30)
        assert 0 < found["sun"][1] < 90


def test_it_does_not_offer_the_unseen_family(tmp_path):
    asked = [sys.executable, "-m", "s2lookback.simulate", "--family", families.UNSEEN.name, "--out", str(tmp_path)]
    told = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert told.returncode == 2
    assert "invalid choice" in told.stderr
    assert not any(tmp_path.iterdir())


def test_what_cannot_be_made_is_said_in_a_sentence(monkeypatch, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, "--family", "valley", *SMALL, "--level", "L1C", "--out", str(tmp_path))
    assert "valley: has no air to see through" in capsys.readouterr().err
