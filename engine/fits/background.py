"""The background of a search for bursts: where the data are whole, and how many pulses a second to expect there.

The background drifts over minutes to hours, so that it is measured around each block of ten seconds, two minutes to
either side, with bursts masked. The first measurement knows no bursts: it takes the median of the counts per second,
which bursts hardly move, unless the plain mean is lower. Promise: every block has counts and a live time, so that the
uncertainty of the background can enter the threshold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BLOCK_NS",
    "SECOND_NS",
    "Background",
    "background_level",
    "first_background",
    "mask_of",
    "masked_background",
    "stretches",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SECOND_NS = 1_000_000_000
BLOCK_NS = 10 * SECOND_NS
REACH = 12
"""Blocks of background to either side of the block that is searched."""
LONG_PAUSE_S = (60.0, 600.0)
"""The shortest and the longest pause between two pulses that interrupts the data, where no rate is known."""
LEAST_LIVE = 0.2
"""Part of the time around a block that the masks must leave; below it the median is the better estimate."""


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


def stretches(times_ns: Integers) -> list[Integers]:
    """Cut at interruptions: pauses that the rate around them forbids (probability below exp(-20))."""
    if times_ns.size < 3:
        return []
    pauses_s = np.diff(times_ns) * 1e-9
    long_s = float(np.clip(20.0 * pauses_s.mean(), *LONG_PAUSE_S))
    cut: list[Integers] = []
    for stretch in np.split(times_ns, np.flatnonzero(pauses_s > long_s) + 1):
        per_second = _typical_counts(stretch)
        pause_s = np.diff(stretch) * 1e-9
        typical = per_second[(stretch[:-1] - stretch[:1]) // BLOCK_NS]
        forbidden = np.where(typical >= 1.0, 30.0 / np.maximum(typical, 1.0), np.inf)
        cut.extend(np.split(stretch, np.flatnonzero(pause_s > forbidden) + 1))
    return [stretch for stretch in cut if stretch.size >= 3 and stretch[-1] > stretch[0]]


def _typical_counts(times_ns: Integers) -> Floats:
    """Median of the counts per second around each block; bursts hardly move it."""
    blocks = int((times_ns[-1] - times_ns[0]) // BLOCK_NS) + 1
    seconds = int((times_ns[-1] - times_ns[0]) // SECOND_NS)
    if seconds < 1:
        return np.full(blocks, float(times_ns.size))
    edges = times_ns[0] + SECOND_NS * np.arange(seconds + 1)
    counts = np.diff(np.searchsorted(times_ns, edges)).astype(np.float32)
    side = (REACH + 1) * (BLOCK_NS // SECOND_NS)
    padded = np.pad(counts, (side, side + BLOCK_NS // SECOND_NS), mode="symmetric")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * side)[:: BLOCK_NS // SECOND_NS][:blocks]
    return np.concatenate([np.median(around[i : i + 4096], axis=1) for i in range(0, blocks, 4096)]).astype(np.float64)


def first_background(times_ns: Integers) -> Background:
    """Background of a stretch whose bursts are not known: the lower of mean and median of the counts per second."""
    mean = masked_background(times_ns, [], None)
    highest = (_typical_counts(times_ns) + 1.0) * mean.live_ns / SECOND_NS
    return Background(np.minimum(mean.counts, highest), mean.live_ns)


def masked_background(times_ns: Integers, masks: list[tuple[int, int]], robust: Background | None) -> Background:
    """Mean rate around each block outside the masks.

    Parameters
    ----------
    times_ns : array of int64, shape (n,)
        One stretch of data, not all at one time.
    masks : list of (begin_ns, end_ns)
        Intervals to leave out; they may overlap.
    robust : Background, optional
        Taken where the masks leave too little.
    """
    first, last = int(times_ns[0]), int(times_ns[-1])
    blocks = (last - first) // BLOCK_NS + 1
    edges = np.minimum(first + BLOCK_NS * np.arange(blocks + 1), last)
    counts, live = np.searchsorted(times_ns, edges), edges - first
    counts[-1] = times_ns.size
    if masks:
        begin, end = np.array(_union(masks, first, last), dtype=np.int64).T
        masked_counts = np.searchsorted(times_ns, end) - np.searchsorted(times_ns, begin)
        live_before = np.concatenate([[0], np.cumsum(end - begin)])
        counts_before = np.concatenate([[0], np.cumsum(masked_counts)])
        mask = np.searchsorted(begin, edges, side="right")  # masks that begin at or before each edge
        inside = np.maximum(mask - 1, 0)
        upto = np.where(mask > 0, np.minimum(edges, end[inside]), edges)
        start = np.where(mask > 0, begin[inside], edges)
        live = live - live_before[inside] - (upto - start)
        counts = counts - counts_before[inside] - (np.searchsorted(times_ns, upto) - np.searchsorted(times_ns, start))
    block = np.arange(blocks)
    left, right = np.maximum(block - REACH, 0), np.minimum(block + REACH + 1, blocks)
    here = Background((counts[right] - counts[left]).astype(np.float64), (live[right] - live[left]).astype(np.float64))
    if robust is None:
        return here
    enough = here.live_ns > LEAST_LIVE * robust.live_ns
    return Background(np.where(enough, here.counts, robust.counts), np.where(enough, here.live_ns, robust.live_ns))


def mask_of(onset_ns: int, end_ns: int) -> tuple[int, int]:
    """A burst with its faint beginning and its tail, as a mask."""
    margin = min(max(end_ns - onset_ns, SECOND_NS // 5), 10 * SECOND_NS)
    return onset_ns - margin // 2, end_ns + margin


def background_level(times_ns: Integers, bursts: list[tuple[int, int]]) -> tuple[Integers, Floats]:
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
    for stretch in stretches(times_ns):
        rate = masked_background(stretch, masks, first_background(stretch)).rate_Hz
        middle = np.minimum(stretch[0] + BLOCK_NS * np.arange(rate.size) + BLOCK_NS // 2, stretch[-1])
        at.append(np.concatenate([stretch[:1], middle, stretch[-1:], stretch[-1:]]))
        rates.append(np.concatenate([rate[:1], rate, rate[-1:], [np.nan]]))
    return np.concatenate(at), np.concatenate(rates)


def _union(masks: list[tuple[int, int]], first: int, last: int) -> list[tuple[int, int]]:
    """Sorted masks without overlaps, within the data."""
    union: list[tuple[int, int]] = []
    for begin, end in sorted((max(begin, first), min(end, last)) for begin, end in masks):
        if union and begin <= union[-1][1]:
            union[-1] = (union[-1][0], max(end, union[-1][1]))
        else:
            union.append((begin, end))
    return union
