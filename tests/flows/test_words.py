"""Times in plain words."""

from datetime import UTC, datetime, timedelta

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from flows.cli.times import period

NOW = datetime(2025, 9, 2, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "start", "end"),
    [
        ("today", "2025-09-02T00:00:00", "2025-09-02T23:59:59"),
        ("Yesterday", "2025-09-01T00:00:00", "2025-09-01T23:59:59"),
        ("2025-08-30", "2025-08-30T00:00:00", "2025-08-30T23:59:59"),
        ("2025-08-30T19:38", "2025-08-30T19:38:00", "2025-08-30T19:38:00"),
        ("2025-08-30T12:38:31-07:00", "2025-08-30T19:38:31", "2025-08-30T19:38:31"),
        ("10 days", "2025-08-23T15:30:00", "2025-08-23T15:30:00"),
        ("1 day ago", "2025-09-01T15:30:00", "2025-09-01T15:30:00"),
        ("36 hours", "2025-09-01T03:30:00", "2025-09-01T03:30:00"),
        (" 2 weeks ", "2025-08-19T15:30:00", "2025-08-19T15:30:00"),
    ],
)
def test_words_are_times(words, start, end):
    begun, _ = period(words, None, NOW)
    _, ended = period(None, words, NOW)
    assert [begun.isoformat(), ended.isoformat()] == [f"{start}+00:00", f"{end}+00:00"]


@given(st.integers(0, 400))
def test_how_long_ago_counts_back_from_the_end(days):
    start, end = period(f"{days} days", "2024-03-01", NOW)
    assert end == datetime(2024, 3, 1, 23, 59, 59, tzinfo=UTC)
    assert end - start == timedelta(days=days)


@pytest.mark.parametrize("words", ["", "soon", "10", "-3 days", "3 fortnights", "2025-13-01", "9999999 days"])
def test_what_is_no_time_is_refused(words):
    with pytest.raises(typer.BadParameter, match="is no time, expected one like"):
        period(words, None, NOW)


def test_a_period_that_ends_before_it_begins_is_refused():
    with pytest.raises(typer.BadParameter, match="'2025-08-02' lies after '2025-08-01'"):
        period("2025-08-02", "2025-08-01", NOW)
