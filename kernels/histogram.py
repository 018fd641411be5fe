"""Histograms with uniform bins, filled in one pass.

Bins are half-open: a value belongs to bin k when low + k w <= value < low + (k + 1) w, up to the rounding of one
division. Whole numbers stay whole until the lower edge is subtracted, so that ns since 1970 keep every digit when
`low` is an integer, too. Promise: counts are added to what the array holds; what lies outside is counted and
returned, never lost and never put into the first or last bin.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compile import exact_kernel

__all__ = ["fill_1d", "fill_2d"]


@exact_kernel
def fill_1d(values: NDArray[Any], low: float, high: float, counts: NDArray[np.int64]) -> tuple[int, int]:
    """Add values to a histogram.

    Parameters
    ----------
    values : array of integers or floats, shape (n,)
        Not-a-numbers are ignored.
    low, high : int or float
        Lower edge of the first bin and upper edge of the last, in the unit of the values; low < high.
    counts : array of int64, shape (bins,)
        Increased in place.

    Returns
    -------
    (below, above) : ints
        How many values lay below `low`, and at or above `high`.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo.kernels.histogram import fill_1d
    >>> counts = np.zeros(3, np.int64)
    >>> fill_1d(np.array([-1.0, 0.5, 2.5, 2.7, 3.0]), 0.0, 3.0, counts)
    (1, 1)
    >>> counts
    array([1, 0, 2])
    """
    bins = counts.size
    per_unit = bins / (high - low)
    below = 0
    above = 0
    for i in range(values.size):
        value = values[i]
        if value < low:
            below += 1
        elif value >= high:
            above += 1
        elif value >= low:
            counts[min(int((value - low) * per_unit), bins - 1)] += 1
    return below, above


@exact_kernel
def fill_2d(
    x: NDArray[Any],
    y: NDArray[Any],
    x_low: float,
    x_high: float,
    y_low: float,
    y_high: float,
    counts: NDArray[np.int64],
) -> int:
    """Add pairs of values to a two-dimensional histogram.

    Parameters
    ----------
    x, y : arrays of integers or floats, shape (n,)
    x_low, x_high, y_low, y_high : int or float
        Outer edges, in the units of the values; low < high.
    counts : array of int64, shape (x bins, y bins)
        Increased in place.

    Returns
    -------
    int
        How many pairs lay outside, or held a not-a-number.
    """
    x_bins, y_bins = counts.shape
    x_per_unit = x_bins / (x_high - x_low)
    y_per_unit = y_bins / (y_high - y_low)
    outside = 0
    for i in range(x.size):
        a, b = x[i], y[i]
        if x_low <= a < x_high and y_low <= b < y_high:
            column = min(int((a - x_low) * x_per_unit), x_bins - 1)
            row = min(int((b - y_low) * y_per_unit), y_bins - 1)
            counts[column, row] += 1
        else:
            outside += 1
    return outside
