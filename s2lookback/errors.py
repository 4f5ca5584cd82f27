"""Errors, sorted by what a flow does about them rather than by where they arose."""


class TransientError(Exception):
    """The outside world failed and may recover: the flow tries again."""


class SceneError(Exception):
    """This scene cannot be used: the flow leaves it out and says so."""


class GridMismatchError(SceneError):
    """Two rasters that must lie on one grid do not."""


class CatalogError(Exception):
    """The catalog would contradict itself: the flow stops."""
