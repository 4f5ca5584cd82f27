"""Memory that a thread uses again and again: the system clears fresh memory, which takes as long as the work in it."""

import threading
from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class Buffers(threading.local):
    """Arrays by name, each thread its own."""

    def __init__(self) -> None:
        self._held: dict[Hashable, NDArray[np.uint8]] = {}

    def array(self, name: Hashable, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Give an array of any content; it is lost when this thread asks for the same name again."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        held = self._held.get(name)
        if held is None or held.size < size:
            held = self._held[name] = np.empty(size, np.uint8)
        return held[:size].view(dtype).reshape(shape)
