"""What a method says of pixels once all else that is known of them is weighed."""

import numpy as np
from numpy.typing import NDArray

from s2lookback.masking.advice import advised
from s2lookback.masking.classes import MASKED
from s2lookback.masking.evidence import cleared, possible, weighed
from s2lookback.masking.lookback import Lookback
from s2lookback.masking.method import Method, View
from s2lookback.masking.rules import Rules
from s2lookback.masking.spectrum import Layer


def percent_of(method: Method, view: View, open_: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Give the probability of each of ``MASKED``, percent, (cover, y, x); 0 where the surface is known to show.

    Most pixels of a clear day have light that no cover allows: no method is asked about them.
    """
    percent = np.zeros((len(MASKED), *open_.shape), np.uint8)
    asked = open_ & (possible(view) > 0)
    if asked.any():
        some = view.at(asked)
        percent[:, asked] = np.rint(100 * cleared(judged(method, some), some)[1:])
    return percent


def judged(method: Method, view: View) -> Layer:
    """Give a method's probabilities, weighed by today's labels; the rules see these themselves."""
    chance = method.probabilities(view)
    if method.name == Rules.name:
        return chance
    told = weighed(chance, view)
    return advised(told, view) if method.name == Lookback.name else told


def cover_by(chance: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Give the likeliest of ``MASKED``, (cover, ...), or of the first of them; of several the first."""
    most, cover = chance[0], np.full(chance.shape[1:], MASKED[0], np.uint8)
    for code, part in zip(MASKED[1:], chance[1:], strict=False):
        cover[part > most] = code
        most = np.maximum(most, part)
    return cover
