"""Which of two models masks better what neither has seen: the one that reigned, or the one just trained."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2lookback.masking.drift import disagree
from s2lookback.masking.lookback import Lookback, Model, cover_of
from s2lookback.masking.mask import agreement, found_by, labelled
from s2lookback.masking.method import View
from s2lookback.scene import Scene
from s2lookback.settings import MaskSettings

MOST_HELD_OUT = 3
"""Most scenes that are kept from training to judge by; one of every five until there are so many."""

Unseen = tuple[Scene, NDArray[np.int16] | None]
"""A scene that no model has learnt from, and the pixels before it."""


@dataclass(frozen=True, slots=True)
class Contest:
    """How a contest ended."""

    winner: str
    """``challenger`` or ``champion``."""
    metrics: Mapping[str, Any]
    """Of the winner: ``sensed`` and ``pixels`` that it was judged by; ``agreement``, ``precision``, ``recall`` and the
    like, as ``agreement`` gives them; ``disagreement`` with what else is known of a pixel (share)."""
    f1: Mapping[str, float]
    """What decided, of each that took part: F1 of what hides the surface, or the agreement where nothing does."""


def held_out(scenes: int) -> int:
    """Give how many of the newest scenes models are judged by.

    It grows by no more than the number of scenes does, so that no champion has learnt from what it is judged by later.
    """
    return max(1, min(MOST_HELD_OUT, scenes // 5))


def contest(models: Mapping[str, Model], unseen: Iterable[Unseen], settings: MaskSettings) -> Contest:
    """Let the challenger take the champion's place only if it agrees better with the labels of scenes new to both.

    Args:
        models: ``challenger``, ``champion`` or both; the only one wins.
        unseen: Scenes that neither has learnt from, read one at a time.
        settings: ``threshold``, ``label_threshold`` and ``seed`` are used.
    """
    views = {f"{scene.about.sensed:%Y-%m-%dT%H:%M:%SZ}": labelled(scene, before, settings) for scene, before in unseen}
    metrics = {name: _tested(model, list(views.values()), settings) for name, model in models.items()}
    f1 = {name: _f1(report) for name, report in metrics.items()}
    winner = max(sorted(f1, reverse=True), key=lambda name: f1[name])  # the champion comes first, and wins a tie
    return Contest(winner, {"sensed": sorted(views), **metrics[winner]}, f1)


def _tested(model: Model, views: Sequence[View], settings: MaskSettings) -> dict[str, Any]:
    """Measure how far a model agrees with the labels of some views, and with what else is known."""
    chances = [Lookback(model).probabilities(view) for view in views]
    found, differing = (
        np.concatenate([told(chance, view, settings) for chance, view in zip(chances, views, strict=True)])
        for told in (found_by, disagree)
    )
    share = {"disagreement": round(float(differing.mean()), 6)} if differing.size else {}
    return agreement(found, np.concatenate([cover_of(view.labels) for view in views])) | share


def _f1(report: Mapping[str, Any]) -> float:
    return round(float(report["MASKED"]["f1"] if "MASKED" in report else report.get("agreement", 0)), 6)
