"""Progress of a run, for the person who watches it; silent where nobody does."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

T = TypeVar("T")

_shown: ContextVar[Progress | None] = ContextVar("shown", default=None)


@contextmanager
def progress() -> Iterator[None]:
    """Show a bar for each stage of each tile on standard error while the block runs."""
    bars = Progress(
        TextColumn("{task.fields[tile]:>6} {task.description:<8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[now]}"),
        console=Console(stderr=True),
    )
    with bars:
        token = _shown.set(bars)
        try:
            yield
        finally:
            _shown.reset(token)


def say(sentence: str) -> None:
    """Tell the person who watches; who watches a server reads it there."""
    bars = _shown.get()
    if bars is not None:
        bars.console.print(sentence, highlight=False, soft_wrap=True)


def track(steps: Sequence[T], *, tile: str, stage: str) -> Iterator[T]:
    """Yield each step, moving the stage's bar on as it is done."""
    bars = _shown.get()
    if bars is None or not steps:
        yield from steps
        return
    bar = bars.add_task(stage, total=len(steps), tile=tile, now="")
    for step in steps:
        bars.update(bar, now=str(step))
        yield step
        bars.advance(bar)
    bars.update(bar, now="")
