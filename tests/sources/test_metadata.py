import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2lookback.errors import SceneError
from s2lookback.sources.metadata import MAX_BYTES, read_metadata

PRODUCT = b"""<?xml version="1.0" encoding="UTF-8"?>
<n1:Level-2A_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-2A.xsd">
 <n1:General_Info>
  <Product_Info>
   <PRODUCT_URI>S2D_MSIL2A_20260801T190919_N0512_R056_T10UFB_20260801T231512.SAFE</PRODUCT_URI>
   <PROCESSING_LEVEL>Level-2A</PROCESSING_LEVEL>
   <PROCESSING_BASELINE>05.12</PROCESSING_BASELINE>
   <GENERATION_TIME>2026-08-01T23:15:12.000000Z</GENERATION_TIME>
   <Datatake>
    <SPACECRAFT_NAME>Sentinel-2D</SPACECRAFT_NAME>
    <DATATAKE_SENSING_START>2026-08-01T19:09:19.024Z</DATATAKE_SENSING_START>
    <SENSING_ORBIT_NUMBER>56</SENSING_ORBIT_NUMBER>
    <SENSING_ORBIT_DIRECTION>DESCENDING</SENSING_ORBIT_DIRECTION>
   </Datatake>
  </Product_Info>
  <Product_Image_Characteristics>
   <QUANTIFICATION_VALUES_LIST><BOA_QUANTIFICATION_VALUE>10000</BOA_QUANTIFICATION_VALUE></QUANTIFICATION_VALUES_LIST>
   <BOA_ADD_OFFSET_VALUES_LIST>
    <BOA_ADD_OFFSET band_id="8">-1000</BOA_ADD_OFFSET><BOA_ADD_OFFSET band_id="12">-1000</BOA_ADD_OFFSET>
   </BOA_ADD_OFFSET_VALUES_LIST>
  </Product_Image_Characteristics>
 </n1:General_Info>
</n1:Level-2A_User_Product>"""

GRANULE = b"""<?xml version="1.0" encoding="UTF-8"?>
<n1:Level-2A_Tile_ID xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-2A_Tile_Metadata.xsd">
 <n1:General_Info><TILE_ID>S2D_OPER_MSI_L2A_TL_2APS_20260801T231512_A001234_T10UFB_N05.12</TILE_ID></n1:General_Info>
 <n1:Geometric_Info>
  <Tile_Geocoding>
   <HORIZONTAL_CS_CODE>EPSG:32610</HORIZONTAL_CS_CODE>
   <Size resolution="20"><NROWS>30</NROWS><NCOLS>40</NCOLS></Size>
   <Geoposition resolution="20"><ULX>600000</ULX><ULY>5700000</ULY></Geoposition>
  </Tile_Geocoding>
  <Tile_Angles>
   <Mean_Sun_Angle><ZENITH_ANGLE>41.5</ZENITH_ANGLE><AZIMUTH_ANGLE>158.25</AZIMUTH_ANGLE></Mean_Sun_Angle>
   <Mean_Viewing_Incidence_Angle_List>
    <Mean_Viewing_Incidence_Angle bandId="0"><ZENITH_ANGLE>2</ZENITH_ANGLE><AZIMUTH_ANGLE>350</AZIMUTH_ANGLE>
    </Mean_Viewing_Incidence_Angle>
    <Mean_Viewing_Incidence_Angle bandId="1"><ZENITH_ANGLE>4</ZENITH_ANGLE><AZIMUTH_ANGLE>20</AZIMUTH_ANGLE>
    </Mean_Viewing_Incidence_Angle>
    <Mean_Viewing_Incidence_Angle bandId="2"><ZENITH_ANGLE>NaN</ZENITH_ANGLE><AZIMUTH_ANGLE>NaN</AZIMUTH_ANGLE>
    </Mean_Viewing_Incidence_Angle>
   </Mean_Viewing_Incidence_Angle_List>
  </Tile_Angles>
 </n1:Geometric_Info>
</n1:Level-2A_Tile_ID>"""


