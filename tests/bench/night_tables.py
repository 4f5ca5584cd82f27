"""What the parts of a night's measurement found, as Markdown."""

from collections.abc import Mapping, Sequence

from tests.bench.growth import TABLES, Growth, Load
from tests.bench.measure import Cost
from tests.bench.overhead import Overhead, Round
from tests.bench.scenarios import costs_of
from tests.bench.soak import Night, slope

TILES = 160
NIGHTS = 1000
KEPT = 90
"""Nights that the retention keeps."""
EVENTS_KEPT = 7
RECONCILED = 288
"""Runs of ``reconcile`` a day."""
GOAL = 5.0
"""Largest share of the wall clock that Prefect may take, percent."""


def stage_table(found: Mapping[int, Mapping[str, Cost]], size: int) -> str:
    """Write what each stage costs."""
    head = f"One scene of {size}² pixels, 8 bands; ingest reads a zipped product of level 2A; without a server.\n\n"
    rows = [
        f"| {name} | {one.cpu:.1f} | {one.wall:.1f} | {found[2][name].wall:.1f} | {one.peak / 1000:.1f} | "
        f"{one.read / 1000:.2f} | {one.written / 1000:.2f} |"
        for name, one in found[1].items()
    ]
    titles = "| stage | CPU, s | wall on 1 thread, s | on 2 | memory, GB | read, GB | written, GB |"
    return "\n".join([head + titles, "| --- |" + " ---: |" * 6, *rows, "", "A model is trained on 2 or 4 scenes."])


def overhead_table(found: Overhead, stages: Mapping[int, Mapping[str, Cost]]) -> str:
    """Write what so many tiles at once take, and what share of a full scene Prefect would be."""
    one = found.rounds[0]
    titles = (
        "tiles at once", "wall, s", "CPU of runs, s a tile", "of the server", "of the worker", "peak of a run, MB",
        "dispatch, s", "efficiency",
    )  # fmt: skip
    head = f"| {' | '.join(titles)} |\n|{' ---: |' * len(titles)}"
    rows = [
        f"| {each.tiles} | {each.wall:.1f} | {each.runs / each.tiles:.2f} | {each.server / each.tiles:.2f} | "
        f"{each.worker / each.tiles:.2f} | {each.peak:.0f} | {each.dispatch:.1f} | {_efficiency(one, each)} |"
        for each in found.rounds
    ]
    alone = (
        f"The same tile of {one.products} products without a server takes {found.alone.cpu:.2f} s of CPU, "
        f"{found.start:.2f} s of them to start Python; Prefect adds {found.added(one):.2f} s: "
        f"its server takes {found.run:.2f} s a run and "
        f"{found.task:.3f} s a product, and {100 * found.idle:.1f} % of a core when nothing happens."
    )
    return "\n".join([head, *rows, "", alone, "", _share(found, stages)])


def _efficiency(one: Round, each: Round) -> str:
    """Give how much of the throughput of one tile at a time is gained for each more, percent."""
    return f"{100 * one.wall / each.wall:.0f} %" if each.tiles > 1 else ""


def _share(found: Overhead, stages: Mapping[int, Mapping[str, Cost]]) -> str:
    """Write Prefect's share of a tile's night with one full scene."""
    costs = costs_of(stages, found)
    chain = [costs.stages[name] for name in ("ingest", "mask", "mrap", "reduce")]
    cpu, added = sum(work.cpu for work in chain), found.added(found.rounds[0])
    wall = [(threads, sum(work.seconds(threads) for work in chain)) for threads in (1, 8, 16)]
    shares = ", ".join(
        f"{100 * found.rounds[0].dispatch / (seconds + found.rounds[0].dispatch):.1f} % on {threads} threads"
        for threads, seconds in wall
    )
    share = 100 * added / (cpu + added)
    met = "met" if share < GOAL else "missed"
    return (
        f"A tile's night with one new full scene takes {cpu:.0f} s of CPU for its four products, so Prefect's share of "
        f"CPU time is {share:.1f} % (goal: below {GOAL:.0f} %, {met}). Of the wall clock, the wait from trigger to "
        f"start is {shares}."
    )


def load_table(load: Load) -> str:
    """Write how a database grows, and how fast it answers."""
    head = f"**{load.name}**\n\n| one run of | {' | '.join(TABLES)} | kB |\n| --- |{' ---: |' * (len(TABLES) + 1)}"
    kinds = {**load.each, "an hour of nothing": load.hour}
    rows = [f"| {name} | {_cells(growth)} | {growth.size / 1000:.1f} |" for name, growth in kinds.items()]
    return "\n".join([head, *rows, "", _extrapolated(load), "", _answered(load)])


def _cells(growth: Growth) -> str:
    return " | ".join(f"{growth.rows[name]:.1f}" for name in TABLES)


def _extrapolated(load: Load) -> str:
    """Write what a province's nights come to, by the slopes."""
    night = TILES * load.each["tile"].size + load.each["nightly"].size * TILES
    night += RECONCILED * load.each["reconcile"].size + 24 * load.hour.size
    rows = {name: growth.rows["flow_run"] for name, growth in load.each.items()}
    runs = round(TILES * rows["tile"] + rows["nightly"] + RECONCILED * rows["reconcile"])
    tasks = TILES * load.each["tile"].rows["task_run"]
    return (
        f"A night of {TILES} tiles with four new products each adds at most {night / 1e6:.0f} MB and {runs} runs, "
        f"{RECONCILED} of them of `reconcile`, with {tasks:.0f} task runs: in {NIGHTS} nights without retention "
        f"{NIGHTS * night / 1e9:.0f} GB, {NIGHTS * runs:,} runs and {NIGHTS * tasks:,.0f} task runs; with {KEPT} days "
        f"kept, {KEPT * night / 1e9:.1f} GB, and less as events are kept {EVENTS_KEPT} days."
    )


def _answered(load: Load) -> str:
    sizes = [*load.answers]
    head = f"| question, ms | {' | '.join(f'{size:,} runs' for size in sizes)} |\n| --- |{' ---: |' * len(sizes)}"
    questions = [*next(iter(load.answers.values()))]
    rows = [
        f"| {name} | {' | '.join(f'{1000 * load.answers[size][name]:.0f}' for size in sizes)} |" for name in questions
    ]
    return "\n".join([head, *rows])


def soak_table(here: Sequence[Night], served: Sequence[Night], faults: int) -> str:
    """Write whether nights stay as they were."""
    head = "| | mean | change a night | ± | |\n| --- | ---: | ---: | ---: | --- |"
    rows = [
        _line(f"{place}, {title}", [float(getattr(night, field)) for night in nights])
        for place, nights in ((f"{len(here)} nights in one process", here), (f"{len(served)} through a server", served))
        for field, title in (("memory", "memory, MB"), ("handles", "file handles"), ("cpu", "CPU, s"))
    ]
    return "\n".join([head, *rows, "", f"`catalog check --deep` found {faults} faults at the end."])


def _line(title: str, values: Sequence[float]) -> str:
    """Write the slope of the second half: the first imports, compiles and fills caches."""
    found = slope(values[len(values) // 2 :])
    return (
        f"| {title} | {found.mean:.2f} | {found.each:+.4f} | {found.doubt:.4f} | {'rises' if found.rises else 'flat'} |"
    )
