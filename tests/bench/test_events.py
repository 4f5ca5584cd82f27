"""The simulation of a night's queues agrees with what can be worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.events import Clock, Process, Resource, Take


def served(clock: Clock, resource: Resource, seconds: float, ended: list[float], amount: float = 1.0) -> Process:
    yield Take(resource, amount)
    yield seconds
    clock.give(resource, amount)
    ended.append(clock.now)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=12), st.integers(1, 4))
def test_whoever_comes_is_served_by_the_server_that_is_free_first(seconds, servers):
    clock, resource, ended = Clock(), Resource("servers", servers), []
    for each in seconds:
        clock.start(served(clock, resource, each, ended))
    last = clock.run()
    free = [0] * servers
    expected = []
    for each in seconds:  # the slowest obvious definition
        first = free.index(min(free))
        free[first] += each
        expected.append(free[first])
    assert sorted(ended) == sorted(expected)
    assert last == max(expected)
    assert resource.busy(last) == sum(seconds)
    assert resource.waited == sum(expected) - sum(seconds)
    assert max(used for _, used in resource.log) <= servers
    assert resource.used == 0


def test_nobody_overtakes_who_asks_for_much():
    clock, memory, ended = Clock(), Resource("memory", 10), []
    for amount in (6, 8, 2):
        clock.start(served(clock, memory, 5, ended, amount))
    assert clock.run() == 10
    assert ended == [5, 10, 10]


def test_who_loses_patience_goes_on_without():
    clock, gpu, story = Clock(), Resource("gpu", 1), []

    def impatient() -> Process:
        got = yield Take(gpu, patience=3)
        story.append((clock.now, got))
        yield 4
        if got:
            clock.give(gpu)

    for after in (0, 1, 2):
        clock.start(impatient(), after)
    clock.run()
    assert story == [(0, True), (4, True), (5, False)]
    assert gpu.waited == 3 + 3


def test_more_than_there_is_is_refused():
    clock = Clock()
    clock.start(served(clock, Resource("memory", 4), 1, [], amount=5))
    with pytest.raises(ValueError, match="memory: 5 is asked for, there is 4"):
        clock.run()
