"""`RowTimes`: the timestamps of the rows of a buffer, each computed once.

They are computed late, when they are asked for, or early, by the threads that parse rows and have them in their cache.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...kernels.times import is_sorted
from ..times import TimeRule
from .buffer import ColumnBuffer

__all__ = ["RowTimes"]


class RowTimes:
    """Which rows have their timestamps, and whether these are sorted.

    Parameters
    ----------
    clock_offset_ns : int
        Added to all of them.
    previous_ns : int, optional
        Time of the row before the first one, without the offset.
    are_sorted : bool
        Whether the rows before never decreased.

    Attributes
    ----------
    rows : int
        Of the buffer, the first so many have theirs.
    """

    def __init__(self, clock_offset_ns: int, previous_ns: int | None = None, are_sorted: bool = True) -> None:
        self.previous_ns, self.are_sorted = previous_ns, are_sorted
        self.rows = 0
        self._clock_offset_ns = clock_offset_ns

    def update(
        self, buffer: ColumnBuffer, rule: TimeRule, metadata: Mapping[str, str | int | float], stop: int
    ) -> None:
        """Compute the timestamps of the committed rows before `stop` that have none yet."""
        first = self.rows
        if first < stop:
            self.note(buffer, first, stop, self.compute(buffer, rule, metadata, first, stop))

    def compute(
        self,
        buffer: ColumnBuffer,
        rule: TimeRule,
        metadata: Mapping[str, str | int | float],
        first: int,
        stop: int,
    ) -> bool:
        """Compute the timestamps of parsed rows, committed or not; whether they never decrease."""
        stamps = buffer.timestamps_ns(first, stop)
        rule.timestamps_ns(lambda name: buffer.column(name, first, stop), metadata, self.previous_ns, out=stamps)
        if self._clock_offset_ns:
            stamps += self._clock_offset_ns
        return is_sorted(stamps)

    def note(self, buffer: ColumnBuffer, first: int, stop: int, rows_are_sorted: bool) -> None:
        """Take note of those that were computed; after a gap they do not count, and are computed again later."""
        if first != self.rows:
            return
        stamps = buffer.timestamps_ns(first, stop)
        earliest = int(stamps[0]) - self._clock_offset_ns
        self.are_sorted &= rows_are_sorted and (self.previous_ns is None or self.previous_ns <= earliest)
        self.previous_ns = int(stamps[-1]) - self._clock_offset_ns
        self.rows = stop
