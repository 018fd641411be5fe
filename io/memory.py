"""Memory for columns that is used again: frames of chunks come and go, and pages from the system are slow to get."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["matrix"]

KEPT_BYTES = 32 << 20
"""For the chunks that follow; the memory of larger tables is given back to the system."""

_lock = threading.Lock()
_spare: list[NDArray[np.uint8]] = []
# Finalizers run wherever the garbage collector does, be it in the thread that holds the lock: they never wait for it.
_returned: deque[NDArray[np.uint8]] = deque(maxlen=4)


class _Lent:
    """Memory that was lent out. Numpy's views of it keep the first array made of it alive, and no further back."""

    def __init__(self, memory: NDArray[np.uint8], shape: tuple[int, int], dtype: np.dtype[Any]) -> None:
        self.__array_interface__ = {
            "shape": shape,
            "typestr": dtype.str,
            "data": (memory.ctypes.data, False),
            "version": 3,
        }


def matrix(rows: int, columns: int, dtype: type[Any]) -> NDArray[Any]:
    """An array that is not filled; its memory is used again when neither it nor a view of it is left.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo.io.memory import matrix
    >>> matrix(3, 1000, np.float64).shape
    (3, 1000)
    """
    kind = np.dtype(dtype)
    size = rows * columns * kind.itemsize
    if not size:
        return np.empty((rows, columns), kind)
    with _lock:
        while _returned:
            _spare.append(_returned.popleft())
        while sum(memory.size for memory in _spare) > KEPT_BYTES:
            _spare.pop(0)
        fitting = [k for k, memory in enumerate(_spare) if size <= memory.size <= 2 * size]
        memory = _spare.pop(fitting[-1]) if fitting else None
    if memory is None:
        memory = np.empty(size, np.uint8)
    array = np.asarray(_Lent(memory, (rows, columns), kind))
    weakref.finalize(array, _give_back, memory).atexit = False
    return array


def _give_back(memory: NDArray[np.uint8]) -> None:
    if memory.size <= KEPT_BYTES // 2:
        _returned.append(memory)
