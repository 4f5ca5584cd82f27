"""What a run did, in a form that a person or a parent flow can read."""

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from s2lookback.errors import SceneError
from tasks.policy import Product

_NAMES = {"scene": "scene", "model": "model", "mask": "mask", "mrap": "composite", "reduced": "reduced scene"}
"""Stage to what it makes."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that could not be used, and why."""

    name: str
    reason: str
    error: str = SceneError.__name__
    """Class of the error."""


@dataclass(slots=True)
class DateReport:
    """What was done for one sensing time of a tile."""

    sensed: datetime
    clear_share: float
    """Share of the swath that the mask found usable, 0-1."""
    method: str
    """How it was masked: ``lookback`` or ``rules``."""
    made: int
    """Products made by this run."""
    kept: int
    """Products found in the catalog, as they should be."""
    seconds: float


@dataclass(slots=True)
class TileReport:
    """What was done for one tile."""

    tile: str
    dates: list[DateReport] = field(default_factory=list)
    made: Counter[str] = field(default_factory=Counter)
    """Products made by this run, by stage."""
    kept: Counter[str] = field(default_factory=Counter)
    new: list[datetime] = field(default_factory=list)
    """Sensing times of the scenes that came in by this run, newer than those that were there."""
    late: list[datetime] = field(default_factory=list)
    """Of those that came in when newer ones were there already."""
    changed: list[datetime] = field(default_factory=list)
    """Of those that were there, and came in with other files."""
    left_out: list[LeftOut] = field(default_factory=list)
    failed: str = ""
    """Why the tile as a whole could not be done; empty if it could."""
    error: str = ""
    """Class of the error that it failed with; empty if it did not."""

    def count(self, stage: str, product: Product) -> str:
        """Note that a product is there; return its href."""
        (self.made if product.made else self.kept)[stage] += 1
        return product.href

    def arrive(self, sensed: datetime, before: Collection[datetime]) -> None:
        """Note that a scene came in, whose tile had those of some sensing times before this run."""
        late = bool(before) and sensed < max(before)
        (self.changed if sensed in before else self.late if late else self.new).append(sensed)

    @contextmanager
    def leaving_out(self, name: str) -> Iterator[None]:
        """Note a scene that cannot be used, and go on without it."""
        try:
            yield
        except SceneError as error:
            self.left_out.append(LeftOut(name, str(error), type(error).__name__))

    def fail(self, error: BaseException) -> None:
        """Note that the tile as a whole could not be done."""
        self.failed, self.error = str(error) or type(error).__name__, type(error).__name__

    def sentence(self) -> str:
        """Sum it up."""
        if self.failed:
            return f"{self.tile}: failed: {self.failed}"
        made = ", ".join(counted(self.made[stage], name) for stage, name in _NAMES.items() if self.made[stage])
        late = f"; {counted(len(self.late), 'scene')} came late" if self.late else ""
        kept = f"; {self.kept.total()} products were up to date" if self.kept else ""
        left = f"; {len(self.left_out)} left out" if self.left_out else ""
        return f"{self.tile}: {f'made {made}' if made else 'nothing to do'}{late}{kept}{left}"


def counted(number: int, name: str) -> str:
    """Write a number of things: ``1 scene``, ``2 scenes``."""
    return f"{number} {name}{'' if number == 1 else 's'}"
