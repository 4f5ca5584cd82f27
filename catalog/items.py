"""Builders of items: every fact is an argument, nothing is looked up, and equal facts give equal bytes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from catalog import assets
from catalog.assets import OPTIONAL, Asset, spaced
from catalog.extensions import used
from catalog.layout import STAC_VERSION, Item, Link
from catalog.renders import Renders, age_render, band_renders, class_render
from s2lookback.footprint import Footprint
from s2lookback.grid import Grid
from s2lookback.masking.classes import MEANINGS, Class
from s2lookback.scene import Acquisition

COLLECTIONS = {"scene": "scenes", "mask": "masks", "mrap": "mrap", "reduced": "reduced", "model": "models"}
"""Stage to collection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What every item says: where, when, from what and by what."""

    tile: str
    sensed: datetime
    """Sensing time; of a composite that of its newest scene, of a model that up to which it looked."""
    grid: Grid
    footprint: Footprint
    software: Mapping[str, str]
    """Every program that shaped it, and its version."""
    files: Collection[str]
    """Names of the files that were made; a preview or a producer's mask that was not made is not described."""
    sources: Sequence[Link] = ()
    """``source_link`` of every item that it was made from."""
    facility: str = "s2lookback"
    """Who runs the platform."""


def item_id(stage: str, tile: str, sensed: datetime) -> str:
    """Name an item by its stage, tile and sensing time; a model by its month, or by the day from which it serves."""
    time = sensed.astimezone(UTC)
    model = "%Y%m" if time.day == 1 else "%Y%m%d"
    return f"{stage}-{tile}-{time:{model if stage == 'model' else '%Y%m%dT%H%M%S'}}"


def scene_item(
    basis: Basis,
    about: Acquisition,
    bands: Sequence[str],
    *,
    valid_fraction: float,
    documents: Sequence[str] = (),
    cloud_cover: float | None = None,
) -> Item:
    """Describe a harmonised scene.

    Args:
        basis: What every item says.
        about: What the scene's metadata tell.
        bands: Names of the bands, in their order.
        valid_fraction: Share of the grid inside the swath, 0-1.
        documents: File names of the original metadata.
        cloud_cover: Cloud by the producer's own mask, percent of the valid pixels; None where there is none.
    """
    facts = {
        **_acquisition(about),
        **_known({"eo:cloud_cover": _round(cloud_cover)}),
        "s2lookback:valid_fraction": round(float(valid_fraction), 6),
        "s2lookback:offset_removed": about.offset_removed,
        **_renders(band_renders(bands)),
    }
    lineage = "Resampled to the 20 m grid, radiometric offset removed, parts of one acquisition merged"
    described = assets.scene_assets(bands, documents)
    return _item("scene", basis, facts, described, level=about.level or "L2", lineage=lineage)


def mask_item(
    basis: Basis,
    about: Acquisition,
    *,
    method: str,
    counts: Mapping[Class, int],
    detector: Mapping[str, str] | None = None,
    drift: Mapping[str, Any] | None = None,
) -> Item:
    """Describe a mask.

    Args:
        basis: What every item says.
        about: What the masked scene's metadata tell.
        method: How the classes were found: ``lookback``, ``rules`` and so on.
        counts: Number of pixels of each class.
        detector: Name, and hash or version, of the model that came with a program; None where none made the mask.
        drift: How far the scene lies from what its model learnt; None where none made the mask.
    """
    facts = {
        **_acquisition(about),
        "s2lookback:method": method,
        **_known({"s2lookback:detector": dict(detector or {}) or None, "s2lookback:drift": dict(drift or {}) or None}),
        **_covers(counts),
        **_renders(class_render()),
    }
    lineage = "Each pixel classified against what was there when it was last clear; clouds and shadows grown"
    return _item("mask", basis, facts, assets.mask_assets(counts), level="L2", lineage=lineage)


