"""Whole lines of text into a `ColumnBuffer`: one piece, or parts of a long file in several threads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...kernels.text.columns import odd_room, parse_rows, scratch_room
from ...kernels.text.fields import RUNS, RUNS_OF_TABS
from ...kernels.text.lines import count_newlines
from ...kernels.text.moments import DAY_FIRST, DAY_FIRST_WITH_POINTS, MONTH_FIRST, YEAR_FIRST
from ...kernels.text.odd import CODE, COLUMN, ODD_CELL, ODD_FIELDS, read_odd_moments, read_odd_numbers
from ..column import Kind
from ..quotes import BLANKS, TABS
from .bad_rows import Report
from .buffer import ColumnBuffer
from .rows import ParsedRows, commit_rows
from .second_look import Change, Context

__all__ = ["ORDERS", "TextParser"]

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

ORDERS = {"": DAY_FIRST_WITH_POINTS, "dmy": DAY_FIRST, "mdy": MONTH_FIRST, "ymd": YEAR_FIRST}
"""Of dates, for the kernels."""

_RUNS = {BLANKS: RUNS, TABS: RUNS_OF_TABS}


class TextParser:
    """Appends rows to a buffer; it is the `Sink` of parts.

    Parameters
    ----------
    buffer : ColumnBuffer
        For parts in several threads it has the room already: it must not grow meanwhile.
    context : Context
        The layout, the columns of these rows, and what is known of odd cells.
    line : int
        Of the file, from 0, where the text begins.
    report : callable
        ``report(line, reason)`` is called for every bad row.
    compute_times : callable, optional
        ``compute_times(first, stop)`` is called for rows of the buffer that are as they will be, by any thread while
        they are in its cache; it says whether they are sorted. All such rows are passed to `note_times`.
    note_times : callable, optional
        ``note_times(first, stop, are_sorted)`` is called for them in order, when they have come to their place.

    Attributes
    ----------
    line : int
        The line after those whose rows are visible.
    change : Change or None
        Why it stopped early: the table is another one from here on.
    """

    def __init__(
        self,
        buffer: ColumnBuffer,
        context: Context,
        line: int,
        report: Report,
        compute_times: Callable[[int, int], bool] | None = None,
        note_times: Callable[[int, int, bool], None] | None = None,
    ) -> None:
        self.line = self._first_line = line
        self.change: Change | None = None
        self._buffer, self._context, self._report = buffer, context, report
        self._compute_times, self._note_times = compute_times, note_times
        self._next_row = buffer.rows

    def append(self, data: Bytes, start: int, stop: int) -> int:
        """Append the rows in ``data[start:stop]``: whole lines, with `FRONT` bytes before and `BACK` after them.

        Returns where it stopped: early at a line that shows that the table is another one from there on.
        """
        size = self.measure(data, start, stop)
        self._buffer.reserve(size)
        stopped = self.commit(data, self.parse(data, start, stop, self._buffer.rows, size))
        self._next_row = self._buffer.rows
        return stop if stopped is None else stopped

    def measure(self, data: Bytes, start: int, stop: int) -> int:
        """Rows that there can be at the most."""
        return count_newlines(data, start, stop)

    def place(self, size: int) -> int | None:
        """Row to begin at; None where the buffer would have to grow."""
        first_row = self._next_row
        if first_row + size > self._buffer.capacity:
            return None
        self._next_row += size
        return first_row

    def parse(self, data: Bytes, start: int, stop: int, place: int, size: int) -> list[ParsedRows]:
        """Parse up to `size` rows to row `place` and on."""
        buffer, layout, segment = self._buffer, self._context.layout, self._context.segment
        columns = len(segment.columns)
        scratch = np.empty(scratch_room(columns), np.int64)
        odd = np.empty((odd_room(columns), ODD_FIELDS), np.int64)
        answers = []
        while start < stop:
            begin = start
            spans = np.empty((2 * len(segment.texts), size), np.int64)
            start, rows, lines, found = parse_rows(
                data,
                start,
                stop,
                _RUNS.get(layout.delimiter) or ord(layout.delimiter),
                ord(layout.decimal),
                segment.kinds,
                segment.slots,
                1 if layout.short_rows else columns,
                layout.trailing_delimiter,
                place,
                size,
                buffer.ints,
                buffer.floats,
                spans,
                odd,
                scratch,
            )
            if found:
                found = self._read_odd(data, odd[:found], place)
            are_sorted = (
                self._compute_times(place, place + rows) if self._compute_times and rows and not found else None
            )
            answers.append(ParsedRows(begin, place, rows, lines, spans, odd[:found].copy(), are_sorted))
            place += rows
            size -= rows
        return answers

    def _read_odd(self, data: Bytes, odd: Integers, place: int) -> int:
        """Read the odd cells of rows from `place` on; how many are left, at the front."""
        buffer, layout, segment = self._buffer, self._context.layout, self._context.segment
        kinds = segment.kinds[odd[:, COLUMN] * (odd[:, CODE] == ODD_CELL)]
        given = odd[:, CODE] == ODD_CELL
        if (given & (kinds <= Kind.FLOAT)).any():
            left = read_odd_numbers(
                data, odd, segment.kinds, segment.slots, ord(layout.decimal), place, buffer.ints, buffer.floats
            )
            odd = odd[:left]
        if (given & (kinds > Kind.FLOAT) & (kinds < Kind.TEXT)).any():
            order = ORDERS[layout.dates]
            return read_odd_moments(data, odd, segment.kinds, segment.slots, order, place, buffer.ints)
        return int(odd.shape[0])

    def commit(self, data: Bytes, parsed: list[ParsedRows]) -> int | None:
        """Make the good rows visible, directly after those that are; where it stopped, if that was early."""
        for part in parsed:
            first = self._buffer.rows
            self._buffer.move_back(part.first_row, part.rows)
            context, lines = self._context, self.line - self._first_line
            if part.odd.size and lines:
                context = context._replace(
                    lines_before=context.lines_before + lines, sample_lines=context.sample_lines - lines
                )
            committed = commit_rows(data, part, self._buffer, context, self._report_line)
            if part.are_sorted is not None and self._note_times:
                self._note_times(first, first + part.rows, part.are_sorted)
            if committed.change is not None:
                self.change = committed.change._replace(line=self.line + committed.change.line)
                self.line += committed.change.line
                return committed.change.start
            self.line += part.lines
        return None

    def _report_line(self, line: int, reason: str) -> None:
        self._report(self.line + line, reason)
