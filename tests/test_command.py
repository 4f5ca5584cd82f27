"""The command line that a settings model is turned into."""

from datetime import date
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from pydantic import Field

from s2lookback.command import FolderSettings, LookBackSettings, ahead, parse, progress, run
from s2lookback.errors import SceneError


class Masking(LookBackSettings):
    """Masks cloud."""

    command: ClassVar[str] = "masking"
    examples: ClassVar[tuple[str, ...]] = ("images masks", "images masks/cloud,masks/shadow --sample=500_000")

    only_test_last_date: bool = Field(True, description="Report on the last date alone.")
    method: Literal["forest", "boosting"] = Field("forest", description="Kind of model, 100 % CPU.")


@pytest.fixture
def folders(tmp_path, monkeypatch) -> list[str]:
    for name in ("images", "masks/cloud", "masks/shadow"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return ["images", "masks/cloud"]


def complaint(capsys: pytest.CaptureFixture[str], argv: list[str]) -> str:
    with pytest.raises(SystemExit) as stop:
        parse(Masking, argv)
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("python3 -m s2lookback.masking: ")
    return said


def test_the_documented_command_line_is_understood(folders):
    options = ["--sample=500_000", "--start=2025-07-30", "--end=2025-09-03", "--test_only_last=False"]
    settings = parse(Masking, folders + options)
    assert settings.image_dir == Path("images")
    assert settings.mask_dir == (Path("masks/cloud"),)
    assert settings.sample_size == 500_000
    assert (settings.start, settings.end) == (date(2025, 7, 30), date(2025, 9, 3))
    assert settings.only_test_last_date is False


@pytest.mark.parametrize(
    "form", [["--max_lookback_days=30"], ["--max-lookback-days", "30"], ["--max_lookback-days=30"]]
)
def test_dashes_and_underscores_equals_sign_and_space_mean_the_same(folders, form):
    assert parse(Masking, folders + form).max_lookback_days == 30


@pytest.mark.parametrize(
    ("form", "meant"),
    [(["--png"], True), (["--png=False"], False), (["--png", "false"], False), (["--png=1"], True)],
)
def test_a_switch_may_be_bare_or_have_a_value(folders, form, meant):
    assert parse(Masking, form + folders).png is meant


def test_an_option_has_its_own_name_and_its_alias(folders):
    for option in ("--out", "--output_dir", "--output-dir"):
        assert parse(Masking, [*folders, option, "there"]).output_dir == Path("there")
    assert parse(Masking, [*folders, "--only_test_last_date=no"]).only_test_last_date is False


def test_lists_are_separated_by_commas_and_none_is_a_word(folders):
    argv = ["images", "masks/cloud,masks/shadow", "--sample_between_prop=0.7,0.3", "--mask_threshold=none"]
    settings = parse(Masking, argv)
    assert settings.mask_dir == (Path("masks/cloud"), Path("masks/shadow"))
    assert settings.sample_between_prop == (0.7, 0.3)
    assert settings.mask_threshold is None


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("--sample=many", "--sample_size: should be a valid integer"),
        ("--max_lookback_days=0", "--max_lookback_days: should be greater than or equal to 1, found '0'"),
        ("--start=2025-13-01", "--start: month must be in 1..12"),
        ("--start=1753833600", "--start: "),
        ("--mask_threshold=nan", "--mask_threshold: "),
        ("--sample_within_prop=0.5", "--sample_within_prop: needs more values, separated by commas, found '0.5'"),
        ("--method=tree", "--method: should be 'forest' or 'boosting', found 'tree'"),
        ("--png=perhaps", "--png: should be a valid boolean"),
        ("--look=7", "unrecognized arguments: --look=7"),
        ("--samp=7", "unrecognized arguments: --samp=7"),
        ("third", "unrecognized arguments: third"),
    ],
)
def test_wrong_input_is_answered_by_one_sentence(folders, capsys, option, reason):
    assert reason in complaint(capsys, [*folders, option])


def test_a_missing_folder_is_named(folders, capsys):
    assert "MASK_DIR: path does not point to a directory, found 'nowhere'" in complaint(capsys, ["images", "nowhere"])
    assert "MASK_DIR" in complaint(capsys, ["images"])


def test_a_start_after_the_end_is_refused(folders, capsys):
    said = complaint(capsys, [*folders, "--start=2025-09-03", "--end=2025-07-30"])
    assert "start must not be after end, found 2025-09-03 and 2025-07-30" in said


def test_help_tells_every_option_with_default_and_bounds_and_two_examples(capsys):
    with pytest.raises(SystemExit) as stop:
        parse(Masking, ["--help"])
    assert stop.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    for name, field in Masking.model_fields.items():
        assert name in said.lower()
        assert field.description in said
    assert "--sample_size X, --sample X" in said
    assert "(1 to 36500) [7]" in said
    assert "(forest, boosting) [forest]" in said
    assert "python3 -m s2lookback.masking images masks/cloud,masks/shadow --sample=500_000" in said


def test_a_failure_is_one_sentence_and_exit_code_1(folders, capsys):
    def fail(settings: FolderSettings) -> None:
        raise SceneError(f"{settings.image_dir}: holds no image")

    assert run(Masking, fail, folders) == 1
    assert capsys.readouterr().err == "s2lookback.masking: images: holds no image\n"


def test_success_is_exit_code_0_with_the_settings_handed_on(folders):
    seen: list[Masking] = []
    assert run(Masking, seen.append, [*folders, "--seed=3"]) == 0
    assert [settings.seed for settings in seen] == [3]


def test_a_bug_keeps_its_traceback(folders):
    with pytest.raises(ZeroDivisionError):
        run(Masking, lambda settings: 1 // 0, folders)


def test_results_lie_beside_the_images_unless_told_otherwise(folders, tmp_path):
    assert parse(Masking, folders).output("mask") == tmp_path / "images_mask"
    assert (tmp_path / "images_mask").is_dir()
    assert parse(Masking, [*folders, "--out=a/b"]).output("mask") == Path("a/b")


def test_days_are_kept_from_start_to_end_both_included(folders):
    settings = parse(Masking, [*folders, "--start=2025-07-30", "--end=20250731"])
    days = [date(2025, 7, 29), date(2025, 7, 30), date(2025, 7, 31), date(2025, 8, 1)]
    assert [settings.within(day) for day in days] == [False, True, True, False]


def test_reading_ahead_keeps_the_order_and_reads_no_further_than_asked():
    asked: list[int] = []

    def items():
        for item in range(7):
            asked.append(item)
            yield item

    results = ahead(lambda item: item**2, items(), workers=3)
    assert next(results) == 0
    assert asked == [0, 1, 2]
    assert list(results) == [1, 4, 9, 16, 25, 36]


def test_progress_gives_every_item_once_and_in_order():
    assert list(progress("mrap", ["b", "a", "c"], str)) == ["b", "a", "c"]
