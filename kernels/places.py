"""Places in lists, inside kernels: where a value belongs, and the value in the middle."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compile import inner_kernel

__all__ = ["first_not_before", "median_of"]


@inner_kernel
def first_not_before(values: NDArray[Any], wanted: float, begin: int, end: int) -> int:
    """The first of the sorted values begin to end that is not less than `wanted`; `end` where all are."""
    while begin < end:
        middle = (begin + end) >> 1
        if values[middle] < wanted:
            begin = middle + 1
        else:
            end = middle
    return begin


@inner_kernel
def median_of(values: NDArray[np.float64], count: int) -> float:
    """The median of the first `count` values, of which there is one at the least; they change their order.

    C. A. R. Hoare's search (Comm. ACM 4 (1961) 321) for the upper one of those in the middle; the lower one is then the
    largest of those before it.
    """
    half = count >> 1
    low, high = np.int64(0), count - 1
    while low < high:
        pivot = values[half]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while pivot < values[j]:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if j < half:
            low = i
        if half < i:
            high = j
    upper = lower = values[half]
    if count & 1 == 0:
        lower = values[0]
        for i in range(1, half):
            lower = max(lower, values[i])
    return (lower + upper) / 2.0