def test_every_fact_is_read():
    about = read_metadata(PRODUCT, GRANULE, product="made up")
    assert about.uri == "S2D_MSIL2A_20260801T190919_N0512_R056_T10UFB_20260801T231512.SAFE"
    assert (about.tile, about.platform, about.level, about.baseline) == ("10UFB", "sentinel-2d", "L2A", "05.12")
    assert about.sensed == datetime(2026, 8, 1, 19, 9, 19, tzinfo=UTC)
    assert about.generated == datetime(2026, 8, 1, 23, 15, 12, tzinfo=UTC)
    assert (about.relative_orbit, about.orbit_state) == (56, "descending")
    assert about.quantification == 10_000
    assert about.offsets == {"B8A": -1000, "B12": -1000}
    assert about.geometry is not None
    assert (about.geometry.epsg, about.geometry.ulx, about.geometry.uly) == (32610, 600_000, 5_700_000)
    assert about.geometry.sizes == {20: (30, 40)}
    assert (about.geometry.sun_azimuth, about.geometry.sun_elevation) == (158.25, 48.5)


def test_view_azimuths_are_averaged_on_the_circle_and_bands_without_one_left_out():
    geometry = read_metadata(PRODUCT, GRANULE, product="made up").geometry
    assert geometry is not None
    assert geometry.view_azimuth == pytest.approx(5)  # not 185, halfway between 350 and 20 the long way round
    assert geometry.view_incidence == pytest.approx(3)


def test_without_a_granule_document_there_is_no_geometry():
    assert read_metadata(PRODUCT, product="made up").geometry is None


def test_angles_that_are_not_given_are_none():
    granule = GRANULE.replace(b"41.5", b"NaN").replace(b"350", b"").replace(b">20<", b">north<")
    geometry = read_metadata(PRODUCT, granule, product="made up").geometry
    assert geometry is not None
    assert geometry.sun_azimuth is geometry.sun_elevation is geometry.view_azimuth is geometry.view_incidence is None


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"Level-2A_User_Product", b"Level-2A_Tile_ID", "expected Level-…_User_Product"),
        (b"_T10UFB_", b"_", "PRODUCT_URI is S2D_MSIL2A"),
        (b">Level-2A<", b">Level-0<", "PROCESSING_LEVEL is Level-0"),
        (b"05.12", b"5.12", r"PROCESSING_BASELINE is 5\.12"),
        (b"Sentinel-2D", b"Landsat-8", "SPACECRAFT_NAME is Landsat-8"),
        (b"2026-08-01T19:09:19.024Z", b"2026-13-01T19:09:19.024Z", "which is no time"),
        (b">56<", b"><", "SENSING_ORBIT_NUMBER is missing"),
        (b"DESCENDING", b"SIDEWAYS", "SENSING_ORBIT_DIRECTION is SIDEWAYS"),
        (b">10000<", b">0<", "BOA_QUANTIFICATION_VALUE is 0"),
        (b'band_id="12"', b'band_id="13"', "BOA_ADD_OFFSET of band 13"),
        (b">-1000<", b">-1e3<", "BOA_ADD_OFFSET of band 8 is -1e3"),
        (b"<?xml", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "ha">]><', "not plain XML"),
        (b"UTF-8", b"no-such-code", "not plain XML"),
    ],
)
def test_a_product_document_that_lacks_a_fact_is_refused_by_name(old, new, reason):
    assert old in PRODUCT
    with pytest.raises(SceneError, match=f"^made up: .*{reason}"):
        read_metadata(PRODUCT.replace(old, new), GRANULE, product="made up")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"Level-2A_Tile_ID", b"Level-2A_Datastrip_ID", "expected Level-…_Tile_ID"),
        (b"_T10UFB_", b"_T10UFA_", "TILE_ID is S2D_OPER"),
        (b"EPSG:32610", b"EPSG:4326", "HORIZONTAL_CS_CODE is EPSG:4326"),
        (b">30<", b">-30<", "NROWS is -30"),
        (b"<ULX>600000</ULX>", b"", "ULX is missing"),
    ],
)
def test_a_granule_document_that_does_not_fit_is_refused_by_name(old, new, reason):
    assert old in GRANULE
    with pytest.raises(SceneError, match=f"^made up: .*{reason}"):
        read_metadata(PRODUCT, GRANULE.replace(old, new), product="made up")


