"""A bank of exponential filters over sorted event times, in linear time: the first pass of the search for bursts.

The matched filter for a burst that begins at t and decays with the time constant tau, over a flat background, is the
sum of exp(-(t_i - t) / tau) over the events after t. From the last event to the first, the sum at each event follows
from the sum at the next one: it is multiplied by the exponential of the time between them, and one is added for the
event. There are `FILTERS` time constants, each half of the one before. A burst with a time constant between two of them
has a signal-to-noise ratio that is 1.5 % smaller; a burst of constant rate, of any length, at most 10 % smaller.
`significance` computes how improbable a sum is in background alone; `separation` finds the bursts.

Promises: `scan_blocks` is one pass over the times only. It keeps the highest sums of each block of time, so that with
any background that is assumed later, only blocks with an excess are read again. It allocates no memory.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compile import exact_kernel, inlined, kernel
from .significance import significance

__all__ = ["FILTERS", "fade_factor", "flag_blocks", "scan_blocks", "step_over", "step_to", "sums_of"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FILTERS = 7


@inlined
def fade_factor(x: float) -> float:
    """exp(-x) for x >= 0: by a polynomial (to 1e-12) for short steps between events, which most are."""
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
def _fades_of_all(fade: float) -> Any:
    """The factors of all filters between two events; `fade` is that of the slowest filter."""
    fade1 = fade * fade
    fade2 = fade1 * fade1
    fade3 = fade2 * fade2
    fade4 = fade3 * fade3
    fade5 = fade4 * fade4
    return fade, fade1, fade2, fade3, fade4, fade5, fade5 * fade5


@inlined
def step_to(sums: Any, fade: float) -> Any:
    """The sums at the event before: the present sums times their factors, plus one."""
    f = _fades_of_all(fade)
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
def step_over(sums: Any, fade: float, count: float, half: float) -> Any:
    """The sums at the first of `count` events, spread evenly over a short time; `half` is the fade over half of it."""
    f, h = _fades_of_all(fade), _fades_of_all(half)
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
def _larger_of(a: Any, b: Any) -> Any:
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
def sums_of(row: Floats) -> Any:
    """The sums in an array, as a tuple, which is kept in registers."""
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
    """Run the filters from the last event to the first, and write the highest sums of each block.

    Parameters
    ----------
    times_ns : array of int64, shape (n,)
        Sorted event times.
    edges : array of int64, shape (blocks + ahead + 1,)
        Index of the first event of each block. From the blocks ahead, only the sums at their begin are needed.
    blocks : int
        Number of blocks whose sums are written.
    slowest_per_ns : float
        Inverse of the longest time constant, 1/ns; each other time constant is half of the one before.
    step_ns : int
        Events within this time, ns, before an event enter together with it, as if spread evenly.
    carry, carry_ns : arrays of float64 and int64, shapes (blocks, FILTERS) and (blocks,)
        Written: the sums of all events after a block, and the time of the first of these events.
    highest : array of float64, shape (blocks, FILTERS)
        Written: the highest sums at the events of the block; 0 for a block without events.
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
            fade = fade_factor((last - at) * slowest_per_ns)
            if count == 1:
                sums = step_to(sums, fade)
            else:
                sums = step_over(sums, fade, float(count), fade_factor((latest - at) * (0.5 * slowest_per_ns)))
            high = _larger_of(high, sums)
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
        As written by `scan_blocks`.
    counts, live_ns, levels : arrays of float64, shape (blocks,)
        Counts and live time (ns) of the background, and level of significance (z), of each block.
    slowest_ns : float
        The longest time constant, ns.
    flags : array of bool, shape (blocks,)
        Written: True where a filter exceeds the level.
    """
    for i in range(flags.size):
        flags[i] = False
        for k in range(FILTERS):
            part = slowest_ns / (1 << k) / live_ns[i]
            excess, mean = highest[i, k] - 1.0, (counts[i] + 1.0) * part
            # A fast lower bound of the threshold, which is higher because the distribution of the sums is skew.
            line = mean + levels[i] * math.sqrt(0.5 * mean) + 0.02 * levels[i] * levels[i]
            if excess > line and significance(excess, counts[i], part) > levels[i]:
                flags[i] = True
                break