def mrap_item(
    basis: Basis,
    bands: Sequence[str],
    *,
    start: datetime,
    filled_fraction: float,
    age_days: Mapping[str, int],
    source_count: int,
    seam_score: float | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    light: Mapping[str, int] | None = None,
) -> Item:
    """Describe a composite of the most recent available pixels.

    Args:
        basis: What every item says.
        bands: Names of the bands, in their order.
        start: Sensing time of its oldest pixel.
        filled_fraction: Share of the grid that was ever seen clear, 0-1.
        age_days: Statistics of the age of its pixels, days: ``{"median": 3, "max": 40}``.
        source_count: Number of scenes that supply pixels.
        seam_score: Steps where two scenes meet to steps inside scenes; None where none meet.
        groups: Bands that have a source of their own, by the ending of its name; None if all have one.
        light: Scenes whose light was matched to the newest, and refused; the lines are in ``sources``.
    """
    facts = {
        **_mission(),
        "start_datetime": _time(start),
        "end_datetime": _time(basis.sensed),
        "s2lookback:filled_fraction": round(float(filled_fraction), 6),
        "s2lookback:age_days": dict(sorted(age_days.items())),
        "s2lookback:source_count": source_count,
        **_known({"s2lookback:seam_score": _round(seam_score), "s2lookback:light": dict(light or {}) or None}),
        **_renders({**band_renders(bands), **age_render(basis.sensed, groups or {"": bands})}),
    }
    scene = "visible and infrared bands each of one scene" if groups and len(groups) > 1 else "all bands of one scene"
    lineage = f"Most recent available pixel: per pixel the newest clear observation, {scene}"
    return _item("mrap", basis, facts, assets.mrap_assets(bands, groups), level="L3", lineage=lineage)


def reduced_item(
    basis: Basis,
    about: Acquisition,
    bands: Sequence[str],
    *,
    estimated_fraction: float,
    counts: Mapping[Class, int],
    measured: Mapping[str, Any] | None = None,
) -> Item:
    """Describe a scene whose thin cloud was made thinner.

    Args:
        basis: What every item says.
        about: What the scene's metadata tell.
        bands: Names of the bands, in their order.
        estimated_fraction: Share of the valid pixels that are estimates, 0-1.
        counts: Number of pixels of each class in the scene's mask.
        measured: How well the reduction did, plain JSON.
    """
    facts = {
        **_acquisition(about),
        **_covers(counts),
        "s2lookback:estimated_fraction": round(float(estimated_fraction), 6),
        **({"s2lookback:measured": dict(sorted(measured.items()))} if measured else {}),
        **_renders(band_renders(bands)),
    }
    lineage = "Thin cloud made thinner by a fit to the composite; every estimated pixel flagged"
    return _item("reduced", basis, facts, assets.reduced_assets(bands), level="L2", lineage=lineage)


def model_item(
    basis: Basis,
    *,
    start: datetime,
    features: Sequence[str],
    classes: Sequence[Class],
    hyperparameters: Mapping[str, Any],
    metrics: Mapping[str, Any],
    champion: Mapping[str, Any] | None = None,
) -> Item:
    """Describe a model that tells clouds apart.

    Args:
        basis: What every item says; ``sources`` are the training scenes and their masks.
        start: Sensing time of the oldest training scene.
        features: Names of the features, in their order.
        classes: What it tells apart, in the order of its output.
        hyperparameters: How it was trained.
        metrics: How well it did on scenes that it was not trained on.
        champion: The model before it, and which of the two won; None for a tile's first.
    """
    inputs = {
        "name": "features of one pixel",
        "description": "Reflectance today, when last clear, and the change",
        "bands": [{"name": name} for name in features],
        "input": {"shape": [-1, len(features)], "dim_order": ["batch", "bands"], "data_type": "float32"},
    }
    outputs = {
        "name": "probability of each class",
        "tasks": ["classification"],
        "result": {"shape": [-1, len(classes)], "dim_order": ["batch", "class"], "data_type": "float64"},
        "classification:classes": [
            {"value": code.value, "name": code.name.lower(), "description": MEANINGS[code].title} for code in classes
        ],
    }
    facts = {
        "start_datetime": _time(start),
        "end_datetime": _time(basis.sensed),
        "bands": [{"name": name} for name in features],
        "mlm:name": f"cloud-{basis.tile}",
        "mlm:architecture": "gradient-boosted decision trees",
        "mlm:tasks": ["classification"],
        "mlm:framework": "LightGBM",
        "mlm:framework_version": basis.software["lightgbm"],
        "mlm:hyperparameters": dict(sorted(hyperparameters.items())),
        "mlm:input": [inputs],
        "mlm:output": [outputs],
        "s2lookback:metrics": dict(sorted(metrics.items())),
        **_known({"s2lookback:champion": dict(champion or {}) or None}),
    }
    lineage = "Trained on the tile's own scenes, labelled by the producer's masks; tested on scenes left aside"
    return _item("model", basis, facts, assets.model_assets(features), level="L4", lineage=lineage)


