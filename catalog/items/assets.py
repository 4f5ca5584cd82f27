"""The assets of each kind of item: file, title, role, and what the numbers in it mean."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from s2lookback.bands import BANDS
from s2lookback.masking.classes import MEANINGS, Class, Use
from s2lookback.scene import NO_PERCENT, NODATA, SCALE

Asset = dict[str, Any]

_TYPES = {
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized",
    ".png": "image/png",
    ".json": "application/json",
    ".xml": "application/xml",
    ".txt": "text/plain",
}

_SCL = (
    "no_data",
    "saturated_or_defective",
    "dark_area",
    "cloud_shadow",
    "vegetation",
    "not_vegetated",
    "water",
    "unclassified",
    "cloud_medium_probability",
    "cloud_high_probability",
    "thin_cirrus",
    "snow_or_ice",
)
"""Source: Sentinel-2 Products Specification Document 14.9, scene classification."""


def file_asset(file: str, title: str, *roles: str, **more: Any) -> Asset:
    """Describe a file that is no raster."""
    media_type = _TYPES.get(PurePath(file).suffix.lower(), "application/octet-stream")
    return {"href": file, "type": media_type, "title": title, "roles": list(roles), **more}


def raster_asset(file: str, title: str, *roles: str, data_type: str, nodata: int | None, **more: Any) -> Asset:
    """Describe a raster of one band; ``nodata`` is None where every number is a value."""
    facts = {"data_type": data_type, "raster:sampling": "area"}
    return file_asset(file, title, *roles, **facts, **({} if nodata is None else {"nodata": nodata}), **more)


def spaced(asset: Asset, spacing: float) -> Asset:
    """Say how far apart a raster's pixels are, m, and how fine their content: a band is no finer than it was sensed."""
    if "data_type" not in asset:
        return asset
    native = [BANDS[band["name"]].resolution for band in asset.get("bands", ())]
    return {**asset, "gsd": max([spacing, *native]), "raster:spatial_resolution": spacing}


def band_asset(name: str) -> Asset:
    """Describe a spectral band: int16, reflectance × 10 000, offset removed."""
    band = BANDS[name]
    spectral = {
        "name": name,
        "eo:common_name": band.common_name,
        "eo:center_wavelength": band.wavelength / 1000,
        "eo:full_width_half_max": band.width / 1000,
    }
    return raster_asset(
        f"{name}.tif", f"{name} reflectance", "data", "reflectance",
        data_type="int16", nodata=NODATA, bands=[spectral], **reflectance(),
    )  # fmt: skip


def reflectance() -> Asset:
    """Say how pixels become reflectance."""
    return {"raster:scale": SCALE, "raster:offset": 0, "unit": "1"}


def percent_asset(file: str, title: str, *roles: str, **more: Any) -> Asset:
    """Describe a percentage, uint8."""
    return raster_asset(file, title, *roles, data_type="uint8", nodata=NO_PERCENT, unit="%", **more)


def class_asset(counts: Mapping[Class, int]) -> Asset:
    """Describe what each pixel is, with the number of pixels of every class."""
    classes = [
        {
            "value": code.value,
            "name": code.name.lower(),
            "title": meaning.title,
            "description": meaning.title,
            "color_hint": meaning.color,
            "count": counts.get(code, 0),
            **({"nodata": True} if code is Class.NO_DATA else {}),
        }
        for code, meaning in MEANINGS.items()
    ]
    return raster_asset(
        "class.tif", "What each pixel is", "data", "cloud", "cloud-shadow", "snow-ice", "water-mask",
        data_type="uint8", nodata=Class.NO_DATA.value, **{"classification:classes": classes},
    )  # fmt: skip


def usable_asset() -> Asset:
    """Describe in which bands the surface of each pixel was seen."""
    bands = {Use.INFRARED: ("infrared", "near and short-wave infrared"), Use.VISIBLE: ("visible", "visible")}
    fields = [
        {
            "name": name,
            "description": f"Surface seen in the {title} bands",
            "offset": use.value.bit_length() - 1,
            "length": 1,
            "classes": [
                {"value": 0, "name": "hidden", "description": "Hidden, or outside the swath"},
                {"value": 1, "name": "seen", "description": "Seen"},
            ],
        }
        for use, (name, title) in bands.items()
    ]
    return raster_asset(
        "usable.tif", "In which bands each pixel is usable", "data", "metadata",
        data_type="uint8", nodata=None, **{"classification:bitfields": fields},
    )  # fmt: skip


def scl_asset() -> Asset:
    """Describe the producer's own scene classification."""
    classes: list[Asset] = [{"value": value, "name": name} for value, name in enumerate(_SCL)]
    classes[0]["nodata"] = True
    return raster_asset(
        "scl.tif", "Sen2Cor's scene classification", "metadata",
        data_type="uint8", nodata=0, **{"classification:classes": classes},
    )  # fmt: skip


