"""What each pixel of a scene is, how sure we are, and what it may be used for.

For anyone with an array: ``from s2lookback.masking import classify``; docs/masking.md tells more.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from s2lookback.masking.array import classify, cloud_mask, shadow_mask
    from s2lookback.masking.medians import geomedian

__all__ = ["classify", "cloud_mask", "geomedian", "shadow_mask"]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: compiled loops and trees take a second, this package nothing."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from s2lookback.masking import array, medians

    return getattr(medians if name == "geomedian" else array, name)
