"""How far numbers have moved from where they were: the population-stability index."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

PARTS = 10
"""Parts of equal weight that numbers are told apart by."""

LEAST = 1e-4
"""Share that an empty part counts as: the index has a logarithm."""


class Histogram(BaseModel):
    """Where numbers lay; also as a model's schema holds it, so every field is checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    edges: tuple[FiniteFloat, ...] = Field(max_length=PARTS)
    """Ascending; each belongs to the part below it."""
    shares: tuple[Annotated[float, Field(ge=0, le=1)], ...]
    """Of the numbers in each part, and last of those that are missing."""

    @model_validator(mode="after")
    def _whole(self) -> "Histogram":
        rising = all(low < high for low, high in zip(self.edges, self.edges[1:], strict=False))
        if not rising or len(self.shares) != len(self.edges) + 2 or abs(sum(self.shares) - 1) > 0.001:
            raise ValueError(f"a histogram has {len(self.edges)} edges, {len(self.shares)} shares, expected two more")
        return self


def histogram(numbers: NDArray[np.float32]) -> Histogram:
    """Tell where numbers lie: by their own deciles, NaN apart."""
    known = numbers[~np.isnan(numbers)]
    parts = np.arange(1, PARTS) / PARTS
    edges = np.unique(np.quantile(known, parts, method="inverted_cdf")) if known.size else np.empty(0, np.float32)
    shares = _shares(numbers, edges)
    return Histogram(edges=tuple(edges.tolist()), shares=tuple(np.round(shares, 6).tolist()))


def stability(was: Histogram, numbers: NDArray[np.float32]) -> float:
    """Give the population-stability index: 0 where the numbers lie as they did, from 0.25 on where they moved far.

    Source: Siddiqi 2006, Credit Risk Scorecards, chapter 8: the sum of (p − q) ln(p / q) over the parts, with 0.1 and
    0.25 as the bounds of small and large.
    """
    now = np.maximum(_shares(numbers, was.edges), LEAST)
    then = np.maximum(was.shares, LEAST)
    return float(((now - then) * np.log(now / then)).sum())


def _shares(numbers: NDArray[np.float32], edges: Sequence[float] | NDArray[np.float32]) -> NDArray[np.float64]:
    known = numbers[~np.isnan(numbers)]
    parts = np.searchsorted(np.asarray(edges, np.float32), known, side="left")
    counts = np.append(np.bincount(parts, minlength=len(edges) + 1), numbers.size - known.size)
    return counts / max(1, numbers.size)
