"""The background of a search for bursts: where the data are whole, and how many pulses a second to expect there.

The background drifts over minutes to hours, so that it is measured around each block of ten seconds, two minutes to
either side, with bursts masked. The first measurement knows no bursts: it leaves out the blocks that stand out above
the lower quartile. Promises: every block has a live time, so that the uncertainty of the background can enter the
search; the background of a block depends on the data within minutes of it alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....kernels.bursts.background import clipped_background, wide_gaps
from ....kernels.units import SECOND_NS

__all__ = [
    "BLOCK_NS",
    "CLIPPED_REACH",
    "REACH",
    "SIDE",
    "Background",
    "Blocks",
    "background_curve",
    "first_background",
    "interruptions",
    "mask_of",
    "masked_background",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

BLOCK_NS = 10 * SECOND_NS
"""Length of a block."""
REACH = 12
"""Blocks of background to either side of the block that is searched."""
CLIPPED_REACH = 13
"""The same, while bursts are not known."""
LONGEST_PAUSE_NS = 3600 * SECOND_NS
"""A longer pause is an interruption: nothing is known of the rate after it."""
FORBIDDEN = 30.0
"""Pulses expected in a pause, from which on it is an interruption: chance does so with the probability exp(-30)."""
SIDE, QUIET = 10, 2
"""Windows of a block's length to either side of a pause, and which of them, the quietest being 0, has the rate without
bursts."""
NEIGHBOURS, WIDE = 50, 0.3
"""A pause is looked at when it is longer than a part (`WIDE`) of the time of the `NEIGHBOURS` pulses before it."""
MOST_PAUSES = 4096
"""Such pauses that there is room for at first."""
LEAST_LIVE = 0.2
"""Part of the time around a block that the masks must leave; below it the first measurement is the better one."""
LEAST_MARGIN_NS, MOST_MARGIN_NS = SECOND_NS // 5, 10 * SECOND_NS
"""Of the tail that is masked after a burst, which is otherwise as long as the burst; half of it is masked before."""


@dataclass(frozen=True, eq=False)
class Background:
    """Counts and live time (ns) from which the background around each block is known; arrays of float64."""

    counts: Floats
    live_ns: Floats

    @property
    def rate_Hz(self) -> Floats:
        """Background rate around each block, pulses per s."""
        return np.asarray(self.counts / self.live_ns * 1e9)

    @property
    def error_Hz(self) -> Floats:
        """Its standard error; of one count where there was none."""
        return np.asarray(np.sqrt(np.maximum(self.counts, 1.0)) / self.live_ns * 1e9)


@dataclass(frozen=True, eq=False)
class Blocks:
    """Blocks of time of a stretch of data without interruption.

    Parameters
    ----------
    times_ns : array of int64, shape (n,)
        Sorted pulse times.
    origin_ns : int
        Where the first of these blocks begins.
    edges : array of int64, shape (blocks + 1,)
        Index of the first pulse of each block.
    """

    times_ns: Integers
    origin_ns: int
    edges: Integers

    @classmethod
    def of(cls, times_ns: Integers, origin_ns: int) -> Blocks:
        """Cut pulse times, none before `origin_ns`, into blocks."""
        count = int(times_ns[-1] - origin_ns) // BLOCK_NS + 1
        begins = origin_ns + BLOCK_NS * np.arange(count)
        return cls(times_ns, origin_ns, np.append(np.searchsorted(times_ns, begins), times_ns.size))

    @property
    def count(self) -> int:
        """How many there are."""
        return self.edges.size - 1

    @property
    def live_ns(self) -> Integers:
        """How long each is: the last one ends with the data."""
        live = np.full(self.count, BLOCK_NS)
        live[-1] = max(1, int(self.times_ns[-1]) - self.origin_ns - BLOCK_NS * (self.count - 1))
        return live


def interruptions(times_ns: Integers) -> Integers:
    """Where the data are interrupted: by pauses that the rate around them forbids.

    Parameters
    ----------
    times_ns : array of int64, shape (n,)
        Sorted pulse times.

    Returns
    -------
    array of int64
        Indices of the first pulse after each interruption.
    """
    most = MOST_PAUSES
    while True:
        found = np.empty(most, np.int64)
        most = wide_gaps(times_ns, NEIGHBOURS, WIDE, found)
        if most <= found.size:
            break
    pauses = found[:most]
    if not pauses.size:
        return pauses
    begin, end = times_ns[pauses - 1], times_ns[pauses]
    windows = BLOCK_NS * np.arange(SIDE + 1)
    before = np.diff(np.searchsorted(times_ns, begin[:, None] - windows[::-1], side="right"), axis=1)
    after = np.diff(np.searchsorted(times_ns, end[:, None] + windows), axis=1)
    quiet = np.minimum(np.sort(before, axis=1)[:, QUIET], np.sort(after, axis=1)[:, QUIET])
    pause_ns = end - begin
    return np.asarray(pauses[(pause_ns > LONGEST_PAUSE_NS) | (pause_ns * (quiet / BLOCK_NS) > FORBIDDEN)])


def first_background(blocks: Blocks) -> Background:
    """Background of a stretch whose bursts are not known."""
    counts, live = np.empty(blocks.count), np.empty(blocks.count)
    clipped_background(np.diff(blocks.edges), blocks.live_ns, CLIPPED_REACH, counts, live)
    return Background(counts, live)


def masked_background(blocks: Blocks, masks: list[tuple[int, int]], first: Background) -> Background:
    """Mean rate around each block outside the masks.

    Parameters
    ----------
    blocks : Blocks
    masks : list of (begin_ns, end_ns)
        Intervals to leave out; they may overlap.
    first : Background
        Used where the masks leave too little.
    """
    counts, live = _unmasked(blocks, masks)
    block = np.arange(blocks.count)
    left, right = np.maximum(block - REACH, 0), np.minimum(block + REACH + 1, blocks.count)
    here_counts, here_live = (counts[right] - counts[left]).astype(float), (live[right] - live[left]).astype(float)
    enough = here_live > LEAST_LIVE * BLOCK_NS * (right - left)
    return Background(np.where(enough, here_counts, first.counts), np.where(enough, here_live, first.live_ns))


def mask_of(onset_ns: int, end_ns: int) -> tuple[int, int]:
    """A burst with its faint beginning and its tail, as a mask."""
    margin = min(max(end_ns - onset_ns, LEAST_MARGIN_NS), MOST_MARGIN_NS)
    return onset_ns - margin // 2, end_ns + margin


def background_curve(times_ns: Integers, bursts: list[tuple[int, int]]) -> tuple[Integers, Floats]:
    """Background against time, for a figure.

    Parameters
    ----------
    times_ns : array of int64, shape (n,)
        Sorted pulse times.
    bursts : list of (onset_ns, end_ns)

    Returns
    -------
    (t_ns, rate_Hz) : arrays of int64 and float64
        The beginning and the end of each stretch of data and the middles of its blocks; nan where the data are
        interrupted.
    """
    masks = [mask_of(*burst) for burst in bursts]
    at: list[Integers] = [np.empty(0, dtype=np.int64)]
    rates: list[Floats] = [np.empty(0)]
    for stretch in np.split(times_ns, interruptions(times_ns)):
        if stretch.size < 3 or stretch[0] == stretch[-1]:
            continue
        blocks = Blocks.of(stretch, int(stretch[0]))
        here = [mask for mask in masks if mask[0] <= stretch[-1] and mask[1] >= stretch[0]]
        rate = masked_background(blocks, here, first_background(blocks)).rate_Hz
        middle = np.minimum(stretch[0] + BLOCK_NS * np.arange(rate.size) + BLOCK_NS // 2, stretch[-1])
        at.append(np.concatenate([stretch[:1], middle, stretch[-1:], stretch[-1:]]))
        rates.append(np.concatenate([rate[:1], rate, rate[-1:], [np.nan]]))
    return np.concatenate(at), np.concatenate(rates)


def _unmasked(blocks: Blocks, masks: list[tuple[int, int]]) -> tuple[Integers, Integers]:
    """Pulses and live time, ns, outside the masks up to each edge of the blocks."""
    times_ns = blocks.times_ns
    edges_ns = np.minimum(blocks.origin_ns + BLOCK_NS * np.arange(blocks.count + 1), times_ns[-1])
    counts, live = blocks.edges, edges_ns - blocks.origin_ns
    union = _union(masks, blocks.origin_ns, int(times_ns[-1]))
    if not union:
        return counts, live
    begin, end = np.array(union, dtype=np.int64).T
    masked_counts = np.searchsorted(times_ns, end) - np.searchsorted(times_ns, begin)
    live_before = np.concatenate([[0], np.cumsum(end - begin)])
    counts_before = np.concatenate([[0], np.cumsum(masked_counts)])
    mask = np.searchsorted(begin, edges_ns, side="right")  # masks that begin at or before each edge
    inside = np.maximum(mask - 1, 0)
    upto = np.where(mask > 0, np.minimum(edges_ns, end[inside]), edges_ns)
    start = np.where(mask > 0, begin[inside], edges_ns)
    masked_here = np.searchsorted(times_ns, upto) - np.searchsorted(times_ns, start)
    return counts - counts_before[inside] - masked_here, live - live_before[inside] - (upto - start)


def _union(masks: list[tuple[int, int]], first: int, last: int) -> list[tuple[int, int]]:
    """The masks within the data, sorted, those that overlap joined."""
    union: list[tuple[int, int]] = []
    for begin, end in sorted((max(begin, first), min(end, last)) for begin, end in masks):
        if union and begin <= union[-1][1]:
            union[-1] = (union[-1][0], max(end, union[-1][1]))
        elif begin < end:
            union.append((begin, end))
    return union
