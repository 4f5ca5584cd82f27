"""Facts as items state them, in the fields of the extensions; ``catalog.items.facts`` reads them back."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from catalog.items.renders import Renders
from s2lookback.grid import Grid
from s2lookback.masking.classes import MEANINGS, Class
from s2lookback.scene import Acquisition


def acquisition(about: Acquisition) -> dict[str, Any]:
    """Say how a scene was taken, as far as its metadata tell."""
    facts = {
        "sat:relative_orbit": about.relative_orbit,
        "sat:orbit_state": about.orbit_state,
        "view:sun_azimuth": rounded(about.sun_azimuth),
        "view:sun_elevation": rounded(about.sun_elevation),
        "view:azimuth": rounded(about.view_azimuth),
        "view:incidence_angle": rounded(about.view_incidence),
        "s2:product_uri": about.products[-1] if about.products else None,
        "s2:processing_baseline": about.baseline,
        "s2:generation_time": time_text(about.generated) if about.generated else None,
        "s2lookback:products": list(about.products) or None,
        "s2lookback:producer_level": about.level,
    }
    return {**mission(about.platform), **known(facts)}


def mission(platform: str | None = None) -> dict[str, Any]:
    """Say what took it; no platform where several did."""
    return {**known({"platform": platform}), "constellation": "sentinel-2", "instruments": ["msi"]}


def rendered(renders: Renders) -> dict[str, Any]:
    """Say how it is drawn."""
    return {"renders": renders} if renders else {}


def covers(counts: Mapping[Class, int]) -> dict[str, Any]:
    """Say how much of the valid pixels each class covers, from the number of pixels of each."""
    valid = sum(count for code, count in counts.items() if code is not Class.NO_DATA)
    total = valid + counts.get(Class.NO_DATA, 0)
    if not valid:
        return {"s2lookback:valid_fraction": 0.0}

    def share(*codes: Class) -> float:
        return sum(counts.get(code, 0) for code in codes) / valid

    return {
        "eo:cloud_cover": rounded(100 * share(Class.THIN_CLOUD, Class.THICK_CLOUD)),
        "eo:snow_cover": rounded(100 * share(Class.SNOW)),
        "s2lookback:shadow_cover": rounded(100 * share(Class.SHADOW)),
        "s2lookback:smoke_cover": rounded(100 * share(Class.SMOKE)),
        "s2lookback:clear_fraction": round(share(*(code for code, meaning in MEANINGS.items() if meaning.swir)), 6),
        "s2lookback:valid_fraction": round(valid / total, 6),
    }


def projection(grid: Grid) -> dict[str, Any]:
    """Say where the pixels lie."""
    return {
        "proj:code": f"EPSG:{grid.epsg}",
        "proj:shape": list(grid.shape),
        "proj:transform": [float(number) for number in grid.transform],
        "proj:bbox": [float(number) for number in grid.bounds],
    }


def known(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Drop what the source did not say: no item holds a null."""
    return {name: fact for name, fact in facts.items() if fact is not None}


def rounded(number: float | None) -> float | None:
    """Round to four digits after the point."""
    return None if number is None else round(float(number), 4)


def plain(number: float) -> float:
    """Write a whole number without its point."""
    return int(number) if number == int(number) else number


def time_text(moment: datetime) -> str:
    """Write a time as STAC does, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
