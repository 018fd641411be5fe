"""Whole lines of text into a `ColumnBuffer`: one piece, or parts of a long file in several threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernels.text.columns import ODD_FIELDS, odd_room, parse_rows, scratch_room
from ...kernels.text.lines import count_newlines
from ..column import Kind
from ..layout import Layout
from .buffer import ColumnBuffer
from .rows import Tell, settle_rows

__all__ = ["TextParser"]

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

TIMES = {Kind.DATETIME, Kind.DATE, Kind.TIME}


class _Parsed(NamedTuple):
    """What one call of the kernel gave: where its rows stand, and what is to be settled."""

    first_row: int
    rows: int
    lines: int
    spans: Integers | None
    odd: Integers
    is_sorted: bool | None  # by time; None where the times are to be told later


class TextParser:
    """Appends rows to a buffer; it is the `Sink` of a pipeline.

    Parameters
    ----------
    buffer : ColumnBuffer
        For parts in several threads it has the room already: it must not grow meanwhile.
    layout : Layout
    line : int
        Of the file, from 0, where the text begins.
    tell : callable
        ``tell(line, reason)`` is called for every bad row.
    tell_times : callable, optional
        ``tell_times(first, stop)`` is called for rows of the buffer that are as they will be, by any thread while they
        are in its cache; it says whether they are sorted. All such rows are told to `note_times`.
    note_times : callable, optional
        ``note_times(first, stop, is_sorted)`` is called for them in order, when they have come to their place.

    Attributes
    ----------
    line : int
        Behind what was settled.
    """

    def __init__(
        self,
        buffer: ColumnBuffer,
        layout: Layout,
        line: int,
        tell: Tell,
        tell_times: Callable[[int, int], bool] | None = None,
        note_times: Callable[[int, int, bool], None] | None = None,
    ) -> None:
        self.line = line
        self._buffer, self._layout, self._tell = buffer, layout, tell
        self._tell_times, self._note_times = tell_times, note_times
        self._next_row = buffer.rows

    def append(self, data: Bytes, start: int, stop: int) -> None:
        """Append the rows in ``data[start:stop]``: whole lines, with `FRONT` bytes before and `BACK` behind them."""
        size = self.measure(data, start, stop)
        self._buffer.reserve(size)
        self.settle(data, self.parse(data, start, stop, self._buffer.rows, size))
        self._next_row = self._buffer.rows

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

    def parse(self, data: Bytes, start: int, stop: int, place: int, size: int) -> list[_Parsed]:
        """Parse up to `size` rows to row `place` and behind."""
        buffer, layout = self._buffer, self._layout
        columns = len(buffer.columns)
        kinds = [column.kind for column in buffer.columns]
        texts = kinds.count(Kind.TEXT)
        floats = buffer.floats if Kind.FLOAT in kinds else None
        times = True if TIMES.intersection(kinds) else None
        scratch = np.empty(scratch_room(columns), np.int64)
        odd = np.empty((odd_room(columns), ODD_FIELDS), np.int64)
        answers = []
        while start < stop:
            spans = np.empty((2 * texts, size), np.int64) if texts else None
            start, rows, lines, found = parse_rows(
                data,
                start,
                stop,
                ord(layout.delimiter),
                ord(layout.decimal),
                buffer.kinds,
                buffer.slots,
                1 if layout.short_rows else columns,
                layout.trailing_delimiter,
                place,
                size,
                buffer.ints,
                floats,
                spans,
                odd,
                scratch,
                times,
            )
            is_sorted = self._tell_times(place, place + rows) if self._tell_times and rows and not found else None
            answers.append(_Parsed(place, rows, lines, spans, odd[:found].copy(), is_sorted))
            place += rows
            size -= rows
        return answers

    def settle(self, data: Bytes, parsed: list[_Parsed]) -> None:
        """Judge odd cells, drop bad rows, and commit the others behind those before."""
        for part in parsed:
            first = self._buffer.rows
            self._buffer.move_back(part.first_row, part.rows)
            settle_rows(data, part.odd, part.rows, part.spans, self._buffer, self._layout, self._tell_line)
            self.line += part.lines
            if part.is_sorted is not None and self._note_times:
                self._note_times(first, first + part.rows, part.is_sorted)

    def _tell_line(self, line: int, reason: str) -> None:
        self._tell(self.line + line, reason)
