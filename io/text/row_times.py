"""`RowTimes`: the timestamps of the rows of a buffer, each computed once.

They are computed late, when they are asked for, or early, by the threads that parse rows and have them in their cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernels.times import is_sorted
from ...kernels.units import SECOND_NS
from ..times import Elapsed, TimeRule
from .buffer import ColumnBuffer

__all__ = ["ClockStep", "RowTimes", "said_of_steps"]

LEAST_STEP_NS = 500_000_000
"""By which a clock goes back where it was set; less are lines that swapped their places."""
COUNTER = 1 << 32
"""Where counters of 32 bits begin anew."""
COUNTER_PART = 16
"""Such a step may miss 2^32 by so large a part of it: what passed between the two rows."""


class ClockStep(NamedTuple):
    """A clock that went back, or a counter that began anew."""

    row: int
    """Rows of this file before it."""
    before_ns: int
    after_ns: int
    """Times of the two rows, as they are in the table."""
    is_wrap: bool
    """Whether a counter of 32 bits began anew, so that the times go on."""


def said_of_steps(steps: Sequence[ClockStep]) -> list[str]:
    """Sentences on a clock that went back; one for each reason.

    Examples
    --------
    >>> from utokyo.io.text.row_times import ClockStep, said_of_steps
    >>> said_of_steps([ClockStep(5, 3_600_000_000_000, 30_000_000_000, False)])[0].partition(";")[0]
    'after row 5 the clock goes back by 59 min 30 s, from 1970-01-01 01:00:00 to 1970-01-01 00:00:30'
    """
    answers = []
    for is_wrap in (False, True):
        found = [step for step in steps if step.is_wrap == is_wrap]
        if not found:
            continue
        row, before_ns, after_ns, _ = found[0]
        before, after = (str(np.datetime64(ns, "ns").astype("M8[ms]")).replace("T", " ").removesuffix(".000")
                         for ns in (before_ns, after_ns))  # fmt: skip
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        answers.append(
            f"after row {row} the counter begins anew at 2^32{more}; the times go on"
            if is_wrap
            else f"after row {row} the clock goes back by {_span(before_ns - after_ns)}, from {before} to {after}{more}"
            "; "
            "rows are sorted by these times, so those of both stand mixed: to set it right, read the rows behind it, "
            "in a file of their own, with a clock_offset"
        )
    return answers


def _span(duration_ns: int) -> str:
    """A duration for people: 59 min 30 s."""
    seconds = duration_ns / SECOND_NS
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours // 24, "d"), (hours % 24, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


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
    unfolded_ns : int
        Added to all times that come, since a counter began anew.
    rows_before : int
        Rows of the file before the first one of the buffer.
    steps : iterable of ClockStep
        Where the clock went back among them.

    Attributes
    ----------
    rows : int
        Of the buffer, the first so many have theirs.
    steps : list of ClockStep
        Where the clock went back.
    """

    def __init__(
        self,
        clock_offset_ns: int,
        previous_ns: int | None = None,
        are_sorted: bool = True,
        unfolded_ns: int = 0,
        *,
        rows_before: int = 0,
        steps: Iterable[ClockStep] = (),
    ) -> None:
        self.previous_ns, self.are_sorted, self.unfolded_ns = previous_ns, are_sorted, unfolded_ns
        self.rows, self._dropped = 0, rows_before
        self.steps = list(steps)
        self._counter_ns = 0
        self._rule: TimeRule | None = None
        self._metadata: Mapping[str, str | int | float] = {}
        self._clock_offset_ns = clock_offset_ns

    def update(
        self, buffer: ColumnBuffer, rule: TimeRule, metadata: Mapping[str, str | int | float], stop: int
    ) -> None:
        """Compute the timestamps of the committed rows before `stop` that have none yet."""
        first = self.rows
        self.count_by(rule, metadata)
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
        if self.unfolded_ns:
            stamps += self.unfolded_ns
        offset_ns = self._clock_offset_ns
        earliest = int(stamps[0]) - offset_ns
        if not rows_are_sorted or (self.previous_ns is not None and self.previous_ns > earliest):
            rows_are_sorted = self._look_at_steps(stamps, first)
        self.are_sorted &= rows_are_sorted
        self.previous_ns = int(stamps[-1]) - offset_ns
        self.rows = stop

    def count_by(self, rule: TimeRule, metadata: Mapping[str, str | int | float]) -> None:
        """Say by which rule the next rows get their times: a counter of 32 bits may begin anew among them."""
        self._rule, self._metadata = rule, metadata

    def drop(self, rows: int) -> None:
        """Let go of the first rows."""
        self.rows -= rows
        self._dropped += rows

    def begin_segment(self) -> None:
        """Go on with rows that have a start of their own."""
        self.unfolded_ns = 0

    def _look_at_steps(self, stamps: NDArray[np.int64], first: int) -> bool:
        """Unfold a counter that began anew, and note where the clock went back; whether times never decrease now."""
        before = int(stamps[0]) if self.previous_ns is None else self.previous_ns + self._clock_offset_ns
        counter_ns = self._rule.unit_ns(self._metadata) * COUNTER if isinstance(self._rule, Elapsed) else 0
        for row in np.flatnonzero(np.diff(stamps, prepend=before) < 0).tolist():
            previous = int(stamps[row - 1]) if row else before
            step = int(stamps[row]) - previous
            is_wrap = counter_ns > 0 and abs(step + counter_ns) < counter_ns // COUNTER_PART
            if is_wrap:
                stamps[row:] += counter_ns
                self.unfolded_ns += counter_ns
            if is_wrap or step <= -LEAST_STEP_NS:
                self.steps.append(ClockStep(self._dropped + first + row, previous, int(stamps[row]), is_wrap))
        return bool(is_sorted(stamps)) and before <= int(stamps[0])
