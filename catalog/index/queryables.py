"""What a filter can ask for: properties of the items, as JSON Schema."""

from typing import Any

from catalog.items.collections import NAMES

_PERCENT = {"type": "number", "minimum": 0, "maximum": 100}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_TIME = {"type": "string", "format": "date-time"}

QUERYABLES: dict[str, dict[str, Any]] = {
    "id": {"title": "Id", "type": "string"},
    "collection": {"title": "Collection", "type": "string", "enum": list(NAMES)},
    "geometry": {"title": "Outline", "format": "geometry-any"},
    "datetime": {"title": "When it was sensed; of a composite, its newest pixel", **_TIME},
    "start_datetime": {"title": "When the oldest pixel was sensed", **_TIME},
    "end_datetime": {"title": "When the newest pixel was sensed", **_TIME},
    "grid:code": {"title": "Tile", "type": "string", "pattern": "^MGRS-[0-9A-Z]{5}$"},
    "platform": {"title": "Satellite", "type": "string"},
    "proj:code": {"title": "Coordinate system", "type": "string"},
    "gsd": {"title": "Size of a pixel, metres", "type": "number"},
    "eo:cloud_cover": {"title": "Cloud, percent of the valid pixels", **_PERCENT},
    "eo:snow_cover": {"title": "Snow, percent of the valid pixels", **_PERCENT},
    "sat:relative_orbit": {"title": "Relative orbit", "type": "integer"},
    "view:sun_elevation": {"title": "Elevation of the sun, degrees", "type": "number"},
    "processing:level": {"title": "Level", "type": "string"},
    "version": {"title": "Version: the first digits of the hash of its content", "type": "string"},
    "s2:processing_baseline": {"title": "The producer's processing baseline", "type": "string"},
    "s2lookback:method": {"title": "How a mask was made", "type": "string"},
    "s2lookback:clear_fraction": {"title": "Clear share of the valid pixels", **_SHARE},
    "s2lookback:valid_fraction": {"title": "Share inside the swath", **_SHARE},
    "s2lookback:filled_fraction": {"title": "Share of a composite that was ever seen clear", **_SHARE},
    "s2lookback:estimated_fraction": {"title": "Share of a reduced scene that is estimated", **_SHARE},
    "s2lookback:source_count": {"title": "Scenes that a composite shows", "type": "integer"},
    "s2lookback:age_days.p95": {
        "title": "Age that 95 of 100 pixels of a composite do not exceed, days",
        "type": "integer",
    },
    "s2lookback:age_days.max": {"title": "Greatest age of a composite's pixels, days", "type": "integer"},
}
