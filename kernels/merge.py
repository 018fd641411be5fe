"""Sorted times beside sorted times: what lies before an edge, which reading was the last, what their mean is.

Both sides are sorted, so that the place of a moment is found from the place of the one before: by steps that double
until they are past it, and then halve back. That is one step where both sides are as dense, and never more than twice
a bisection.

Edges are given as moments and one shift for all of them: begin, end and offset of a clock cost no array of their own.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .compile import exact_kernel, inlined

__all__ = ["are_readings", "count_before", "last_readings", "means_between", "take"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Places = NDArray[np.uint32]
Values = NDArray[np.integer]

TOGETHER = 4096
"""Times that are compared without a branch for each of them."""
EARLIEST_NS, LATEST_NS = -(2**63), 2**63 - 1


@inlined
def _place_of(times_ns: Integers, edge_ns: int, place: int) -> int:
    """How many times are before the edge, if at least `place` are."""
    n, low, step = times_ns.size, place, 1  # all before low are before the edge
    while low + step <= n and times_ns[np.uint64(low + step - 1)] < edge_ns:
        low += step
        step += step
    high = min(low + step - 1, n)  # from high on none is
    while low < high:
        middle = (low + high) >> 1
        if times_ns[np.uint64(middle)] < edge_ns:
            low = middle + 1
        else:
            high = middle
    return low


@exact_kernel
def count_before(times_ns: Integers, moments_ns: Integers, shift_ns: int, counts: Integers) -> None:
    """Count the times before each moment, as `numpy.searchsorted` does.

    Parameters
    ----------
    times_ns : array of int64, shape (n,)
        Sorted.
    moments_ns : array of int64, shape (m,)
        In any order; fast where they are sorted.
    shift_ns : int
        Added to every moment.
    counts : array of int64, shape (m,)
        Written.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo.kernels.merge import count_before
    >>> counts = np.empty(3, np.int64)
    >>> count_before(np.array([10, 20, 30]), np.array([5, 20, 99]), 0, counts)
    >>> counts
    array([0, 1, 3])
    """
    n, place, before_ns = times_ns.size, 0, np.int64(EARLIEST_NS)
    for i in range(moments_ns.size):
        edge_ns = moments_ns[i] + shift_ns
        if edge_ns < before_ns:
            place = 0
        before_ns = edge_ns
        if place < n and times_ns[np.uint64(place)] < edge_ns:
            place += 1  # the next one is looked at first: nothing is faster where both sides are as dense
            if place < n and times_ns[np.uint64(place)] < edge_ns:
                place = _place_of(times_ns, edge_ns, place)
        counts[i] = place


@exact_kernel
def last_readings(
    times_ns: Integers,
    moments_ns: Integers,
    shift_ns: int,
    tolerance_ns: int,
    places: Places,
    known: NDArray[np.bool_],
) -> int:
    """Find the last reading at or before each moment that is not older than the tolerance.

    Parameters
    ----------
    times_ns : array of int64, shape (n,)
        Sorted times of the readings; of equal times the last one counts.
    moments_ns : array of int64, shape (m,)
        Sorted.
    shift_ns : int
        Added to every moment.
    tolerance_ns : int
    places : array of uint32, shape (m,)
        Written: which reading that is; any number where there is none.
    known : array of bool, shape (m,)
        Written: whether there is one.

    Returns
    -------
    int
        Moments without a reading.
    """
    n, m, place, missing = times_ns.size, moments_ns.size, 0, 0
    last_ns, next_ns = np.int64(EARLIEST_NS), times_ns[0] if n > 0 else np.int64(LATEST_NS)
    known[:] = True
    i = 0
    while i < m:
        asked_ns = moments_ns[np.uint64(i)] + shift_ns
        if asked_ns >= next_ns:
            place += 1
            last_ns, next_ns = next_ns, times_ns[np.uint64(place)] if place < n else np.int64(LATEST_NS)
            if asked_ns >= next_ns:
                place = _place_of(times_ns, asked_ns + 1, place)
                last_ns = times_ns[np.uint64(place - 1)]
                next_ns = times_ns[np.uint64(place)] if place < n else np.int64(LATEST_NS)
        # All moments before the next reading have this one, several at a step where there are many.
        here, begin = np.uint32(max(place - 1, 0)), i
        places[np.uint64(i)] = here
        i += 1
        while i + 8 <= m and moments_ns[np.uint64(i + 7)] + shift_ns < next_ns:
            for k in range(8):
                places[np.uint64(i + k)] = here
            i += 8
        while i < m and moments_ns[np.uint64(i)] + shift_ns < next_ns:
            places[np.uint64(i)] = here
            i += 1
        if place == 0 or next_ns - 1 - tolerance_ns > last_ns:
            for k in range(begin, i):
                found = place > 0 and last_ns >= moments_ns[np.uint64(k)] + shift_ns - tolerance_ns
                known[np.uint64(k)] = found
                missing += not found
    return missing


@exact_kernel
def are_readings(times_ns: Integers, moments_ns: Integers, shift_ns: int) -> bool:
    """Whether moment i is the time of reading i, and of no other, for every i; both sorted, of one size."""
    n, one = times_ns.size, np.uint64(1)
    if n > 0 and moments_ns[0] + shift_ns != times_ns[0]:
        return False
    for begin in range(1, n, TOGETHER):  # without a branch for each of them
        others = 0
        for i in range(np.uint64(begin), np.uint64(min(begin + TOGETHER, n))):
            others += (moments_ns[i] + shift_ns != times_ns[i]) | (times_ns[i] == times_ns[i - one])
        if others:
            return False
    return True


@exact_kernel
def take(values: Values, places: Places, taken: Values) -> None:
    """Write the values at the places, which must be among them.

    Parameters
    ----------
    values, taken : arrays of one integer type, shapes (n,) and (m,)
        Decimals are given as integers of their size.
    places : array of uint32, shape (m,)
    """
    for i in range(places.size):
        taken[np.uint64(i)] = values[np.uint64(places[np.uint64(i)])]


@exact_kernel
def means_between(
    values: Floats, first: Integers, last: Integers, counts: Integers, means: Floats, errors: Floats
) -> None:
    """Average the readings of each interval.

    Parameters
    ----------
    values : array of float64, shape (n,)
        The readings; NaN where there is none.
    first, last : array of int64, shape (m,)
        The readings first <= i < last of each interval; intervals may overlap.
    counts : array of int64, shape (m,)
        Written: readings of each.
    means, errors : array of float64, shape (m,)
        Written: their mean and its standard error; NaN of none, and of one.
    """
    for row in range(first.size):
        count, total = 0, 0.0
        for i in range(np.uint64(first[row]), np.uint64(last[row])):
            if not math.isnan(values[i]):
                count += 1
                total += values[i]
        mean, squares = total / count, 0.0
        for i in range(np.uint64(first[row]), np.uint64(last[row])):
            if not math.isnan(values[i]):
                squares += (values[i] - mean) * (values[i] - mean)
        counts[row], means[row] = count, mean
        errors[row] = math.sqrt(squares / (count - 1) / count) if count > 1 else math.nan
