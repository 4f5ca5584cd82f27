"""How products are meant to be looked at, as the render extension says it: any viewer can draw our pictures."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from s2lookback.display import AGE, FALSE_COLOUR, GAMMA, LIMITS, OLDEST, OTHERWISE, SWIR, TRUE_COLOUR
from s2lookback.masking.classes import MEANINGS
from s2lookback.scene import NODATA

Renders = dict[str, dict[str, Any]]

_OF_BANDS = {
    "true-color": ("True colour", TRUE_COLOUR),
    "swir": ("Short-wave infrared: fire orange, burns red to brown, forest green", SWIR),
    "swir-bc": ("Short-wave infrared as BC's analysts see it: fire and burns orange to red, forest blue", FALSE_COLOUR),
}
_CHANNELS = "RGB"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def band_renders(bands: Sequence[str]) -> Renders:
    """Describe the pictures that these bands allow."""
    return {
        name: {
            "title": title,
            "assets": list(shown),
            "rescale": [list(LIMITS.get(band, OTHERWISE)) for band in shown],
            "nodata": NODATA,
            "resampling": "average",
            **_brightened(shown),
        }
        for name, (title, shown) in _OF_BANDS.items()
        if set(shown) <= set(bands)
    }


def class_render() -> Renders:
    """Describe the picture of a mask: every class in its colour."""
    colours = {str(code.value): [*bytes.fromhex(meaning.color), 255] for code, meaning in MEANINGS.items()}
    colours["0"][3] = 0
    picture = {"title": "What each pixel is", "assets": ["class"], "colormap": colours, "resampling": "nearest"}
    return {"class": picture}


def age_render(sensed: datetime, groups: Mapping[str, Sequence[str]]) -> Renders:
    """Describe the picture of a composite's age, days from bright to dark; one of each group of bands."""
    day = (sensed - _EPOCH).days
    return {
        f"age{suffix}": {
            "title": f"Age, 0 to {OLDEST} days" + (f", of {', '.join(bands)}" if suffix else ""),
            "assets": [f"sensed{suffix}"],
            "expression": f"{day}-sensed{suffix}_b1",
            "rescale": [[0, OLDEST]],
            "nodata": 0,
            "colormap_name": AGE,
            "resampling": "nearest",
        }
        for suffix, bands in groups.items()
    }


def _brightened(shown: Sequence[str]) -> dict[str, str]:
    """Write the brightening of the visible bands as rio-color does, whose exponent is the inverse of ours."""
    channels = "".join(channel for channel, band in zip(_CHANNELS, shown, strict=True) if band in TRUE_COLOUR)
    return {"color_formula": f"gamma {channels} {1 / GAMMA:.4f}"} if channels else {}
