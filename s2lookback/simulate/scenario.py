"""What is simulated: a tile, its weather, its fire and its sensing times."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import numpy as np
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from s2lookback.grid import Grid
from s2lookback.simulate.families import FAMILIES, VALLEY
from s2lookback.simulate.place import TILE, tile_corner

RESOLUTION = 20.0
"""Pixel size, m."""


class Scenario(BaseModel):
    """A series of simulated scenes; a longer series has the same earlier scenes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    family: str = Field(
        VALLEY.name,
        description="Kind of ground, sky and season, which sets tile, start and cloudiness too.",
        json_schema_extra={"enum": [*sorted(FAMILIES)]},
    )
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(20, description="Seed of the landscape and the weather.")
    tile: Annotated[str, Field(pattern=TILE)] = Field("10UFB", description="MGRS square, without the leading T.")
    height: Annotated[int, Field(ge=8, le=5490)] = Field(240, description="Rows of 20 m.")
    width: Annotated[int, Field(ge=8, le=5490)] = Field(320, description="Columns of 20 m.")
    start: AwareDatetime = Field(
        datetime(2025, 6, 28, 19, 19, 21, tzinfo=UTC), description="Sensing time of the first scene, whole seconds UTC."
    )
    dates: Annotated[int, Field(ge=1, le=1000)] = Field(14, description="Scenes in the series.")
    revisit_days: Annotated[int, Field(ge=1, le=30)] = Field(5, description="Days from one scene to the next.")
    cloudiness: Annotated[float, Field(ge=0, le=1)] = Field(
        0.45, description="Mean cloud cover; every fourth scene, from the second, is clear whatever it is."
    )
    fire: bool = Field(True, description="Whether there is a wildfire.")
    ignition_day: Annotated[int, Field(ge=0, le=3650)] = Field(
        22, description="Days from the first scene to the ignition."
    )
    swath_edge: bool = Field(True, description="Whether every third scene, from the third, is cut by the swath's edge.")
    label_noise: Annotated[float, Field(ge=0, le=0.5)] | None = Field(
        None, description="Mean share of pixels whose label is wrong; left out, what such processors get wrong."
    )

    @model_validator(mode="before")
    @classmethod
    def _where_its_family_is(cls, given: Any) -> Any:
        """Take place, start and cloudiness from the family that is named, where they are not given."""
        family = FAMILIES.get(given.get("family", "")) if isinstance(given, Mapping) else None
        if family is None:
            return given
        return {"tile": family.tile, "start": family.start, "cloudiness": family.cloudiness, **given}

    @field_validator("start")
    @classmethod
    def _in_whole_seconds(cls, start: datetime) -> datetime:
        return start.astimezone(UTC).replace(microsecond=0)

    @field_validator("family")
    @classmethod
    def _is_known(cls, family: str) -> str:
        if family not in FAMILIES:
            raise ValueError(f"{family}: no such family of scenes, expected one of {', '.join(FAMILIES)}")
        return family

    @field_validator("tile")
    @classmethod
    def _exists(cls, tile: str) -> str:
        tile_corner(tile)
        return tile

    @property
    def grid(self) -> Grid:
        """Where the scenes lie: 42 km into the tile, so that they fit whatever its neighbours overlap."""
        epsg, west, north = tile_corner(self.tile)
        inset = 0.0 if max(self.height, self.width) * RESOLUTION > 60_000 else 42_000.0
        return Grid(epsg, (RESOLUTION, 0.0, west + inset, 0.0, -RESOLUTION, north - inset), self.height, self.width)

    @property
    def recipe(self) -> str:
        """All that the pixels of one scene depend on besides its sensing time, as JSON."""
        # What came later is told where it is used alone, so that earlier recipes stay as they were.
        added = {"family", "label_noise"} - self.model_dump(exclude_defaults=True).keys()
        return self.model_dump_json(exclude={"dates", *added})


def sensing_times(scenario: Scenario) -> tuple[datetime, ...]:
    """List when each scene is sensed, oldest first."""
    step = timedelta(days=scenario.revisit_days)
    return tuple(scenario.start + number * step for number in range(scenario.dates))


def scene_number(scenario: Scenario, sensed: datetime) -> int:
    """Count the scenes before this one.

    Raises:
        ValueError: If the scenario has no scene then.
    """
    number, rest = divmod(sensed - scenario.start, timedelta(days=scenario.revisit_days))
    if rest or not 0 <= number < scenario.dates:
        raise ValueError(f"{scenario.tile}: {sensed:%Y-%m-%dT%H:%M:%S} is none of its {scenario.dates} sensing times")
    return number


def days_since_start(scenario: Scenario, sensed: datetime) -> float:
    """Measure how far into the series a scene is, in days."""
    return (sensed - scenario.start) / timedelta(days=1)


def generator(scenario: Scenario, subject: str, sensed: datetime | None = None) -> np.random.Generator:
    """Make the random generator of one subject, of the whole series or of one scene.

    Each depends on the seed, the tile, the subject and the sensing time alone, so what is
    drawn for one never shifts what is drawn for another.
    """
    key = f"{scenario.tile}/{subject}/{'' if sensed is None else sensed.isoformat()}"
    return np.random.default_rng(np.random.SeedSequence([scenario.seed, *key.encode()]))
