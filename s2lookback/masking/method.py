"""What every way of telling clouds apart can do."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from s2lookback.masking.mixture import Mixture, unmix
from s2lookback.masking.spectrum import Layer, Spectrum


@dataclass(frozen=True)
class View:
    """Some pixels of a scene as a method sees them; all of one shape."""

    now: Spectrum
    before: Spectrum
    """When each pixel was last clear; NaN where it never was."""
    labels: NDArray[np.uint8]
    """Weak labels, codes of ``Class``; ``NO_DATA`` where there is none."""

    @cached_property
    def mixture(self) -> Mixture:
        """What today's light is a mixture of."""
        return unmix(self.now, self.before)

    def at(self, asked: NDArray[np.bool_]) -> "View":
        """View some of these pixels, (pixel); what they are a mixture of is not found out twice."""
        now, before = (
            Spectrum({band: layer[asked] for band, layer in one.layers.items()}) for one in (self.now, self.before)
        )
        some = View(now, before, self.labels[asked])
        vars(some)["mixture"] = Mixture(*(getattr(self.mixture, each.name)[asked] for each in fields(Mixture)))
        return some


class Method(Protocol):
    """Tells for each pixel what covers it, from that pixel alone: the size of a view changes nothing."""

    name: str

    def probabilities(self, view: View) -> Layer:
        """Give the probability of each class of ``COVERS``, (cover, ...), summing to 1."""
        ...
