"""Builder of the items of models, in the words of the machine learning model extension."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from catalog.items import assets
from catalog.items.builders import Basis, item_of
from catalog.items.stated import known, time_text
from catalog.layout import Item
from s2lookback.masking.classes import MEANINGS, Class


def model_item(
    basis: Basis,
    *,
    start: datetime,
    features: Sequence[str],
    classes: Sequence[Class],
    hyperparameters: Mapping[str, Any],
    metrics: Mapping[str, Any],
    champion: Mapping[str, Any] | None = None,
) -> Item:
    """Describe a model that tells clouds apart.

    Args:
        basis: What every item says; ``sources`` are the training scenes and their masks.
        start: Sensing time of the oldest training scene.
        features: Names of the features, in their order.
        classes: What it tells apart, in the order of its output.
        hyperparameters: How it was trained.
        metrics: How well it did on scenes that it was not trained on.
        champion: The model before it, and which of the two won; None for a tile's first.
    """
    inputs = {
        "name": "features of one pixel",
        "description": "Reflectance today, when last clear, and the change",
        "bands": [{"name": name} for name in features],
        "input": {"shape": [-1, len(features)], "dim_order": ["batch", "bands"], "data_type": "float32"},
    }
    outputs = {
        "name": "probability of each class",
        "tasks": ["classification"],
        "result": {"shape": [-1, len(classes)], "dim_order": ["batch", "class"], "data_type": "float64"},
        "classification:classes": [
            {"value": code.value, "name": code.name.lower(), "description": MEANINGS[code].title} for code in classes
        ],
    }
    facts = {
        "start_datetime": time_text(start),
        "end_datetime": time_text(basis.sensed),
        "bands": [{"name": name} for name in features],
        "mlm:name": f"cloud-{basis.tile}",
        "mlm:architecture": "gradient-boosted decision trees",
        "mlm:tasks": ["classification"],
        "mlm:framework": "LightGBM",
        "mlm:framework_version": basis.software["lightgbm"],
        "mlm:hyperparameters": dict(sorted(hyperparameters.items())),
        "mlm:input": [inputs],
        "mlm:output": [outputs],
        "s2lookback:metrics": dict(sorted(metrics.items())),
        **known({"s2lookback:champion": dict(champion or {}) or None}),
    }
    lineage = "Trained on the tile's own scenes, labelled by the producer's masks; tested on scenes left aside"
    return item_of("model", basis, facts, assets.model_assets(features), level="L4", lineage=lineage)
