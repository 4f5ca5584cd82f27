"""What the scenes of one family have in common: ground, season, sky, air and fire."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from s2lookback.simulate.spectra import BROADLEAF, CHAR, CONIFER, GRASS

Layout = Literal["valley", "lowland", "hills", "massif", "fields", "shore", "plateau"]
Texture = Literal["billows", "streaks", "cells"]


@dataclass(frozen=True, slots=True)
class Deck:
    """One kind of cloud that a family's sky may hold."""

    ice: bool
    texture: Texture
    often: float
    """Share of the cloudy dates on which it is there, 0 to 1."""
    cover: float
    """Its cover as a share of the date's."""
    outer: tuple[float, float]
    """Range of the size of its largest structures, pixels."""
    thickest: float
    """Optical depth where the field stands one standard deviation above its edge."""
    edge: float
    """Power by which depth grows from the edge: below 1 for the hard edge of cumulus, above for a soft one."""
    height: tuple[float, float]
    """Range of its height above the ground, m."""


@dataclass(frozen=True, slots=True)
class Family:
    """Parameters from which every series of a family is drawn."""

    name: str
    about: str
    layout: Layout
    tile: str
    start: datetime
    """Sensing time of the first scene."""
    cloudiness: float
    """Mean cloud cover of the dates that are not clear, 0 to 1."""
    physical: bool = True
    """False for the first family, whose bytes are kept: one parallax for all bands, half of the light diffuse, noise
    as a share of the signal."""
    decks: tuple[Deck, ...] = ()
    fuel: tuple[int, ...] = (CONIFER, BROADLEAF, GRASS)
    """Covers that burn."""
    kindling: tuple[int, ...] = (CONIFER,)
    """Covers in which the fire begins."""
    char: int = CHAR
    """What burnt ground looks like."""
    wind_from: float = 250.0
    """Prevailing wind, degrees clockwise from north."""
    season: tuple[float, float] = (120.0, 270.0)
    """Days of the year at which the ground is half green, in spring and in autumn."""
    snow_line: tuple[float, float] = (2_150.0, 0.085)
    """Highest in the year, m, and its fall, m for each squared day from 13 August."""
    aerosol: tuple[float, float] = (0.02, 0.12)
    """Range of the optical depth at 550 nm that the producer's correction leaves over."""
    aerosol_exponent: float = 1.3
    """Ångström exponent of the haze: small for dust, large for fine particles."""
    wind: tuple[float, float] = (1.0, 9.0)
    """Range of the wind over water, m/s."""


def start_of(month: int, day: int, hour: int = 19) -> datetime:
    """Give the time of a morning overpass, UTC; 19 o'clock over western Canada."""
    return datetime(2025, month, day, hour, 19, 21, tzinfo=UTC)
