"""What a province's nights ask for, and that what was measured reaches the replay."""

from pathlib import Path

import pytest

from tests.bench import night_pictures
from tests.bench.measure import Cost
from tests.bench.overhead import Overhead, Round
from tests.bench.replay import Machine, replay
from tests.bench.scenarios import Scenario, costs_of, duration, scenarios, table

ONE = {"ingest": 40, "train 2": 24, "train 4": 36, "mask": 30, "mrap": 2, "reduce": 10}
TWO = {"ingest": 20, "train 2": 24, "train 4": 27, "mask": 24, "mrap": 2, "reduce": 11}


def cost(wall: float) -> Cost:
    return Cost(wall=wall, cpu=wall, peak=2000.0, read=700.0, written=300.0)


def round_(tiles: int, products: int, server: float) -> Round:
    return Round(tiles, products, wall=30, runs=9, server=server, worker=0.5, peak=400, dispatch=8)


@pytest.fixture
def costs():
    stages = {threads: {name: cost(wall) for name, wall in walls.items()} for threads, walls in ((1, ONE), (2, TWO))}
    overhead = Overhead(cost(20), 5.0, 0.02, (round_(1, 8, 2.0),), round_(1, 24, 3.6))
    return costs_of(stages, overhead)


def test_the_spread_of_a_stage_over_threads_is_taken_from_two(costs):
    assert costs.stages["ingest"].spread == 1.0  # twice as fast
    assert costs.stages["mask"].spread == pytest.approx(0.4)
    assert costs.stages["reduce"].spread == 0.0  # slower
    assert costs.stages["mask"].seconds(2) == pytest.approx(24)
    assert (costs.stages["mrap"].memory, costs.stages["mrap"].disk) == (2.0, 1.0)


def test_what_one_more_scene_costs_a_training_is_told_from_the_rest(costs):
    assert costs.stages["sample"].cpu == 6
    assert costs.stages["train"].cpu == 12


def test_what_a_run_costs_the_server_is_told_from_what_a_product_does(costs):
    assert costs.server_task == pytest.approx(0.1)
    assert costs.server == pytest.approx(1.2)
    assert (costs.start, costs.start_cpu) == (8, 5)


def test_ten_nights_are_ten_times_one_and_a_season_sees_every_tile():
    night, month, ten, season = scenarios()
    assert night.scenes == month.scenes
    assert 0.6 < ten.scenes / (10 * night.scenes) <= 1
    assert season.scenes == pytest.approx(18.4 * ten.scenes, rel=0.02)
    assert {job.tile for job in season.jobs} == {job.tile for job in ten.jobs}
    assert all(job.trained_on for job in month.jobs)
    assert {job.trainings for job in season.jobs} == {6}
    assert season.jobs[0].trains(0)
    assert sum(season.jobs[0].trains(scene) for scene in range(season.jobs[0].scenes)) == 6


def test_a_night_is_told_and_drawn_the_same_each_time(costs, tmp_path: Path):
    _, month, *_ = scenarios()
    few, machine = Scenario("the first night", month.jobs[:9]), Machine(16, 4, gpus=1)
    night = replay(few.jobs, costs, machine)
    assert "| the first night | 9 | 16 | 4 | 1 |" in table([(few, machine, night)])
    pictures = [tmp_path / "one.png", tmp_path / "two.png"]
    for picture in pictures:
        night_pictures.draw(night, few.name, picture)
    assert pictures[0].read_bytes() == pictures[1].read_bytes()
    assert [duration(seconds) for seconds in (42, 600, 9000)] == ["42 s", "10 min", "2.5 h"]
