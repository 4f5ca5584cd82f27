"""How bands are shown: which three, between which limits, in which colours; for pictures and for the items' renders."""

SWIR = ("B12", "B8A", "B04")
"""Forest in green, burns in red to brown, fire in orange, smoke nearly transparent."""
FALSE_COLOUR = ("B12", "B11", "B09")
"""Fire and burns in orange to red, forest in blue, smoke transparent: what BC's analysts look at."""
TRUE_COLOUR = ("B04", "B03", "B02")

LIMITS = {
    "B12": (28, 2049),
    "B11": (48, 2638),
    "B09": (67, 1290),
    "B04": (0, 2200),
    "B03": (0, 2200),
    "B02": (0, 2200),
    "B08": (0, 4500),
    "B8A": (0, 4500),
}
"""Reflectance × 10 000 shown black and full, the same on every date. The first three are BC Wildfire Service's
display limits (1028 to 3049, 1048 to 3638, 1067 to 2290) with the offset of 1000 taken off."""
OTHERWISE = (0, 4000)
GAMMA = 0.75
"""Applied to the visible bands, whose land is dark beside cloud."""

AGE = "viridis_r"
"""matplotlib's colour map of ages."""
OLDEST = 60
"""Days at which a composite's picture of its age is darkest."""
