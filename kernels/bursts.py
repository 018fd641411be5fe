"""Search for bursts among sorted event times: windows of many lengths, each begun at an event, in linear time.

For every event i and every length w the events in [t_i, t_i + w) are counted with two pointers and compared with a
whole number that depends on the background around t_i. Where several lengths exceed, the best one is kept, by the
likelihood ratio of two Poisson counts (T.-P. Li and Y.-Q. Ma, Astrophys. J. 272 (1983) 317, equation 17): n in the
window, m in the live time T of the background.

`best_windows` scans; `separate_windows` picks from the scan the best window, then the best of what lies before and
behind it, and so on, so that one burst does not shine through a long window into the place of another. Nothing is
allocated but a stack of segments; windows that reach past the last event count what there is.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .compile import kernel

__all__ = ["best_windows", "separate_windows"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@kernel
def best_windows(
    times_ns: Integers,
    origin_ns: int,
    block_ns: int,
    widths_ns: Integers,
    thresholds: Integers,
    background_counts: Floats,
    background_live_ns: Floats,
    scale: NDArray[np.int8],
    count: NDArray[np.int32],
    score: NDArray[np.float32],
) -> None:
    """Write, for each event, the best window that begins there and reaches its threshold.

    Parameters
    ----------
    times_ns : array of int64, shape (n,)
        Sorted event times.
    origin_ns, block_ns : int
        Event t belongs to the block (t - origin_ns) // block_ns of the tables; later ones to the last block.
    widths_ns : array of int64, shape (k,)
        Window lengths, k < 128.
    thresholds : array of int64, shape (blocks, k)
        Fewest counts, the first event included, that exceed.
    background_counts, background_live_ns : arrays of float64, shape (blocks,)
        Counts that measure the background around the block, and in which live time.
    scale, count, score : arrays of int8, int32, float32, shape (n,)
        Written: index of the window length (-1 where nothing exceeds), its counts, and its log-likelihood ratio.
    """
    scale[:] = -1
    count[:] = 0
    score[:] = 0.0
    n = times_ns.size
    last_block = thresholds.shape[0] - 1
    for k in range(widths_ns.size):
        width = widths_ns[k]
        end = 0
        block = 0
        block_end = origin_ns
        threshold = thresholds[0, k]
        for i in range(n):
            t = times_ns[i]
            if t >= block_end:
                block = min((t - origin_ns) // block_ns, last_block)
                block_end = origin_ns + (block + 1) * block_ns
                threshold = thresholds[block, k]
            while end < n and times_ns[end] < t + width:
                end += 1
            inside = end - i
            if inside >= threshold:
                ratio = _likelihood_ratio(float(inside), width, background_counts[block], background_live_ns[block])
                if ratio > score[i] or scale[i] < 0:
                    scale[i] = k
                    count[i] = inside
                    score[i] = ratio


@kernel
def _likelihood_ratio(n: float, width: float, m: float, live: float) -> float:
    part = width / (width + live)
    ratio = n * math.log(n / (part * (n + m)))
    if m > 0.0:
        ratio += m * math.log(m / ((1.0 - part) * (n + m)))
    return ratio


@kernel
def separate_windows(
    times_ns: Integers,
    origin_ns: int,
    block_ns: int,
    widths_ns: Integers,
    thresholds: Integers,
    background_counts: Floats,
    background_live_ns: Floats,
    scale: NDArray[np.int8],
    count: NDArray[np.int32],
    score: NDArray[np.float32],
    picked: Integers,
    limits: Integers,
    segments: Integers,
) -> int:
    """Pick windows that do not overlap, the best first, from what `best_windows` wrote (and write over it).

    Parameters
    ----------
    picked, limits : arrays of int64, shape (most,)
        Written: index of the first event of each window, and the event index that the window may not reach (the
        number of events, or the first event of a better window).
    segments : array of int64, shape (most + 1, 2)
        Working space.
    others
        As in `best_windows`.

    Returns
    -------
    int
        How many were picked; at most `most`.
    """
    n = times_ns.size
    longest = widths_ns[-1]
    waiting = 1
    segments[0, 0], segments[0, 1] = 0, n
    found = 0
    while waiting > 0 and found < picked.size:
        waiting -= 1
        low, high = segments[waiting, 0], segments[waiting, 1]
        best, at = np.float32(-1.0), -1
        for i in range(low, high):
            if scale[i] >= 0 and score[i] > best:
                best, at = score[i], i
        if at < 0:
            continue
        picked[found], limits[found] = at, high
        found += 1
        behind = at + count[at]
        segments[waiting, 0], segments[waiting, 1] = behind, high
        waiting += 1
        # What came before was counted across this window: count it again, up to here only.
        again = max(low, np.searchsorted(times_ns, times_ns[at] - longest))
        before = slice(again, at)
        best_windows(
            times_ns[before],
            origin_ns,
            block_ns,
            widths_ns,
            thresholds,
            background_counts,
            background_live_ns,
            scale[before],
            count[before],
            score[before],
        )
        segments[waiting, 0], segments[waiting, 1] = low, at
        waiting += 1
    return found