def estimated_asset() -> Asset:
    """Describe which pixels were estimated rather than observed."""
    classes: list[Asset] = [
        {"value": 0, "name": "observed", "title": "As the satellite saw it"},
        {"value": 1, "name": "estimated", "title": "Thin cloud made thinner: an estimate"},
        {"value": NO_PERCENT, "name": "no_data", "title": "Outside the swath", "nodata": True},
    ]
    return raster_asset(
        "estimated.tif", "Which pixels are estimates", "data", "metadata",
        data_type="uint8", nodata=NO_PERCENT, **{"classification:classes": classes},
    )  # fmt: skip


def scene_assets(bands: Sequence[str], documents: Sequence[str] = ()) -> dict[str, Asset]:
    """Describe the files of a scene."""
    return {
        **{name: band_asset(name) for name in bands},
        "scl": scl_asset(),
        "cloud-probability": percent_asset("cloud-probability.tif", "The producer's cloud probability", "metadata"),
        **{file: file_asset(file, f"Original metadata: {file}", "metadata") for file in sorted(documents)},
        "thumbnail": file_asset("thumbnail.png", "Preview", "thumbnail"),
    }


def mask_assets(counts: Mapping[Class, int]) -> dict[str, Asset]:
    """Describe the files of a mask."""
    return {
        "class": class_asset(counts),
        "probability": percent_asset("probability.tif", "Probability of cloud or shadow", "data", "metadata"),
        "usable": usable_asset(),
        "thumbnail": file_asset("thumbnail.png", "Preview", "thumbnail"),
    }


def mrap_assets(bands: Sequence[str], groups: Mapping[str, Sequence[str]] | None = None) -> dict[str, Asset]:
    """Describe the files of a composite; ``groups`` are bands of a source of their own, by the ending of its name."""
    groups = groups or {"": bands}
    own = {name: {"s2lookback:source": f"source{end}"} for end, names in groups.items() for name in names}
    told = [_told(suffix, names, whole=len(groups) == 1) for suffix, names in groups.items()]
    return {
        **{name: band_asset(name) | (own[name] if len(groups) > 1 else {}) for name in bands},
        **{key: asset for one in told for key, asset in one.items()},
        "sources": file_asset("sources.json", "Every scene that supplies pixels, and how many", "metadata"),
        "thumbnail": file_asset("thumbnail.png", "Preview", "thumbnail"),
        "age": file_asset("age.png", "Age of each pixel, as a picture", "overview"),
    }  # fmt: skip


def _told(suffix: str, bands: Sequence[str], *, whole: bool) -> dict[str, Asset]:
    """Describe what a composite says of the pixels of one group of bands."""
    of = "" if whole else f" Of the bands {', '.join(bands)}."
    described = {
        "sensed": raster_asset(
            f"sensed{suffix}.tif", "Day each pixel was sensed", "metadata", "date",
            data_type="uint16", nodata=0, unit="d",
            description=f"Days since 1970-01-01 UTC; 0 was never seen clear.{of}",
        ),
        "source": raster_asset(
            f"source{suffix}.tif", "Scene each pixel came from", "metadata", "date",
            data_type="uint32", nodata=0, unit="s",
            description=f"Sensing time of the scene, seconds since 1970-01-01 UTC; 0 was never seen clear.{of}",
        ),
        "count": raster_asset(
            f"count{suffix}.tif", "Clear observations of each pixel", "metadata", data_type="uint16", nodata=None,
            **({} if whole else {"description": of.strip()}),
        ),
        "doubt": percent_asset(
            f"doubt{suffix}.tif", "Probability that cloud or shadow hides the pixel", "metadata",
            description=f"As the mask of the scene it came from says; no data was never seen clear.{of}",
        ),
    }  # fmt: skip
    return {key + suffix: asset for key, asset in described.items()}


def reduced_assets(bands: Sequence[str]) -> dict[str, Asset]:
    """Describe the files of a reduced scene."""
    return {
        **{name: band_asset(name) for name in bands},
        "estimated": estimated_asset(),
        "uncertainty": raster_asset(
            "uncertainty.tif", "Standard deviation of the estimated reflectance", "metadata", "uncertainty",
            data_type="int16", nodata=NODATA, **reflectance(),
        ),
        "thumbnail": file_asset("thumbnail.png", "Preview", "thumbnail"),
    }  # fmt: skip


def model_assets(features: Sequence[str]) -> dict[str, Asset]:
    """Describe the files of a model."""
    return {
        "model": file_asset(
            "model.txt", "LightGBM trees, as text", "mlm:model", "mlm:weights", "data",
            **{"mlm:artifact_type": "lightgbm.Booster.save_model"},
            **({"bands": [{"name": name} for name in features]} if features else {}),
        ),
        "schema": file_asset("schema.json", "Features, classes and settings of the training", "metadata"),
    }  # fmt: skip


OPTIONAL = frozenset({"scl", "cloud-probability", "thumbnail", "age"})
"""Assets that are described only where their file was made."""
