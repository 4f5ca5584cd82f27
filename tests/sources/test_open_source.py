"""Which source a person's words open."""

import numpy as np
import pytest

from s2lookback.envi import write_envi
from s2lookback.errors import SceneError
from s2lookback.grid import Grid
from s2lookback.settings import IngestSettings
from s2lookback.sources.envi import EnviSource
from s2lookback.sources.safe import SafeSource
from s2lookback.sources.settings import SourceSettings, open_source
from s2lookback.sources.simulated import SimulatedSource

INGEST = IngestSettings()


def image(folder, day):
    folder.mkdir(exist_ok=True)
    path = folder / f"S2A_MSIL2A_{day}T193831_N0301_R142_T09UYT_{day}T230000.bin"
    pixels = np.full((1, 3, 5), 700, np.float32)
    grid = Grid(32609, (20.0, 0.0, 6e5, 0.0, -20.0, 5.7e6), 3, 5)
    write_envi(path, pixels, band_names=["B12"], grid=grid)


def test_a_folder_of_products_is_safe_and_one_of_headers_is_envi(tmp_path, make_safe):
    make_safe()
    image(tmp_path / "images", "20250801")
    assert isinstance(open_source(SourceSettings(scenes=str(tmp_path)), INGEST), SafeSource)
    assert isinstance(open_source(SourceSettings(scenes=str(tmp_path / "images")), INGEST), EnviSource)
    assert isinstance(open_source(SourceSettings(kind="simulated"), INGEST), SimulatedSource)


def test_envi_folders_are_looked_through_once_and_again_when_they_change(tmp_path):
    image(tmp_path / "images", "20250801")
    source = SourceSettings(scenes=str(tmp_path / "images"))
    opened = open_source(source, INGEST)
    assert open_source(source, INGEST) is opened
    image(tmp_path / "images", "20250802")
    again = open_source(source, INGEST)
    assert again is not opened
    assert len(again.list_scenes("09UYT").scenes) == 2


@pytest.mark.parametrize("scenes", ["", "/does/not/exist"])
def test_a_folder_that_is_not_there_is_one_sentence(scenes):
    with pytest.raises(SceneError, match="expected a folder"):
        open_source(SourceSettings(scenes=scenes), INGEST)
