"""What a product's own XML says about it: the product document and the granule document.

Source: Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD), product and tile metadata of levels 1C and 2A.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from s2lookback.bands import BANDS
from s2lookback.errors import SceneError

MAX_BYTES = 4 << 20
"""Largest document that is parsed; the largest of 38 real ones has 0.6 MB."""

_BAND_IDS = dict(zip(map(str, range(13)), BANDS, strict=True))
"""The documents number the bands B01 … B08 B8A B09 … B12 from 0."""

_TILE = "_T([0-9]{2}[A-Z]{3})_"


@dataclass(frozen=True, slots=True)
class TileGeometry:
    """Where the tile of a granule lies."""

    epsg: int
    ulx: float
    uly: float
    """Upper left corner, m."""
    sizes: Mapping[int, tuple[int, int]]
    """Rows and columns by pixel size in m."""
    sun_azimuth: float | None
    sun_elevation: float | None
    view_azimuth: float | None
    view_incidence: float | None
    """Means over the tile, and over the bands for the view, degrees; None where the document gives no number."""


@dataclass(frozen=True, slots=True)
class ProductMetadata:
    """Facts that the documents of one product state."""

    uri: str
    """The product's own name, ``….SAFE``."""
    tile: str
    sensed: datetime
    """Start of the datatake, UTC, whole seconds, as in the product's name."""
    generated: datetime
    platform: str
    level: str
    baseline: str
    relative_orbit: int
    orbit_state: str
    quantification: float
    """Digital numbers that make a reflectance of 1."""
    offsets: Mapping[str, int]
    """What to add to the digital numbers of each band; empty where the document has no such list."""
    geometry: TileGeometry | None
    """None where there is no granule document."""


def read_metadata(product_xml: bytes, granule_xml: bytes | None = None, *, product: str) -> ProductMetadata:
    """Read the documents of one product; ``product`` names it in messages.

    Raises:
        SceneError: If a document is not what it should be, or lacks a fact.
    """
    facts = _Document(product_xml, "User_Product", product)
    uri = facts.text("PRODUCT_URI", rf".*{_TILE}.*")
    level = facts.text("PROCESSING_LEVEL", r"Level-(1C|2A)")
    tile = re.findall(_TILE, uri)[0]
    return ProductMetadata(
        uri=uri,
        tile=tile,
        sensed=facts.time("DATATAKE_SENSING_START"),
        generated=facts.time("GENERATION_TIME"),
        platform=facts.text("SPACECRAFT_NAME", r"Sentinel-2[A-Z]").lower(),
        level=level.replace("Level-", "L"),
        baseline=facts.text("PROCESSING_BASELINE", r"[0-9]{2}\.[0-9]{2}"),
        relative_orbit=int(facts.text("SENSING_ORBIT_NUMBER", r"[0-9]{1,3}")),
        orbit_state=facts.text("SENSING_ORBIT_DIRECTION", r"ASCENDING|DESCENDING").lower(),
        quantification=float(
            facts.text(
                "BOA_QUANTIFICATION_VALUE" if level == "Level-2A" else "QUANTIFICATION_VALUE", r"[1-9][0-9]{0,5}"
            )
        ),
        offsets=_offsets(facts),
        geometry=None if granule_xml is None else _geometry(_Document(granule_xml, "Tile_ID", product), tile),
    )


class _Document:
    """A parsed document and the name to complain under."""

    def __init__(self, xml: bytes, root: str, product: str) -> None:
        self.product = product
        if len(xml) > MAX_BYTES:
            raise SceneError(f"{product}: metadata of {len(xml)} bytes, expected at most {MAX_BYTES}")
        try:
            self.root: Element = fromstring(xml, forbid_dtd=True)
        except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
            raise SceneError(f"{product}: its metadata is not plain XML ({error})") from error
        if not re.search(rf"[}}]Level-(1C|2A)_{root}$", self.root.tag):
            raise SceneError(f"{product}: metadata begins with {self.root.tag[-40:]}, expected Level-…_{root}")

    def text(self, tag: str, pattern: str) -> str:
        found = (self.root.findtext(f".//{tag}") or "").strip()
        if not re.fullmatch(pattern, found):
            raise SceneError(f"{self.product}: {tag} is {found[:60] or 'missing'}, expected {pattern}")
        return found

    def time(self, tag: str) -> datetime:
        found = self.text(tag, r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}([.][0-9]{1,9})?Z")
        try:
            return datetime.fromisoformat(found[:19]).replace(tzinfo=UTC)
        except ValueError as error:
            raise SceneError(f"{self.product}: {tag} is {found}, which is no time") from error


def _offsets(facts: _Document) -> dict[str, int]:
    offsets = {}
    for tag in ("BOA_ADD_OFFSET", "RADIO_ADD_OFFSET"):
        for element in facts.root.iterfind(f".//{tag}"):
            band = _BAND_IDS.get(element.get("band_id", ""))
            if band is None or not re.fullmatch(r"-?[0-9]{1,6}", element.text or ""):
                raise SceneError(f"{facts.product}: {tag} of band {element.get('band_id')} is {element.text}")
            offsets[band] = int(element.text or "")
    return offsets


def _geometry(facts: _Document, tile: str) -> TileGeometry:
    facts.text("TILE_ID", rf".*_T{tile}_.*")
    code = facts.text("HORIZONTAL_CS_CODE", r"EPSG:32[67](0[1-9]|[1-5][0-9]|60)")
    sizes = {
        int(size.get("resolution", "")): (_whole(size, "NROWS", facts), _whole(size, "NCOLS", facts))
        for size in facts.root.iterfind(".//Tile_Geocoding/Size")
        if size.get("resolution") in {"10", "20", "60"}
    }
    sun = _directions(facts.root.iterfind(".//Mean_Sun_Angle"))
    view = _directions(facts.root.iterfind(".//Mean_Viewing_Incidence_Angle"))
    return TileGeometry(
        epsg=int(code[5:]),
        ulx=float(facts.text("ULX", r"-?[0-9]{1,8}")),
        uly=float(facts.text("ULY", r"-?[0-9]{1,8}")),
        sizes=sizes,
        sun_azimuth=sun and sun[1],
        sun_elevation=sun and 90 - sun[0],
        view_azimuth=view and view[1],
        view_incidence=view and view[0],
    )


def _whole(element: Element, tag: str, facts: _Document) -> int:
    found = element.findtext(tag) or ""
    if not re.fullmatch(r"[1-9][0-9]{0,5}", found):
        raise SceneError(f"{facts.product}: {tag} is {found[:60] or 'missing'}, expected a number of pixels")
    return int(found)


def _directions(elements: Iterable[Element]) -> tuple[float, float] | None:
    """Mean zenith and azimuth, degrees, over the elements that give both; azimuths are averaged on the circle."""
    pairs = [
        (_angle(element.findtext("ZENITH_ANGLE")), _angle(element.findtext("AZIMUTH_ANGLE"))) for element in elements
    ]
    pairs = [pair for pair in pairs if all(map(math.isfinite, pair))]
    if not pairs:
        return None
    zenith = math.fsum(pair[0] for pair in pairs) / len(pairs)
    east = math.fsum(math.sin(math.radians(pair[1])) for pair in pairs)
    north = math.fsum(math.cos(math.radians(pair[1])) for pair in pairs)
    return zenith, math.degrees(math.atan2(east, north)) % 360


def _angle(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan
