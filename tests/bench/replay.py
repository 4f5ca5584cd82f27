"""A province's night on machines that we do not have: real passes, measured costs, the queues that the flows wait in.

One run of a tile is one process: it takes its place in the queue, asks Prefect's server, ingests its scenes four at a
time, has a model trained where a month begins, and masks, folds and reduces one scene after the other.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.bench.events import Clock, Process, Resource, Take


@dataclass(frozen=True, slots=True)
class Work:
    """What one stage of one scene costs."""

    cpu: float
    """Seconds on one thread."""
    spread: float
    """Share of them that more threads divide, 0-1; the rest is done by one."""
    memory: float
    """GB at its highest."""
    disk: float
    """GB read and written."""

    def seconds(self, threads: int) -> float:
        """Give how long it takes on some threads, the disk apart."""
        return self.cpu * (1 - self.spread + self.spread / threads)


@dataclass(frozen=True, slots=True)
class Costs:
    """What was measured."""

    stages: Mapping[str, Work]
    """Of a scene: ``ingest``, ``mask``, ``mrap``, ``reduce``. Of a model: ``train``, and ``sample`` for each scene."""
    start: float
    """Seconds from a tile's turn to its first work: the worker's look, a process, Python and what it imports."""
    start_cpu: float
    """Seconds of one thread of these."""
    server: float
    """Seconds of Prefect's server for one run of a flow."""
    server_task: float
    """The same for one task."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What a night runs on."""

    threads: int = 512
    per_job: int = 16
    """Threads of one tile's run, S2LOOKBACK_CPUS."""
    gpus: int = 2
    memory: float = 1024.0
    """GB."""
    disk: float = 4.0
    """GB/s, read and written."""
    patience: float = 900.0
    """Seconds that a tile waits for a worker that trains."""

    @property
    def places(self) -> int:
        """Tiles at work at once: the limit of the queue ``tiles``."""
        return max(1, self.threads // self.per_job)


@dataclass(frozen=True, slots=True)
class Job:
    """What one tile has to do tonight."""

    tile: str
    scenes: int
    trained_on: int = 0
    """Scenes of a model that it has to train; 0 where it has one."""
    trainings: int = 1
    """How many it has to train, one before each equal part of its scenes."""

    def trains(self, scene: int) -> bool:
        """Tell whether a model is trained before a scene."""
        return bool(self.trained_on) and scene % -(-self.scenes // self.trainings) == 0


@dataclass(slots=True)
class Span:
    """What one tile did from when to when, for the picture."""

    tile: str
    stage: str
    begin: float
    end: float


@dataclass(slots=True)
class Night:
    """What came of it."""

    seconds: float = 0.0
    spans: list[Span] = field(default_factory=list)
    resources: dict[str, Resource] = field(default_factory=dict)
    trained_here: int = 0
    """Tiles that lost patience with the GPUs and trained themselves."""

    def utilisation(self, name: str) -> float:
        """Give the share of a resource that was used, from the first moment to the last."""
        resource = self.resources[name]
        return resource.busy(self.seconds) / (resource.capacity * self.seconds)

    def longest(self) -> tuple[str, float]:
        """Give the stage that most of the tiles' time goes to, and its share, 0-1."""
        spent: dict[str, float] = defaultdict(float)
        for span in self.spans:
            spent[span.stage] += span.end - span.begin
        stage = max(spent, key=spent.__getitem__)
        return stage, spent[stage] / sum(spent.values())

    def bottleneck(self) -> str:
        """Name what the tiles waited for longest; the longest of them, where none waited a hundredth of the night."""
        name, resource = max(self.resources.items(), key=lambda one: one[1].waited)
        waited = resource.waited / max(1, len({span.tile for span in self.spans}))
        return name if waited > self.seconds / 100 else "the longest tile"


def replay(jobs: Sequence[Job], costs: Costs, machine: Machine) -> Night:
    """Simulate a night, all tiles asked for at once, those with most to do first."""
    night, clock = Night(), Clock()
    given = {
        "places": float(machine.places),
        "threads": float(machine.threads),
        "gpu": float(machine.gpus),
        "memory": machine.memory,
        "disk": 4.0,
        "server": 1.0,
    }
    night.resources = {name: Resource(name, amount) for name, amount in given.items()}
    for job in jobs:
        clock.start(_Tile(job, costs, machine, clock, night).life())
    night.seconds = clock.run()
    return night


@dataclass(slots=True)
class _Tile:
    job: Job
    costs: Costs
    machine: Machine
    clock: Clock
    night: Night

    def life(self) -> Process:
        """Do all that a tile has to do, in its place."""
        held = max(work.memory for work in self.costs.stages.values())
        yield from self._take("places")
        yield from self._take("memory", held)
        begin = self.clock.now
        yield from self._served(self.costs.server + 2 * self.costs.server_task)
        yield from self._computed(Work(self.costs.start_cpu, 0.0, 0.0, 0.0), 1)
        yield max(0.0, self.costs.start - self.costs.start_cpu)
        self._note("start", begin)
        yield from self._ingested()
        for scene in range(self.job.scenes):
            if self.job.trains(scene):
                yield from self._trained()
            for stage in ("mask", "mrap", "reduce"):
                yield from self._done(stage, self.costs.stages[stage], self.machine.per_job)
        self._give("memory", held)
        self._give("places")

    def _ingested(self) -> Process:
        """Ingest four scenes at a time, as far as there are threads: together they take as long as all one by one."""
        work, left = self.costs.stages["ingest"], self.job.scenes
        while left:
            together = min(4, left, self.machine.per_job)
            many = Work(work.cpu * together, 1.0 if together > 1 else work.spread, work.memory, work.disk * together)
            yield from self._done("ingest", many, min(self.machine.per_job, 4 * together))
            left -= together

    def _trained(self) -> Process:
        """Train in the pool ``gpu``; here, where nobody takes it up in time."""
        per_scene, fit = self.costs.stages["sample"], self.costs.stages["train"]
        scenes = self.job.trained_on
        work = Work(
            fit.cpu + scenes * per_scene.cpu, fit.spread, max(fit.memory, per_scene.memory), scenes * per_scene.disk
        )
        gpu, begin = self.night.resources["gpu"], self.clock.now
        got = yield Take(gpu, patience=self.machine.patience)
        self._note("wait", begin)
        if got:
            yield from self._served(self.costs.server)
            yield self.costs.start
        else:
            self.night.trained_here += 1
        yield from self._done("train", work, self.machine.per_job)
        if got:
            self.clock.give(gpu)

    def _done(self, stage: str, work: Work, threads: int) -> Process:
        begin = self.clock.now
        yield from self._served(self.costs.server_task)
        yield from self._computed(work, threads)
        if work.disk:
            yield from self._take("disk")
            yield work.disk / (self.machine.disk / 4)
            self._give("disk")
        self._note(stage, begin)

    def _computed(self, work: Work, threads: int) -> Process:
        """Compute: so many threads for so long as they do all the work, on average."""
        seconds = work.seconds(threads)
        busy = work.cpu / seconds if seconds else 0.0
        yield from self._take("threads", busy)
        yield seconds
        self._give("threads", busy)

    def _served(self, seconds: float) -> Process:
        yield from self._take("server")
        yield seconds
        self._give("server")

    def _take(self, name: str, amount: float = 1.0) -> Process:
        yield Take(self.night.resources[name], amount)

    def _give(self, name: str, amount: float = 1.0) -> None:
        self.clock.give(self.night.resources[name], amount)

    def _note(self, stage: str, begin: float) -> None:
        if self.clock.now > begin:
            self.night.spans.append(Span(self.job.tile, stage, begin, self.clock.now))
