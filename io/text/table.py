"""`TextTable`: what is known of one text file so far: its header, its columns, their times, and its bad rows.

A file that turns out to be another one gets another table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..column import Column
from ..header import Header
from ..layout import Layout
from ..times import ROW_BY_ROW, TimeRule
from .buffer import ColumnBuffer
from .opening import Opening
from .parser import TextParser
from .row_times import RowTimes
from .rows import BadRows
from .sniff import nul_bytes

__all__ = ["TextTable"]


class TextTable:
    """The table of one file, as far as it was parsed.

    Parameters
    ----------
    path : path
        For messages.
    layout : Layout, optional
        Without, it is guessed from the file.
    clock_offset_ns : int
        Added to every timestamp.
    generation : int
        How often another file stood at this path before.

    Attributes
    ----------
    opening : Opening
        The layout and the header.
    buffer : ColumnBuffer or None
        The rows; None while the header is not complete.
    times : RowTimes
        The timestamps of the rows, as far as they were computed.
    bad_rows : BadRows
        Those that were skipped.
    lines : int
        How many lines were parsed, those of the header included.
    """

    def __init__(self, path: Path, layout: Layout | None, clock_offset_ns: int, generation: int) -> None:
        self.generation = generation
        self.opening = Opening(path, layout)
        self.buffer: ColumnBuffer | None = None
        self.times = RowTimes(clock_offset_ns)
        self.bad_rows = BadRows(path)
        self.lines = 0
        self._path, self._clock_offset_ns = path, clock_offset_ns

    @property
    def layout(self) -> Layout | None:
        """The layout in use; None while it is not known."""
        return self.opening.layout

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in the order of the file; those that the layout knows while there is no header."""
        return self.buffer.columns if self.buffer else self.opening.columns

    @property
    def metadata(self) -> Mapping[str, str | int | float]:
        """What the header says."""
        return self.opening.header.metadata if self.opening.header else {}

    @property
    def time_rule(self) -> TimeRule | None:
        """How a row gets its time; None where there are no times, or the layout is not known."""
        return self.layout.time if self.layout else None

    def open(self, data: NDArray[np.uint8]) -> Header | None:
        """Read the header from the first whole lines, and make room for its columns; None while it is not complete."""
        header = self.opening.read(data)
        if header is not None and self.layout is not None:
            self.buffer = ColumnBuffer(self.opening.columns, self.layout.encoding)
            self.lines = header.lines
        return header

    def refuse_binary(self, data: NDArray[np.uint8], start: int, stop: int) -> None:
        """Raise `InputError` where NUL bytes stand among lines, the next ones of a table, before any good row."""
        assert self.buffer is not None
        assert self.layout is not None
        text = data[start:stop].tobytes()
        nul = text.find(b"\0")
        if nul < 0:
            return
        lines_before = text.rfind(b"\n", 0, nul) + 1
        trial = ColumnBuffer(self.buffer.columns, self.layout.encoding)
        TextParser(trial, self.layout, 0, lambda _line, _reason: None).append(data, start, start + lines_before)
        if not trial.rows:
            raise nul_bytes(self._path, self.lines + text.count(b"\n", 0, nul) + 1)

    def follow_header(self, now: bytes) -> None:
        """Take over what the header says now, where it was rewritten in place."""
        if self.opening.follow(now) and self.buffer is not None:
            # The start may be another one now, and with it all times.
            self.times = RowTimes(self._clock_offset_ns)
            self.buffer.renew_timestamps()

    def continue_after(
        self, *, lines: int, bad_rows: int, previous_ns: int | None, are_sorted: bool, kinds: Sequence[int]
    ) -> None:
        """Take the next rows for those after rows that another process read, of which this is known (`Checkpoint`)."""
        self.lines = lines
        self.bad_rows = BadRows(self._path, bad_rows)
        self.times = RowTimes(self._clock_offset_ns, previous_ns, are_sorted)
        if self.buffer is not None:
            for i, (column, kind) in enumerate(zip(self.buffer.columns, kinds, strict=True)):
                if column.kind != kind:
                    self.buffer.widen(i)

    def compute_times(self) -> None:
        """Compute the timestamps of the rows that have none yet."""
        if self.buffer is not None and self.time_rule is not None:
            self.times.update(self.buffer, self.time_rule, self.metadata)

    def drop_rows(self, count: int) -> None:
        """Let go of the first rows, and go on in new memory: frames that were shown keep the old."""
        if self.buffer is not None:
            self.compute_times()  # a time of day goes on from the row before
            self.buffer = self.buffer.from_row(count)
            self.times.rows -= count

    def new_parser(self, *, with_times: bool) -> TextParser:
        """What appends the next rows; with their times, where those do not depend on the row before."""
        buffer, layout = self.buffer, self.layout
        assert buffer is not None
        assert layout is not None
        rule = layout.time if with_times else None
        if not isinstance(rule, ROW_BY_ROW):
            return TextParser(buffer, layout, self.lines, self.bad_rows.add)
        times, metadata = self.times, self.metadata
        return TextParser(
            buffer,
            layout,
            self.lines,
            self.bad_rows.add,
            lambda first, stop: times.compute(buffer, rule, metadata, first, stop),
            lambda first, stop, are_sorted: times.note(buffer, first, stop, are_sorted),
        )