def test_a_bomb_of_entities_is_refused_before_it_grows():
    entities = b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10 if n else b"ha" * 9) for n in range(9))
    bomb = PRODUCT.replace(b"?>", b"?><!DOCTYPE lol [" + entities + b"]>", 1).replace(b">56<", b">&e8;<")
    with pytest.raises(SceneError, match="not plain XML"):
        read_metadata(bomb, product="made up")


def test_a_document_beyond_the_size_limit_is_not_parsed():
    with pytest.raises(SceneError, match=f"expected at most {MAX_BYTES}"):
        read_metadata(PRODUCT + b" " * MAX_BYTES, product="made up")


@given(st.integers(0, len(PRODUCT) - 1), st.integers(0, len(GRANULE) - 1))
def test_cut_off_documents_are_refused_and_nothing_else_happens(product_end, granule_end):
    with pytest.raises(SceneError):
        read_metadata(PRODUCT[:product_end], GRANULE, product="made up")
    with pytest.raises(SceneError):
        read_metadata(PRODUCT, GRANULE[:granule_end], product="made up")


@given(st.integers(0, len(PRODUCT) - 1), st.integers(0, len(GRANULE) - 1), st.binary(min_size=1, max_size=6))
def test_damaged_documents_are_read_or_refused_and_nothing_else_happens(at, granule_at, damage):
    product = PRODUCT[:at] + damage + PRODUCT[at + len(damage) :]
    granule = GRANULE[:granule_at] + damage + GRANULE[granule_at + len(damage) :]
    for documents in ((product, GRANULE), (PRODUCT, granule)):
        with suppress(SceneError):
            assert read_metadata(*documents, product="made up").level in {"L1C", "L2A"}


PARSED = {
    "S2A_MSIL1C_20200717T221941_R029_T01LAC_20200717T234135.SAFE": ("02.09", None),
    "S2A_MSIL1C_20210908T042701_N0301_R133_T46RER_20210908T070248.SAFE": ("03.01", None),
    "S2A_MSIL2A_20150826T185436_N0212_R070_T11SLT_20210412T023147": ("02.12", None),
    "S2A_MSIL2A_20180721T053721_N0212_R062_T43MDV_20201011T181419.SAFE": ("02.12", None),
    "S2A_MSIL2A_20190212T192651_N0212_R013_T07HFE_20201007T160857.SAFE": ("02.12", None),
    "S2A_MSIL2A_20230625T234621_N0509_R073_T01WCP_20230626T022157.SAFE": ("05.09", -1000),
    "S2A_MSIL2A_20230625T234621_N0509_R073_T01WCP_20230626T022158.SAFE": ("05.09", -1000),
    "S2A_MSIL2A_20230625T234621_N0509_R073_T01WCS_20230626T022157.SAFE": ("05.09", -1000),
    "S2A_MSIL2A_20230821T221941_N0509_R029_T01KAB_20230822T021825.SAFE": ("05.09", -1000),
    # Its −7000 was put there to try readers; what to think of such an offset is not the parser's business.
    "S2A_OPER_MSI_L2A_TL_VGS1_20220401T110010_A035382_T34LBQ": ("04.00", -7000),
    "S2A_OPER_MSI_L2A_TL_VGS1_20220401T110010_A035382_T34LBQ-no-tileDataGeometry": ("04.00", -7000),
    "S2B_MSIL2A_20191228T210519_N0212_R071_T01CCV_20201003T104658.SAFE": ("02.12", None),
    "S2B_MSIL2A_20220413T150759_N0400_R025_T33XWJ_20220414T082126.SAFE": ("04.00", -1000),
    "esa_S2B_MSIL2A_20210122T133229_N0214_R081_T22HBD_20210122T155500.SAFE": ("02.14", None),
}
"""Folder to baseline and offset of B12."""

