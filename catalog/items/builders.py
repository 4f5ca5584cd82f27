"""Builders of items: every fact is an argument, nothing is looked up, and equal facts give equal bytes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from catalog.items import assets
from catalog.items.assets import OPTIONAL, Asset, spaced
from catalog.items.extensions import used
from catalog.items.renders import age_render, band_renders, class_render
from catalog.items.stated import acquisition, covers, known, mission, plain, projection, rendered, rounded, time_text
from catalog.layout import STAC_VERSION, Item, Link
from s2lookback.footprint import Footprint
from s2lookback.grid import Grid
from s2lookback.masking.classes import Class
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
        **acquisition(about),
        **known({"eo:cloud_cover": rounded(cloud_cover)}),
        "s2lookback:valid_fraction": round(float(valid_fraction), 6),
        "s2lookback:offset_removed": about.offset_removed,
        **rendered(band_renders(bands)),
    }
    lineage = "Resampled to the 20 m grid, radiometric offset removed, parts of one acquisition merged"
    described = assets.scene_assets(bands, documents)
    return item_of("scene", basis, facts, described, level=about.level or "L2", lineage=lineage)


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
        **acquisition(about),
        "s2lookback:method": method,
        **known({"s2lookback:detector": dict(detector or {}) or None, "s2lookback:drift": dict(drift or {}) or None}),
        **covers(counts),
        **rendered(class_render()),
    }
    lineage = "Each pixel classified against what was there when it was last clear; clouds and shadows grown"
    return item_of("mask", basis, facts, assets.mask_assets(counts), level="L2", lineage=lineage)


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
        **mission(),
        "start_datetime": time_text(start),
        "end_datetime": time_text(basis.sensed),
        "s2lookback:filled_fraction": round(float(filled_fraction), 6),
        "s2lookback:age_days": dict(sorted(age_days.items())),
        "s2lookback:source_count": source_count,
        **known({"s2lookback:seam_score": rounded(seam_score), "s2lookback:light": dict(light or {}) or None}),
        **rendered({**band_renders(bands), **age_render(basis.sensed, groups or {"": bands})}),
    }
    scene = "visible and infrared bands each of one scene" if groups and len(groups) > 1 else "all bands of one scene"
    lineage = f"Most recent available pixel: per pixel the newest clear observation, {scene}"
    return item_of("mrap", basis, facts, assets.mrap_assets(bands, groups), level="L3", lineage=lineage)


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
        **acquisition(about),
        **covers(counts),
        "s2lookback:estimated_fraction": round(float(estimated_fraction), 6),
        **({"s2lookback:measured": dict(sorted(measured.items()))} if measured else {}),
        **rendered(band_renders(bands)),
    }
    lineage = "Thin cloud made thinner by a fit to the composite; every estimated pixel flagged"
    return item_of("reduced", basis, facts, assets.reduced_assets(bands), level="L2", lineage=lineage)


def item_of(
    stage: str, basis: Basis, facts: Mapping[str, Any], described: Mapping[str, Asset], *, level: str, lineage: str
) -> Item:
    """Describe a product of any stage.

    Args:
        stage: As in ``COLLECTIONS``.
        basis: What every item says.
        facts: What only items of its kind say.
        described: Every asset that it may have.
        level: Processing level.
        lineage: How it was made, in a sentence.
    """
    spacing = plain(basis.grid.spacing)
    properties = {
        "datetime": time_text(basis.sensed),
        **facts,
        "gsd": spacing,
        "grid:code": f"MGRS-{basis.tile}",
        **projection(basis.grid),
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
