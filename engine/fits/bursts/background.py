"""The background of the search for bursts: interruptions of the data, and the local rate of the background.

The background drifts over minutes to hours. It is therefore measured locally: for each block of ten seconds, from the
two minutes before and after it, with bursts masked. In the first measurement no bursts are known, and blocks that are
significantly above the lower quartile are left out. Where it changes within minutes, by more than chance allows, a
parabola through the blocks around follows it, over as many blocks as it describes. Promises: the background of each
block has counts and a live time, so that its uncertainty can enter the search; and it depends only on the data within a
few minutes of the block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....kernels.bursts.background import clipped_background, followed_background, wide_gaps
from ....kernels.units import SECOND_NS

__all__ = [
    "BLOCK_NS",
    "CLIPPED_REACH",
    "FOLLOWED_REACH",
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
"""Blocks before and after a block from which its background is measured."""
CLIPPED_REACH = 13
"""The same for the first measurement, without known bursts."""
FOLLOWED_REACH = 15
"""Blocks before and after a block on which its background depends where it changes within minutes."""
LONGEST_PAUSE_NS = 3600 * SECOND_NS
"""A longer pause is always an interruption: the rate after it may be any other."""
FORBIDDEN = 30.0
"""A pause in which this many pulses are expected is an interruption: its probability by chance is exp(-30)."""
SIDE, QUIET = 10, 2
"""Number of windows of the length of a block before and after a pause, and the rank, from 0 for the lowest rate, of the
window whose rate is taken to be that without bursts."""
NEIGHBOURS, WIDE = 50, 0.3
"""A gap is tested for being an interruption when it is longer than `WIDE` times the duration of the `NEIGHBOURS` pulses
before it."""
GROUP, LEAST_GROUP, STEADY = 10, 3, 4.0
"""Beside several pauses: how many pulses, and with few pulses at least how many, are timed together; and how many times
as long as usual the slowest of these groups may take where the rate is steady (after a burst it takes longer)."""
MOST_PAUSES = 4096
"""Number of such gaps for which memory is reserved at first."""
LEAST_LIVE = 0.2
"""Smallest unmasked fraction of the time around a block; below it, the first measurement is used."""
LEAST_MARGIN_NS, MOST_MARGIN_NS = SECOND_NS // 5, 10 * SECOND_NS
"""Limits of the time that is masked after a burst, otherwise the length of the burst; half of it is masked before."""


@dataclass(frozen=True, eq=False)
class Background:
    """Background of each block: counts and live time (ns) around it; arrays of float64, shape (blocks,)."""

    counts: Floats
    live_ns: Floats

    @property
    def rate_Hz(self) -> Floats:
        """Rate around each block, pulses per s."""
        return np.asarray(self.counts / self.live_ns * 1e9)

    @property
    def error_Hz(self) -> Floats:
        """Standard error of the rate, pulses per s; that of one count where there was none."""
        return np.asarray(np.sqrt(np.maximum(self.counts, 1.0)) / self.live_ns * 1e9)


@dataclass(frozen=True, eq=False)
class Blocks:
    """Blocks of time of a stretch of data without interruption.

    Parameters
    ----------
    times_ns : array of int64, shape (n,)
        Sorted pulse times.
    origin_ns : int
        Beginning of the first block.
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
        """Number of blocks."""
        return self.edges.size - 1

    @property
    def live_ns(self) -> Integers:
        """How long each is: the last one ends with the data."""
        live = np.full(self.count, BLOCK_NS)
        live[-1] = max(1, int(self.times_ns[-1]) - self.origin_ns - BLOCK_NS * (self.count - 1))
        return live


