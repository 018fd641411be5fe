"""The second pass of the search for bursts: the bursts in a region of event times, by the filters of `filters`.

The event at which a filter exceeds its threshold most is the apex of the strongest burst. The burst ends where the rate
of its events has fallen to that of the background. The filters at earlier events contain this burst, too; they are
computed again with background in its place. The strongest burst is thus found first, and divides the region into
segments, in each of which the search is repeated.

Promise: for each burst, no memory is allocated but its place on a stack of segments.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..compile import inner_loop, kernel
from ..places import first_not_before
from .filters import FILTERS, fade_factor, step_over, step_to, sums_of
from .significance import significance, threshold

__all__ = ["separate_bursts"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

STRETCH = 256
"""The highest excess of each group of this many events is kept, so that not all events are read for every burst."""


@inner_loop
def _write_excess(
    times_ns: Integers,
    low: int,
    high: int,
    origin_ns: int,
    block_ns: int,
    slowest_per_ns: float,
    step_ns: int,
    start: Floats,
    last: int,
    means: Floats,
    weights: Floats,
    thresholds: Floats,
    first: int,
    scale: NDArray[np.int8],
    excess: NDArray[np.float32],
) -> None:
    """Write for each event which filter has the highest excess (-1: none), and the excess in standard deviations."""
    sums = sums_of(start)
    for i in range(low - first, high - first):
        scale[i], excess[i] = -1, -1.0
    i = high - 1
    block, block_begin, looks = -1, np.int64(0), False
    while i >= low:
        latest = times_ns[i]
        if block < 0 or latest < block_begin:
            block = (latest - origin_ns) // block_ns
            block_begin = origin_ns + block * block_ns
            looks = thresholds[block, 0] < math.inf
        count = 1
        i -= 1
        while i >= low and latest - times_ns[i] < step_ns and times_ns[i] >= block_begin:
            count += 1
            i -= 1
        at = times_ns[i + 1]
        fade = fade_factor((last - at) * slowest_per_ns)
        if count == 1:
            sums = step_to(sums, fade)
        else:
            sums = step_over(sums, fade, float(count), fade_factor((latest - at) * (0.5 * slowest_per_ns)))
        last = at
        if not looks:
            continue
        best = -1.0
        for k in range(FILTERS):
            if sums[k] - 1.0 > thresholds[block, k]:
                score = (sums[k] - 1.0 - means[block, k]) * weights[block, k]
                if score > best:
                    best = score
                    scale[i + 1 - first] = k
        excess[i + 1 - first] = best


@inner_loop
def _end_of(times_ns: Integers, i: int, high: int, width_ns: float, quiet: float) -> int:
    """Time, ns, at which the rate after event i has fallen to the background: the middle of the first quiet window."""
    end = i
    while i < high:
        while end < high and times_ns[end] - times_ns[i] < width_ns:
            end += 1
        if end - i <= quiet:
            break
        i += 1
    i = min(i, high - 1)
    return times_ns[i] + np.int64(0.5 * width_ns)


@inner_loop
def _onset_of(times_ns: Integers, i: int, low: int, width_ns: float, quiet: float) -> int:
    """Index of the event before which the rate is that of the background."""
    begin = i
    while i > low:
        while begin > low and times_ns[i] - times_ns[begin - 1] < width_ns:
            begin -= 1
        if i - begin <= quiet:
            break
        i -= 1
    return i


@kernel
def _keep_highest(excess: NDArray[np.float32], begin: int, end: int, highest: Integers) -> None:
    """Write the first event of highest excess (-1: none) of each group that overlaps with the events begin to end."""
    for stretch in range(begin // STRETCH, (end + STRETCH - 1) // STRETCH):
        best, at = np.float32(-1.0), -1
        for i in range(stretch * STRETCH, min((stretch + 1) * STRETCH, excess.size)):
            if excess[i] > best:
                best, at = excess[i], i
        highest[stretch] = at


@kernel
def _highest_of(excess: NDArray[np.float32], begin: int, end: int, highest: Integers) -> int:
    """Index of the first event of highest excess from begin to end, -1 for none; `highest` is used for whole groups."""
    best, at, i = np.float32(-1.0), -1, begin
    while i < end:
        if i % STRETCH == 0 and i + STRETCH <= end:
            candidate = highest[i // STRETCH]
            i += STRETCH
        else:
            candidate = i
            i += 1
        if candidate >= 0 and excess[candidate] > best:
            best, at = excess[candidate], candidate
    return at


@kernel
def separate_bursts(
    times_ns: Integers,
    low: int,
    high: int,
    origin_ns: int,
    block_ns: int,
    slowest_ns: float,
    step_ns: int,
    carry: Floats,
    carry_ns: int,
    counts: Floats,
    live_ns: Floats,
    levels: Floats,
    picked: Integers,
    scores: Floats,
) -> int:
    """Find the bursts in a region, the strongest first.

    Parameters
    ----------
    times_ns : array of int64, shape (n,)
        Sorted event times.
    low, high : int
        Indices of the events of the region, which consists of whole blocks: low to high - 1.
    origin_ns, block_ns : int
        An event at the time t belongs to block number (t - origin_ns) // block_ns of the region.
    slowest_ns : float
        The longest time constant.
    step_ns : int
        As in `scan_blocks`.
    carry, carry_ns : array of float64, shape (FILTERS,), and int
        As written by `scan_blocks` for the last block of the region.
    counts, live_ns, levels : arrays of float64, shape (blocks,)
        Counts and live time (ns) of the background, and level (z), of each block; the level is infinite for blocks
        without an excess.
    picked : array of int64, shape (most, 3)
        Written: onset, apex and end (ns) of each burst.
    scores : array of float64, shape (most,)
        Written: significance (z) of each burst.

    Returns
    -------
    int
        Number of bursts, at most `most`.
    """
    blocks = counts.size
    means, weights = np.empty((blocks, FILTERS)), np.empty((blocks, FILTERS))
    thresholds = np.empty((blocks, FILTERS))
    for block in range(blocks):
        for k in range(FILTERS):
            part = slowest_ns / (1 << k) / live_ns[block]
            means[block, k] = (counts[block] + 1.0) * part
            weights[block, k] = 1.0 / math.sqrt(0.5 * means[block, k])
            thresholds[block, k] = math.inf
            if levels[block] < math.inf:
                thresholds[block, k] = threshold(levels[block], counts[block], part)
    scale, excess = np.empty(high - low, np.int8), np.empty(high - low, np.float32)
    per_ns = 1.0 / slowest_ns
    # fmt: off
    _write_excess(times_ns, low, high, origin_ns, block_ns, per_ns, step_ns, carry, carry_ns, means, weights,
                  thresholds, low, scale, excess)
    # fmt: on
    highest = np.empty((high - low) // STRETCH + 1, np.int64)
    _keep_highest(excess, np.int64(0), high - low, highest)
    segments = np.empty((picked.shape[0] + 2, 2), np.int64)
    segments[0, 0], segments[0, 1] = low, high
    waiting, found = 1, 0
    while waiting > 0 and found < picked.shape[0]:
        waiting -= 1
        begin, end = segments[waiting, 0], segments[waiting, 1]
        at = _highest_of(excess, begin - low, end - low, highest)
        if at < 0:
            continue
        best = excess[at]
        at += low
        block, k = (times_ns[at] - origin_ns) // block_ns, scale[at - low]
        tau_ns, rate = slowest_ns / (1 << k), (counts[block] + 1.0) / live_ns[block]
        after_ns = min(max(2.0 * tau_ns, 0.4e9), 4.0e9)
        expected = rate * after_ns
        end_ns = _end_of(times_ns, at, end, after_ns, expected + 2.0 * math.sqrt(expected) + 1.0)
        before_ns = min(max(0.5 * tau_ns, 0.1e9), 0.5e9)
        expected = rate * before_ns
        onset = _onset_of(times_ns, at, begin, before_ns, expected + 2.0 * math.sqrt(expected) + 1.0)
        if end < high:
            end_ns = min(end_ns, times_ns[end])
        picked[found, 0], picked[found, 1], picked[found, 2] = times_ns[onset], times_ns[at], end_ns
        above = best / weights[block, k]
        scores[found] = significance(above + means[block, k], counts[block], tau_ns / live_ns[block])
        found += 1
        segments[waiting, 0] = first_not_before(times_ns, end_ns, np.int64(0), end)
        segments[waiting, 1] = end
        waiting += 1
        # The filters at earlier events contain this burst: they are computed again with background in its place.
        seen_ns = np.int64(slowest_ns * math.log(1.0 + 40.0 * above * weights[block, 0]))
        again = max(begin, first_not_before(times_ns, times_ns[onset] - seen_ns, np.int64(0), onset))
        # fmt: off
        _write_excess(times_ns, again, onset, origin_ns, block_ns, per_ns, step_ns, means[block], times_ns[onset],
                      means, weights, thresholds, low, scale, excess)
        # fmt: on
        _keep_highest(excess, again - low, onset - low, highest)
        segments[waiting, 0], segments[waiting, 1] = begin, onset
        waiting += 1
    return found
