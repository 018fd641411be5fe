"""The background of the search for bursts, from blocks of time without an excess; and long gaps in the data."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..compile import inner_loop, kernel
from ..inverse import invert_information
from ..places import first_not_before, median_of

__all__ = ["clipped_background", "followed_background", "wide_gaps"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

AROUND = 3
"""Blocks before and after a block whose median rate stands for the slow changes of the background there."""
NEAR = 8
"""Blocks before and after a block among which these medians must differ, for the background to be followed."""
CHANGED, TWICE = 3.1, 2.5
"""By how much they must differ, in roots of the counts of a block; and the ratio up to which it is the background."""
REACHES = (12, 8, 5, 3)
"""Blocks before and after a block through whose counts a parabola is laid: the first of these that fits them."""
FITS = 1.0
"""Standard deviations by which its chi-square may exceed the mean."""


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


@inner_loop
def _medians(counts: Floats, live: Floats, full: float, rates: Floats, medians: Floats) -> None:
    """The rate of each block, and the median of those around it; -1 where there is none."""
    n = counts.size
    window = np.empty(2 * AROUND + 1)
    for i in range(n):
        rates[i] = counts[i] / live[i] if live[i] > 0.5 * full else -1.0
    for i in range(n):
        held = np.int64(0)
        for j in range(max(0, i - AROUND), min(n, i + AROUND + 1)):
            if counts[j] >= 0.0 and live[j] > 0.5 * full:
                window[held] = counts[j] / live[j]
                held += 1
        medians[i] = median_of(window, held) if held > AROUND else -1.0


@inner_loop
def _parabola(
    counts: Floats, live: Floats, rates: Floats, medians: Floats, at: int, reach: int, answer: Floats
) -> bool:
    """Lay a parabola through the blocks around one, without those with an excess; write its value and variance there.

    Whether it describes them.
    """
    sums, tops, inverse = np.zeros((3, 3)), np.zeros(3), np.empty((3, 3))
    used, total = 0, 0.0
    for j in range(max(0, at - reach), min(counts.size, at + reach + 1)):
        mean = medians[j] * live[j]
        if rates[j] < 0.0 or medians[j] <= 0.0 or counts[j] > mean + 4.0 * math.sqrt(mean + 1.0) + 2.0:
            continue
        u, weight = (j - at) / reach, live[j] / medians[j]
        used += 1
        total += weight * rates[j] * rates[j]
        for a in range(3):
            tops[a] += weight * rates[j] * u**a
            for b in range(3):
                sums[a, b] += weight * u ** (a + b)
    if used < 5 or not invert_information(sums, inverse):
        return False
    chi2 = total
    value = 0.0
    for a in range(3):
        value += inverse[0, a] * tops[a]
        for b in range(3):
            chi2 -= tops[a] * inverse[a, b] * tops[b]
    answer[0], answer[1] = value, inverse[0, 0]
    free = used - 3
    return chi2 < free + FITS * math.sqrt(2.0 * free)


@kernel
def followed_background(counts: Floats, live: Floats, full: float, sums: Floats, sums_live: Floats) -> int:
    """Follow a background that changes within minutes, where it does.

    Where the medians of the rates of blocks near a block differ by more than chance allows, its background is the value
    of a parabola through the counts around it, over as many blocks as a parabola describes.

    Parameters
    ----------
    counts, live : arrays of float64, shape (blocks,)
        Counts and live time (ns) of each block, without what is known to be bursts.
    full : float
        Length of a block, ns; those of which less than half is live are left out.
    sums, sums_live : arrays of float64, shape (blocks,)
        The background of each block by its mean around it, as `clipped_background` writes it. Written where it is
        followed: counts and a live time of the same rate and relative error as the value of the parabola.

    Returns
    -------
    int
        Number of blocks where it is followed.
    """
    n = counts.size
    rates, medians, answer = np.empty(n), np.empty(n), np.zeros(2)
    _medians(counts, live, full, rates, medians)
    followed = 0
    for i in range(n):
        low, high = math.inf, 0.0
        for j in range(max(0, i - NEAR), min(n, i + NEAR + 1)):
            if medians[j] >= 0.0:
                low, high = min(low, medians[j]), max(high, medians[j])
        if not high > 0.0 or high > TWICE * low or (high - low) * full < CHANGED * math.sqrt(0.5 * (high + low) * full):
            continue
        found = False
        for reach in REACHES:
            if not found:
                found = _parabola(counts, live, rates, medians, i, reach, answer)
        value, variance = answer[0], answer[1]
        if value > 0.5 * low and variance > 0.0:
            sums[i], sums_live[i] = value * value / variance, value / variance
            followed += 1
            answer[0], answer[1] = 0.0, 0.0
    return followed