REFUSED = {
    "S2A_OPER_MSI_L1C_TL_SGS__20181231T203637_A018414_T10SDG",
    "S2A_OPER_MSI_L2A_DS_2APS_20230105T201055_S20230105T163809",
    "S2A_OPER_MSI_L2A_TL_2APS_20240108T121951_A044635_T34VEL",
    "S2A_OPER_MSI_L2A_TL_SGS__20181231T210250_A018414_T10SDG",
    "S2A_OPER_MSI_L2A_TL_VGS1_20220401T110010_A035382_T34LBP",
    "S2A_OPER_MSI_L2A_TL_VGS1_20220401T110010_A035382_T34LBQ-no-tileDataGeometry-no-product-metadata",
    "S2A_T60CWS_20240109T203651_L2A",
    "S2B_MSIL2A_20200914T231559_N0500_R087_T01VCG_20230315T224658",
    "S2B_OPER_MSI_L2A_DS_VGS1_20201101T095401_S20201101T074429-no-data",
}
"""Folders with a granule document alone, which tells neither quantification nor offset."""


@pytest.fixture(scope="module")
def products(realdata):
    return realdata / "safe_stactools" / "tests" / "data-files"


def read_folder(folder):
    found = [*folder.glob("MTD_MSI*.xml"), *folder.glob("product_metadata.xml"), *folder.glob("metadata.xml")]
    granules = [*folder.glob("**/MTD_TL.xml"), *folder.glob("metadata.xml")]
    granule = granules[0].read_bytes() if granules else None
    return read_metadata(found[0].read_bytes(), granule, product=folder.name)


@pytest.mark.real
def test_every_real_folder_is_accounted_for(products):
    assert {folder.name for folder in products.iterdir()} == PARSED.keys() | REFUSED


@pytest.mark.real
@pytest.mark.parametrize("folder", sorted(REFUSED))
def test_a_real_granule_alone_is_refused_for_want_of_a_product_document(products, folder):
    with pytest.raises(SceneError, match=r"begins with .*_Tile_ID, expected Level-…_User_Product"):
        read_folder(products / folder)


@pytest.mark.real
@pytest.mark.parametrize("folder", sorted(PARSED))
def test_a_real_product_is_read_as_others_read_it(products, folder):
    about = read_folder(products / folder)
    assert (about.baseline, about.offsets.get("B12")) == PARSED[folder]
    assert about.quantification == 10_000
    if "MDV" in folder:
        assert about.geometry is None
    else:
        assert about.geometry is not None
        assert about.geometry.sizes == {10: (10980, 10980), 20: (5490, 5490), 60: (1830, 1830)}
    expected = products / folder / "expected_output.json"
    if not expected.exists():
        return
    facts = json.loads(expected.read_text())["properties"]
    theirs = {
        "platform": about.platform,
        "grid:code": f"MGRS-{about.tile}",
        "sat:relative_orbit": about.relative_orbit,
        "sat:orbit_state": about.orbit_state,
        "s2:processing_baseline": about.baseline,
        "s2:product_uri": about.uri,
        "proj:code": f"EPSG:{about.geometry.epsg}",
    }
    assert theirs.items() & facts.items() == {key: facts[key] for key in theirs if key in facts}.items()
    if "OPER" not in folder:  # there they give the granule's time, not the datatake's
        assert datetime.fromisoformat(facts["datetime"]).replace(microsecond=0) == about.sensed
    if "view:sun_azimuth" in facts:
        assert about.geometry.sun_azimuth == pytest.approx(facts["view:sun_azimuth"])
        assert about.geometry.sun_elevation == pytest.approx(facts["view:sun_elevation"])
        assert about.geometry.view_incidence == pytest.approx(facts["view:incidence_angle"])
        if "T33XWJ" not in folder:  # its azimuths lie either side of north, and theirs are not averaged on the circle
            assert about.geometry.view_azimuth == pytest.approx(facts["view:azimuth"], abs=0.01)
