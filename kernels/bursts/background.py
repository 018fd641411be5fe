"""The background of the search for bursts, from blocks of time without an excess; and long gaps in the data."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..compile import kernel
from ..places import first_not_before

__all__ = ["clipped_background", "wide_gaps"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@kernel
def wide_gaps(times_ns: Integers, neighbours: int, part: float, found: Integers) -> int:
    """Find gaps between events that are longer than `part` times the duration of the events before them.

    A gap that is found counts no longer than that in this duration, so that one gap does not hide the next.

    Parameters
    ----------
    times_ns : array of int64, shape (n,)
        Sorted event times.
    neighbours : int
        Number of events before a gap whose duration is taken.
    part : float
        Fraction of this duration.
    found : array of int64, shape (most,)
        Written: indices of the first event after each of these gaps.

    Returns
    -------
    int
        Number of these gaps; those after the first `most` are not written.
    """
    gaps, at = 0, 0
    cut_ns = np.int64(0)  # what was cut from the gaps that were found
    cuts = np.zeros(neighbours + 1, np.int64)  # the same at the events before
    for i in range(1, times_ns.size):
        gap = times_ns[i] - times_ns[i - 1]
        cuts[at] = cut_ns
        at = at + 1 if at < neighbours else 0
        longest = part * (times_ns[i - 1] - times_ns[max(0, i - 1 - neighbours)] - (cut_ns - cuts[at]))
        if gap > longest:
            if gaps < found.size:
                found[gaps] = i
            gaps += 1
            if longest > 0.0:
                cut_ns += np.int64(gap - longest)
    return gaps


@kernel
def clipped_background(counts: Integers, live_ns: Integers, reach: int, sums: Floats, live: Floats) -> None:
    """Sum the counts around each block, without blocks that have an excess.

    The lower quartile of the counts of the blocks around is taken as their background. Blocks with more than
    q + 4 sqrt(q + 1) + 2 counts, q being this quartile, are left out.

    Parameters
    ----------
    counts, live_ns : arrays of int64, shape (blocks,)
        Counts and live time of each block; only the last one may be shorter than the others.
    reach : int
        Number of blocks before, and after, each block.
    sums, live : arrays of float64, shape (blocks,)
        Written: counts and live time (ns) of the blocks that are not left out.
    """
    n = counts.size
    window = np.empty(2 * reach + 1, np.int64)
    held = np.int64(0)
    for i in range(-reach, n):
        enters, leaves = i + reach, i - reach - 1
        if leaves >= 0:  # `window` is the sorted list of the counts in reach
            j = first_not_before(window, counts[leaves], np.int64(0), held)
            held -= 1
            for k in range(j, held):
                window[k] = window[k + 1]
        if enters < n:
            j = first_not_before(window, counts[enters], np.int64(0), held)
            for k in range(held, j, -1):
                window[k] = window[k - 1]
            window[j] = counts[enters]
            held += 1
        if i < 0:
            continue
        quiet = float(window[held // 4])
        limit = quiet + 4.0 * math.sqrt(quiet + 1.0) + 2.0
        total, time = 0.0, 0.0
        for k in range(max(0, i - reach), min(n, i + reach + 1)):
            if counts[k] <= limit:
                total += counts[k]
                time += live_ns[k]
        sums[i], live[i] = total, time
