"""What a form calls a tile and a day, and what a flow makes of them."""

import re
from datetime import UTC, datetime, timedelta, timezone
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.utilities.callables import parameter_schema
from pydantic import TypeAdapter

from flows.parameters import DAY, First, Last, Sensed, in_order
from s2lookback.errors import SceneError
from tests.flows.test_deployments import DEPLOYMENTS

START, END, ANY = TypeAdapter(First), TypeAdapter(Last), TypeAdapter(Sensed)
WEST = timezone(-timedelta(hours=7))
MOMENTS = st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001  made aware
FOLDED = {"source", "settings"}


def form(name):
    """Give the parameters of a deployed flow as its form shows them, in its order."""
    flow = getattr(import_module(f"flows.{name}"), name)
    return parameter_schema(flow.fn).model_dump()["properties"]


@given(MOMENTS)
def test_days_and_moments_as_flows_tell_each_other_are_let_through(time):
    assert re.search(DAY, f"{time:%Y-%m-%d}")
    for told in (time.isoformat(), ANY.dump_python(time, mode="json"), time.astimezone(WEST).isoformat()):
        assert re.search(DAY, told)
        assert ANY.validate_python(told) == time


@pytest.mark.parametrize(
    "words", ["", "yesterday", "2025-13-01", "2025-08-32", "30/08/2025", "2025-8-3", "20250830", "x2025-08-30", "1756"]
)
def test_what_is_no_day_is_not(words):
    assert not re.search(DAY, words)


def test_a_day_begins_with_its_first_second_and_ends_with_its_last_utc():
    assert START.validate_python("2025-08-30") == datetime(2025, 8, 30, tzinfo=UTC)
    assert END.validate_python("2025-08-30") == datetime(2025, 8, 30, 23, 59, 59, tzinfo=UTC)
    assert START.validate_python(None) is END.validate_python(None) is None


@given(MOMENTS)
def test_a_last_day_that_was_told_on_means_the_same(time):
    once = END.validate_python(time)
    assert END.validate_python(END.dump_python(once, mode="json")) == once >= time


def test_a_period_that_ends_before_it_begins_is_refused():
    first, last = datetime(2025, 8, 2, tzinfo=UTC), datetime(2025, 8, 1, 23, 59, 59, tzinfo=UTC)
    with pytest.raises(SceneError, match=r"first day, 2025-08-02 00:00, lies after the last, 2025-08-01 23:59 UTC"):
        in_order(first, last)
    for start, end in ((last, first), (first, first), (None, last), (first, None)):
        in_order(start, end)


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda one: one["name"])
def test_a_form_has_a_title_and_a_sentence_for_every_parameter_and_ends_with_what_is_rarely_changed(deployment):
    shown = form(deployment["name"])
    for name, parameter in shown.items():
        assert re.fullmatch(r"[A-Z][a-z, ]+", parameter["title"]), name
        assert re.fullmatch(r"[A-Z].{10,}\.", parameter["description"], re.DOTALL), name
    rare = [name for name in shown if name in {*FOLDED, "root"}]
    assert [*shown][len(shown) - len(rare) :] == rare
    assert all(shown[name]["default"] is None for name in FOLDED & shown.keys())
