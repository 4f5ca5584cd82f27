"""What a province has to do in a night, and what measured costs say of it on machines of several sizes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.bench.measure import Cost
from tests.bench.overhead import Overhead
from tests.bench.overpass import CYCLE, B, C, Pass, passes
from tests.bench.province import nights, tiles
from tests.bench.replay import Costs, Job, Machine, Night, Work, replay

START = datetime(2025, 7, 1, tzinfo=UTC)
SEASON = (datetime(2025, 5, 1, tzinfo=UTC), datetime(2025, 11, 1, tzinfo=UTC))
HOUR = 10
"""Of the night, UTC: 03:00 in Vancouver."""
TRAINED_ON = 30
"""Scenes of a model, as settings have it; a season's first models have fewer."""
MACHINES = (Machine(64, 8), Machine(128, 8), Machine(512, 16), Machine(512, 4, gpus=128))
"""On the last, a tile has fewer threads, and a model is trained as soon as it is wanted: that needs no GPU."""
LARGEST = MACHINES[2]
LANES = (2, 4, 8, 16, 32)
"""Threads of one tile's run that are compared on the largest."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A night, or what is made up for in one."""

    name: str
    jobs: tuple[Job, ...]

    @property
    def scenes(self) -> int:
        return sum(job.scenes for job in self.jobs)


def scenarios() -> list[Scenario]:
    """List what is replayed: the busiest night of ten, the same with every model trained, ten nights, a season."""
    names = tiles()
    night = max(nights(passes(names, [B, C], START, START + CYCLE), HOUR).values(), key=len)
    ten = passes(names, [B, C], START, START + CYCLE)
    season = passes(names, [B, C], *SEASON)
    months = round((SEASON[1] - SEASON[0]) / timedelta(days=30.5))
    return [
        Scenario("an ordinary night", _jobs(night)),
        Scenario("the first night of a month", _jobs(night, trained_on=TRAINED_ON)),
        Scenario("ten nights at once", _jobs(ten, trained_on=TRAINED_ON)),
        Scenario("a season, May to October, again", _jobs(season, trained_on=TRAINED_ON, trainings=months)),
    ]


def _jobs(found: Sequence[Pass], trained_on: int = 0, trainings: int = 1) -> tuple[Job, ...]:
    """Give each tile its scenes, in the order of names, as the night hands them out."""
    scenes = Counter(one.tile for one in found)
    return tuple(Job(tile, scenes[tile], trained_on, trainings) for tile in sorted(scenes))


def costs_of(stages: Mapping[int, Mapping[str, Cost]], overhead: Overhead) -> Costs:
    """Turn what was measured on one thread and on two into what a replay asks for."""
    work = {name: _work(stages[1][name], stages[2][name]) for name in stages[1]}
    few, more = work.pop("train 2"), work.pop("train 4")
    cpu, disk = (max(0.0, (late - early) / 2) for early, late in ((few.cpu, more.cpu), (few.disk, more.disk)))
    sample = Work(cpu, more.spread, more.memory, disk)
    fit = Work(max(0.0, few.cpu - 2 * cpu), few.spread, few.memory, 0.0)
    waits = overhead.rounds[0].dispatch
    return Costs({**work, "sample": sample, "train": fit}, waits, overhead.start, overhead.run, overhead.task)


def _work(one: Cost, two: Cost) -> Work:
    """Take from the wall clock on two threads how much of the work more threads divide."""
    spread = min(1.0, max(0.0, 2 * (1 - two.wall / one.wall)))
    return Work(one.cpu, spread, max(one.peak, two.peak) / 1000, (one.read + one.written) / 1000)


def replayed(costs: Costs) -> list[tuple[Scenario, Machine, Night]]:
    """Replay every scenario on every machine."""
    return [
        (scenario, machine, replay(scenario.jobs, costs, machine)) for scenario in scenarios() for machine in MACHINES
    ]


def table(found: Sequence[tuple[Scenario, Machine, Night]]) -> str:
    """Write when each night is done, and why not earlier."""
    shown = ("places", "threads", "memory", "disk", "gpu", "server")
    titles = (
        "night",
        "scenes",
        "threads",
        "a tile",
        "trainings at once",
        "done after",
        "tiles wait for",
        "their time is",
    )
    head = f"| {' | '.join((*titles, *shown))} |"
    rows = []
    for scenario, machine, night in found:
        sizes = (scenario.scenes, machine.threads, machine.per_job, machine.gpus)
        why = (duration(night.seconds), night.bottleneck(), _spent(night))
        used = (f"{100 * night.utilisation(name):.0f} %" for name in shown)
        rows.append(f"| {' | '.join(map(str, (scenario.name, *sizes, *why, *used)))} |")
    rule = "| --- |" + " ---: |" * 5 + " --- | --- |" + " ---: |" * len(shown)
    return "\n".join([head, rule, *rows])


def _spent(night: Night) -> str:
    stage, share = night.longest()
    return f"{stage}, {100 * share:.0f} %"


def lanes(costs: Costs) -> str:
    """Write how many threads one tile's run should have on the largest machine."""
    night, *_, season = scenarios()
    rows = []
    for per_job in LANES:
        machine = Machine(LARGEST.threads, per_job, gpus=LARGEST.threads // per_job)
        ended = [replay(scenario.jobs, costs, machine) for scenario in (night, season)]
        peak = max(used for _, used in ended[1].resources["memory"].log)
        cells = (f"{per_job}", f"{machine.places}", *(duration(one.seconds) for one in ended), f"{peak:.0f} GB")
        rows.append(f"| {' | '.join(cells)} |")
    head = f"| threads a tile | tiles at once | {night.name} | {season.name} | memory at most |"
    return "\n".join([head, "| ---: | ---: | ---: | ---: | ---: |", *rows])


def duration(seconds: float) -> str:
    """Write a time as a person reads it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
