"""What every source of scenes can do."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from s2lookback.scene import Listing, Scene, SceneRef


class Source(Protocol):
    """Lists the scenes of a tile and opens one."""

    def tiles(self) -> tuple[str, ...]:
        """Name every tile of which there is at least one scene, sorted."""
        ...

    def list_scenes(self, tile: str, start: datetime | None = None, end: datetime | None = None) -> Listing:
        """List the scenes of a tile, by sensing time, both ends included; never read a pixel.

        An input that cannot be told to belong to another tile and cannot be used is
        listed as rejected, with the reason; it never raises.
        """
        ...

    def unfinished(self, ref: SceneRef) -> str:
        """Say why the files of a scene may still be on their way; empty where nothing speaks for that."""
        ...

    def checksums(self, ref: SceneRef) -> Mapping[str, str]:
        """Hash what the scene is read from: name (never a folder) to sha2-256 multihash, hexadecimal.

        Raises:
            SceneError: If a file has gone or cannot be read.
        """
        ...

    def open_scene(self, ref: SceneRef) -> Scene:
        """Read one scene, harmonised, its parts merged.

        Raises:
            SceneError: If it cannot be used; the message names the file, what was found and what was expected.
        """
        ...
