"""The XML documents of a product in ESA's format, as far as readers of products ask for them.

Source: Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD), issue 14.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element, indent, tostring

from rasterio.warp import transform

from s2lookback.bands import BANDS
from s2lookback.scene import Acquisition
from s2lookback.simulate.naming import Names, stamp
from s2lookback.simulate.sensor import IRRADIANCE

OFFSET = 1000
"""What every digital number carries on top since baseline 04.00."""
_PSD = "https://psd-14.sentinel2.eo.esa.int/PSD"
_ANGLE_STEP = 5_000
"""Distance of the points of the grids of angles, m."""

Content = str | Iterable[Element]


@dataclass(frozen=True, slots=True)
class Extent:
    """Where the granule lies."""

    epsg: int
    west: float
    north: float
    """Upper left corner, m."""
    sizes: Mapping[int, tuple[int, int]]
    """Rows and columns by pixel size in m."""


def element(tag: str, content: Content = (), **attributes: str) -> Element:
    """Make an element of a text or of other elements."""
    made = Element(tag, attributes)
    if isinstance(content, str):
        made.text = content
    else:
        made.extend(content)
    return made


def document(root: Element) -> bytes:
    """Write a document."""
    indent(root)
    written: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return written + b"\n"


def product_document(names: Names, images: Iterable[str], extent: Extent, shares: Mapping[str, float]) -> bytes:
    """Write MTD_MSIL….xml: what was sensed when, which images there are, how numbers become reflectance.

    Args:
        names: Of the product.
        images: Paths in the product without suffix.
        extent: Of the granule.
        shares: Percentages of the image, by their tags.
    """
    granule = element(
        "Granule",
        [element("IMAGE_FILE", path) for path in images],
        datastripIdentifier=names.identifier("DS"),
        granuleIdentifier=names.identifier("TL"),
        imageFormat="JPEG2000",
    )
    organisation = element("Product_Organisation", [element("Granule_List", [granule])])
    options = element("Query_Options", [element("PRODUCT_FORMAT", "SAFE_COMPACT")], completeSingleTile="true")
    info = element("Product_Info", [*_product_info(names), options, organisation])
    corners = element("Global_Footprint", [element("EXT_POS_LIST", _footprint(extent))])
    cloudy = element("Cloud_Coverage_Assessment", f"{shares['CLOUDY_PIXEL_PERCENTAGE']:.6f}")
    return document(
        element(
            f"n1:Level-{names.level}_User_Product",
            [
                element("n1:General_Info", [info, _characteristics(names)]),
                element("n1:Geometric_Info", [element("Product_Footprint", [element("Product_Footprint", [corners])])]),
                element("n1:Quality_Indicators_Info", [cloudy]),
            ],
            **{"xmlns:n1": f"{_PSD}/User_Product_Level-{names.level}.xsd"},
        )
    )


def granule_document(names: Names, extent: Extent, shares: Mapping[str, float]) -> bytes:
    """Write MTD_TL.xml: where the granule lies, where sun and satellite stand, what share of it is cloudy."""
    content = [element(tag, f"{share:.6f}") for tag, share in shares.items()]
    general = [
        element("TILE_ID", names.identifier("TL")),
        element("DATASTRIP_ID", names.identifier("DS")),
        element("SENSING_TIME", f"{names.about.sensed:%Y-%m-%dT%H:%M:%S}.000000Z"),
    ]
    return document(
        element(
            f"n1:Level-{names.level}_Tile_ID",
            [
                element("n1:General_Info", general),
                element("n1:Geometric_Info", [_geocoding(extent), _angles(names.about, extent)]),
                element("n1:Quality_Indicators_Info", [element("Image_Content_QI", content)], metadataLevel="Standard"),
            ],
            **{"xmlns:n1": f"{_PSD}/S2_PDI_Level-{names.level}_Tile_Metadata.xsd"},
        )
    )


def datastrip_document(names: Names) -> bytes:
    """Write MTD_DS.xml: which datatake the granule was cut from."""
    datatake = element("Datatake_Info", _datatake(names), datatakeIdentifier=_datatake_name(names))
    start, stop = (element(f"DATASTRIP_SENSING_{end}", _time(names.about.sensed)) for end in ("START", "STOP"))
    return document(
        element(
            f"n1:Level-{names.level}_DataStrip_ID",
            [element("n1:General_Info", [datatake, element("Datastrip_Time_Info", [start, stop])])],
            **{"xmlns:n1": f"{_PSD}/S2_PDI_Level-{names.level}_Datastrip_Metadata.xsd"},
        )
    )


def _product_info(names: Names) -> list[Element]:
    sensed, generated = _time(names.about.sensed), _time(names.generated)
    return [
        element("PRODUCT_START_TIME", sensed),
        element("PRODUCT_STOP_TIME", sensed),
        element("PRODUCT_URI", names.product),
        element("PROCESSING_LEVEL", f"Level-{names.level}"),
        element("PRODUCT_TYPE", f"S2MSI{names.level}"),
        element("PROCESSING_BASELINE", names.about.baseline or ""),
        element("GENERATION_TIME", generated),
        element("Datatake", _datatake(names), datatakeIdentifier=_datatake_name(names)),
    ]


def _datatake(names: Names) -> list[Element]:
    return [
        element("SPACECRAFT_NAME", (names.about.platform or "").capitalize()[:-1] + names.product[2]),
        element("DATATAKE_TYPE", "INS-NOBS"),
        element("DATATAKE_SENSING_START", _time(names.about.sensed)),
        element("SENSING_ORBIT_NUMBER", str(names.about.relative_orbit)),
        element("SENSING_ORBIT_DIRECTION", (names.about.orbit_state or "").upper()),
    ]


def _datatake_name(names: Names) -> str:
    return f"G{names.product[:3]}_{stamp(names.about.sensed)}_{names.orbit[1:]}_N{names.about.baseline}"


def _characteristics(names: Names) -> Element:
    boa = names.level == "2A"
    special = [
        element("Special_Values", [element("SPECIAL_VALUE_TEXT", text), element("SPECIAL_VALUE_INDEX", index)])
        for text, index in (("NODATA", "0"), ("SATURATED", "65535"))
    ]
    quantity = element("BOA_QUANTIFICATION_VALUE" if boa else "QUANTIFICATION_VALUE", "10000", unit="none")
    tag = "BOA_ADD_OFFSET" if boa else "RADIO_ADD_OFFSET"
    group = "BOA_ADD_OFFSET_VALUES_LIST" if boa else "Radiometric_Offset_List"
    sun = [
        element("SOLAR_IRRADIANCE", str(irradiance), bandId=str(i), unit="W/m²/µm")
        for i, irradiance in enumerate(IRRADIANCE)
    ]
    away = 1 - 0.01673 * math.cos(math.radians(0.9856 * (names.about.sensed.timetuple().tm_yday - 4)))
    return element(
        "Product_Image_Characteristics",
        [
            *special,
            element("QUANTIFICATION_VALUES_LIST", [quantity]) if boa else quantity,
            element(group, [element(tag, str(-OFFSET), band_id=str(index)) for index in range(len(BANDS))]),
            element("Reflectance_Conversion", [element("U", f"{away**-2:.8f}"), element("Solar_Irradiance_List", sun)]),
        ],
    )


def _geocoding(extent: Extent) -> Element:
    north = extent.epsg // 100 == 326
    parts = [
        element("HORIZONTAL_CS_NAME", f"WGS84 / UTM zone {extent.epsg % 100}{'N' if north else 'S'}"),
        element("HORIZONTAL_CS_CODE", f"EPSG:{extent.epsg}"),
    ]
    for size, (rows, columns) in extent.sizes.items():
        shape = [element("NROWS", str(rows)), element("NCOLS", str(columns))]
        parts.append(element("Size", shape, resolution=str(size)))
    for size in extent.sizes:
        numbers = {"ULX": extent.west, "ULY": extent.north, "XDIM": size, "YDIM": -size}
        place = [element(tag, f"{number:.0f}") for tag, number in numbers.items()]
        parts.append(element("Geoposition", place, resolution=str(size)))
    return element("Tile_Geocoding", parts, metadataLevel="Brief")


def _angles(about: Acquisition, extent: Extent) -> Element:
    rows, columns = (math.ceil(10 * side / _ANGLE_STEP) + 1 for side in extent.sizes[10])
    sun = 90 - (about.sun_elevation or 0.0), about.sun_azimuth or 0.0
    grids = [_grid(name, angle, (rows, columns)) for name, angle in zip(("Zenith", "Azimuth"), sun, strict=True)]
    view = about.view_incidence or 0.0, about.view_azimuth or 0.0
    views = [
        element("Mean_Viewing_Incidence_Angle", _direction(*view), bandId=str(index)) for index in range(len(BANDS))
    ]
    return element(
        "Tile_Angles",
        [
            element("Sun_Angles_Grid", grids),
            element("Mean_Sun_Angle", _direction(*sun)),
            element("Mean_Viewing_Incidence_Angle_List", views),
        ],
        metadataLevel="Standard",
    )


def _grid(name: str, angle: float, shape: tuple[int, int]) -> Element:
    row = element("VALUES", " ".join([f"{angle:.4f}"] * shape[1]))
    steps = [element(f"{axis}_STEP", str(_ANGLE_STEP), unit="m") for axis in ("COL", "ROW")]
    return element(name, [*steps, element("Values_List", [row] * shape[0])])


def _direction(zenith: float, azimuth: float) -> list[Element]:
    return [
        element("ZENITH_ANGLE", f"{zenith:.6f}", unit="deg"),
        element("AZIMUTH_ANGLE", f"{azimuth:.6f}", unit="deg"),
    ]


def _footprint(extent: Extent) -> str:
    """List latitude and longitude of the corners, the first again at the end."""
    rows, columns = extent.sizes[10]
    east, south = extent.west + 10 * columns, extent.north - 10 * rows
    x, y = [extent.west, east, east, extent.west, extent.west], [extent.north, extent.north, south, south, extent.north]
    longitudes, latitudes = transform(f"EPSG:{extent.epsg}", "EPSG:4326", x, y)
    return " ".join(
        f"{latitude:.9f} {longitude:.9f}" for latitude, longitude in zip(latitudes, longitudes, strict=True)
    )


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"
