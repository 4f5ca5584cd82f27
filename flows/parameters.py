"""Parameters as the form of a run shows them: their titles, what a tile and a day look like, how much may be asked for.

Titles and patterns stand in the schema alone. By it the server refuses a form at once; what is asked for otherwise, on
the command line or by another flow, is any moment, and says in a sentence what is wrong with it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from catalog.layout import TILE
from s2lookback.errors import SceneError
from s2lookback.settings import IngestSettings, MaskSettings, MrapSettings, ReduceSettings, Settings
from s2lookback.sources.settings import SourceSettings

DAY = (
    r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$"
)
"""A day, as in 2025-08-30, which a form asks for; or a moment, as in 2025-08-30T19:38:31Z, which flows tell others."""


def _shown(title: str, **schema: Any) -> Any:
    """Say how the form shows a parameter."""
    return Field(json_schema_extra={"title": title, **schema})


def _utc(time: datetime) -> datetime:
    """Take a time that does not name its zone for UTC."""
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _to_its_end(time: datetime) -> datetime:
    """Take a time as it is, and a day up to its last second."""
    return time + timedelta(days=1, seconds=-1) if time.time() == datetime.min.time() else time


_Tile = Annotated[str, _shown("Tile", pattern=f"^(?:{TILE.pattern})$", examples=["10UFB"])]
_Day = Annotated[datetime, AfterValidator(_utc), _shown("Day", format="date", pattern=DAY, examples=["2025-08-30"])]
_LastDay = Annotated[_Day, AfterValidator(_to_its_end)]

Tile = _Tile
Tiles = Annotated[Sequence[_Tile], _shown("Tiles")]
Sensed = Annotated[_Day, _shown("Day")]
"""A sensing time, or its day, UTC."""
First = Annotated[_Day | None, _shown("First day")]
Last = Annotated[_LastDay | None, _shown("Last day")]
"""Of a day its last second, so that the day is included."""
AtOnce = Annotated[int, Field(ge=1, le=1000), _shown("Tiles at once")]
"""Tiles that are handed to workers at the same time."""

Anew = Annotated[bool, _shown("Make anew")]
EstimateOnly = Annotated[bool, _shown("Estimate only")]
Reason = Annotated[str, _shown("Reason")]
Errors = Annotated[Sequence[str], _shown("Errors")]
"""Classes of errors, as the ledger names them."""
Silence = Annotated[int, Field(ge=31, le=86_400), _shown("Silence, seconds")]
Settle = Annotated[int, Field(ge=0, le=3600), _shown("Second look after, seconds")]
SecondLook = Annotated[int, Field(ge=0, le=3600), _shown("Second look after, seconds")]
Item = Annotated[str, _shown("Product")]

_OTHERS, _SETTINGS = _shown("Others"), _shown("Settings")
# None, and not a model's defaults: a form shows every field of a model that is there, a hundred of them, and folds away
# what is None behind a button that fills the defaults in.
Source = Annotated[Annotated[SourceSettings, _OTHERS] | None, _shown("Scenes")]
How = Annotated[Annotated[Settings, _OTHERS] | None, _SETTINGS]
HowIngested = Annotated[Annotated[IngestSettings, _OTHERS] | None, _SETTINGS]
HowMasked = Annotated[Annotated[MaskSettings, _OTHERS] | None, _SETTINGS]
HowFolded = Annotated[Annotated[MrapSettings, _OTHERS] | None, _SETTINGS]
HowReduced = Annotated[Annotated[ReduceSettings, _OTHERS] | None, _SETTINGS]
Catalog = Annotated[str, _shown("Catalog")]


def in_order(start: datetime | None, end: datetime | None) -> None:
    """Refuse a period that ends before it begins.

    Raises:
        SceneError: If it does.
    """
    if start and end and start > end:
        raise SceneError(f"the first day, {start:%Y-%m-%d %H:%M}, lies after the last, {end:%Y-%m-%d %H:%M} UTC")
