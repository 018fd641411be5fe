"""`TextTable`: what is known of one text file so far: its header, its columns, their times, and its bad rows.

A file that turns out to be another one gets another table.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..column import Column, Kind
from ..guess.asked import NOTHING_ASKED, Asked
from ..header import Header
from ..layout import Layout
from ..times import ROW_BY_ROW, TimeRule
from .bad_rows import BadRows
from .buffer import ColumnBuffer
from .counters import Counters
from .opening import NextHeader, Opening, nul_bytes
from .parser import TextParser
from .row_times import RowTimes
from .second_look import Change, Context
from .segment import Segment

__all__ = ["TextTable"]

NO_END = 1 << 62
"""Lines of a sample that is not full yet."""


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
        How often another file stood at this path before, or the same one turned out to be another table.
    asked : Asked, optional
        What the user says of a layout that is to be guessed.
    known : mapping of str to Kind, optional
        What later rows have shown of columns.
    said : set of str, optional
        What was logged already of this file.

    Attributes
    ----------
    opening : Opening
        The layout and the header.
    buffer : ColumnBuffer or None
        The rows; None while the header is not complete.
    segments : list of Segment
        The columns of the rows, from each header on.
    headers : list of tuple of int
        Where in the file headers stand in the middle, how long they are, and the lines before them.
    begins : dict
        Lines of rows before the header in the middle that brought a column.
    odd_cells, words : Counter
        As `Context` has them.
    times : RowTimes
        The timestamps of the rows, as far as they were computed.
    bad_rows : BadRows
        Those that were skipped.
    lines : int
        How many lines were parsed, those of the header included.
    clock_offset_ns : int
        Added to every timestamp.
    notes : list of str
        Sentences on headers in the middle of the file.
    """

    def __init__(
        self,
        path: Path,
        layout: Layout | None,
        clock_offset_ns: int,
        generation: int,
        *,
        asked: Asked = NOTHING_ASKED,
        known: Mapping[str, Kind] | None = None,
        said: set[str] | None = None,
    ) -> None:
        self.generation = generation
        self.opening = Opening(path, layout, asked, known)
        self.buffer: ColumnBuffer | None = None
        self.segments: list[Segment] = []
        self.headers: list[tuple[int, int, int]] = []
        self.begins: dict[str, int] = {}
        self.odd_cells: Counter[str] = Counter()
        self.words: Counter[tuple[str, str]] = Counter()
        self.times = RowTimes(clock_offset_ns)
        self.said = said if said is not None else set()
        self.bad_rows = BadRows(path, said=self.said)
        self.counters = Counters()
        self.notes: list[str] = []
        self.lines = 0
        self.clock_offset_ns = clock_offset_ns
        self._path, self._known = path, known if known is not None else {}

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
        """What the header says, the last one where there are several."""
        if self.segments:
            return self.segments[-1].metadata
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
            names = [column.name for column in self.opening.columns]
            self.segments = [Segment(self.buffer, names, metadata=header.metadata)]
            self.lines = header.lines
        return header

    def begin_segment(self, header: NextHeader, position: int) -> None:
        """Let the next rows go by another header, which stands at a position in the file."""
        assert self.buffer is not None
        self.compute_times()
        there = {column.name for column in self.buffer.columns}
        others = self.layout.others if self.layout else None
        for name in header.names:
            if name not in there:
                kind = self._known.get(name, others.kind if others else Kind.NONE)
                self.buffer.add_column(Column(name, kind, nullable=True))
                self.begins[name] = self.lines + header.lines - self._header_lines()
        self.times.begin_segment()
        segment = Segment(self.buffer, header.names, self.buffer.rows, header.metadata)
        self._note_header(segment)
        self.segments.append(segment)
        self.headers.append((position, header.size, self.lines))
        self.lines += header.lines

    def change(self, change: Change) -> None:
        """Let a column be of another kind from here on."""
        assert self.buffer is not None
        column = self.segments[-1].places[change.place]
        before = self.buffer.columns[column].kind
        if before is Kind.NONE:
            self.buffer.define(column, change.kind)
        elif change.kind is Kind.FLOAT:
            self.buffer.widen(column)
        else:
            self.buffer.call(column, change.kind)
        self.segments[-1].renew()

    def _header_lines(self) -> int:
        return self.opening.header.lines if self.opening.header else 0

    def _note_header(self, segment: Segment) -> None:
        """Say what the header in the middle means."""
        before = self.segments[-1]
        names, earlier = set(segment.names), set(before.names)
        said = [f"new columns {_listed(names - earlier)}"] if names - earlier else []
        said += [f"without {_listed(earlier - names)}"] if earlier - names else []
        said += ["in another order"] if names == earlier and segment.names != before.names else []
        said += ["with another start"] if segment.metadata != before.metadata else []
        what = f" ({', '.join(said)})" if said else ""
        self.notes.append(
            f"{self._path.name}, line {self.lines + 1}: another header{what}; the rows behind it go by it"
        )

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
        TextParser(trial, Context.of(self.layout, trial), 0, lambda _line, _reason: None).append(
            data, start, start + lines_before
        )
        if not trial.rows:
            raise nul_bytes(self._path, self.lines + text.count(b"\n", 0, nul) + 1)

    def follow_header(self, now: bytes) -> None:
        """Take over what the header says now, where it was rewritten in place."""
        if self.opening.follow(now) and self.buffer is not None and self.opening.header is not None:
            # The start may be another one now, and with it all times.
            self.segments[0].metadata = self.opening.header.metadata
            self.times = RowTimes(self.clock_offset_ns)
            self.buffer.renew_timestamps()

    def continue_after(
        self,
        *,
        lines: int,
        bad_rows: int,
        times: RowTimes,
        kinds: Sequence[int],
    ) -> None:
        """Take the next rows for those after rows that another process read, of which this is known (`Checkpoint`)."""
        self.lines = lines
        self.bad_rows = BadRows(self._path, bad_rows, self.said)
        self.times = times
        if self.buffer is not None:
            for i, (column, kind) in enumerate(zip(self.buffer.columns, kinds, strict=True)):
                if column.kind is Kind.NONE and kind < Kind.TEXT:
                    self.buffer.define(i, Kind(kind))
                elif column.kind != kind and kind == Kind.FLOAT:
                    self.buffer.widen(i)
                elif column.kind != kind:
                    self.buffer.call(i, Kind(kind))
            for segment in self.segments:
                segment.renew()

    def pass_over(self, line: bytes) -> int:
        """Count a line that looked like a header and is none as a bad one; its length."""
        self.bad_rows.add(self.lines, "a header was expected to go on here")
        self.lines += 1
        return len(line)

    def compute_times(self) -> None:
        """Compute the timestamps of the rows that have none yet."""
        rule = self.time_rule
        if self.buffer is not None and rule is None and self.layout is not None and self.layout.guessed:
            self.counters.look(self.buffer)
        if self.buffer is None or rule is None or self.times.rows == self.buffer.rows:
            return
        for segment, following in zip(self.segments, [*self.segments[1:], None], strict=True):
            stop = self.buffer.rows if following is None else following.first_row
            if segment is not self.segments[0] and self.times.rows <= segment.first_row:
                self.times.begin_segment()
            self.times.update(self.buffer, rule, segment.metadata, stop)

    def drop_rows(self, count: int) -> None:
        """Let go of the first rows, and go on in new memory: frames that were shown keep the old."""
        if self.buffer is not None:
            self.compute_times()  # a time of day goes on from the row before
            self.buffer = self.buffer.from_row(count)
            self.times.drop(count)
            self.counters.drop(count)
            self.segments = [
                Segment(self.buffer, segment.names, max(0, segment.first_row - count), segment.metadata)
                for segment in self.segments
            ]

    def metadata_of_rows(self, first: int, last: int) -> list[tuple[int, Mapping[str, str | int | float]]]:
        """What the headers say, and for how many rows from `first` to `last` of the buffer."""
        starts = [first, *(min(max(segment.first_row, first), last) for segment in self.segments[1:]), last]
        counts = [stop - start for start, stop in itertools.pairwise(starts)]
        return [(count, segment.metadata) for count, segment in zip(counts, self.segments, strict=True)]

    def new_parser(self, *, with_times: bool) -> TextParser:
        """What appends the next rows; with their times, where those do not depend on the row before."""
        buffer, layout = self.buffer, self.layout
        assert buffer is not None
        assert layout is not None
        before = self.lines - self._header_lines()
        context = Context(
            layout,
            self.segments[-1],
            before,
            self.opening.is_header,
            NO_END if self.opening.is_provisional else self.opening.sample_lines - self.lines,
            self.odd_cells,
            self.words,
            self.begins,
        )
        rule = layout.time if with_times else None
        if not isinstance(rule, ROW_BY_ROW):
            return TextParser(buffer, context, self.lines, self.bad_rows.add)
        times, metadata = self.times, self.segments[-1].metadata
        times.count_by(rule, metadata)
        return TextParser(
            buffer,
            context,
            self.lines,
            self.bad_rows.add,
            lambda first, stop: times.compute(buffer, rule, metadata, first, stop),
            lambda first, stop, are_sorted: times.note(buffer, first, stop, are_sorted),
        )


def _listed(names: set[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names))
