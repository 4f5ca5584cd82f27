"""What a person reads of a night: its totals, what failed and was skipped, and the next step to take."""

import shlex
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from flows.cli import app
from s2lookback.errors import CatalogError, SceneError, TransientError
from tasks.night import next_steps, summary, totals
from tasks.report import DateReport, LeftOut, TileReport

NOON = datetime(2025, 8, 30, 12, tzinfo=UTC)
DAY = datetime(2025, 8, 25, 12, tzinfo=UTC)


def done(tile, **made):
    report = TileReport(tile, dates=[DateReport(NOON, 0.634, "lookback", 3, 0, 1.0)])
    report.made.update(made or {"mask": 1})
    return report


def failed(tile, error):
    report = TileReport(tile)
    report.fail(error)
    return report


def skipped(tile, *reasons):
    report = done(tile)
    report.left_out += [LeftOut(f"S2A_{number}.zip", reason) for number, reason in enumerate(reasons)]
    return report


def test_a_scene_is_new_late_or_changed_by_what_was_there_before():
    report = TileReport("10UFB")
    for sensed in (DAY, NOON):
        report.arrive(sensed, set())
    assert (report.new, report.late, report.changed) == ([DAY, NOON], [], [])
    later = TileReport("10UFB")
    later.arrive(DAY, {NOON})
    later.arrive(NOON, {NOON})
    assert (later.new, later.late, later.changed) == ([], [DAY], [NOON])
    assert "1 scene came late" in later.sentence()


def test_a_night_is_summed_up_in_a_line():
    late = done("10UFB", mask=2, mrap=2)
    late.late, late.new = [DAY], [NOON]
    reports = [late, failed("09UYT", TransientError("disk full")), skipped("09UYS", "no bands")]
    assert (
        totals(reports)
        == "3 tiles: 2 done, 1 failed · scenes: 1 new, 1 late, 1 skipped · products: 5 made, 0 up to date"
    )


def test_an_undisturbed_night_asks_for_nothing():
    assert next_steps([done("10UFB")]) == []
    assert "Nothing: every tile is up to date." in summary([done("10UFB")])


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (skipped("10UFB", "no bands", "no XML"), "2 scenes skipped of 10UFB (SceneError): get the files again"),
        (failed("10UFB", TransientError("disk full")), "10UFB failed (TransientError): this may pass"),
        (failed("10UFB", CatalogError("torn")), "10UFB failed (CatalogError): `s2lookback catalog check --root /p`"),
        (TileReport("10UFB", failed="killed", error="Crashed"), "10UFB failed (Crashed): the run died"),
        (failed("10UFB", KeyError("B12")), "10UFB failed (KeyError): this is a bug"),
    ],
)
def test_every_error_has_its_next_step_and_the_command_for_it(report, said):
    (step,) = next_steps([report], {"scenes": "/my scenes", "root": "/p"})
    assert step.startswith(said)
    error = report.error or SceneError.__name__
    assert f"`s2lookback rerun --failed --error {error} --since '2 days' --scenes '/my scenes' --root /p`" in step


def test_a_command_that_is_proposed_is_one_that_the_program_takes(tmp_path):
    (step,) = next_steps([failed("10UFB", TransientError("full"))], {"scenes": f"{tmp_path}", "root": f"{tmp_path}"})
    command = shlex.split(step.split("`")[1])
    answer = CliRunner().invoke(app, [*command[1:], "--help"])
    assert (command[0], answer.exit_code) == ("s2lookback", 0)


def test_one_sentence_names_few_of_many_tiles():
    reports = [failed(f"10U{letter}B", TransientError("full")) for letter in "ABCDEFGH"]
    assert "10UAB, 10UBB, 10UCB, 10UDB, 10UEB and 3 more failed" in next_steps(reports)[0]


def test_what_a_person_must_look_at_comes_first_and_what_was_idle_last():
    reports = [TileReport("10UAA"), done("10UAB"), skipped("10UAC", "no bands"), failed("10UAD", KeyError("B12"))]
    page = summary(reports)
    assert page.index("| 10UAD |") < page.index("| 10UAC |") < page.index("| 10UAB |")
    assert "| 10UAA |" not in page
    assert "### Nothing new\n\n10UAA" in page
    assert "| 63 % |" in page


def test_what_comes_from_outside_stays_in_its_place():
    report = skipped("10UFB", "a | b\n| c <img src=x onerror=alert(1)> [link](javascript:x) `code`")
    page = summary([report])
    line = next(line for line in page.splitlines() if line.startswith("- 10UFB · S2A_0.zip"))
    assert "<img" not in page
    assert "[link](" not in page
    assert line.count("|") == 0


def test_a_summary_of_a_hundred_and_sixty_bad_tiles_is_no_book():
    reports = [
        skipped(f"{zone:02d}U{letter}B", *["x" * 500] * 9) for zone in range(10, 20) for letter in "ABCDEFGHJKLMNPQR"
    ]
    page = summary(reports, watch=["10UFB: 1 scene in 10 days"])
    assert len(reports) == 160
    assert len(page) < 40_000
    assert "and 1400 more: `s2lookback ledger`" in page
    assert "### To be watched\n\n- 10UFB: 1 scene in 10 days" in page
