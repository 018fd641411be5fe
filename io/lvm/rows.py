"""`LVMRows`: takes the new lines of a LabVIEW measurement file, headers and rows, in one pass."""

from __future__ import annotations

import logging

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ...kernels.text.segments import doubtful_lines
from ...kernels.text.words import BACK, FRONT
from ..column import Column, Kind
from ..guess.letters import likely_encoding
from ..text.ahead import EVERYTHING
from ..text.bad_rows import BadRows, no_value
from ..text.growing import GrowingFile, PartsPlan
from .comments import with_quoted_comments
from .headers import HeaderLines
from .run import LVMRun
from .segment import Segment
from .state import LVMCheckpoint, LVMState
from .tags import TITLE, begins_header, fields_of

__all__ = ["LVMRows"]

log = logging.getLogger("utokyo")

Bytes = NDArray[np.uint8]

DOUBTS = 32
"""Lines that may be no rows, of which are looked at so many at a time: a header has ten, most blocks none."""
LOOK_BYTES = 4096
"""Of a line, by which it is known as a row or a header; tags have at most 30."""


class LVMRows:
    """The rows of a LabVIEW measurement file.

    It is the consumer of its `GrowingFile`, and takes no more lines than were asked for.

    Parameters
    ----------
    file : GrowingFile
    clock_offset_ns : int
        Added to every time.
    checkpoint : LVMCheckpoint, optional
        Where to go on.

    Attributes
    ----------
    state : LVMState
        What is known between the lines that were taken and those that come.
    bad_rows : BadRows
    generation : int
        How often the file turned out to be another one.
    """

    def __init__(self, file: GrowingFile, clock_offset_ns: int, checkpoint: LVMCheckpoint | None = None) -> None:
        self._file, self._clock_offset_ns = file, clock_offset_ns
        self._runs: list[LVMRun] = []
        self._said: set[tuple[str, str]] = set()
        self._checkpoint = checkpoint
        self._wanted = 0
        self._begin(generation=0)
        if checkpoint is not None:
            self._forgotten = checkpoint.rows

    @property
    def count(self) -> int:
        """Rows so far, with those let go of and those before the checkpoint."""
        return self._forgotten + self._held

    @property
    def _held(self) -> int:
        """Rows that are in memory."""
        return sum(run.buffer.rows for run in self._runs)

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns so far."""
        texts = set(self.state.texts)
        return tuple(
            Column(name, Kind.TEXT if name in texts else Kind.FLOAT, nullable=True) for name in self.state.columns
        )

    def has_rows(self) -> bool:
        """Whether there is a row, so that NUL bytes are damage to a text and no sign of another kind of file."""
        return self.count > 0

    def frame(self) -> pl.DataFrame:
        """The rows; a column that a segment does not have is null in its rows."""
        empty = pl.DataFrame(schema={column.name: column.kind.dtype for column in self.columns})
        return pl.concat([empty, *(run.frame() for run in self._runs)], how="diagonal", rechunk=False)

    def time_frame(self) -> pl.DataFrame:
        """Their columns `timestamp` and `datetime`."""
        empty = pl.DataFrame(schema={"timestamp": pl.Int64, "datetime": pl.Datetime("ns")})
        return pl.concat([empty, *(run.time_frame() for run in self._runs)], rechunk=False)

    def channels_apart(self) -> list[pl.DataFrame]:
        """For each channel with times of its own a frame: `timestamp` and its values."""
        frames: dict[str, list[pl.DataFrame]] = {}
        apart = {run.columns[place].name for run in self._runs for place in run.channels_apart()}
        for run in self._runs:
            for place, column in enumerate(run.columns):
                if column.name in apart:
                    frames.setdefault(column.name, []).append(run.values(place))
        return [pl.concat(parts) for parts in frames.values()]

    def show(self, most: int | None) -> int:
        """Read what is new, up to `most` rows; how many they are."""
        if self._checkpoint is not None:
            self._resume(self._checkpoint)
        before, generation = self.count, self.generation
        self._wanted = EVERYTHING if most is None else most
        self._file.feed(self)
        if self._file.generation != self._file_generation:  # another file, without a whole line yet
            self._begin_another_file()
        self._log()
        return self.count - (before if self.generation == generation else 0)

    def show_unfinished(self) -> int:
        """Take the last line although its end is missing; how many rows it is."""
        last = self._file.unfinished()
        if not last.strip():
            return 0
        before, self._wanted = self.count, EVERYTHING
        data = np.frombuffer(bytearray(FRONT) + last + b"\n" + bytearray(BACK), np.uint8)
        self.take(data, FRONT, data.size - BACK)
        self._file.forget_unfinished()
        self._log()
        return self.count - before

    def remarks(self) -> list[str]:
        """What was understood, and may be otherwise, a sentence each."""
        words = (no_value(*found, count) for run in self._runs for found, count in run.words.items())
        return [*self.state.told, *words]

    def _log(self) -> None:
        """Log bad rows, and each word for no value once."""
        self.bad_rows.report()
        for run in self._runs:
            for (column, word), count in run.words.items():
                if (column, word) not in self._said:
                    self._said.add((column, word))
                    log.warning("%s: %s", self._file.path.name, no_value(column, word, count))

    def forget(self) -> None:
        """Let go of the rows so far."""
        self._forgotten, self._runs = self.count, []

    def checkpoint(self) -> LVMCheckpoint:
        """The state after the last row."""
        return LVMCheckpoint.of(self._file, self.state, self.count, self.generation)

    # For `GrowingFile`.

    def take(self, data: Bytes, start: int, stop: int) -> int:
        """Take whole lines, as far as they are wanted; where it stopped."""
        if self._file.generation != self._file_generation:
            self._begin_another_file()
        begin, text = start, data[start:stop].tobytes()
        while start < stop and self.wants_more():
            if self.state.mode == "rows":
                start = self._take_rows(data, start, stop)
            else:
                end = text.index(b"\n", start - begin) + 1
                self._headers.take(text[start - begin : end])
                start = begin + end
        return start

    def wants_more(self) -> bool:
        """Whether there are fewer rows than were asked for."""
        return self._wanted > self._held

    def parts(self, bytes_ahead: int) -> PartsPlan | None:
        """None: a header between the rows says how those behind it read."""
        del bytes_ahead
        return None

    # How that is done.

    def _begin(self, generation: int) -> None:
        self.generation = generation
        self.state = LVMState()
        self.bad_rows = BadRows(self._file.path)
        self._headers = HeaderLines(self._file.path, self.state, self._report)
        self._runs = []
        self._forgotten = 0
        self._file_generation = self._file.generation

    def _begin_another_file(self) -> None:
        if self.count or self.bad_rows.count:
            log.warning("%s was truncated or replaced by another file; it is read anew from its start", self._file.path)
        self._begin(self.generation + 1)

    def _resume(self, checkpoint: LVMCheckpoint) -> None:
        """Go on at the checkpoint; from the start when this is not its file any more."""
        state = checkpoint.resume(self._file)
        if state is None:
            log.warning(
                "%s is not the file of its checkpoint any more; it is read anew from its start", self._file.path
            )
            self._begin(checkpoint.generation + 1)
        else:
            self._begin(checkpoint.generation)
            self.state, self._forgotten = state, checkpoint.rows
            self.bad_rows = BadRows(self._file.path, state.bad_rows)
            self._headers = HeaderLines(self._file.path, state, self._report)
        self._checkpoint = None

    def _take_rows(self, data: Bytes, start: int, stop: int) -> int:
        """Take rows up to a line that is none; where it stopped."""
        state = self.state
        segment = self._headers.segment
        if segment is None:
            row = data[start : start + LOOK_BYTES].tobytes().partition(b"\n")[0]
            segment = self._headers.segment_with(row.decode("latin-1"))
        begins = np.empty(DOUBTS, np.int64)
        # A line of delimiters alone ends a segment; where no x is saved, a longer one is a row of missing values.
        full = max(2, len(segment.axes)) if segment.is_counted else len(segment.columns)
        found, stop, most = doubtful_lines(data, start, stop, ord(segment.delimiter), full, begins)
        begin: int
        for begin in begins[:found].tolist():
            look, end, _ = data[begin : begin + LOOK_BYTES].tobytes().partition(b"\n")
            line = look.decode("latin-1")
            tag = TITLE if line.startswith(TITLE) else fields_of(line, state.separator)[0]
            if tag and not begins_header(tag):
                continue  # NaN, or a row that is a bad one
            taken = self._parse(data, start, begin, segment, most)
            if taken < begin or not self.wants_more():
                return taken
            if tag:
                state.mode, state.tags, state.names, state.header_bytes = "between", {}, [], 0
                return begin
            state.lines += 1
            start = begin + (len(line) if end else int(np.argmax(data[begin:stop] == ord("\n")))) + 1
        return self._parse(data, start, stop, segment, most)

    def _parse(self, data: Bytes, start: int, stop: int, segment: Segment, most: int) -> int:
        """Parse whole lines with rows, up to as many as are wanted; where it stopped.

        None of them has more than `most` separators.
        """
        missing = self._wanted - self._held
        if missing < stop - start:
            ends = np.flatnonzero(data[start:stop] == ord("\n"))
            stop = start + int(ends[missing - 1]) + 1 if missing < ends.size else stop
        if start >= stop:
            return stop
        if not self.state.encoding and data[start:stop].max() >= 0x80:
            foreign = start + int(np.argmax(data[start:stop] >= 0x80))
            text = data[start:stop].tobytes()
            begin = text.rfind(b"\n", 0, foreign - start) + 1
            self.state.encoding = likely_encoding(text[begin : text.index(b"\n", foreign - start)])
        run = self._run_of(segment, has_comments=most >= len(segment.columns) - 1)
        quoted = with_quoted_comments(data[start:stop].tobytes(), segment) if most >= len(segment.columns) else None
        if quoted is None:
            run.append(data, start, stop, segment, self.state, self._report)
        else:
            run.append(quoted, FRONT, quoted.size - BACK, segment, self.state, self._report)
        self._tell_of_rows(segment)
        return stop

    def _run_of(self, segment: Segment, *, has_comments: bool) -> LVMRun:
        """Where rows go; those without comments are faster to read without a column for them."""
        known = self._runs[-1].columns if self._runs else ()
        without = segment.columns[:-1]
        if known != segment.columns and (has_comments or known != without):
            self._runs.append(LVMRun(segment.columns if has_comments else without, self._clock_offset_ns))
        return self._runs[-1]

    def _report(self, line: int, reason: str) -> None:
        self.bad_rows.add(line, reason)
        self.state.bad_rows += 1

    def _tell_of_rows(self, segment: Segment) -> None:
        """Warn of times that the file does not quite say."""
        state, samples = self.state, segment.axis.samples
        if state.has_times and segment.is_counted and samples is not None and state.rows_of_segment > samples:
            self._headers.tell_once(
                "counted on",
                f"X_Columns No, and more rows than the {samples} that Samples says: their times are counted on by "
                f"Delta_X ({segment.axis.step:g}); save X values (X_Columns One) where the steps are not even",
            )
        if state.has_times and state.has_own_axes:
            self._headers.tell_once(
                "own axes",
                "channels were sampled at different times; a row has the time of its first x, get_channels() and join "
                "give each value its own",
            )
