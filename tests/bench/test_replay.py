"""The simulated night agrees with what can be worked out by hand, and obeys the laws of queues."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.replay import Costs, Job, Machine, Work, replay

STAGES = {
    "ingest": Work(40, 0.5, 2, 1),
    "mask": Work(30, 0.8, 3, 1),
    "mrap": Work(2, 0.5, 1, 1),
    "reduce": Work(10, 0.5, 3, 1),
    "train": Work(12, 0.9, 1, 0),
    "sample": Work(5, 0.5, 2, 0.5),
}
COSTS = Costs(STAGES, start=8, start_cpu=5, server=0.4, server_task=0.08)
MACHINE = Machine(threads=8, per_job=2, gpus=1, memory=100, disk=4)


def test_one_tile_takes_as_long_as_its_stages_one_after_the_other():
    alone = replay([Job("10UFB", 1)], COSTS, MACHINE)
    stages = [STAGES[name] for name in ("ingest", "mask", "mrap", "reduce")]
    computed = sum(work.seconds(2) for work in stages)
    written = sum(work.disk for work in stages)
    assert alone.seconds == pytest.approx(0.4 + 6 * 0.08 + 8 + computed + written)
    assert alone.bottleneck() == "the longest tile"
    assert alone.longest() == ("ingest", pytest.approx(0.5, abs=0.2))
    assert [span.stage for span in alone.spans] == ["start", "ingest", "mask", "mrap", "reduce"]


def test_the_threads_are_busy_for_as_long_as_the_work_takes_on_one():
    night = replay([Job(f"tile {number}", 1) for number in range(9)], COSTS, MACHINE)
    work = 9 * (5 + sum(STAGES[name].cpu for name in ("ingest", "mask", "mrap", "reduce")))
    assert night.resources["threads"].busy(night.seconds) == pytest.approx(work)
    assert night.utilisation("threads") == pytest.approx(work / (8 * night.seconds))
    assert night.bottleneck() == "places"


def test_a_tile_whose_training_nobody_takes_up_trains_itself():
    jobs = [Job("first", 1, trained_on=30), Job("second", 1, trained_on=30)]
    waits = replay(jobs, COSTS, MACHINE)
    assert waits.trained_here == 0
    assert waits.bottleneck() == "gpu"
    impatient = replay(jobs, COSTS, replace(MACHINE, patience=1.0))
    assert impatient.trained_here == 1
    assert impatient.seconds < waits.seconds


@given(st.lists(st.integers(1, 4), min_size=1, max_size=12), st.integers(1, 4))
def test_more_of_anything_never_uses_more_than_there_is(scenes, jobs_at_once):
    jobs = [Job(f"{number}", count) for number, count in enumerate(scenes)]
    machine = replace(MACHINE, threads=2 * jobs_at_once)
    night = replay(jobs, COSTS, machine)
    assert all(used <= one.capacity + 1e-9 for one in night.resources.values() for _, used in one.log)
    assert all(abs(one.used) < 1e-6 for one in night.resources.values())
    alone = [replay([job], COSTS, machine).seconds for job in jobs]
    assert max(alone) - 1e-6 <= night.seconds
