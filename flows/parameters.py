"""Parameters as the form of a run shows them: what a tile looks like, how much may be asked for."""

from typing import Annotated

from pydantic import Field

from catalog.layout import TILE

# In the schema alone: the server refuses a form at once; a run that is asked for otherwise says so in a sentence.
Tile = Annotated[str, Field(json_schema_extra={"pattern": f"^(?:{TILE.pattern})$", "examples": ["10UFB"]})]

AtOnce = Annotated[int, Field(ge=1, le=1000)]
"""Tiles that are handed to workers at the same time."""