def _item(
    stage: str, basis: Basis, facts: Mapping[str, Any], described: Mapping[str, Asset], *, level: str, lineage: str
) -> Item:
    spacing = _plain(basis.grid.spacing)
    properties = {
        "datetime": _time(basis.sensed),
        **facts,
        "gsd": spacing,
        "grid:code": f"MGRS-{basis.tile}",
        **_projection(basis.grid),
        "processing:level": level,
        "processing:lineage": lineage,
        "processing:facility": basis.facility,
        "processing:software": dict(sorted(basis.software.items())),
    }
    present = {
        key: spaced(asset, spacing)
        for key, asset in described.items()
        if key not in OPTIONAL or asset["href"] in basis.files
    }
    return {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": used(properties, present),
        "id": item_id(stage, basis.tile, basis.sensed),
        "collection": COLLECTIONS[stage],
        "geometry": basis.footprint.geometry,
        "bbox": basis.footprint.bbox,
        "properties": properties,
        "assets": present,
        "links": sorted(basis.sources, key=lambda one: (one["rel"], one["href"])),
    }


def _acquisition(about: Acquisition) -> dict[str, Any]:
    known = {
        "sat:relative_orbit": about.relative_orbit,
        "sat:orbit_state": about.orbit_state,
        "view:sun_azimuth": _round(about.sun_azimuth),
        "view:sun_elevation": _round(about.sun_elevation),
        "view:azimuth": _round(about.view_azimuth),
        "view:incidence_angle": _round(about.view_incidence),
        "s2:product_uri": about.products[-1] if about.products else None,
        "s2:processing_baseline": about.baseline,
        "s2:generation_time": _time(about.generated) if about.generated else None,
        "s2lookback:products": list(about.products) or None,
        "s2lookback:producer_level": about.level,
    }
    return {**_mission(about.platform), **_known(known)}


def _mission(platform: str | None = None) -> dict[str, Any]:
    return {**_known({"platform": platform}), "constellation": "sentinel-2", "instruments": ["msi"]}


def _renders(renders: Renders) -> dict[str, Any]:
    return {"renders": renders} if renders else {}


def _covers(counts: Mapping[Class, int]) -> dict[str, Any]:
    valid = sum(count for code, count in counts.items() if code is not Class.NO_DATA)
    total = valid + counts.get(Class.NO_DATA, 0)
    if not valid:
        return {"s2lookback:valid_fraction": 0.0}

    def share(*codes: Class) -> float:
        return sum(counts.get(code, 0) for code in codes) / valid

    return {
        "eo:cloud_cover": _round(100 * share(Class.THIN_CLOUD, Class.THICK_CLOUD)),
        "eo:snow_cover": _round(100 * share(Class.SNOW)),
        "s2lookback:shadow_cover": _round(100 * share(Class.SHADOW)),
        "s2lookback:smoke_cover": _round(100 * share(Class.SMOKE)),
        "s2lookback:clear_fraction": round(share(*(code for code, meaning in MEANINGS.items() if meaning.swir)), 6),
        "s2lookback:valid_fraction": round(valid / total, 6),
    }


def _projection(grid: Grid) -> dict[str, Any]:
    return {
        "proj:code": f"EPSG:{grid.epsg}",
        "proj:shape": list(grid.shape),
        "proj:transform": [float(number) for number in grid.transform],
        "proj:bbox": [float(number) for number in grid.bounds],
    }


def _known(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Drop what the source did not say: no item holds a null."""
    return {name: fact for name, fact in facts.items() if fact is not None}


def _round(number: float | None) -> float | None:
    return None if number is None else round(float(number), 4)


def _plain(number: float) -> float:
    """Write a whole number without its point."""
    return int(number) if number == int(number) else number


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
