"""Compiles a loop that numpy would need several passes and fresh memory for."""

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(loop: Callable[..., Any]) -> Any:
    """Compile a function of arrays on its first call and keep the machine code beside it for the next process.

    The function lets other threads run, reads and writes its arrays unchecked, and rounds and divides by zero as
    numpy does.
    """
    try:
        return njit(cache=True, nogil=True, error_model="numpy")(loop)
    except RuntimeError:  # neither the package nor the user's cache can be written: compiled in every process
        return njit(nogil=True, error_model="numpy")(loop)
