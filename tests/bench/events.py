"""Processes that take turns at resources: a heap of what happens next, and queues that are served in order."""

import heapq
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field
from inspect import GEN_CREATED, getgeneratorstate
from itertools import count

Process = Generator["Take | float", bool, None]
"""Yields seconds to let pass, or what to take; is told whether it got that."""


@dataclass(slots=True)
class Resource:
    """Something of which there is so much, and what was made of it."""

    name: str
    capacity: float
    used: float = 0.0
    log: list[tuple[float, float]] = field(default_factory=list)
    """When how much of it came to be used, in order."""
    waited: float = 0.0
    """Seconds that all processes together waited for it."""
    waiting: "deque[_Waiting]" = field(default_factory=deque)

    def busy(self, end: float) -> float:
        """Give how much of it was used until ``end``, over time: amount times seconds."""
        total, since, used = 0.0, 0.0, 0.0
        for time, now in self.log:
            if time >= end:
                break
            total, since, used = total + used * (time - since), time, now
        return total + used * (end - since)


@dataclass(frozen=True, slots=True)
class Take:
    """Ask for some of a resource, and wait for it no longer than one is patient."""

    resource: Resource
    amount: float = 1.0
    patience: float = float("inf")


@dataclass(slots=True, eq=False)
class _Waiting:
    process: Process
    asked: Take
    since: float


class Clock:
    """Runs processes until none has anything left to do."""

    def __init__(self) -> None:
        self.now = 0.0
        self._order = count()
        self._next: list[tuple[float, int, Process, _Waiting | None]] = []

    def start(self, process: Process, after: float = 0.0) -> None:
        """Begin a process at some time from now."""
        self._push(after, process)

    def run(self) -> float:
        """Let time pass until nothing happens any more; give the time then."""
        while self._next:
            time, _, process, given_up = heapq.heappop(self._next)
            if given_up is None:
                self.now = time
                self._step(process, got=True)
            elif given_up in given_up.asked.resource.waiting:
                self.now = time
                given_up.asked.resource.waiting.remove(given_up)
                given_up.asked.resource.waited += time - given_up.since
                self._step(process, got=False)
        return self.now

    def give(self, resource: Resource, amount: float = 1.0) -> None:
        """Give back what was taken; who waits longest is served first, and nobody overtakes."""
        self._use(resource, -amount)
        while resource.waiting and resource.used + resource.waiting[0].asked.amount <= resource.capacity:
            served = resource.waiting.popleft()
            resource.waited += self.now - served.since
            self._use(resource, served.asked.amount)
            self._push(0.0, served.process)

    def _push(self, after: float, process: Process, waiting: _Waiting | None = None) -> None:
        heapq.heappush(self._next, (self.now + after, next(self._order), process, waiting))

    def _use(self, resource: Resource, amount: float) -> None:
        resource.used += amount
        resource.log.append((self.now, resource.used))

    def _step(self, process: Process, *, got: bool) -> None:
        """Let a process go on, which began with ``next`` if it is new."""
        try:
            wish = next(process) if getgeneratorstate(process) == GEN_CREATED else process.send(got)
        except StopIteration:
            return
        if isinstance(wish, Take):
            self._ask(process, wish)
        else:
            self._push(wish, process)

    def _ask(self, process: Process, wish: Take) -> None:
        resource = wish.resource
        if wish.amount > resource.capacity:
            raise ValueError(f"{resource.name}: {wish.amount:g} is asked for, there is {resource.capacity:g}")
        if not resource.waiting and resource.used + wish.amount <= resource.capacity:
            self._use(resource, wish.amount)
            self._push(0.0, process)
            return
        waiting = _Waiting(process, wish, self.now)
        resource.waiting.append(waiting)
        if wish.patience != float("inf"):
            self._push(wish.patience, process, waiting)
