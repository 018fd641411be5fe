"""Rows of one segment after another that have the same columns: their values, and the time of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ...kernels.text.lines import count_newlines
from ...kernels.times import is_sorted
from ..column import Column
from ..layout import Layout
from ..text.buffer import ColumnBuffer
from ..text.parser import TextParser
from ..text.second_look import Context
from .segment import Segment, absolute_start_ns, instants_ns
from .state import UNKNOWN, LVMState

__all__ = ["LVMRun"]

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Times = NDArray[np.int64]


class _Piece(NamedTuple):
    """Rows of one segment, which follow each other in the file."""

    first_row: int
    """Of the buffer."""
    rows: int
    first_line: int
    """Among the rows of the segment."""
    segment: Segment
    start_ns: int


class LVMRun:
    """Rows of segments with the same columns.

    Parameters
    ----------
    columns : tuple of Column
    clock_offset_ns : int
        Added to every time.

    Attributes
    ----------
    words : Counter
        Cells that were taken for no value, by column and word.
    """

    def __init__(self, columns: tuple[Column, ...], clock_offset_ns: int) -> None:
        self.words: Counter[tuple[str, str]] = Counter()
        self.columns = columns
        self.buffer = ColumnBuffer(columns)
        self._clock_offset_ns = clock_offset_ns
        self._pieces: list[_Piece] = []

    def append(
        self,
        data: Bytes,
        start: int,
        stop: int,
        segment: Segment,
        state: LVMState,
        report: Callable[[int, str], None],
    ) -> None:
        """Append the rows in ``data[start:stop]``: whole lines, none of them blank; with their times."""
        bad: list[int] = []
        first_line = state.lines

        def note(line: int, reason: str) -> None:
            bad.append(line - first_line)
            report(line, reason)

        layout = Layout(
            "LabVIEW measurement",
            self.columns,
            delimiter=segment.delimiter,
            encoding=state.encoding or "utf-8",
            short_rows=True,
            trailing_delimiter=True,
            decimal=segment.decimal,
        )
        self.buffer.encoding = layout.encoding
        first = self.buffer.rows
        lines = count_newlines(data, start, stop)
        TextParser(self.buffer, Context.of(layout, self.buffer, self.words), first_line, note).append(data, start, stop)
        state.lines += lines
        places = np.delete(np.arange(lines), bad) + state.rows_of_segment
        if places.size:
            self._note_times(first, places, segment, state)
        state.rows_of_segment += lines

    def frame(self) -> pl.DataFrame:
        """All rows, in the order of the file."""
        return self.buffer.frame(0, self.buffer.rows)

    def time_frame(self) -> pl.DataFrame:
        """Their columns `timestamp` and `datetime`."""
        return self.buffer.time_frame(0, self.buffer.rows)

    def values(self, place: int) -> pl.DataFrame:
        """One channel with times of its own: `timestamp` (with the clock's offset) and its values, without gaps."""
        name = self.columns[place].name
        frames = [pl.DataFrame(schema={"timestamp": pl.Int64, name: pl.Float64})]
        for piece in self._pieces:
            first, stop = piece.first_row, piece.first_row + piece.rows
            lines = np.arange(piece.first_line, piece.first_line + piece.rows)
            times = self._times_of(place, piece.segment, first, lines, piece.start_ns)
            values = self.buffer.frame(first, stop)[name]
            stamps = pl.Series("timestamp", times + self._clock_offset_ns)
            frames.append(pl.DataFrame([stamps, values]).filter(pl.col(name).is_not_null()))
        return pl.concat(frames)

    def channels_apart(self) -> list[int]:
        """The channels that may have other times than the rows, by place."""
        apart = {p for piece in self._pieces for p in piece.segment.axes if piece.segment.has_own_axis(p)}
        return sorted(apart)

    def _note_times(self, first: int, places: Integers, segment: Segment, state: LVMState) -> None:
        """Compute the times of new rows, and the x that the file does not save."""
        stop = first + places.size
        if segment.is_counted:
            x = np.asarray(segment.axis.x0 + places * segment.axis.step, dtype=np.float64)
            self.buffer.fill(self.columns[0].name, first, x)
        start = state.last_start_ns or 0
        if state.absolute_ns == UNKNOWN:
            x_first = self._x(segment.x_places[0], first, first + 1)[0]
            absolute = absolute_start_ns(float(np.nan_to_num(x_first)), segment, start)
            state.absolute_ns = start if absolute is None else absolute
        begun = start if state.absolute_ns is None else state.absolute_ns
        times = self._row_times(segment, first, stop, begun, state.previous_ns)
        self.buffer.timestamps_ns(first, stop)[:] = times + self._clock_offset_ns
        before = state.previous_ns is None or state.previous_ns <= times[0]
        state.is_sorted &= bool(before and is_sorted(times))
        state.previous_ns = int(times[-1])
        self._add_pieces(first, places, segment, begun)
        if not state.has_own_axes:
            state.has_own_axes = self._differ(segment, first, places, begun, times)

    def _add_pieces(self, first: int, places: Integers, segment: Segment, start_ns: int) -> None:
        """Note where the rows come from; those that follow the last ones are put to them."""
        for block in np.split(np.arange(places.size), np.flatnonzero(np.diff(places) > 1) + 1):
            row, line = first + int(block[0]), int(places[block[0]])
            last = self._pieces[-1] if self._pieces else None
            if last and last.segment is segment and line == last.first_line + last.rows:
                self._pieces[-1] = last._replace(rows=last.rows + block.size)
            else:
                self._pieces.append(_Piece(row, block.size, line, segment, start_ns))

    def _x(self, place: int, first: int, stop: int) -> Floats:
        """X of rows; NaN where there is none."""
        name = self.columns[place].name
        x = self.buffer.column(name, first, stop)
        return np.where(self.buffer.is_valid(name, first, stop), x, np.nan)

    def _row_times(self, segment: Segment, first: int, stop: int, begun: int, previous_ns: int | None) -> Times:
        """Times of rows: of their first x that is a number; without one, of the row before."""
        times = np.full(stop - first, begun, np.int64)
        open_rows = np.ones(stop - first, np.bool_)
        for place in segment.x_places:
            x = self._x(place, first, stop)
            found = open_rows & np.isfinite(x)
            channel = next((c for c in segment.axes if segment.x_place_of(c) == place), segment.reference)
            shift = self._shift(segment, channel)
            times[found] = instants_ns(x[found], begun + shift, segment.unit_s)
            open_rows &= ~found
        if open_rows.any():
            known = np.where(open_rows, -1, np.arange(times.size))
            np.maximum.accumulate(known, out=known)
            before = begun if previous_ns is None else previous_ns
            times = np.where(known >= 0, times[known], before)
        return times

    def _shift(self, segment: Segment, channel: int) -> int:
        """How much later than the rows' reference a channel was begun, ns."""
        own = segment.axes[channel].start_ns if channel in segment.axes else None
        rows = segment.axis.start_ns
        return 0 if own is None or rows is None else own - rows

    def _times_of(self, place: int, segment: Segment, first: int, lines: Integers, begun: int) -> Times:
        """Times of one channel's values in some rows, which are those of the rows where it has none of its own."""
        stop = first + lines.size
        own, rows = segment.axes.get(place), segment.axis
        if own is None or not segment.has_own_axis(place):
            times: Times = self.buffer.timestamps_ns(first, stop) - self._clock_offset_ns
            return times
        x: Floats
        x_place, start = segment.x_place_of(place), begun + self._shift(segment, place)
        if x_place != segment.x_place_of(segment.reference):
            x = np.nan_to_num(self._x(x_place, first, stop))
        elif segment.is_counted or ((own.samples or 0) > 1 and (own.x0, own.step) != (rows.x0, rows.step)):
            x = np.asarray(own.x0 + lines * own.step, dtype=np.float64)
        else:
            x = np.nan_to_num(self._x(x_place, first, stop))
        return instants_ns(x, start, segment.unit_s)

    def _differ(self, segment: Segment, first: int, places: Integers, begun: int, times: Times) -> bool:
        """Whether a value of these rows was measured at another time than its row says."""
        for place in segment.axes:
            if segment.has_own_axis(place):
                there = self.buffer.is_valid(self.columns[place].name, first, first + places.size)
                if (self._times_of(place, segment, first, places, begun) != times)[there].any():
                    return True
        return False
