"""Trains the methods that come trained, on simulated scenes: ``python3 -m s2lookback.masking.school``.

Writes ``models/<name>.txt`` and ``.json`` beside this file; the same program gives the same bytes.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from s2lookback.bands import DEFAULT_BANDS
from s2lookback.files import whole_file
from s2lookback.masking.advice import ADVISER, advice_features, advice_names
from s2lookback.masking.background import FEATURES
from s2lookback.masking.classes import COVERS, Class, among
from s2lookback.masking.lessons import ALL, compared, followed, simulated, stacked
from s2lookback.masking.lookback import cover_of
from s2lookback.masking.pretrained import FOLDER, KINDS, Card, model_name
from s2lookback.masking.spectral import FOUR, SIX
from s2lookback.masking.spectrum import Layer
from s2lookback.masking.trees import digest_of
from s2lookback.settings import MaskSettings
from s2lookback.simulate.families import DEVELOPMENT

logger = logging.getLogger(__name__)

SEEDS = (9001, 9002, 9003, 9004, 9005, 9006)
"""Of landscapes and weather; none that anything is scored on."""

ROUNDS = 20
"""Trees of each class; with 31 leaves each a model takes less than 300 kB. Those that advise have thrice as many."""

_BOOSTED: dict[str, Any] = {
    "objective": "multiclass",
    "num_class": len(COVERS),
    "num_leaves": 31,
    "learning_rate": 0.3,
    "min_data_in_leaf": 100,
    "max_bin": 63,
    "seed": 20,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
_ADVISING = _BOOSTED | {"learning_rate": 0.15}
_FIRE = (Class.SMOKE, Class.ACTIVE_FIRE, Class.FRESH_BURN)
_SPARED = np.float32(3)
"""Weight of smoking, burning and burnt pixels for the trees that advise: no mask may take them away."""
_FOREST = _BOOSTED | {"boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1, "feature_fraction": 0.6}


def main(folder: Path = FOLDER, seeds: Sequence[int] = SEEDS, rounds: int = ROUNDS) -> None:
    """Train every method and write what it learnt.

    The trees that advise learn last but one, beside composites that the delivered ``temporal`` masked: train twice if
    that changed.
    """
    views = [view for observations in simulated(DEFAULT_BANDS, seeds) for view in compared(observations)]
    covers = np.concatenate([view.labels for view in views])
    for method, kind in KINDS.items():
        for bands in (SIX, FOUR):
            columns = np.concatenate([kind.features(view.now, view.before, bands) for view in views], axis=1)
            _learn(folder, model_name(method, bands), kind.names(bands), columns, covers, _BOOSTED, seeds, rounds)
    more = (*seeds, *(seed + len(seeds) for seed in seeds))
    nights = simulated(DEFAULT_BANDS, more, corrected=True)
    views = [view for observations in nights for view in followed(observations, MaskSettings(method="temporal"))]
    columns = np.concatenate([advice_features(view) for view in views], axis=1)
    codes = np.concatenate([view.labels for view in views])
    weights = np.where(among(codes, _FIRE), _SPARED, np.float32(1))
    _learn(folder, ADVISER, advice_names(), columns, cover_of(codes), _ADVISING, more, 3 * rounds, weights)
    shown = [pair for observations in simulated(ALL, seeds) for pair in stacked(observations, MaskSettings())]
    columns, covers = (np.concatenate(parts, axis=-1) for parts in zip(*shown, strict=True))
    _learn(folder, "background", FEATURES, columns, covers, _FOREST, seeds, rounds)


def _learn(
    folder: Path,
    name: str,
    features: Sequence[str],
    columns: Layer,
    covers: NDArray[np.uint8],
    parameters: Mapping[str, Any],
    seeds: Sequence[int],
    rounds: int,
    weights: Layer | None = None,
) -> None:
    """Train trees on features, (feature, pixel), and write them with their card."""
    text = boosted(columns, np.searchsorted(COVERS, covers), features, parameters, rounds, weights)
    card = Card(
        features=tuple(features),
        classes=tuple(cover.name for cover in COVERS),
        sha256=digest_of(text),
        families=tuple(family.name for family in DEVELOPMENT),
        seeds=tuple(seeds),
        samples=covers.size,
        parameters={**parameters, "num_boost_round": rounds},
        lightgbm=lightgbm.__version__,
    )
    for suffix, content in ((".txt", text), (".json", json.dumps(card.model_dump(mode="json"), indent=1) + "\n")):
        with whole_file(folder / f"{name}{suffix}") as part:
            part.write_text(content)
    logger.info("%s: %d pixels, %d kB", name, covers.size, len(text) // 1000)


def boosted(
    columns: Layer,
    targets: NDArray[np.intp],
    names: Sequence[str],
    parameters: Mapping[str, Any],
    rounds: int,
    weights: Layer | None = None,
) -> str:
    """Train trees as text; the same samples give the same text.

    The trees of a forest, whose mean counts, are written as trees whose sum does, each leaf its share of the mean: so
    the text says nothing that a reader of boosted trees does not know.

    Args:
        columns: (feature, pixel).
        targets: Place of each pixel's class in ``COVERS``.
        names: Of the features.
        parameters: Of LightGBM.
        rounds: Trees of each class.
        weights: Of the pixels, all alike if left out.
    """
    rows = np.ascontiguousarray(columns.T)
    data = lightgbm.Dataset(rows, targets, weight=weights, feature_name=[*names], params=dict(parameters))
    booster = lightgbm.train(dict(parameters), data, num_boost_round=rounds)
    if parameters.get("boosting") != "rf":
        return str(booster.model_to_string())
    leaves = [tree["num_leaves"] for tree in booster.dump_model()["tree_info"]]
    for tree, count in enumerate(leaves):
        for leaf in range(count):
            booster.set_leaf_output(tree, leaf, booster.get_leaf_output(tree, leaf) / rounds)
    return str(booster.model_to_string()).replace("\naverage_output\n", "\n", 1)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
