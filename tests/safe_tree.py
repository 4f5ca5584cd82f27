"""Tiny SAFE products, complete enough to be read: `make_safe` and `zip_of` for every test."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from s2lookback.bands import BANDS

SHAPE = (18, 24)  # rows, columns at 20 m, which both divide by 3
NAME = "{platform}_MSI{level}_{sensed}_N{baseline}_R142_T{tile}_{processed}"

PRODUCT = """<?xml version="1.0" encoding="UTF-8"?>
<n1:Level-{number}_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-{number}.xsd">
 <n1:General_Info>
  <PRODUCT_URI>{name}.SAFE</PRODUCT_URI><PROCESSING_LEVEL>Level-{number}</PROCESSING_LEVEL>
  <PROCESSING_BASELINE>{stated}</PROCESSING_BASELINE><GENERATION_TIME>2025-08-31T00:33:15.000Z</GENERATION_TIME>
  <SPACECRAFT_NAME>Sentinel-{satellite}</SPACECRAFT_NAME>
  <DATATAKE_SENSING_START>{start}.024Z</DATATAKE_SENSING_START>
  <SENSING_ORBIT_NUMBER>142</SENSING_ORBIT_NUMBER><SENSING_ORBIT_DIRECTION>DESCENDING</SENSING_ORBIT_DIRECTION>
  <{kind}QUANTIFICATION_VALUE>{quantification}</{kind}QUANTIFICATION_VALUE>
  {offsets}
 </n1:General_Info>
</n1:Level-{number}_User_Product>"""

GRANULE = """<?xml version="1.0" encoding="UTF-8"?>
<n1:Level-{number}_Tile_ID xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-{number}_Tile_Metadata.xsd">
 <n1:General_Info><TILE_ID>{platform}_OPER_MSI_{level}_TL_2APS_20250831T003315_A005168_T{tile}_N05.11</TILE_ID>
 </n1:General_Info>
 <n1:Geometric_Info>
  <HORIZONTAL_CS_CODE>EPSG:{epsg}</HORIZONTAL_CS_CODE><ULX>600000</ULX><ULY>5700000</ULY>
  <Mean_Sun_Angle><ZENITH_ANGLE>50</ZENITH_ANGLE><AZIMUTH_ANGLE>160</AZIMUTH_ANGLE></Mean_Sun_Angle>
 </n1:Geometric_Info>
</n1:Level-{number}_Tile_ID>"""


def write_image(path, pixels, *, epsg=32609, west=600_000, size=20):
    """Write one lossless JPEG 2000 image, as ESA's are on the outside."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path, "w", driver="JP2OpenJPEG", height=pixels.shape[0], width=pixels.shape[1], count=1, dtype=pixels.dtype,
        crs=f"EPSG:{epsg}", transform=Affine(size, 0, west, 0, -size, 5_700_000), QUALITY="100", REVERSIBLE="YES",
    ) as raster:  # fmt: skip
        raster.write(pixels, 1)


def numbers_of(band, size, *, shape=SHAPE, offset=1000):
    """Digital numbers of a band at a pixel size: dark in one corner, different in every band and pixel."""
    rows, columns = shape[0] * 20 // size, shape[1] * 20 // size
    slope = np.add.outer(np.arange(rows), 3 * np.arange(columns)) * size
    return (offset + 10 * (1 + [*BANDS].index(band)) + slope).astype(np.uint16)


@pytest.fixture
def make_safe(tmp_path):
    """Offer a function that writes one product under ``tmp_path`` and returns its folder."""

    def make(
        *, level="L2A", sensed="20250830T193831", processed="20250831T003315", baseline="0511", tile="09UYT",
        platform="S2C", epsg=32609, stated_offset=-1000, offset=1000, quantification=10_000, folder="", change=None,
        codes=True,
    ):  # fmt: skip
        """Write a product; ``change(band, size, numbers)`` returns other numbers, or None for no file."""
        facts = {
            "level": level, "sensed": sensed, "processed": processed, "baseline": baseline, "tile": tile,
            "platform": platform, "epsg": epsg, "quantification": quantification, "number": level[1:],
            "satellite": platform[1:], "stated": f"{baseline[:2]}.{baseline[2:]}",
            "kind": "BOA_" if level == "L2A" else "",
            "start": f"{sensed[:4]}-{sensed[4:6]}-{sensed[6:11]}:{sensed[11:13]}:{sensed[13:]}",
        }  # fmt: skip
        tag = "BOA_ADD_OFFSET" if level == "L2A" else "RADIO_ADD_OFFSET"
        facts["offsets"] = "".join(
            f'<{tag} band_id="{number}">{stated_offset}</{tag}>' for number in range(13) if stated_offset is not None
        )
        facts["name"] = NAME.format(**facts)
        safe = tmp_path / folder / f"{facts['name']}.SAFE"
        granule = safe / "GRANULE" / f"{level}_T{tile}_A005168_20250830T194324"
        granule.mkdir(parents=True)
        (safe / f"MTD_MSI{level}.xml").write_text(PRODUCT.format(**facts))
        (granule / "MTD_TL.xml").write_text(GRANULE.format(**facts))
        for path, band, size in _images(level, granule / "IMG_DATA", f"T{tile}_{sensed}"):
            numbers = numbers_of(band, size, offset=offset)
            numbers = numbers if change is None else change(band, size, numbers)
            if numbers is not None:
                write_image(path, numbers, epsg=epsg, size=size)
        if level == "L2A" and codes:
            classes = np.full(SHAPE, 4, np.uint8)
            classes[:, -5:] = 9
            write_image(granule / "IMG_DATA" / "R20m" / f"T{tile}_{sensed}_SCL_20m.jp2", classes, epsg=epsg)
            write_image(granule / "QI_DATA" / "MSK_CLDPRB_20m.jp2", (classes * 10).astype(np.uint8), epsg=epsg)
        return safe

    return make


def _images(level, folder, stem):
    for band, about in BANDS.items():
        if level == "L1C":
            yield folder / f"{stem}_{band}.jp2", band, about.resolution
        elif band != "B10":
            yield folder / f"R{about.resolution}m" / f"{stem}_{band}_{about.resolution}m.jp2", band, about.resolution


@pytest.fixture
def zip_of():
    """Offer a function that puts a product into a zip beside it, removes the folder and returns the zip."""

    def pack(safe: Path) -> Path:
        packed = Path(shutil.make_archive(str(safe), "zip", safe.parent, safe.name))
        shutil.rmtree(safe)
        return packed

    return pack
