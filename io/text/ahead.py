"""`RowsAhead`: the rows of a growing file, parsed ahead of what was asked for.

A file is handed over in blocks, and a long one in parts to several threads: more rows are parsed at a time than a user
who reads in chunks asks for. The first of them are shown, the others wait. A checkpoint between them is that of the
last block before the rows that wait, with the rows of it that were shown already.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ...kernels.text.words import BACK, FRONT
from ..column import Kind
from ..errors import InputError
from ..guess.asked import NOTHING_ASKED, Asked
from ..layout import Layout
from .checkpoint import Checkpoint
from .growing import Fingerprint, GrowingFile, PartsPlan
from .line_ends import framed, whole_lines
from .parser import TextParser
from .table import TextTable
from .told import report, report_text

__all__ = ["RowsAhead"]

log = logging.getLogger("utokyo")

AHEAD_BYTES = 8 << 20
"""Parsed at once for chunks, so that several threads share the work."""
ROOM, LEAST_ROOM = 1.1, 1.02
"""Rows for which there is memory before parts are parsed, in units of those that are expected: taken; enough."""
CHUNK_BYTES = 1.01
"""Bytes that are parsed for chunks, in units of those that are expected."""
HEADER_BYTES = 1 << 16
"""Of a header in the middle of a file, at most."""
EVERYTHING = np.iinfo(np.int64).max
"""Rows that are asked for when nobody names a number."""


class _Block(NamedTuple):
    """Rows that were parsed together, for chunks."""

    first_row: int
    """Of the buffer."""
    before: Checkpoint
    """The state before them."""


class _PartsAtWork(NamedTuple):
    """What parses parts of the file in several threads."""

    parser: TextParser
    begin: int
    """Position in the file."""


class RowsAhead:
    """The rows of a file: those that were shown, and those that wait. It is the consumer of its `GrowingFile`.

    Parameters
    ----------
    file : GrowingFile
    layout : Layout, optional
        Without, it is guessed from the file.
    clock_offset_ns : int
        Added to every timestamp.
    checkpoint : Checkpoint, optional
        Where to go on.
    asked : Asked, optional
        What the user says of a layout that is to be guessed.

    Attributes
    ----------
    table : TextTable
        All that was parsed; another one when the file turned out to be another one, or another table than was guessed.
    """

    table: TextTable
    _forgotten: int  # rows that were shown and are let go of,
    _to_skip: int  # and that were shown before the checkpoint and are parsed again
    _first: int  # rows of the buffer: shown from here,
    _last: int  # to here
    _blocks: list[_Block]  # the first one holds the first row that waits
    _parts: _PartsAtWork | None
    _header_ahead: bool  # the next line begins a header in the middle of the file
    _anew: str | None  # the file is to be read from its start: for a column that turns out to hold text, or for none
    _rows_per_byte: float  # of late
    _file_generation: int  # of the file, when the table was begun

    def __init__(
        self,
        file: GrowingFile,
        layout: Layout | None,
        clock_offset_ns: int,
        checkpoint: Checkpoint | None = None,
        asked: Asked = NOTHING_ASKED,
    ) -> None:
        self._file, self._layout, self._clock_offset_ns, self._asked = file, layout, clock_offset_ns, asked
        self._wanted, self._checkpoint = 0, checkpoint
        self._known: dict[str, Kind] = {}
        self._said: set[str] = set()
        self._begin(generation=0)
        if checkpoint is not None:
            self._forgotten = checkpoint.rows + checkpoint.skipped_rows

    @property
    def count(self) -> int:
        """Rows that were shown so far, with those let go of and those before the checkpoint."""
        return self._forgotten + self._to_skip + self._last - self._first

    @property
    def waiting(self) -> int:
        """Rows that were parsed and not shown."""
        return self.table.buffer.rows - self._last if self.table.buffer else 0

    def frame(self) -> pl.DataFrame:
        """The rows that are shown, as polars sees them."""
        if self.table.buffer is None:
            return pl.DataFrame(schema={c.name: c.kind.dtype for c in self.table.columns})
        return self.table.buffer.frame(self._first, self._last)

    def time_frame(self) -> pl.DataFrame:
        """Their columns `timestamp` and `datetime`."""
        if self.table.buffer is None:
            return pl.DataFrame(schema={"timestamp": pl.Int64, "datetime": pl.Datetime("ns")})
        self.table.compute_times()
        return self.table.buffer.time_frame(self._first, self._last)

    def metadata_of_rows(self) -> list[tuple[int, Mapping[str, str | int | float]]]:
        """What the headers say, and for how many of the rows that are shown."""
        return self.table.metadata_of_rows(self._first, self._last)

    def show(self, most: int | None) -> int:
        """Read what is new, if too few rows wait, and show up to `most` more; how many they are."""
        self._wanted = EVERYTHING if most is None else most
        if self._checkpoint is not None:
            self._resume(self._checkpoint)
        before = self.count
        if self.waiting < self._wanted:
            generation = self.table.generation
            self._read()
            if self.table.generation != generation:
                before = 0
        self._last += min(self.waiting, self._wanted)
        while len(self._blocks) > 1 and self._blocks[1].first_row <= self._last:
            del self._blocks[0]
        return self.count - before

    def show_unfinished(self) -> int:
        """Take the last line although its end is missing, and show all that waits; how many rows these are."""
        generation = self.table.generation
        while (last := self._file.unfinished()).strip():
            data = framed(last + b"\n")
            self.take(data, FRONT, data.size - BACK)
            if self._anew is None:
                self._file.forget_unfinished()
            elif not self._anew:  # it ends in a header that goes on: the next look begins at its start
                break
            self._read_anew()
        report(self._file.path.name, self.table)
        if self.table.generation != generation:
            self._last = 0
        added = self.waiting
        self._last += added
        return added

    def forget(self) -> None:
        """Let go of the rows shown so far."""
        self._forgotten += self._last - self._first
        self._first = self._last

    def checkpoint(self) -> Checkpoint:
        """The state after the last row that was shown; there is a header by now."""
        self.table.compute_times()
        now = Checkpoint.of(self._file, self.table, self._file.position)
        if not self.waiting:
            return replace(now, rows=self.count - self._to_skip, skipped_rows=self._to_skip)
        block = self._blocks[0]
        shown = self._last - block.first_row
        return now.moved_to(block.before, rows=self.count - shown, skipped_rows=shown)

    # For `GrowingFile`.

    def take(self, data: NDArray[np.uint8], start: int, stop: int) -> int:
        """Parse whole lines; where it stopped."""
        if self._file.generation != self._file_generation:
            self._begin_another_file()
        position, is_opened = self._file.position, self.table.buffer is not None
        if not is_opened:
            header = self.table.open(data[start:stop])
            if header is None:
                return start
            self._file.begin_rows(header.size)
            start, position = start + header.size, header.size
        elif self.table.opening.is_provisional and not self.table.opening.still_holds(data[start:stop], position):
            left = self._guess_anew()
            if left <= stop - start:
                return stop - left
            self._anew = ""  # more is left than was offered now
            return stop
        self._finish_parts()
        if not self.has_rows():
            try:
                self.table.refuse_binary(data, start, stop)
            except InputError:
                if not is_opened:  # the next look begins with the header again
                    self._begin(self.table.generation)
                raise
        return self._parse(data, start, stop, position)

    def _parse(self, data: NDArray[np.uint8], begin: int, stop: int, position: int) -> int:
        """Parse whole lines, of which the first stands at a position in the file; where it stopped."""
        start = begin
        while start < stop and self._anew is None:
            parser = self._new_parser(position + start - begin)
            before = start
            start = parser.append(data, start, stop)
            if parser.line > self.table.lines:
                self._rows_per_byte = (parser.line - self.table.lines) / max(1, start - before)
            self._go_on_after(parser)
            if parser.change is not None and parser.change.place < 0:
                ahead = data[start:stop]
                lines = whole_lines(ahead[:HEADER_BYTES].tobytes()) or whole_lines(ahead.tobytes())
                header = self.table.opening.next_header(lines, self.table.lines)
                if header is None:
                    return start
                if header.size == 0:
                    start += self.table.pass_over(lines[0])
                else:
                    self.table.begin_segment(header, position + start - begin)
                    start += header.size
        return start if self._anew is None else stop

    def wants_more(self) -> bool:
        """Whether too few rows wait for what was asked for."""
        self._finish_parts()
        return self.waiting < self._wanted and self._anew is None

    def has_rows(self) -> bool:
        """Whether there is a good row, now or before the checkpoint."""
        return self.count + self.waiting > 0

    def parts(self, bytes_ahead: int) -> PartsPlan | None:
        """What parses up to so many bytes in several threads; None where one thread must go on."""
        buffer, layout = self.table.buffer, self.table.layout
        if buffer is None or layout is None or not self._rows_per_byte:
            return None
        if self.table.opening.is_provisional or self._header_ahead or self._anew is not None:
            return None
        if self._wanted < EVERYTHING:
            bytes_ahead = min(bytes_ahead, self._bytes_of_chunks())
        # Memory for all of it at once: what is not written to costs nothing.
        rows = self._rows_per_byte * bytes_ahead
        if buffer.capacity - buffer.rows < LEAST_ROOM * rows:
            buffer.reserve(int(ROOM * rows) + 1)
        self._parts = _PartsAtWork(self._new_parser(self._file.position), self._file.position)
        return PartsPlan(self._parts.parser, bytes_ahead)

    # How that is done.

    def _begin(self, generation: int) -> None:
        self.table = self._new_table(generation)
        self._forgotten = self._to_skip = self._first = self._last = 0
        self._blocks = []
        self._parts = self._anew = None
        self._header_ahead = False
        self._rows_per_byte = 0.0
        self._file_generation = self._file.generation

    def _new_table(self, generation: int) -> TextTable:
        return TextTable(
            self._file.path,
            self._layout,
            self._clock_offset_ns,
            generation,
            asked=self._asked,
            known=self._known,
            said=self._said,
        )

    def _guess_anew(self) -> int:
        """Parse the kept start of the file as what it is now that there is more of it; bytes at its end not taken."""
        data, generation = framed(self.table.opening.sample), self.table.generation + 1
        end = data.size - BACK
        self._known = {}  # what these lines have shown, they will show again
        while True:
            self._begin(generation)
            with self._anew_if_refused():
                header = self.table.open(data[FRONT:end])
            if header is None:
                return end - FRONT
            self._file.begin_rows(header.size)
            left = end - self._parse(data, FRONT + header.size, end, header.size)
            if self._anew is None:
                return left
            self._known[self._anew] = Kind.TEXT

    @contextmanager
    def _anew_if_refused(self) -> Iterator[None]:
        self._anew = ""
        yield
        self._anew = None

    def _begin_another_file(self) -> None:
        if self.count or self.table.bad_rows.count:
            log.warning("%s was truncated or replaced by another file; it is read anew from its start", self._file.path)
        self._known, self._said = {}, set()
        self._begin(self.table.generation + 1)

    def _resume(self, checkpoint: Checkpoint) -> None:
        """Go on at the checkpoint; from the start when this is not its file any more."""
        self._known = dict.fromkeys(checkpoint.texts, Kind.TEXT)
        table = self._new_table(checkpoint.generation)
        if checkpoint.resume(self._file, table):
            self.table, self._forgotten, self._to_skip = table, checkpoint.rows, checkpoint.skipped_rows
        else:
            log.warning(
                "%s is not the file of its checkpoint any more; it is read anew from its start", self._file.path
            )
            self._begin(checkpoint.generation + 1)
        self._checkpoint = None

    def _read(self) -> None:
        """Parse what is new in the file, until enough rows wait."""
        if self._first:
            self.table.drop_rows(self._first)
            self._blocks = [_Block(row - self._first, before) for row, before in self._blocks]
            self._last -= self._first
            self._first = 0
        if self._anew is None:
            self._file.feed(self)
        self._read_anew()
        if self._file.generation != self._file_generation:  # another file, without a whole line yet
            self._begin_another_file()
        self.table.follow_header(self._file.header_bytes)
        report(self._file.path.name, self.table)

    def _read_anew(self) -> None:
        """Read the file from its start, as often as it turns out to be another table: a column holds text."""
        while self._anew is not None:
            if column := self._anew:
                report_text(self._file.path.name, self.table, column)
                self._known[column] = Kind.TEXT
            self._begin(self.table.generation + 1)
            self._file.resume(0, 0, Fingerprint(b"", b""))
            self._file.feed(self)

    def _new_parser(self, position: int) -> TextParser:
        chunked = self._wanted < EVERYTHING
        if chunked:
            assert self.table.buffer is not None
            self.table.compute_times()  # a checkpoint holds the last one
            self._blocks.append(_Block(self.table.buffer.rows, Checkpoint.of(self._file, self.table, position)))
        return self.table.new_parser(with_times=chunked)  # chunks are asked for with their times, as a rule

    def _finish_parts(self) -> None:
        """Take note of what was parsed in parts."""
        if self._parts is not None:
            parser, begin = self._parts
            lines, size = parser.line - self.table.lines, self._file.position - begin
            if lines and size > 0:
                self._rows_per_byte = lines / size
            self._parts = None
            self._go_on_after(parser)

    def _go_on_after(self, parser: TextParser) -> None:
        """Count the lines that were parsed, and pass over rows that were shown before the checkpoint."""
        self.table.lines = parser.line
        self._header_ahead = False
        if parser.change is not None:
            if parser.change.place < 0:
                self._header_ahead = True
            elif parser.change.kind is Kind.TEXT:
                self._anew = self.table.segments[-1].names[parser.change.place]
            else:
                self.table.change(parser.change)
        if self._to_skip:
            skipped = min(self._to_skip, self.waiting)
            self._to_skip -= skipped
            self._forgotten += skipped
            self._first = self._last = self._last + skipped

    def _bytes_of_chunks(self) -> int:
        """Bytes of the rows that are wanted, and of as many whole chunks after them as are worth it."""
        missing = self._wanted - self.waiting
        # The guess of the length of lines was short: a few rows are missing.
        few = missing < self._wanted // 2
        more = 0 if few else max(0, int(AHEAD_BYTES * self._rows_per_byte) - missing) // self._wanted
        return int(CHUNK_BYTES * (missing + more * self._wanted) / self._rows_per_byte) + 1
