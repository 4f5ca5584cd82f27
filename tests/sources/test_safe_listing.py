from datetime import UTC, datetime, timedelta

import pytest

from s2lookback.errors import TransientError
from s2lookback.settings import IngestSettings
from s2lookback.sources.safe import SafeSource

OLD = "S2A_MSIL1C_20200717T221941_R029_T01LAC_20200717T234135"
L1C = "S2C_MSIL1C_20250830T193831_N0511_R142_T09UYT_20250830T231512"
L2A = "S2C_MSIL2A_20250830T193831_N0511_R142_T09UYT_20250831T003315"
SECOND = "S2C_MSIL2A_20250830T193831_N0511_R142_T09UYT_20250831T003316"
LATER = "S2B_MSIL2A_20250902T192859_N0511_R099_T09UYT_20250903T001122"
NEXT = "S2A_MSIL2A_20250830T193831_N0511_R142_T10UFB_20250831T003315"


def source(folder):
    return SafeSource(str(folder), settings=IngestSettings())


def folders(root, *names):
    for name in names:
        (root / name).mkdir(parents=True)


def names(ref):
    return [href.rpartition("/")[2] for href in ref.files]


def test_tiles_are_told_from_names_at_both_depths(tmp_path):
    folders(tmp_path, f"{NEXT}.SAFE", f"L2_T09UYT/{L2A}.SAFE", f"L1C/deeper/{OLD}.SAFE")
    (tmp_path / f"{OLD}.zip").touch()
    assert source(tmp_path).tiles() == ("01LAC", "09UYT", "10UFB")


def test_scenes_come_by_sensing_time_whatever_their_names(tmp_path):
    folders(tmp_path, f"{LATER}.SAFE", f"{L2A}.SAFE", f"esa_{NEXT}.SAFE")
    (tmp_path / f"{OLD}.SAFE.zip").touch()
    scenes = source(tmp_path).list_scenes("09UYT").scenes
    assert [scene.sensed for scene in scenes] == [
        datetime(2025, 8, 30, 19, 38, 31, tzinfo=UTC),
        datetime(2025, 9, 2, 19, 28, 59, tzinfo=UTC),
    ]
    assert names(source(tmp_path).list_scenes("10UFB").scenes[0]) == [f"esa_{NEXT}.SAFE"]
    assert names(source(tmp_path).list_scenes("01LAC").scenes[0]) == [f"{OLD}.SAFE.zip"]


def test_both_ends_of_the_period_are_included(tmp_path):
    folders(tmp_path, f"{L2A}.SAFE", f"{LATER}.SAFE")
    first, last = (scene.sensed for scene in source(tmp_path).list_scenes("09UYT").scenes)
    second = timedelta(seconds=1)
    for start, end, expected in [
        (first, last, [first, last]),
        (first + second, None, [last]),
        (None, last - second, [first]),
        (first + second, last - second, []),
    ]:
        assert [each.sensed for each in source(tmp_path).list_scenes("09UYT", start, end).scenes] == expected


def test_products_of_one_acquisition_are_one_scene(tmp_path):
    folders(tmp_path, f"b/{L2A}.SAFE", f"a/{SECOND}.SAFE")
    (scene,) = source(tmp_path).list_scenes("09UYT").scenes
    assert names(scene) == [f"{SECOND}.SAFE", f"{L2A}.SAFE"]
    assert list(scene.files) == sorted(scene.files)


def test_l2a_goes_before_l1c_and_the_listing_says_so(tmp_path):
    folders(tmp_path, f"{L1C}.SAFE", f"{L2A}.SAFE")
    listing = source(tmp_path).list_scenes("09UYT")
    assert [names(scene) for scene in listing.scenes] == [[f"{L2A}.SAFE"]]
    assert [(each.href, each.reason) for each in listing.rejected] == [
        (str(tmp_path / f"{L1C}.SAFE"), "L2A of the same acquisition is read instead")
    ]


def test_a_zip_goes_before_the_folder_of_the_same_product(tmp_path):
    folders(tmp_path, f"{L2A}.SAFE")
    (tmp_path / f"{L2A}.zip").touch()
    listing = source(tmp_path).list_scenes("09UYT")
    assert [names(scene) for scene in listing.scenes] == [[f"{L2A}.zip"]]
    assert [each.href for each in listing.rejected] == [str(tmp_path / f"{L2A}.SAFE")]
    assert "is the same product" in listing.rejected[0].reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("backup.zip", "not named as a Sentinel-2 product"),
        ("S2A_OPER_PRD_MSIL1C_PDMC_20160318T145513_R142_V20160318T094032.SAFE", "not named as a Sentinel-2 product"),
        ("S2C_MSIL2A_20251330T193831_N0511_R142_T09UYT_20250831T003315.SAFE", "20251330T193831 is no time"),
    ],
)
def test_a_name_that_tells_no_tile_or_time_is_rejected_with_the_reason(tmp_path, name, reason):
    folders(tmp_path, name, f"{NEXT}.SAFE")
    listing = source(tmp_path).list_scenes("09UYT")
    assert listing.scenes == ()
    assert [each.href for each in listing.rejected] == [str(tmp_path / name)]
    assert reason in listing.rejected[0].reason


def test_files_that_are_no_products_are_not_mentioned(tmp_path):
    (tmp_path / "notes.txt").touch()
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    listing = source(tmp_path).list_scenes("09UYT")
    assert (listing.scenes, listing.rejected) == ((), ())


def test_one_product_is_a_source_too(tmp_path):
    folders(tmp_path, f"{L2A}.SAFE", f"{LATER}.SAFE")
    only = source(tmp_path / f"{L2A}.SAFE")
    assert only.tiles() == ("09UYT",)
    assert [names(scene) for scene in only.list_scenes("09UYT").scenes] == [[f"{L2A}.SAFE"]]


def test_a_folder_that_cannot_be_listed_is_not_an_empty_one(tmp_path):
    with pytest.raises(TransientError, match="cannot be listed"):
        source(tmp_path / "unmounted").tiles()


def test_changed_is_the_newest_change_of_anything_inside(tmp_path):
    folders(tmp_path, f"{L2A}.SAFE/GRANULE/one/IMG_DATA")
    before = source(tmp_path).list_scenes("09UYT").scenes[0].changed
    images = tmp_path / f"{L2A}.SAFE" / "GRANULE" / "one" / "IMG_DATA"
    (images / "T09UYT_B12.jp2").touch()
    after = source(tmp_path).list_scenes("09UYT").scenes[0].changed
    assert before < after == max(path.stat().st_ctime_ns for path in (images, images / "T09UYT_B12.jp2"))
