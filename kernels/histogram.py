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

__all__ = ["fill_1d", "fill_grid"]


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
def fill_grid(
    times: NDArray[np.int64],
    values: NDArray[Any],
    first_column: int,
    column_width: int,
    first_row: float,
    rows_per_unit: float,
    counts: NDArray[np.int64],
) -> None:
    """Add pairs of a sorted time and a value to a grid of bins that begin at whole multiples of their widths.

    Whole multiples make bins of other widths agree: what two bins hold is what one of twice the width holds.

    Parameters
    ----------
    times : array of int64, shape (n,)
        Sorted.
    values : array of integers or floats, shape (n,)
        Finite.
    first_column : int
        The first column begins at this multiple of `column_width`.
    column_width : int
    first_row : float
        The first row begins at this multiple of ``1 / rows_per_unit``.
    rows_per_unit : float
        A power of two and at most 1, so that bins are exact.
    counts : array of int64, shape (columns, rows)
        Increased in place. All pairs lie within.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo.kernels.histogram import fill_grid
    >>> counts = np.zeros((2, 2), np.int64)
    >>> fill_grid(np.array([19, 20, 29, 30]), np.array([4, 4, 7, 5]), 1, 10, 2.0, 0.5, counts)
    >>> counts.tolist()
    [[1, 0], [1, 1]]
    """
    column = np.int64(0)
    end = np.iinfo(np.int64).min
    for i in range(times.size):
        if times[i] >= end:
            column = times[i] // column_width
            end = (column + 1) * column_width
            column -= first_column
        counts[column, int(np.floor(np.floor(values[i]) * rows_per_unit) - first_row)] += 1
