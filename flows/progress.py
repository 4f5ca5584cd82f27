"""Progress of a run, for the person who watches it; silent where nobody does."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tasks.shown import begin_bar, move_bar

EVERY = 30.0
"""Seconds between two moves of a bar in Prefect's pages: forty tiles at once are then one or two calls a second."""

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


class Page:
    """A bar in Prefect's pages: how many of how many are done. Threads may share it."""

    def __init__(self, what: str, total: int) -> None:
        """Show a bar with this run, where a server keeps it; ``what`` is counted, and ``total`` are all of them."""
        self._what, self._total, self._done = what, total, 0
        self._lock, self._moved = Lock(), time.monotonic()
        self._bar = begin_bar(self._text("begun")) if total else None

    def step(self, now: str) -> None:
        """Count one more, which has the name ``now``; the page is told of the last one, and else now and then."""
        with self._lock:
            self._done += 1
            due = self._done == self._total or time.monotonic() - self._moved >= EVERY
            if self._bar is not None and due:
                self._moved = time.monotonic()
                move_bar(self._bar, 100 * self._done / self._total, self._text(now))

    def _text(self, now: str) -> str:
        return f"{self._what}: {self._done} of {self._total} ({now})"


def track(steps: Sequence[T], *, tile: str, stage: str, name: Callable[[T], str] = str) -> Iterator[T]:
    """Yield each step, moving the stage's bars on as it is done."""
    page = Page(f"{tile} {stage}", len(steps))
    for step in _barred(steps, tile, stage, name):
        yield step
        page.step(name(step))


def _barred(steps: Sequence[T], tile: str, stage: str, name: Callable[[T], str]) -> Iterator[T]:
    """Yield each step, moving the terminal's bar on, if there is one."""
    bars = _shown.get()
    if bars is None or not steps:
        yield from steps
        return
    bar = bars.add_task(stage, total=len(steps), tile=tile, now="")
    for step in steps:
        bars.update(bar, now=name(step))
        yield step
        bars.advance(bar)
    bars.update(bar, now="")
