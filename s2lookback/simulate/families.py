"""The families of scenes, one of which no method may see before it is scored at the end.

A series with its truth, date by date::

    from s2lookback.simulate import families, series

    for family in families.DEVELOPMENT:
        for observation in series(family, seed=1):
            observation.scene  # pixels, SCL, cloud probability, sun and view angles
            observation.truth  # classes, optical depths, heights, shadows, elevation

Ranges are those usual for the place and the time of year; nothing was fitted to a method.
"""

from s2lookback.simulate.family import Deck, Family, start_of
from s2lookback.simulate.spectra import (
    ASH,
    BOG,
    BROADLEAF,
    CONIFER,
    CROP,
    GRASS,
    SHRUB,
)

_CUMULUS = Deck(False, "billows", 0.8, 0.9, (25.0, 80.0), 30.0, 0.8, (900.0, 2_200.0))
_STRATUS = Deck(False, "billows", 0.5, 1.0, (120.0, 260.0), 14.0, 1.3, (500.0, 1_500.0))
_FOG = Deck(False, "billows", 0.5, 0.7, (60.0, 160.0), 9.0, 1.1, (150.0, 400.0))
_CIRRUS = Deck(True, "streaks", 0.5, 0.9, (80.0, 180.0), 1.6, 1.2, (7_000.0, 11_000.0))

VALLEY = Family(
    name="valley",
    about="A valley of the Fraser in summer, as the demonstration shows it.",
    layout="valley",
    tile="10UFB",
    start=start_of(6, 28),
    cloudiness=0.45,
    physical=False,
)
BOREAL = Family(
    name="boreal",
    about="Boreal lowland in summer: spruce, bog, many lakes, fair-weather cumulus and smoke.",
    layout="lowland",
    tile="10VFK",
    start=start_of(6, 10),
    cloudiness=0.5,
    decks=(_CUMULUS, _CIRRUS),
    fuel=(CONIFER, BROADLEAF, GRASS, BOG),
    kindling=(CONIFER, BOG),
    season=(140.0, 255.0),
)
ALPINE = Family(
    name="alpine",
    about="Steep mountains in late summer: rock, glaciers, fresh snow, dark valleys, cloud along the crests.",
    layout="massif",
    tile="11UNS",
    start=start_of(8, 5),
    cloudiness=0.45,
    decks=(_CUMULUS, _STRATUS, _CIRRUS),
    fuel=(CONIFER, GRASS),
    season=(165.0, 258.0),
    snow_line=(2_150.0, 0.2),
    aerosol=(0.01, 0.06),
)
PRAIRIE = Family(
    name="prairie",
    about="Grass and cropland in spring: bare and sprouting fields, ponds, farmsteads, straight edges.",
    layout="fields",
    tile="12UVA",
    start=start_of(4, 20),
    cloudiness=0.45,
    decks=(_CUMULUS, _STRATUS, _CIRRUS),
    fuel=(GRASS, CROP, BROADLEAF),
    kindling=(GRASS, CROP),
    wind_from=290.0,
    season=(142.0, 238.0),
    aerosol=(0.02, 0.16),
)
COAST = Family(
    name="coast",
    about="A coast with islands, lakes, a river's plume and towns: glint, beaches, sea fog.",
    layout="shore",
    tile="10UDC",
    start=start_of(5, 30),
    cloudiness=0.5,
    decks=(_FOG, _CUMULUS, _CIRRUS),
    wind_from=240.0,
    season=(110.0, 280.0),
    wind=(1.0, 11.0),
)
AUTUMN = Family(
    name="autumn",
    about="Wooded hills in autumn under a low sun: yellowing leaves, long shadows, fog, first snow.",
    layout="hills",
    tile="10UFG",
    start=start_of(9, 5),
    cloudiness=0.55,
    decks=(_FOG, _STRATUS, _CIRRUS),
    season=(135.0, 268.0),
    snow_line=(1_350.0, 0.075),
)
UNSEEN = Family(
    name="plateau",
    about="Semi-desert with playas, lava and old burns: cellular cloud in three layers, dust, pale ash.",
    layout="plateau",
    tile="11SPB",
    start=start_of(6, 5, 18),
    cloudiness=0.55,
    decks=(
        Deck(False, "cells", 0.7, 0.9, (14.0, 34.0), 11.0, 0.9, (1_200.0, 2_400.0)),
        Deck(False, "cells", 0.5, 0.6, (6.0, 14.0), 5.0, 1.0, (3_000.0, 4_500.0)),
        Deck(True, "streaks", 0.6, 0.9, (120.0, 260.0), 2.2, 1.0, (8_000.0, 12_000.0)),
    ),
    fuel=(SHRUB, GRASS),
    kindling=(SHRUB, GRASS),
    char=ASH,
    wind_from=215.0,
    season=(80.0, 170.0),
    snow_line=(4_000.0, 0.05),
    aerosol=(0.03, 0.22),
    aerosol_exponent=0.4,
)

DEVELOPMENT = (VALLEY, BOREAL, ALPINE, PRAIRIE, COAST, AUTUMN)
"""What methods may be trained, tuned and scored on."""

FAMILIES = {family.name: family for family in (*DEVELOPMENT, UNSEEN)}
