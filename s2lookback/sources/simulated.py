"""Simulated scenes, listed and opened like any others."""

from collections.abc import Mapping
from datetime import datetime

from s2lookback.errors import SceneError
from s2lookback.files import checksum_of
from s2lookback.scene import Listing, Scene, SceneRef
from s2lookback.settings import IngestSettings
from s2lookback.simulate import Scenario, sensing_times, simulate_scene


class SimulatedSource:
    """The scenes of one scenario."""

    def __init__(self, scenario: Scenario, *, settings: IngestSettings) -> None:
        self._scenario = scenario
        self._settings = settings

    def tiles(self) -> tuple[str, ...]:
        """Name the one tile there is."""
        return (self._scenario.tile,)

    def list_scenes(self, tile: str, start: datetime | None = None, end: datetime | None = None) -> Listing:
        """List the scenes of a tile, by sensing time, both ends included."""
        if tile != self._scenario.tile:
            return Listing(())
        return Listing(
            tuple(
                SceneRef(tile, sensed, (_name(tile, sensed),), changed=0)
                for sensed in sensing_times(self._scenario)
                if (start is None or sensed >= start) and (end is None or sensed <= end)
            )
        )

    def unfinished(self, ref: SceneRef) -> str:
        """Say nothing: what is simulated is whole."""
        return ""

    def checksums(self, ref: SceneRef) -> Mapping[str, str]:
        """Hash all that the scene depends on: the scenario, its length apart, and the sensing time."""
        recipe = f"{self._scenario.recipe}\n{ref.sensed.isoformat()}"
        return {_name(ref.tile, ref.sensed): checksum_of(recipe.encode())}

    def open_scene(self, ref: SceneRef) -> Scene:
        """Simulate one scene.

        Raises:
            SceneError: If it is none of the scenario's.
        """
        if ref.tile != self._scenario.tile or ref.sensed not in sensing_times(self._scenario):
            raise SceneError(
                f"{_name(ref.tile, ref.sensed)}: is none of the scenes of {self._scenario.tile}'s scenario"
            )
        return simulate_scene(self._scenario, ref.sensed, self._settings.bands)


def _name(tile: str, sensed: datetime) -> str:
    return f"simulated:{tile}:{sensed:%Y%m%dT%H%M%S}"
