"""The collections: what each holds, under which terms, and how far it reaches so far; all pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.items import assets
from catalog.items.extensions import EXTENSIONS, used
from catalog.items.renders import Renders, band_renders, class_render
from catalog.layout import STAC_VERSION, link
from s2lookback.bands import DEFAULT_BANDS
from s2lookback.errors import CatalogError

_TERMS = "https://sentinels.copernicus.eu/documents/247904/690755/Sentinel_Data_Legal_Notice"

_LISTED = (
    "platform",
    "constellation",
    "instruments",
    "gsd",
    "proj:code",
    "grid:code",
    "processing:level",
    "sat:orbit_state",
    "s2lookback:method",
)
"""Facts of items whose values a collection lists."""
_RANGED = (
    "eo:cloud_cover",
    "view:sun_elevation",
    "s2lookback:valid_fraction",
    "s2lookback:filled_fraction",
    "s2lookback:estimated_fraction",
)
"""Facts of items of which a collection tells the smallest and the largest value."""


@dataclass(frozen=True, slots=True)
class _Kind:
    title: str
    description: str
    keywords: tuple[str, ...]
    assets: Mapping[str, Mapping[str, Any]]
    renders: Renders = field(default_factory=dict)


_KINDS = {
    "scenes": _Kind(
        "Harmonised Sentinel-2 scenes",
        "One acquisition of one tile: every band on one 20 m grid, int16 reflectance × 10 000 with the radiometric "
        "offset removed, nodata −9999.",
        ("reflectance",),
        assets.scene_assets(DEFAULT_BANDS),
        band_renders(DEFAULT_BANDS),
    ),
    "masks": _Kind(
        "Cloud masks",
        "What each pixel of a scene is (clear, thin or thick cloud, shadow, snow, water, smoke, fire, fresh burn) and "
        "the probability that its surface is hidden. Weak labels and a look back at the last clear view; not truth.",
        ("cloud", "cloud shadow", "smoke"),
        assets.mask_assets({}),
        class_render(),
    ),
    "mrap": _Kind(
        "Most recent available pixels",
        "For every pixel the newest clear observation up to a sensing time, when it was sensed and which scene it "
        "came from.",
        ("composite", "mrap", "reflectance"),
        assets.mrap_assets(DEFAULT_BANDS),
        band_renders(DEFAULT_BANDS),
    ),
    "reduced": _Kind(
        "Cloud-reduced scenes",
        "A scene whose thin cloud was made thinner. Estimated pixels are flagged and carry an uncertainty: they are "
        "not observations.",
        ("cloud removal", "reflectance"),
        assets.reduced_assets(DEFAULT_BANDS),
        band_renders(DEFAULT_BANDS),
    ),
    "models": _Kind(
        "Cloud models",
        "The classifiers that made the masks: one a tile and month, as text, with the scenes they were trained on.",
        ("model", "LightGBM"),
        assets.model_assets(()),
    ),
}

NAMES = tuple(_KINDS)


def collection(name: str, host: str) -> dict[str, Any]:
    """Describe a collection that holds nothing yet.

    Args:
        name: One of ``NAMES``.
        host: Who processes and offers the products.

    Raises:
        CatalogError: If there is no such collection.
    """
    if name not in _KINDS:
        raise CatalogError(f"{name!r} is no collection, expected one of {', '.join(NAMES)}")
    kind = _KINDS[name]
    item_assets = {key: _template(asset) for key, asset in kind.assets.items()}
    renders = {"renders": kind.renders} if kind.renders else {}
    return {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        # The schema of mlm refuses every summary of a collection that is a list, which all of STAC's are.
        "stac_extensions": [one for one in used(item_assets, renders) if one != EXTENSIONS["mlm"]],
        "id": name,
        "title": kind.title,
        "description": kind.description,
        "keywords": sorted({"Sentinel-2", "wildfire", *kind.keywords}),
        "license": "other",
        "providers": _providers(host),
        "extent": {"spatial": {"bbox": []}, "temporal": {"interval": []}},
        "summaries": {},
        "item_assets": item_assets,
        **renders,
        "links": [],
    }


def grown(collection: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    """Stretch a collection's extent and summaries over one more item.

    Items may come in any order, and one that comes twice changes nothing.
    """
    boxes, intervals = collection["extent"]["spatial"]["bbox"], collection["extent"]["temporal"]["interval"]
    facts = item["properties"]
    start, end = facts.get("start_datetime", facts["datetime"]), facts.get("end_datetime", facts["datetime"])
    extent = {
        "spatial": {"bbox": [_union([*boxes, item["bbox"]])]},
        "temporal": {
            "interval": [
                [min([start, *(one[0] for one in intervals)]), max([end, *(one[1] for one in intervals)])],
            ]
        },
    }
    return {**collection, "extent": extent, "summaries": _summaries(collection["summaries"], facts)}


def linked(collection: Mapping[str, Any], tiles: Iterable[str]) -> dict[str, Any]:
    """Link a collection to its place, its terms and its tiles."""
    links = [link("root", "../catalog.json"), link("parent", "../catalog.json")]
    links += [link("license", _TERMS, "application/pdf", title="Terms of the Copernicus Sentinel data")]
    links += [link("child", f"./{tile}/catalog.json") for tile in tiles]
    return {**collection, "links": links}


def _providers(host: str) -> list[dict[str, Any]]:
    esa = {
        "name": "European Space Agency",
        "description": "Contains modified Copernicus Sentinel data",
        "roles": ["licensor", "producer"],
        "url": "https://sentinels.copernicus.eu",
    }
    return [esa, {"name": host, "roles": ["host", "processor"]}]


def _template(asset: Mapping[str, Any]) -> dict[str, Any]:
    """Take what holds of an asset in every item: all but its file and what was counted in it."""
    template = {key: value for key, value in asset.items() if key != "href"}
    if "classification:classes" in template:
        classes = template["classification:classes"]
        template["classification:classes"] = [{k: v for k, v in one.items() if k != "count"} for one in classes]
    return template


def _union(boxes: list[list[float]]) -> list[float]:
    """Enclose boxes; one that crosses the antimeridian makes the union go all around."""
    wests = [-180.0 if box[0] > box[2] else box[0] for box in boxes]
    easts = [180.0 if box[0] > box[2] else box[2] for box in boxes]
    return [min(wests), min(box[1] for box in boxes), max(easts), max(box[3] for box in boxes)]


def _summaries(summaries: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    listed = {name: {*summaries.get(name, []), *_all(facts.get(name), (str, int, float))} for name in _LISTED}
    ranged = {name: [*summaries.get(name, {}).values(), *_all(facts.get(name), (int, float))] for name in _RANGED}
    ranges = {name: {"minimum": min(values), "maximum": max(values)} for name, values in ranged.items() if values}
    lists = {
        name: sorted(values, key=lambda one: (isinstance(one, str), one)) for name, values in listed.items() if values
    }
    return {**lists, **ranges}


def _all(fact: Any, kinds: tuple[type, ...]) -> list[Any]:
    """List what a fact says; what is of another kind, as in a damaged item, says nothing."""
    return [one for one in (fact if isinstance(fact, list) else [fact]) if isinstance(one, kinds)]
