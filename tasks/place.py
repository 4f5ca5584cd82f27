"""Where products and scenes are, as the worker's environment says unless a run says otherwise."""

import os

from prefect.context import FlowRunContext

from s2lookback.errors import CatalogError, SceneError
from s2lookback.sources.settings import SourceSettings


def root_of(root: str) -> str:
    """Give the folder of the catalog: the parameter, else ``S2LOOKBACK_ROOT``.

    Raises:
        CatalogError: If neither is set.
    """
    place = root or os.environ.get("S2LOOKBACK_ROOT", "")
    if not place:
        raise CatalogError("no catalog was named: set the parameter root, or S2LOOKBACK_ROOT on the worker")
    return place


def source_of(source: SourceSettings | None) -> SourceSettings:
    """Give the source of scenes: the parameter, else ``S2LOOKBACK_SCENES`` and ``S2LOOKBACK_MASKS``.

    Raises:
        SceneError: If neither is set.
    """
    source = source or SourceSettings()
    if source.scenes or source.kind == "simulated":
        return source
    scenes, masks = (os.environ.get(f"S2LOOKBACK_{name}", "") for name in ("SCENES", "MASKS"))
    if not scenes:
        raise SceneError("no scenes were named: set the parameter source, or S2LOOKBACK_SCENES on the worker")
    return source.model_copy(update={"scenes": scenes, "masks": source.masks or masks})


def deployed() -> bool:
    """Tell whether a worker runs this flow through a deployment, so that others may be run so too."""
    context = FlowRunContext.get()
    return bool(context and context.flow_run and context.flow_run.deployment_id)
