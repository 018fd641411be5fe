"""Times of many rows, in one pass over them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compile import exact_kernel

__all__ = ["elapsed_ns", "is_sorted", "rounded_ns"]

Floats = NDArray[np.float64]
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
def rounded_ns(counts: Floats, unit_ns: int, before_ns: int, grain_ns: int, latest: float, out: Integers) -> None:
    """Put `counts` of a unit since an epoch that lies `before_ns` before 1970 into `out`, in ns since 1970.

    Whole units are exact, parts of them are rounded to `grain_ns`. What is no number, or as large as `latest`, counts
    as zero.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo.kernels.times import rounded_ns
    >>> times_ns = np.empty(3, np.int64)
    >>> rounded_ns(np.array([0.1, 2.5, np.nan]), 10**9, 0, 1000, 9.2e9, times_ns)
    >>> times_ns
    array([ 100000000, 2500000000,          0])
    """
    grains = unit_ns / grain_ns
    for i in range(counts.size):
        count = counts[np.uint64(i)]
        whole = np.floor(count)
        moment = np.int64(0)
        if abs(whole) < latest:  # also false for nan
            moment = np.int64(whole) * unit_ns + np.int64(np.rint((count - whole) * grains) * grain_ns)
        out[np.uint64(i)] = moment - before_ns


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
