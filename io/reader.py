"""`Reader`: a growing file and its layout to columns.

Each `update` parses the bytes that are new and nothing else. However they arrive, in one piece or one by one, the table
is the same. What is promised of files that are cut, replaced, damaged or late stands in docs/reader.md.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..kernels.text.words import BACK, FRONT
from .column import Column, Kind
from .errors import InputError
from .header import Header
from .layout import Layout
from .text.buffer import ColumnBuffer
from .text.checkpoint import Checkpoint, hash_of
from .text.growing import FINGERPRINT_BYTES, GrowingFile
from .text.opening import Opening
from .text.parser import TextParser
from .text.parts import Sink
from .text.row_times import RowTimes
from .text.rows import BadRows
from .times import ROW_BY_ROW

__all__ = ["Reader"]

log = logging.getLogger("utokyo")

AHEAD_BYTES = 8 << 20  # parsed at once for chunks, so that several threads share the work
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
    checkpoint : path, optional
        Where `checkpoint` writes down how far the rows were read. If there is such a file, reading goes on from there:
        `frame` then holds the rows behind it, and `rows` counts those before it too.

    Raises
    ------
    InputError
        When the checkpoint file holds something else.

    Attributes
    ----------
    generation : int
        Goes up when the file turned out to be another one and was read anew.

    Examples
    --------
    A plain table needs no layout, and no recorder::

        reader = Reader("pressures.csv")
        reader.update()  # reads what is new; rows added
        reader.frame  # all rows, as polars sees them
        for chunk in Reader("pressures.csv").chunks(100_000):
            ...  # the same without keeping them
    """

    _opening: Opening
    _buffer: ColumnBuffer | None
    _first: int  # rows of the buffer: shown from here,
    _last: int  # to here
    _blocks: list[tuple[int, Checkpoint]]  # of rows parsed ahead: the first one, and the state before it
    _seen_generation: int

    def __init__(
        self,
        path: str | Path,
        layout: Layout | None = None,
        *,
        clock_offset_ns: int = 0,
        checkpoint: str | Path | None = None,
    ) -> None:
        self.path = Path(path)
        self.clock_offset_ns = clock_offset_ns
        self._given_layout = layout
        self._checkpoint_path = None if checkpoint is None else Path(checkpoint)
        self._file = GrowingFile(path)
        self._start_anew()
        self.generation = 0
        self._to_resume = None if checkpoint is None else Checkpoint.read(Path(checkpoint))
        if self._to_resume is not None:
            self._rows_before = self._to_resume.rows + self._to_resume.skipped_rows

    @property
    def bad_rows(self) -> int:
        """Lines that were skipped."""
        return self._bad.count

    @property
    def bad_row_messages(self) -> list[str]:
        """The first of them, a sentence each."""
        return self._bad.messages

    @property
    def bytes_read(self) -> int:
        """Bytes read from the file so far."""
        return self._file.bytes_read

    @property
    def rows(self) -> int:
        """Rows read so far, with those before the checkpoint; `chunks` does not keep them."""
        return self._rows_before + self._rows_to_skip + self._last - self._first

    @property
    def has_unfinished_line(self) -> bool:
        """Whether bytes wait for the end of their line."""
        return bool(self._file.unfinished().strip(b"\0\r\n "))

    @property
    def layout(self) -> Layout | None:
        """The layout in use; None while it is to be found out."""
        return self._opening.layout

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in the order of the file; those that the layout knows while there is no header."""
        return self._buffer.columns if self._buffer else self._opening.columns

    @property
    def metadata(self) -> Mapping[str, str | int | float]:
        """What the header says."""
        return self._opening.header.metadata if self._opening.header else {}

    @property
    def frame(self) -> pl.DataFrame:
        """All rows read so far, in the order of the file."""
        if self._buffer is None:
            return pl.DataFrame(schema={c.name: c.kind.dtype for c in self.columns})
        return self._buffer.frame(self._first, self._last)

    @property
    def is_sorted(self) -> bool:
        """Whether the timestamps never decrease."""
        self._tell_times()
        return self._times.are_sorted

    def time_frame(self) -> pl.DataFrame | None:
        """The columns `timestamp` (Int64, ns) and `datetime` (ns) of the rows; None for a format without times."""
        if self.layout is not None and self.layout.time is None:
            return None
        if self._buffer is None:
            return pl.DataFrame(schema={"timestamp": pl.Int64, "datetime": pl.Datetime("ns")})
        self._tell_times()
        return self._buffer.time_frame(self._first, self._last)

    def update(self, max_rows: int | None = None) -> int:
        """Read what is new.

        Parameters
        ----------
        max_rows : int, optional
            Show so many rows at the most; the rest waits.

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
        if self._to_resume is not None:
            self._resume(self._to_resume)
        before = self.rows
        if self._hidden_rows < self._wanted:
            self._drop_forgotten()
            generation = self.generation
            self._file.feed(self)
            if self._file.generation != self._seen_generation:  # another file, without a whole line yet
                self._notice_another_file()
            if self.generation != generation:
                before = 0
            if self._opening.follow(self._file.header_bytes) and self._buffer is not None:
                # The start may be another one now, and with it all times.
                self._times = RowTimes(self.clock_offset_ns)
                self._buffer.renew_timestamps()
            self._bad.report()
        self._last += min(self._hidden_rows, self._wanted)
        while len(self._blocks) > 1 and self._blocks[1][0] <= self._last:
            del self._blocks[0]
        return self.rows - before

    def finish(self) -> int:
        """Take the last line although its end is missing: for a file that grows no more. Returns rows added."""
        added = self.update()
        if self._file.has_news():  # NUL bytes that were to be looked at again
            added += self.update()
        last = self._file.unfinished()
        if last.strip():
            data = np.frombuffer(bytearray(FRONT) + last + b"\n" + bytearray(BACK), np.uint8)
            self.take(data, FRONT, data.size - BACK)
            self._file.forget_unfinished()
            self._bad.report()
            added += self._hidden_rows
            self._last += self._hidden_rows
        return added

    def is_up_to_date(self) -> bool:
        """Whether the file holds nothing that was not read; false while there is no such file."""
        return self.path.exists() and not self._hidden_rows and not self._file.has_news()

    def chunks(self, rows: int) -> Iterator[pl.DataFrame]:
        """Frames of up to `rows` new rows until it has caught up; memory holds a block of the file at a time."""
        while (frame := self.next_chunk(rows)) is not None:
            yield frame

    def next_chunk(self, rows: int) -> pl.DataFrame | None:
        """The next up to `rows` rows alone; None when there are no new ones."""
        self.forget_rows()
        return self.frame if self.update(rows) else None

    def forget_rows(self) -> None:
        """Let go of the rows read so far: `frame` then holds only what comes."""
        if self._buffer is None or self.layout is None:
            return
        self._rows_before += self._last - self._first
        self._first = self._last

    def _drop_forgotten(self) -> None:
        """Go on in new memory: frames that were shown keep the old."""
        if self._buffer is not None and self._first:
            self._tell_times()  # a time of day goes on from the row before
            self._buffer = self._buffer.from_row(self._first)
            self._blocks = [(row - self._first, block) for row, block in self._blocks]
            self._times.rows -= self._first
            self._last -= self._first
            self._first = 0

    def checkpoint(self) -> Checkpoint:
        """Write down how far the rows were read, to the file that was given as `checkpoint`.

        A reader that is made with it later goes on with the first row that was not read yet, if the file still is the
        one of the checkpoint. What was derived from the rows before should be stored first.

        Raises
        ------
        InputError
            When no file for it was given, or there was nothing to read yet.
        OutputError
            When it cannot be written.
        """
        if self._checkpoint_path is None:
            raise InputError(f"{self.path}: no checkpoint file was given; say Reader(path, checkpoint=...)")
        if self._buffer is None:
            raise InputError(f"{self.path}: nothing was read yet, so there is nothing to write down")
        self._tell_times()
        checkpoint = replace(self._here(), rows=self.rows - self._rows_to_skip, skipped_rows=self._rows_to_skip)
        if self._hidden_rows:  # parse their block again, and pass over those that were shown
            row, block = self._blocks[0]
            skipped = self._last - row
            checkpoint = replace(
                block,
                head_bytes=checkpoint.head_bytes,
                head_hash=checkpoint.head_hash,
                tail_end=checkpoint.tail_end,
                tail_bytes=checkpoint.tail_bytes,
                tail_hash=checkpoint.tail_hash,
                kinds=checkpoint.kinds,
                rows=self.rows - skipped,
                skipped_rows=skipped,
            )
        checkpoint.write(self._checkpoint_path)
        return checkpoint

    @property
    def _hidden_rows(self) -> int:
        """Rows that were parsed ahead of what was asked for."""
        return self._buffer.rows - self._last if self._buffer else 0

    def _here(self) -> Checkpoint:
        """The state behind the last row that was parsed."""
        head, tail = self._file.fingerprint
        tail = tail[max(0, self._file.start - self._file.position + len(tail)) :]  # the header may yet change
        kinds = tuple(int(column.kind) for column in self._buffer.columns) if self._buffer else ()
        return Checkpoint(
            position=max(self._file.position, self._file.start),
            start=self._file.start,
            sample_bytes=self._opening.sample_bytes,
            head_bytes=len(head),
            head_hash=hash_of(head),
            tail_end=self._file.position,
            tail_bytes=len(tail),
            tail_hash=hash_of(tail),
            lines=self._line,
            bad_rows=self.bad_rows,
            previous_ns=self._times.previous_ns,
            is_sorted=self._times.are_sorted,
            kinds=kinds,
            generation=self.generation,
        )

    def _resume(self, checkpoint: Checkpoint) -> None:
        """Go on where the checkpoint says; from the start when this is not its file any more."""
        sample = self._file.bytes_at(0, checkpoint.sample_bytes)
        head = self._file.bytes_at(checkpoint.start, checkpoint.head_bytes)
        tail = self._file.bytes_at(checkpoint.tail_end - checkpoint.tail_bytes, checkpoint.tail_bytes)
        self._to_resume = None
        self.generation = checkpoint.generation
        known = hash_of(head) == checkpoint.head_hash and hash_of(tail) == checkpoint.tail_hash
        header = self._open(np.frombuffer(sample, np.uint8)) if known and sample else None
        if header is None or header.size != checkpoint.start or len(self.columns) != len(checkpoint.kinds):
            log.warning("%s is not the file of its checkpoint any more; it is read anew from its start", self.path)
            self._file = GrowingFile(self.path)
            self._start_anew()
            self.generation += 1
            return
        before = min(checkpoint.position, FINGERPRINT_BYTES)
        self._file.resume(
            checkpoint.position, header.size, head, self._file.bytes_at(checkpoint.position - before, before)
        )
        if self._buffer is not None:
            for i, (column, kind) in enumerate(zip(self._buffer.columns, checkpoint.kinds, strict=True)):
                if column.kind != kind:
                    self._buffer.widen(i)
        self._rows_before, self._line = checkpoint.rows, checkpoint.lines
        self._bad = BadRows(self.path, checkpoint.bad_rows)
        self._times = RowTimes(self.clock_offset_ns, checkpoint.previous_ns, checkpoint.is_sorted)
        self._rows_to_skip = checkpoint.skipped_rows

    def _start_anew(self) -> None:
        self._opening = Opening(self.path, self._given_layout)
        self._buffer = None
        self._rows_before = self._rows_to_skip = 0
        self._first = self._last = 0
        self._times = RowTimes(self.clock_offset_ns)
        self._line = 0
        self._blocks = []
        self._parts: TextParser | None = None  # at work in several threads,
        self._parts_from = 0  # from this byte on
        self._rows_per_byte = 0.0  # of late
        self._seen_generation = self._file.generation
        self._bad = BadRows(self.path)

    def _notice_another_file(self) -> None:
        if self.rows or self.bad_rows:
            log.warning("%s was truncated or replaced by another file; it is read anew from its start", self.path)
        self._start_anew()
        self.generation += 1

    def take(self, data: NDArray[np.uint8], start: int, stop: int) -> int:
        """Parse whole lines, for `GrowingFile`; where it stopped."""
        if self._file.generation != self._seen_generation:
            self._notice_another_file()
        if self._buffer is None:
            header = self._open(data[start:stop])
            if header is None:
                return start
            self._file.begin_rows(header.size)
            start, self._line = start + header.size, header.lines
        self._settle_parts()
        parser = self._new_parser()
        parser.append(data, start, stop)
        self._rows_per_byte = (parser.line - self._line) / max(1, stop - start)
        self._line = parser.line
        self._skip_rows()
        return stop

    def _open(self, data: NDArray[np.uint8]) -> Header | None:
        """Read the header and make room for its columns; None while it is not complete."""
        header = self._opening.read(data)
        if header is not None and self.layout is not None:
            self._buffer = ColumnBuffer(self._opening.columns, self.layout.encoding)
        return header

    def wants_more(self) -> bool:
        """Whether `GrowingFile` should go on."""
        self._settle_parts()
        return self._hidden_rows < self._wanted

    def parts(self, bytes_ahead: int) -> tuple[Sink, int] | None:
        """Who parses a long file in several threads, for `GrowingFile`, and how much of it."""
        buffer, layout = self._buffer, self.layout
        if buffer is None or layout is None or not self._rows_per_byte:
            return None
        if layout.guessed and any(column.kind is Kind.INTEGER for column in buffer.columns):
            return None  # a column of integers may turn out to hold decimals: then the buffer changes
        if self._wanted < EVERYTHING:
            bytes_ahead = min(bytes_ahead, self._bytes_of_chunks())
        # Memory for all of it at once: what is not written to costs nothing.
        rows = self._rows_per_byte * bytes_ahead
        if buffer.capacity - buffer.rows < 1.02 * rows:
            buffer.reserve(int(1.1 * rows) + 1)
        self._parts = self._new_parser()
        self._parts_from = self._file.position
        return self._parts, bytes_ahead

    def _bytes_of_chunks(self) -> int:
        """Bytes of the rows that are wanted, and of as many chunks behind them as are worth it.

        Whole chunks, and hardly more: what is left over has to be copied.
        """
        missing = self._wanted - self._hidden_rows
        # The guess of the length of lines was short: a few rows are missing.
        few = missing < self._wanted // 2
        more = 0 if few else max(0, int(AHEAD_BYTES * self._rows_per_byte) - missing) // self._wanted
        return int(1.01 * (missing + more * self._wanted) / self._rows_per_byte) + 1

    def _new_parser(self) -> TextParser:
        assert self._buffer is not None
        assert self.layout is not None
        if self._wanted == EVERYTHING:
            return TextParser(self._buffer, self.layout, self._line, self._bad.add)
        self._tell_times()  # a checkpoint knows them
        self._blocks.append((self._buffer.rows, self._here()))
        buffer, rule, times, metadata = self._buffer, self.layout.time, self._times, self.metadata
        if not isinstance(rule, ROW_BY_ROW):
            return TextParser(buffer, self.layout, self._line, self._bad.add)
        # Chunks are asked for with their times, as a rule.
        return TextParser(
            buffer,
            self.layout,
            self._line,
            self._bad.add,
            lambda first, stop: times.compute(buffer, rule, metadata, first, stop),
            lambda first, stop, are_sorted: times.note(buffer, first, stop, are_sorted),
        )

    def _settle_parts(self) -> None:
        """Note what was parsed in parts."""
        if self._parts is not None:
            lines, size = self._parts.line - self._line, self._file.position - self._parts_from
            if lines and size > 0:
                self._rows_per_byte = lines / size
            self._line = self._parts.line
            self._parts = None
            self._skip_rows()

    def _skip_rows(self) -> None:
        """Pass over rows that were shown before the checkpoint."""
        if self._rows_to_skip:
            skipped = min(self._rows_to_skip, self._hidden_rows)
            self._rows_to_skip -= skipped
            self._rows_before += skipped
            self._first = self._last = self._last + skipped

    def _tell_times(self) -> None:
        """Compute the timestamps of the rows that have none yet."""
        if self._buffer is not None and self.layout is not None and self.layout.time is not None:
            self._times.tell(self._buffer, self.layout.time, self.metadata)
