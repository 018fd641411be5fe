"""Times of many rows, in one pass over them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compile import exact_kernel

__all__ = ["elapsed_ns", "is_sorted"]

Integers = NDArray[np.int64]


@exact_kernel
def elapsed_ns(counts: Integers, unit_ns: int, start_ns: int, out: Integers) -> None:
    """Put ``start_ns + unit_ns * counts`` into `out`; as numpy, it wraps around beyond 64 bits.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo.kernels.times import elapsed_ns
    >>> times_ns = np.empty(2, np.int64)
    >>> elapsed_ns(np.array([0, 3]), 1000, 7, times_ns)
    >>> times_ns
    array([   7, 3007])
    """
    for i in range(counts.size):
        out[np.uint64(i)] = counts[np.uint64(i)] * unit_ns + start_ns


@exact_kernel
def is_sorted(values: Integers) -> bool:
    """Whether `values` never decrease.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo.kernels.times import is_sorted
    >>> is_sorted(np.array([1, 2, 2])), is_sorted(np.array([1, 3, 2]))
    (True, False)
    """
    backwards = 0
    for i in range(1, values.size):
        backwards += values[np.uint64(i)] < values[np.uint64(i - 1)]
    return backwards == 0
