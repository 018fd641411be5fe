"""`PulseCounts`: pulses counted by time and height while they come, for an overview of any length.

Bins double their width as the measurement grows, so that the memory does not. They begin at whole multiples of their
width, whatever was counted first. Promise: fed in any pieces, the counts are those of all pulses at once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...kernels.histogram import fill_grid
from ...kernels.units import SECOND_NS

__all__ = ["Counts", "PulseCounts"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FINEST_NS = 1_953_125
"""The narrowest bin of time: 0.25 s, halved seven times."""
TIME_BINS, FEWEST_TIME_BINS = 600, 20
"""Most and fewest bins of time for the pulse heights; between these limits, the number of pulses."""
HEIGHT_BINS = 256
"""Most bins of pulse height."""
RATE_BINS, FEWEST_RATE_BINS = 1500, 10
SHORTEST_RATE_BIN_NS = SECOND_NS // 4
"""Most and fewest bins of time for the rate; between these limits, bins have the shortest length."""
MOST_BINS = 2.0**52
"""From zero to the bins that are in use: then their numbers are exact, also as floats."""
FULL = 0.5
"""Part of a bin that the measurement covers, from which it is one: a shorter end is a part of the bin beside it."""


class Counts(NamedTuple):
    """Counts in bins."""

    counts: Integers
    edges_ns: Integers
    """Of the bins of time."""
    channels: int | float = 1
    """Of a bin of pulse height."""
    low: float = 0.0
    """Where the first bin of pulse height begins, channels."""


class PulseCounts:
    """Pulses by time and height.

    Attributes
    ----------
    pulses : int
        How many there are.
    first_ns, last_ns : int
        Times of the first and the last one.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo.engine.figures.pulse_counts import PulseCounts
    >>> counts = PulseCounts()
    >>> for second in range(3):
    ...     counts.feed(second * 10**9 + np.arange(0, 10**9, 10**7), np.full(100, 2470))
    >>> counts.pulses, int(counts.heights().counts.sum()), int(counts.rate().counts.sum())
    (300, 300, 300)
    """

    def __init__(self) -> None:
        self.pulses = 0
        self.first_ns = self.last_ns = 0
        self._rate = _Bins(RATE_BINS, FINEST_NS)
        self._columns = _Bins(TIME_BINS, FINEST_NS)
        self._rows = _Bins(HEIGHT_BINS, 1.0)
        self._grid = np.zeros((TIME_BINS, HEIGHT_BINS), np.int64)
        self._line = np.zeros((RATE_BINS, 1), np.int64)

    @classmethod
    def of(cls, times_ns: Integers, heights: ArrayLike) -> PulseCounts:
        """All of some pulses."""
        counts = cls()
        counts.feed(times_ns, heights)
        return counts

    def feed(self, times_ns: Integers, heights: ArrayLike) -> None:
        """Count the pulses that came since the last call.

        Parameters
        ----------
        times_ns : array of int64, shape (n,)
            Sorted, none earlier than those of earlier calls.
        heights : array of integers or floats, shape (n,)
            Channels; those that are no finite numbers are counted in the rate alone.
        """
        if not times_ns.size:
            return
        if not self.pulses:
            self.first_ns = int(times_ns[0])
        self.pulses += times_ns.size
        self.last_ns = int(times_ns[-1])
        self._line = self._rate.cover(self.first_ns, self.last_ns, self._line, axis=0)
        edges_ns = self._rate.edges_within(int(times_ns[0]), self.last_ns)
        at = np.append(np.searchsorted(times_ns, edges_ns), times_ns.size)
        first = int(times_ns[0]) // self._rate.width - self._rate.begin
        self._line[first : first + at.size, 0] += np.diff(at, prepend=0)
        self._grid = self._columns.cover(self.first_ns, self.last_ns, self._grid, axis=0)
        channels = np.asarray(heights)
        if channels.dtype.kind == "f":
            known = np.isfinite(channels)
            if not known.all():
                channels, times_ns = channels[known], times_ns[known]
        if not channels.size:
            return
        self._grid = self._rows.cover(float(channels.min()), float(channels.max()), self._grid, axis=1)
        fill_grid(
            times_ns,
            channels,
            self._columns.begin,
            self._columns.width,
            float(self._rows.begin),
            1.0 / self._rows.width,
            self._grid,
        )

    def heights(self) -> Counts | None:
        """Pulses by time and height, shape (bins of time, bins of height); None without heights."""
        if not self._rows.is_begun:
            return None
        columns, most = self._columns, max(FEWEST_TIME_BINS, self.pulses)
        grid = self._grid[: columns.count, : self._rows.count]
        begin, width = columns.begin, columns.width
        while grid.shape[0] > most:
            grid, begin, width = _in_pairs(grid, begin % 2), begin // 2, 2 * width
        edges_ns = (begin + np.arange(grid.shape[0] + 1)) * width
        return Counts(grid, edges_ns, self._rows.width, self._rows.begin * self._rows.width)

    def rate(self) -> Counts:
        """Pulses by time, of a measurement that has pulses; the first and the last bin end with the data."""
        line, begin, width = self._line[: self._rate.count], self._rate.begin, self._rate.width
        while width < SHORTEST_RATE_BIN_NS and line.shape[0] >= 2 * FEWEST_RATE_BINS:
            line, begin, width = _in_pairs(line, begin % 2), begin // 2, 2 * width
        counts, edges_ns = line[:, 0].copy(), (begin + np.arange(line.shape[0] + 1)) * width
        edges_ns[0], edges_ns[-1] = self.first_ns, self.last_ns + 1
        if counts.size > 2 and edges_ns[1] - edges_ns[0] < FULL * width:
            counts[1] += counts[0]
            counts, edges_ns = counts[1:], np.delete(edges_ns, 1)
        if counts.size > 2 and edges_ns[-1] - edges_ns[-2] < FULL * width:
            counts[-2] += counts[-1]
            counts, edges_ns = counts[:-1], np.delete(edges_ns, -2)
        return Counts(counts, edges_ns)


class _Bins:
    """Bins of one axis, as wide as they have to be to cover what was seen: all are int, or all are float."""

    def __init__(self, most: int, width: Any) -> None:
        self.most = most
        self.width: Any = width
        self.begin: Any = 0
        self.count = 0

    @property
    def is_begun(self) -> bool:
        return self.count > 0

    def edges_within(self, first: int, last: int) -> Integers:
        """Where bins begin after `first`, up to `last`; whole numbers."""
        return np.arange(first // self.width + 1, last // self.width + 1, dtype=np.int64) * int(self.width)

    def cover(self, low: Any, high: Any, counts: Integers, axis: int) -> Integers:
        """Widen and move the bins until they cover what they did and from `low` to `high`; the counts in them then."""
        if self.is_begun:
            low = min(low, self.begin * self.width)
            high = max(high, self._last_of(self.width))
        width = self.width
        while high // width - low // width >= self.most or max(abs(low), abs(high)) / width >= MOST_BINS:
            width *= 2
        counts = np.moveaxis(counts, axis, 0)
        while self.width < width:
            if self.is_begun:
                pairs = _in_pairs(counts[: self.count], int(self.begin % 2))
                counts[: pairs.shape[0]] = pairs
                counts[pairs.shape[0] : self.count] = 0
                self.begin, self.count = self.begin // 2, pairs.shape[0]
            self.width *= 2
        begin, end = low // self.width, high // self.width + 1
        if self.is_begun and begin < self.begin:
            by = int(self.begin - begin)
            counts[by : by + self.count] = counts[: self.count].copy()
            counts[:by] = 0
        self.begin, self.count = begin, int(end - begin)
        return np.moveaxis(counts, 0, axis)

    def _last_of(self, width: Any) -> Any:
        return (self.begin + self.count - 1) * width


def _in_pairs(counts: Integers, odd: int) -> Integers:
    """Sums of two bins each, where the second of the first pair stands first if the first bin's number is odd."""
    before = np.zeros((odd, *counts.shape[1:]), np.int64)
    after = np.zeros(((odd + counts.shape[0]) % 2, *counts.shape[1:]), np.int64)
    padded = np.concatenate([before, counts, after])
    return np.asarray(padded.reshape(-1, 2, *counts.shape[1:]).sum(axis=1))
