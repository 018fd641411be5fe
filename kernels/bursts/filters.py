"""Search for bursts among sorted event times with a bank of exponential filters, in linear time.

A burst that decays with the time constant tau over a flat background is found best by the sum of exp(-(t_i - t)/tau)
over the events behind its beginning t: the matched filter. Read from the last event to the first, the sum at every
event follows from the one before: it fades, and the event adds one. `FILTERS` time constants, each half of the one
before, run side by side; a burst between two of them loses 1.5 % of its signal to noise, a flat one of any length at
most 10 %.

How unlikely a sum is under background alone is told by `significance`.

Promises: `scan_blocks` is one pass, reads the times alone and keeps, for each block of time, the highest sums: whatever
background is assumed later, only blocks that exceed are looked at again. Nothing is allocated but a stack of segments.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compile import exact_kernel, inlined, kernel
from .significance import significance, threshold

__all__ = [
    "FILTERS",
    "flag_blocks",
    "scan_blocks",
    "separate_bursts",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FILTERS = 7
STRETCH = 256
"""Events of which the highest is kept, so that a region is not read through for every burst in it."""


@inlined
def _faded(x: float) -> float:
    """exp(-x) for x >= 0; steps between events are short, and a polynomial serves them (to 1e-12)."""
    if x < 0.25:
        series = 1.0 - x * (1.0 / 9.0)
        series = 1.0 - x * (1.0 / 8.0) * series
        series = 1.0 - x * (1.0 / 7.0) * series
        series = 1.0 - x * (1.0 / 6.0) * series
        series = 1.0 - x * (1.0 / 5.0) * series
        series = 1.0 - x * (1.0 / 4.0) * series
        series = 1.0 - x * (1.0 / 3.0) * series
        return 1.0 - x * (1.0 - x * 0.5 * series)
    return math.exp(-x)


@inlined
def _powers(fade: float) -> Any:
    """How all filters fade where the slowest does so by `fade`."""
    fade1 = fade * fade
    fade2 = fade1 * fade1
    fade3 = fade2 * fade2
    fade4 = fade3 * fade3
    fade5 = fade4 * fade4
    return fade, fade1, fade2, fade3, fade4, fade5, fade5 * fade5


@inlined
def _stepped(sums: Any, fade: float) -> Any:
    """Go to an earlier event: what the filters hold fades, and the event adds one."""
    f = _powers(fade)
    return (
        sums[0] * f[0] + 1.0,
        sums[1] * f[1] + 1.0,
        sums[2] * f[2] + 1.0,
        sums[3] * f[3] + 1.0,
        sums[4] * f[4] + 1.0,
        sums[5] * f[5] + 1.0,
        sums[6] * f[6] + 1.0,
    )


@inlined
def _stepped_over(sums: Any, fade: float, count: float, half: float) -> Any:
    """Go to the first of several events that are spread evenly over a short time, half of which fades by `half`."""
    f, h = _powers(fade), _powers(half)
    return (
        sums[0] * f[0] + count * h[0],
        sums[1] * f[1] + count * h[1],
        sums[2] * f[2] + count * h[2],
        sums[3] * f[3] + count * h[3],
        sums[4] * f[4] + count * h[4],
        sums[5] * f[5] + count * h[5],
        sums[6] * f[6] + count * h[6],
    )


@inlined
def _higher(a: Any, b: Any) -> Any:
    return (
        max(a[0], b[0]),
        max(a[1], b[1]),
        max(a[2], b[2]),
        max(a[3], b[3]),
        max(a[4], b[4]),
        max(a[5], b[5]),
        max(a[6], b[6]),
    )


@inlined
def _of_row(row: Floats) -> Any:
    return (row[0], row[1], row[2], row[3], row[4], row[5], row[6])


@exact_kernel
def scan_blocks(
    times_ns: Integers,
    edges: Integers,
    blocks: int,
    slowest_per_ns: float,
    step_ns: int,
    carry: Floats,
    carry_ns: Integers,
    highest: Floats,
) -> None:
    """Run the filters from the last event to the first, and keep the highest sums of each block.

    Parameters
    ----------
    times_ns : array of int64, shape (n,)
        Sorted event times.
    edges : array of int64, shape (blocks + ahead + 1,)
        Index of the first event of each block; the blocks ahead only fill the filters.
    blocks : int
        How many blocks to keep.
    slowest_per_ns : float
        Inverse of the longest time constant; every other filter is twice as fast as the one before.
    step_ns : int
        Events that are closer than this to the latest of them enter together, as if spread evenly.
    carry, carry_ns : arrays of float64 and int64, shapes (blocks, FILTERS) and (blocks,)
        Written: the sums as they enter a block from behind, and as of which time.
    highest : array of float64, shape (blocks, FILTERS)
        Written: the highest sums at events of the block, 0 where it has none.
    """
    sums = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    last = times_ns[edges[-1] - 1] if edges[-1] > edges[0] else 0
    for block in range(edges.size - 2, -1, -1):
        high = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        if block < blocks:
            for k in range(FILTERS):
                carry[block, k] = sums[k]
            carry_ns[block] = last
        i, low = edges[block + 1] - 1, edges[block]
        while i >= low:
            latest = times_ns[i]
            count = 1
            i -= 1
            while i >= low and latest - times_ns[i] < step_ns:
                count += 1
                i -= 1
            at = times_ns[i + 1]
            fade = _faded((last - at) * slowest_per_ns)
            if count == 1:
                sums = _stepped(sums, fade)
            else:
                sums = _stepped_over(sums, fade, float(count), _faded((latest - at) * (0.5 * slowest_per_ns)))
            high = _higher(high, sums)
            last = at
        if block < blocks:
            for k in range(FILTERS):
                highest[block, k] = high[k]


@kernel
def flag_blocks(
    highest: Floats, counts: Floats, live_ns: Floats, levels: Floats, slowest_ns: float, flags: NDArray[np.bool_]
) -> None:
    """Flag the blocks in which a filter exceeds its level.

    Parameters
    ----------
    highest : array of float64, shape (blocks, FILTERS)
        From `scan_blocks`.
    counts, live_ns, levels : arrays of float64, shape (blocks,)
        Background and level (z) of each block.
    slowest_ns : float
        The longest time constant.
    flags : array of bool, shape (blocks,)
        Written.
    """
    for i in range(flags.size):
        flags[i] = False
        for k in range(FILTERS):
            part = slowest_ns / (1 << k) / live_ns[i]
            excess, mean = highest[i, k] - 1.0, (counts[i] + 1.0) * part
            # No sum below this line is significant: the true one lies higher, because the sums are skew.
            line = mean + levels[i] * math.sqrt(0.5 * mean) + 0.02 * levels[i] * levels[i]
            if excess > line and significance(excess, counts[i], part) > levels[i]:
                flags[i] = True
                break


@kernel
def _mark(
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
    """Write, for the events low to high, which filter exceeds most (-1: none), and by how many standard deviations."""
    sums = _of_row(start)
    scale[low - first : high - first] = -1
    excess[low - first : high - first] = -1.0
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
        fade = _faded((last - at) * slowest_per_ns)
        if count == 1:
            sums = _stepped(sums, fade)
        else:
            sums = _stepped_over(sums, fade, float(count), _faded((latest - at) * (0.5 * slowest_per_ns)))
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


@kernel
def _end_of(times_ns: Integers, i: int, high: int, width_ns: float, quiet: float) -> int:
    """Where the events behind i become as rare as background: the middle of the first quiet window."""
    end = i
    while i < high:
        while end < high and times_ns[end] - times_ns[i] < width_ns:
            end += 1
        if end - i <= quiet:
            break
        i += 1
    i = min(i, high - 1)
    return times_ns[i] + np.int64(0.5 * width_ns)


@kernel
def _onset_of(times_ns: Integers, i: int, low: int, width_ns: float, quiet: float) -> int:
    """The event before which the events are as rare as background."""
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
    """Write, for each stretch of events that begin to end touch, the first event that exceeds most; -1 for none."""
    for stretch in range(begin // STRETCH, (end + STRETCH - 1) // STRETCH):
        best, at = np.float32(-1.0), -1
        for i in range(stretch * STRETCH, min((stretch + 1) * STRETCH, excess.size)):
            if excess[i] > best:
                best, at = excess[i], i
        highest[stretch] = at


@kernel
def _highest_of(excess: NDArray[np.float32], begin: int, end: int, highest: Integers) -> int:
    """The first of the events begin to end that exceeds most, -1 for none; whole stretches are looked up."""
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
    """Pick the bursts of a region, the strongest first; what lies before one is searched without it.

    Parameters
    ----------
    times_ns : array of int64, shape (n,)
        Sorted event times.
    low, high : int
        The events of the region: those of whole blocks.
    origin_ns, block_ns : int
        Event t belongs to the block (t - origin_ns) // block_ns, which counts from the region's first.
    slowest_ns : float
        The longest time constant.
    step_ns : int
        As in `scan_blocks`.
    carry, carry_ns : array of float64, shape (FILTERS,), and int
        The filters as they enter the region's last block from behind.
    counts, live_ns, levels : arrays of float64, shape (blocks,)
        Background and level of each block of the region; an infinite level where there is nothing to be found.
    picked : array of int64, shape (most, 3)
        Written: onset, apex and end (ns) of each burst.
    scores : array of float64, shape (most,)
        Written: significance of each.

    Returns
    -------
    int
        How many were picked; at most `most`.
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
    _mark(times_ns, low, high, origin_ns, block_ns, per_ns, step_ns, carry, carry_ns, means, weights, thresholds,
          low, scale, excess)
    # fmt: on
    highest = np.empty((high - low) // STRETCH + 1, np.int64)
    _keep_highest(excess, 0, high - low, highest)
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
        behind_ns = min(max(2.0 * tau_ns, 0.4e9), 4.0e9)
        expected = rate * behind_ns
        end_ns = _end_of(times_ns, at, end, behind_ns, expected + 2.0 * math.sqrt(expected) + 1.0)
        before_ns = min(max(0.5 * tau_ns, 0.1e9), 0.5e9)
        expected = rate * before_ns
        onset = _onset_of(times_ns, at, begin, before_ns, expected + 2.0 * math.sqrt(expected) + 1.0)
        if end < high:
            end_ns = min(end_ns, times_ns[end])
        picked[found, 0], picked[found, 1], picked[found, 2] = times_ns[onset], times_ns[at], end_ns
        above = best / weights[block, k]
        scores[found] = significance(above + means[block, k], counts[block], tau_ns / live_ns[block])
        found += 1
        segments[waiting, 0], segments[waiting, 1] = np.searchsorted(times_ns[:end], end_ns), end
        waiting += 1
        # What came before saw this burst: it is searched again, with background in its place.
        seen_ns = np.int64(slowest_ns * math.log(1.0 + 40.0 * above * weights[block, 0]))
        again = max(begin, np.searchsorted(times_ns[:onset], times_ns[onset] - seen_ns))
        # fmt: off
        _mark(times_ns, again, onset, origin_ns, block_ns, per_ns, step_ns, means[block], times_ns[onset], means,
              weights, thresholds, low, scale, excess)
        # fmt: on
        _keep_highest(excess, again - low, onset - low, highest)
        segments[waiting, 0], segments[waiting, 1] = begin, onset
        waiting += 1
    return found
