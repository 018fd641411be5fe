"""The search for bursts in one stretch of data without interruption, to which pulses may still be added.

The bursts in a block of time depend on the blocks within a few minutes of it: the filters depend on later blocks, the
background on the blocks around it and on their bursts. When all these blocks are complete, the bursts of the block are
final, and its pulses are not needed any more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....kernels.bursts.filters import FILTERS, flag_blocks, scan_blocks
from ....kernels.bursts.separation import separate_bursts
from ....kernels.units import SECOND_NS
from .alarms import alarms_per_hour
from .background import (
    BLOCK_NS,
    FOLLOWED_REACH,
    Background,
    Blocks,
    first_background,
    mask_of,
    masked_background,
)

__all__ = ["BurstRow", "Stretch", "fit_window_ns"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SLOWEST_NS = 12.8e9
"""Decay time of the slowest filter."""
STEP_NS = 10_000_000
"""Pulses within this time enter the filters together, for speed: a twentieth of the shortest decay time."""
AHEAD = 13
"""Blocks after a block on which its filters depend: ten of the longest decay times."""
PANEL = 128
"""Blocks that are filtered together, and not again once they and the `AHEAD` blocks after them are complete."""
DEPENDS_AFTER = 3 * FOLLOWED_REACH + 5
"""Blocks after a block on which its bursts depend: background around the bursts near it, and the next burst."""
DEPENDS_BEFORE = 2 * FOLLOWED_REACH + 5
"""The same before a block, when all earlier bursts are final."""
MASKED_FROM = 4.2
"""Bursts above this significance (z) are masked for the background; background alone exceeds it a few times an hour."""
LARGEST_GAP_NS = 3 * SECOND_NS
"""Largest gap between two pieces of one burst: a few of the longest decay times that are expected."""
MOST_IN_BLOCK = 64
"""Most bursts in a block; the shortest filter cannot separate as many."""


class _Reach(NamedTuple):
    """How far the window of a fit reaches beyond a burst: a multiple of its length, within limits in s."""

    lengths: float
    least_s: float
    most_s: float

    def ns(self, length_ns: int) -> int:
        """The reach for a burst of this length, ns."""
        return int(SECOND_NS * min(max(self.lengths * length_ns / SECOND_NS, self.least_s), self.most_s))


BEFORE, AFTER = _Reach(2.0, 15.0, 20.0), _Reach(4.0, 25.0, 40.0)
"""Windows of a fit before and after a burst; that after it must separate the decay from the background."""


def fit_window_ns(onset_ns: int, end_ns: int) -> tuple[int, int]:
    """Begin and end of the window of the fit of a burst without neighbours, ns."""
    length_ns = max(end_ns - onset_ns, 1)
    return onset_ns - BEFORE.ns(length_ns), end_ns + AFTER.ns(length_ns)


class BurstRow(NamedTuple):
    """A row of the table of `find_bursts`; see there for its columns."""

    timestamp_ns: int
    onset_ns: int
    end_ns: int
    significance: float
    false_alarms_per_hour: float
    pulses_peak: float
    pulses_peak_error: float
    pulses_background: float
    background_Hz: float  # noqa: N815 -- Hz is the unit
    background_error_Hz: float  # noqa: N815
    window_begin_ns: int
    window_end_ns: int
    open: bool


@dataclass(frozen=True)
class _Burst:
    onset_ns: int
    apex_ns: int
    end_ns: int
    significance: float

    @property
    def length_ns(self) -> int:
        """Time from onset to end, ns."""
        return self.end_ns - self.onset_ns


@dataclass(frozen=True, eq=False)
class _Found:
    """The result of a search in the kept blocks; the first `certain` blocks are known to have no interruption."""

    blocks: Blocks
    certain: int
    masks: list[tuple[int, int]]
    bursts: list[_Burst]


class Stretch:
    """The search in one stretch of data without interruption.

    Parameters
    ----------
    level : callable
        Significance that a burst must exceed, for an array of background rates in pulses per s.
    """

    def __init__(self, level: Callable[[Floats], Floats]) -> None:
        self._level = level
        self._origin_ns: int | None = None  # where the first kept block begins
        self._final = 0  # kept blocks whose bursts are final
        self._masks: list[tuple[int, int]] = []  # of those bursts
        self._last: _Burst | None = None  # the last of those bursts
        self._scanned = 0  # kept blocks whose filter sums are final
        self._carry = np.empty((0, FILTERS))
        self._carry_ns = np.empty(0, np.int64)
        self._highest = np.empty((0, FILTERS))
        self._found: _Found | None = None

    def search(self, times_ns: Integers, whole_until_ns: int | None = None) -> list[BurstRow]:
        """Find the bursts that are not final.

        Parameters
        ----------
        times_ns : array of int64, shape (n,)
            All pulses of the stretch, without those that `finish` allowed to drop.
        whole_until_ns : int, optional
            The data before this time are known to have no interruption; by default, none are.

        Returns
        -------
        list of BurstRow
        """
        self._found = None
        if self._origin_ns is None and times_ns.size:
            self._origin_ns = int(times_ns[0])
        if self._origin_ns is None or times_ns.size < 3 or times_ns[-1] == self._origin_ns:
            return []
        blocks = Blocks.of(times_ns, self._origin_ns)
        certain = 0 if whole_until_ns is None else (whole_until_ns - self._origin_ns) // BLOCK_NS
        self._scan(blocks, certain)
        first = first_background(blocks)
        rough = self._bursts(blocks, first, np.full(blocks.count, MASKED_FROM))
        masks = self._masks + [mask_of(burst.onset_ns, burst.end_ns) for burst in rough]
        background = masked_background(blocks, masks, first)
        bursts = _merge_pieces(self._bursts(blocks, background, self._level(background.rate_Hz)))
        self._found = _Found(blocks, certain, masks, bursts)
        return list(self._rows(blocks, background, bursts))

    def finish(self) -> tuple[int, int]:
        """Make bursts final that later pulses cannot change.

        Returns
        -------
        rows, pulses : int
            Number of rows of the last `search` that are final, and number of its first pulses that are not needed
            again.
        """
        found, self._found = self._found, None
        if found is None or self._origin_ns is None:
            return 0, 0
        begins_ns = self._origin_ns + BLOCK_NS * np.arange(found.blocks.count)
        free = np.ones(found.blocks.count, np.bool_)
        for begin, end in [*found.masks, *((b.onset_ns, b.end_ns + LARGEST_GAP_NS) for b in found.bursts)]:
            free[np.searchsorted(begins_ns, begin) : np.searchsorted(begins_ns, end, side="right")] = False
        latest = min(self._scanned - 2 * FOLLOWED_REACH, found.certain - DEPENDS_AFTER)
        free[: self._final + 1] = False
        candidates = np.flatnonzero(free[: max(0, latest + 1)])
        if not candidates.size:
            return 0, 0
        self._final = int(candidates[-1])
        final = [burst for burst in found.bursts if burst.onset_ns < begins_ns[self._final]]
        self._last = final[-1] if final else self._last
        self._masks = [mask for mask in found.masks if mask[0] < begins_ns[self._final]]
        return len(final), self._drop(found.blocks)

    def _drop(self, blocks: Blocks) -> int:
        """Forget whole panels on which no open result depends; the number of their pulses."""
        count = max(0, self._final - DEPENDS_BEFORE) // PANEL * PANEL
        if not count:
            return 0
        assert self._origin_ns is not None
        self._origin_ns += count * BLOCK_NS
        self._final -= count
        self._scanned -= count
        self._carry, self._carry_ns = self._carry[count:].copy(), self._carry_ns[count:].copy()
        self._highest = self._highest[count:].copy()
        self._masks = [mask for mask in self._masks if mask[1] > self._origin_ns]
        return int(blocks.edges[count])

    def _scan(self, blocks: Blocks, certain: int) -> None:
        """Run the filters over the blocks whose sums are not final."""
        begin, n = self._scanned, blocks.count
        self._carry = np.concatenate([self._carry[:begin], np.empty((n - begin, FILTERS))])
        self._carry_ns = np.concatenate([self._carry_ns[:begin], np.empty(n - begin, np.int64)])
        self._highest = np.concatenate([self._highest[:begin], np.empty((n - begin, FILTERS))])
        for panel in range(begin, n, PANEL):
            end = min(panel + PANEL, n)
            part = slice(panel, end)
            scan_blocks(
                blocks.times_ns,
                blocks.edges[panel : min(panel + PANEL + AHEAD, n) + 1],
                end - panel,
                1.0 / SLOWEST_NS,
                STEP_NS,
                self._carry[part],
                self._carry_ns[part],
                self._highest[part],
            )
            if panel + PANEL + AHEAD <= certain:
                self._scanned = end

    def _bursts(self, blocks: Blocks, background: Background, levels: Floats) -> list[_Burst]:
        """The bursts that exceed their level in blocks that are not final, in order of time."""
        flags = np.empty(blocks.count, np.bool_)
        flag_blocks(self._highest, background.counts, background.live_ns, levels, SLOWEST_NS, flags)
        flags[: self._final] = False
        # Blocks within the reach of the slowest filter may contain the same burst.
        at = np.flatnonzero(flags)
        apart = np.flatnonzero(np.diff(at) > AHEAD) + 1
        regions = np.split(at, apart) if at.size else ()
        levels = np.where(flags, levels, np.inf)
        return [
            burst
            for region in regions
            for burst in self._bursts_between(blocks, background, levels, int(region[0]), int(region[-1]) + 1)
        ]

    def _bursts_between(
        self, blocks: Blocks, background: Background, levels: Floats, begin: int, end: int
    ) -> list[_Burst]:
        """The bursts in one region of blocks; blocks without an excess have an infinite level."""
        part = slice(begin, end)
        most = MOST_IN_BLOCK * int(np.count_nonzero(levels[part] < np.inf))
        times, scores = np.empty((most, 3), np.int64), np.empty(most)
        found = separate_bursts(
            blocks.times_ns,
            blocks.edges[begin],
            blocks.edges[end],
            blocks.origin_ns + BLOCK_NS * begin,
            BLOCK_NS,
            SLOWEST_NS,
            STEP_NS,
            self._carry[end - 1],
            self._carry_ns[end - 1],
            background.counts[part],
            background.live_ns[part],
            levels[part],
            times,
            scores,
        )
        order = np.argsort(times[:found, 1])
        rows = zip(times[order].tolist(), scores[order].tolist(), strict=True)
        return [_Burst(onset, apex, end_ns, score) for (onset, apex, end_ns), score in rows]

    def _rows(self, blocks: Blocks, background: Background, bursts: list[_Burst]) -> Iterator[BurstRow]:
        times_ns, last_ns = blocks.times_ns, int(blocks.times_ns[-1])
        rates_Hz, errors_Hz = background.rate_Hz, background.error_Hz
        for i, burst in enumerate(bursts):
            onset, end = burst.onset_ns, burst.end_ns
            block = (burst.apex_ns - blocks.origin_ns) // BLOCK_NS
            rate_Hz, error_Hz = float(rates_Hz[block]), float(errors_Hz[block])
            inside = int(np.diff(np.searchsorted(times_ns, [onset, end]))[0])
            length_s = burst.length_ns * 1e-9
            before = bursts[i - 1] if i else self._last
            low = int(times_ns[0]) if before is None else before.end_ns + before.length_ns // 2
            high = bursts[i + 1].onset_ns - SECOND_NS // 2 if i + 1 < len(bursts) else last_ns
            yield BurstRow(
                timestamp_ns=burst.apex_ns,
                onset_ns=onset,
                end_ns=end,
                significance=burst.significance,
                false_alarms_per_hour=alarms_per_hour(burst.significance, rate_Hz),
                pulses_peak=inside - rate_Hz * length_s,
                pulses_peak_error=math.sqrt(inside + (error_Hz * length_s) ** 2),
                pulses_background=rate_Hz * length_s,
                background_Hz=rate_Hz,
                background_error_Hz=error_Hz,
                window_begin_ns=min(onset, max(low, onset - BEFORE.ns(burst.length_ns))),
                window_end_ns=max(end, min(high, end + AFTER.ns(burst.length_ns))),
                open=end > last_ns,
            )


def _merge_pieces(bursts: list[_Burst]) -> list[_Burst]:
    """Join two pieces when the gap between them is not longer than the longer piece, nor than `LARGEST_GAP_NS`."""
    merged: list[_Burst] = []
    longest_ns = 0
    for burst in bursts:
        if merged and burst.onset_ns - merged[-1].end_ns <= min(max(longest_ns, burst.length_ns), LARGEST_GAP_NS):
            best = max(merged[-1], burst, key=lambda piece: piece.significance)
            onset, end = merged[-1].onset_ns, max(merged[-1].end_ns, burst.end_ns)
            merged[-1] = replace(best, onset_ns=onset, end_ns=end)
            longest_ns = max(longest_ns, burst.length_ns)
        else:
            merged.append(burst)
            longest_ns = burst.length_ns
    return merged