def interruptions(times_ns: Integers) -> Integers:
    """Find the interruptions of the data: pauses that are too long for the rate around them.

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
    cut = (pause_ns > LONGEST_PAUSE_NS) | (pause_ns * (quiet / BLOCK_NS) > FORBIDDEN)
    # Other pauses nearby empty these windows. Where some window is full, the rate between the pauses decides.
    full = np.minimum(before.max(axis=1), after.max(axis=1))
    for i in np.flatnonzero(~cut & (pause_ns * (full / BLOCK_NS) > FORBIDDEN)):
        ends_ns = (begin[i] - SIDE * BLOCK_NS, begin[i]), (end[i], end[i] + SIDE * BLOCK_NS)
        sides = (times_ns[slice(*np.searchsorted(times_ns, [low, high + 1]))] for low, high in ends_ns)
        cut[i] = pause_ns[i] * min(_rate_between_pauses(side) for side in sides) > FORBIDDEN
    return np.asarray(pauses[cut])


def _rate_between_pauses(times_ns: Integers) -> float:
    """A low estimate of the rate (per ns) of steady pulses with pauses among them; 0 where they are not steady."""
    count = min(GROUP, (times_ns.size - 1) // 4)
    if count < LEAST_GROUP:
        return 0.0
    apart = np.diff(times_ns)
    typical = float(np.median(_sums(apart, count)))
    lasting = _sums(apart[apart * count <= FORBIDDEN * typical], count)
    if not lasting.size or lasting.max() > STEADY * np.median(lasting):
        return 0.0
    return float(count / max(np.quantile(lasting, 1.0 - QUIET / SIDE), 1.0))


def _sums(values: Integers, count: int) -> Integers:
    """Sums of so many neighbouring values each; what is left at the end is not summed."""
    return np.asarray(values[: values.size // count * count].reshape(-1, count).sum(axis=1))


def first_background(blocks: Blocks) -> Background:
    """Background of a stretch whose bursts are not known."""
    counts, live = np.empty(blocks.count), np.empty(blocks.count)
    inside, live_ns = np.diff(blocks.edges), blocks.live_ns
    clipped_background(inside, live_ns, CLIPPED_REACH, counts, live)
    followed_background(inside.astype(float), live_ns.astype(float), float(BLOCK_NS), counts, live)
    return Background(counts, live)


def masked_background(blocks: Blocks, masks: list[tuple[int, int]], first: Background) -> Background:
    """Mean rate around each block outside the masks.

    Parameters
    ----------
    blocks : Blocks
    masks : list of (begin_ns, end_ns)
        Intervals to leave out; they may overlap.
    first : Background
        The first measurement, used for blocks around which too little time is unmasked.
    """
    counts, live = _unmasked(blocks, masks)
    block = np.arange(blocks.count)
    left, right = np.maximum(block - REACH, 0), np.minimum(block + REACH + 1, blocks.count)
    here_counts, here_live = (counts[right] - counts[left]).astype(float), (live[right] - live[left]).astype(float)
    enough = here_live > LEAST_LIVE * BLOCK_NS * (right - left)
    both = np.where(enough, here_counts, first.counts), np.where(enough, here_live, first.live_ns)
    followed_background(np.diff(counts).astype(float), np.diff(live).astype(float), float(BLOCK_NS), *both)
    return Background(*both)


def mask_of(onset_ns: int, end_ns: int) -> tuple[int, int]:
    """The interval (begin_ns, end_ns) that is masked for a burst, with margins for its faint beginning and its tail."""
    margin = min(max(end_ns - onset_ns, LEAST_MARGIN_NS), MOST_MARGIN_NS)
    return onset_ns - margin // 2, end_ns + margin


def background_curve(times_ns: Integers, bursts: list[tuple[int, int]]) -> tuple[Integers, Floats]:
    """Background rate against time, for figures.

    Parameters
    ----------
    times_ns : array of int64, shape (n,)
        Sorted pulse times.
    bursts : list of (onset_ns, end_ns)
        Bursts, which are masked.

    Returns
    -------
    t_ns, rate_Hz : arrays of int64 and float64, shape (m,)
        Times and rates (pulses per s) at the beginning and the end of each stretch of data without interruption, and at
        the middles of its blocks; nan after each stretch, so that a line has a gap there.
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
    """Unmasked pulses, and unmasked live time in ns, from the first block up to each edge of the blocks."""
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
    """The masks inside the data, sorted, with overlapping ones joined."""
    union: list[tuple[int, int]] = []
    for begin, end in sorted((max(begin, first), min(end, last)) for begin, end in masks):
        if union and begin <= union[-1][1]:
            union[-1] = (union[-1][0], max(end, union[-1][1]))
        elif begin < end:
            union.append((begin, end))
    return union
