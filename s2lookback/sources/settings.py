"""Which source to read, as a person names it."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from s2lookback.errors import SceneError
from s2lookback.files import last_change, matching
from s2lookback.settings import IngestSettings
from s2lookback.simulate.scenario import Scenario
from s2lookback.sources.envi import EnviSource
from s2lookback.sources.protocol import Source
from s2lookback.sources.safe import SafeSource
from s2lookback.sources.simulated import SimulatedSource


class SourceSettings(BaseModel):
    """Where scenes come from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["auto", "safe", "envi", "simulated"] = Field(
        "auto", description="auto: SAFE where the folder holds .SAFE folders or zips, else ENVI."
    )
    scenes: str = Field("", description="Folder of SAFE products (folders or zips), or of ENVI images.")
    masks: str = Field("", description="ENVI only: folder of masks, or of several mask folders, which are OR-ed.")
    tile: str = Field("", pattern=r"^([0-9]{2}[A-Z]{3})?$", description="ENVI only: tile of files that do not name it.")
    scenario: Scenario = Field(Scenario(), description="Simulated only: what to simulate.")


def open_source(source: SourceSettings, ingest: IngestSettings) -> Source:
    """Open a source of scenes.

    Raises:
        SceneError: If the folder is not there or holds nothing that could be a scene.
    """
    if source.kind == "simulated":
        return SimulatedSource(source.scenario, settings=ingest)
    folder = Path(source.scenes)
    if not source.scenes or (not folder.is_dir() and folder.suffix.lower() != ".zip"):
        raise SceneError(f"{source.scenes or 'no folder'}: expected a folder of SAFE products or ENVI images")
    if source.kind == "safe" or (source.kind == "auto" and _holds_safe(folder)):
        return SafeSource(source.scenes, settings=ingest)
    return _envi(source, ingest, max(map(last_change, (folder, Path(source.masks or folder)))))


@lru_cache(maxsize=8)
def _envi(source: SourceSettings, ingest: IngestSettings, _changed: int) -> EnviSource:
    """Open ENVI folders once for as long as they do not change: to tell offset and units, their pixels are sampled."""
    masks = (source.masks,) if source.masks else ()
    return EnviSource(source.scenes, masks, settings=ingest, tile=source.tile or None)


def _holds_safe(folder: Path) -> bool:
    suffixes = {".safe", ".zip"}
    return folder.suffix.lower() in suffixes or any(
        path.suffix.lower() in suffixes for pattern in ("*", "*/*") for path in matching(folder, pattern)
    )
