"""`Reader`: a growing file and its layout to columns.

Each `update` parses the bytes that are new and nothing else. What it promises:

=========================================  =========================================================================
The file ...                               The reader ...
=========================================  =========================================================================
ends in half a line                        leaves it until its end has come
ends in half a header                      has no rows yet
has a bad row                              skips it, counts it in `bad_rows`, and says file, line and reason
has its header rewritten in place          shows the new metadata, without reading the rows again
is truncated, replaced or rotated          says so and starts anew; `generation` goes up
is of another format                       raises `InputError` with the line and what was expected
=========================================  =========================================================================

However the bytes arrive, in one piece or one by one, the table is the same.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..kernels import text
from .buffer import ColumnBuffer
from .errors import FormatError, InputError
from .growing import GrowingFile
from .header import Header, HeaderMismatch
from .layout import Column, Kind, Layout
from .rows import settle_rows
from .sniff import check_encoding, sniff_layout

__all__ = ["Reader"]

log = logging.getLogger("utokyo")

SAMPLE_BYTES = 1 << 16  # holds the header of every known format
HEADER_LIMIT_BYTES = 4 << 20
ODD_CELLS_AT_ONCE = 1 << 14
MESSAGES = 20  # bad rows that are told one by one; the others are counted
EVERYTHING = np.iinfo(np.int64).max


class Reader:
    """Columns of a growing file.

    Parameters
    ----------
    path : path
        The file; it need not exist before the first `update`.
    layout : Layout, optional
        Its format; without, delimiter, header, types and the time column are found out from the file.
    clock_offset_ns : int
        Added to every timestamp: what the clock of that PC lacks.

    Attributes
    ----------
    bad_rows : int
        Lines that were skipped.
    bad_row_messages : list of str
        The first of them, a sentence each.
    generation : int
        Goes up when the file turned out to be another one and was read anew.
    is_sorted : bool
        Whether the timestamps never decrease.
    """

    _layout: Layout | None
    _header: Header | None
    _buffer: ColumnBuffer | None

    def __init__(self, path: str | Path, layout: Layout | None = None, *, clock_offset_ns: int = 0) -> None:
        self.path = Path(path)
        self.clock_offset_ns = clock_offset_ns
        self._given_layout = layout
        self._rows_before = self._seen_generation = 0
        self._file = GrowingFile(path)
        self._start_anew()
        self.generation = 0

    @property
    def bytes_read(self) -> int:
        """Bytes read from the file so far."""
        return self._file.bytes_read

    @property
    def rows(self) -> int:
        """Rows read so far; `chunks` does not keep them."""
        return self._rows_before + (self._buffer.rows if self._buffer else 0)

    @property
    def has_unfinished_line(self) -> bool:
        """Whether bytes wait for the end of their line."""
        return bool(self._file.unfinished().strip(b"\0\r\n "))

    @property
    def layout(self) -> Layout | None:
        """The layout in use; None while it is to be found out."""
        return self._layout

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in the order of the file; those that the layout knows while there is no header."""
        if self._buffer:
            return self._buffer.columns
        return self._layout.columns if self._layout else ()

    @property
    def metadata(self) -> Mapping[str, str | int | float]:
        """What the header says."""
        return self._header.metadata if self._header else {}

    @property
    def frame(self) -> pl.DataFrame:
        """All rows read so far, in the order of the file."""
        if self._buffer is None:
            return pl.DataFrame(schema={c.name: c.kind.dtype for c in self.columns})
        return self._buffer.frame()

    def time_series(self) -> tuple[pl.Series, pl.Series] | None:
        """Timestamps (Int64, ns) and datetimes of the rows; None for a format without times."""
        if self._layout is not None and self._layout.time is None:
            return None
        if self._buffer is None:
            return pl.Series("timestamp", [], pl.Int64), pl.Series("datetime", [], pl.Datetime("ns"))
        return self._buffer.time_series()

    def update(self, max_rows: int | None = None) -> int:
        """Read what is new.

        Parameters
        ----------
        max_rows : int, optional
            Stop after so many rows; the rest waits.

        Returns
        -------
        int
            Rows added.

        Raises
        ------
        InputError
            When the file is missing, unreadable or of another format. What was read before stays.
        """
        self._wanted = EVERYTHING if max_rows is None else max_rows
        self._added = 0
        self._file.feed(self._take)
        if self._file.generation != self._seen_generation:  # another file, without a whole line yet
            self._notice_another_file()
        if self._header is not None and self._header.metadata:
            self._refresh_metadata()
        self._report_bad_rows()
        return self._added

    def finish(self) -> int:
        """Take the last line although its end is missing: for a file that grows no more. Returns rows added."""
        self.update()
        last = self._file.unfinished()
        if last.strip():
            self._take(np.frombuffer(last + b"\n", np.uint8))
            self._file.forget_unfinished()
            self._report_bad_rows()
        return self._added

    def is_up_to_date(self) -> bool:
        """Whether the file holds nothing that was not read; false while there is no such file."""
        return self.path.exists() and not self._file.has_news()

    def chunks(self, rows: int) -> Iterator[pl.DataFrame]:
        """Frames of up to `rows` new rows until it has caught up; memory holds one at a time."""
        while (frame := self.next_chunk(rows)) is not None:
            yield frame

    def next_chunk(self, rows: int) -> pl.DataFrame | None:
        """The next up to `rows` rows alone; None when there are no new ones."""
        self.forget_rows()
        return self.frame if self.update(rows) else None

    def forget_rows(self) -> None:
        """Let go of the rows read so far: `frame` then holds only what comes."""
        if self._buffer is not None and self._layout is not None:
            self._rows_before += self._buffer.rows
            self._buffer = ColumnBuffer(self._buffer.columns, self._layout.encoding)

    def _start_anew(self) -> None:
        self._layout = self._given_layout
        self._header = None
        self._header_lines: list[bytes] = []  # and the first row, which ends it
        self._header_seen_ns = 0
        self._buffer = None
        self._rows_before = 0
        self._previous_ns: int | None = None
        self._line = 0
        self._added = 0
        self._seen_generation = self._file.generation
        self.bad_rows = 0
        self.bad_row_messages: list[str] = []
        self._told = 0
        self._told_that_more = False
        self.is_sorted = True

    def _notice_another_file(self) -> None:
        if self.rows or self.bad_rows:
            log.warning("%s was truncated or replaced by another file; it is read anew from its start", self.path)
        self._start_anew()
        self.generation += 1

    def _take(self, data: NDArray[np.uint8]) -> tuple[int, bool]:
        """Parse whole lines; how many bytes were taken, and whether more are wanted."""
        if self._file.generation != self._seen_generation:
            self._notice_another_file()
        start = 0
        if self._header is None:
            header = self._read_header(data)
            if header is None:
                if data.size > HEADER_LIMIT_BYTES:
                    raise self._mismatch(1, "a header", f"no row in the first {HEADER_LIMIT_BYTES >> 20} MB")
                return 0, True
            start, self._line = header.size, header.lines
        start = self._parse(data, start)
        return start, self._added < self._wanted

    def _read_header(self, data: NDArray[np.uint8]) -> Header | None:
        """Read the header and make room for its columns; None while it is not complete."""
        lines = _lines(data[:SAMPLE_BYTES])
        check_encoding(self.path, lines)
        if self._layout is None:
            self._layout = sniff_layout(self.path, lines)
        if self._layout is None:
            return None
        header = self._interpreted(lines, self._layout)
        if header is None and data.size > SAMPLE_BYTES:
            lines = _lines(data[:HEADER_LIMIT_BYTES])
            header = self._interpreted(lines, self._layout)
        if header is None:
            return None
        columns = _columns(self._layout, header)
        try:
            if self._layout.time is not None:
                self._layout.time.timestamps_ns(ColumnBuffer(columns).column, header.metadata)
        except ValueError as error:
            raise InputError(f"{self.path}: {error}") from None
        self._header, self._header_lines = header, lines[: header.lines + 1]
        self._file.changeable_bytes = header.size
        self._buffer = ColumnBuffer(columns, self._layout.encoding)
        return header

    def _interpreted(self, lines: Sequence[bytes], layout: Layout) -> Header | None:
        try:
            return layout.header.read(lines, layout)
        except HeaderMismatch as wrong:
            raise self._mismatch(wrong.line, wrong.expected, wrong.found) from None

    def _mismatch(self, line: int, expected: str, found: str) -> FormatError:
        name = self._layout.name if self._layout else "table"
        return FormatError(f"{self.path}, line {line}: this is no {name} file: expected {expected}, found {found}")

    def _refresh_metadata(self) -> None:
        """Read the header again when the file was written to: the SSD module completes it at the end of a run."""
        modified_ns = self._file.modified_ns()
        if modified_ns == self._header_seen_ns or self._header is None or self._layout is None:
            return
        self._header_seen_ns = modified_ns
        *old_lines, first_row = self._header_lines
        now = self._file.start_bytes(self._header.size)
        if now == b"".join(old_lines):
            return
        lines = [*_lines(np.frombuffer(now, np.uint8)), first_row]
        try:
            header = self._layout.header.read(lines, self._layout)
            if header is None or header.size != len(now):
                return
            if self._layout.time is not None and self._buffer is not None:
                self._layout.time.timestamps_ns(ColumnBuffer(self._buffer.columns).column, header.metadata)
        except (HeaderMismatch, ValueError):  # caught in the middle of being rewritten
            return
        old, self._header, self._header_lines = self._header, header, lines
        if self._layout.time is not None and self._buffer is not None and old.metadata != header.metadata:
            self._previous_ns = None
            self.is_sorted = True
            self._set_timestamps(0, self._buffer.rows, fresh=True)

    def _set_timestamps(self, start: int, stop: int, *, fresh: bool = False) -> None:
        buffer, layout = self._buffer, self._layout
        if buffer is None or layout is None or layout.time is None or stop == start:
            return
        raw = layout.time.timestamps_ns(lambda name: buffer.column(name, start, stop), self.metadata, self._previous_ns)
        if self.is_sorted:
            sorted_within = text.is_sorted(raw)
            self.is_sorted = sorted_within and (self._previous_ns is None or self._previous_ns <= raw[0])
        self._previous_ns = int(raw[-1])
        if fresh:
            buffer.renew_timestamps(raw + self.clock_offset_ns)
        else:
            np.add(raw, self.clock_offset_ns, out=buffer.timestamps_ns(start, stop))

    def _parse(self, data: NDArray[np.uint8], start: int) -> int:
        """Parse rows from `start` on until the data ends or enough rows are there; where it stopped."""
        layout, buffer = self._layout, self._buffer
        assert layout is not None
        assert buffer is not None
        odd = np.empty((ODD_CELLS_AT_ONCE + 2 * len(buffer.columns), text.ODD_FIELDS), np.int64)
        texts = [i for i, c in enumerate(buffer.columns) if c.kind is Kind.TEXT]
        fewest = 1 if layout.short_rows else len(buffer.columns)
        while start < data.size and self._added < self._wanted:
            limit = min(self._wanted - self._added, text.count_newlines(data[start:]))
            buffer.reserve(limit)
            spans = np.empty((2 * len(texts), limit if texts else 0), np.int64)
            first = buffer.rows
            start, rows, lines, found = text.parse_rows(
                data,
                start,
                ord(layout.delimiter),
                buffer.kinds,
                buffer.slots,
                fewest,
                layout.trailing_delimiter,
                first,
                limit,
                buffer.ints,
                buffer.floats,
                spans,
                odd,
            )
            rows = settle_rows(data, odd[:found], rows, spans, buffer, layout, self._count_bad)
            self._line += lines
            self._set_timestamps(first, first + rows)
            self._added += rows
        return start

    def _count_bad(self, line_from_here: int, reason: str) -> None:
        line = self._line + line_from_here + 1
        self.bad_rows += 1
        if len(self.bad_row_messages) < MESSAGES:
            self.bad_row_messages.append(f"{self.path.name}, line {line}: {reason}; the row was skipped")

    def _report_bad_rows(self) -> None:
        for message in self.bad_row_messages[self._told :]:
            log.warning("%s", message)
        if self.bad_rows > MESSAGES and not self._told_that_more:
            log.warning("%s: %d bad rows so far; further ones are only counted", self.path.name, self.bad_rows)
            self._told_that_more = True
        self._told = len(self.bad_row_messages)


def _lines(data: NDArray[np.uint8]) -> list[bytes]:
    """The whole lines in `data`, with their ends."""
    return [line + b"\n" for line in data.tobytes().split(b"\n")[:-1]]


def _columns(layout: Layout, header: Header) -> tuple[Column, ...]:
    """The columns in the order of the file."""
    if header.names is None:
        return layout.columns
    known = {column.header_name: column for column in layout.columns}
    others = layout.others or Column("", Kind.TEXT, nullable=True)
    return tuple(known.get(name) or replace(others, name=name) for name in header.names)
