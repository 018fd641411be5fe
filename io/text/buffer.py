"""`ColumnBuffer`: typed columns that grow, seen as a polars frame without a copy.

Integers and times of all columns stand in one int64 matrix, decimals in one float64 matrix, a row of the matrix a
column; the kernel writes into them directly, and capacity doubles. A frame is a view of the rows that are there. Rows
that were shown are never written again: growing moves to a new matrix, and the frames keep the old one alive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from ...kernels.text.lines import gather_text
from ..column import Column, Kind
from ..memory import matrix

__all__ = ["ColumnBuffer", "TextCells"]

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_ARROW = {
    Kind.INTEGER: pa.int64(),
    Kind.FLOAT: pa.float64(),
    Kind.DATETIME: pa.timestamp("ns"),
    Kind.DATE: pa.timestamp("ns"),
    Kind.TIME: pa.time64("ns"),
}


class TextCells(NamedTuple):
    """Cells of text, as spans in some bytes."""

    data: NDArray[np.uint8]
    starts: Integers
    stops: Integers


class _Shown(NamedTuple):
    """A frame of the first rows, of which slices are handed out."""

    rows: int
    frame: pl.DataFrame


class ColumnBuffer:
    """Growing columns and the time of each row.

    Parameters
    ----------
    columns : sequence of Column
    encoding : str
        Of the text cells.
    capacity : int
        Rows for which to take memory.

    Attributes
    ----------
    rows : int
        Rows that are there.
    has_text : bool
        Whether there are columns of text.
    ints, floats : int64 and float64, shape (slots, capacity)
        The columns; `slots` says which is where. The last row of `ints` holds the timestamps.
    kinds, slots : int64, shape (columns,)
        For the kernel, to which a column without a value yet is one of text.
    """

    def __init__(self, columns: Sequence[Column], encoding: str = "utf-8", capacity: int = 0) -> None:
        self.columns = tuple(columns)
        self.encoding = encoding
        self.kinds = np.array([min(c.kind, Kind.TEXT) for c in columns], dtype=np.int64)
        self.slots = np.zeros(len(columns), dtype=np.int64)
        counts = {"float": 0, "text": 0, "int": 0}
        for i, column in enumerate(self.columns):
            family = {Kind.FLOAT: "float", Kind.TEXT: "text", Kind.NONE: "text"}.get(column.kind, "int")
            self.slots[i] = counts[family]
            counts[family] += 1
        self.rows = 0
        self.has_text = counts["text"] > 0
        self._timestamp_slot = counts["int"]
        self.ints: Integers = matrix(counts["int"] + 1, capacity, np.int64)
        self.floats: Floats = matrix(counts["float"], capacity, np.float64)
        self._texts = [_TextColumn() for _ in range(counts["text"])]
        self._valid: dict[int, NDArray[np.bool_]] = {}
        self._place = {column.name: i for i, column in enumerate(self.columns)}
        self._shown: _Shown | None = None
        self._shown_times: _Shown | None = None

    @property
    def capacity(self) -> int:
        """Rows for which there is memory."""
        return int(self.ints.shape[1])

    def reserve(self, rows: int) -> None:
        """Make room for `rows` more."""
        needed = self.rows + rows
        if needed <= self.capacity:
            return
        ints, floats = self._matrices(max(needed, 2 * self.rows))
        ints[:, : self.rows] = self.ints[:, : self.rows]
        floats[:, : self.rows] = self.floats[:, : self.rows]
        self.ints, self.floats = ints, floats
        self._forget_shown()

    def from_row(self, start: int) -> ColumnBuffer:
        """A buffer of the same columns and capacity with the rows from `start` on, copied."""
        other = ColumnBuffer(self.columns, self.encoding)
        other.rows = rows = self.rows - start
        # A column that was widened has left its row among the integers: the slots are those of this buffer.
        other.slots, other._timestamp_slot = self.slots.copy(), self._timestamp_slot
        other._texts = [_TextColumn() for _ in self._texts]
        other.ints, other.floats = self._matrices(self.capacity)
        other.ints[:, :rows] = self.ints[:, start : self.rows]
        other.floats[:, :rows] = self.floats[:, start : self.rows]
        for ours, theirs in zip(self._texts, other._texts, strict=True):
            theirs.copy_from(ours, start)
        other._valid = {column: valid[start : self.rows].copy() for column, valid in self._valid.items()}
        return other

    def column(self, name: str, start: int = 0, stop: int | None = None) -> Integers | Floats:
        """Values of a column that is not text, from row `start` on (times in ns); also of rows not committed yet."""
        i = self._place[name]
        matrix = self.floats if self.columns[i].kind is Kind.FLOAT else self.ints
        return matrix[self.slots[i], start : self.rows if stop is None else stop]

    def timestamps_ns(self, start: int = 0, stop: int | None = None) -> Integers:
        """Time of each row; int64, ns since 1970."""
        return self.ints[self._timestamp_slot, start : self.rows if stop is None else stop]

    def put(self, column: int, row: int | Integers, value: float) -> None:
        """Set one cell of a number or a time, or that of several rows, which are not committed yet."""
        matrix = self.floats if self.columns[column].kind is Kind.FLOAT else self.ints
        matrix[self.slots[column], row] = value

    def is_valid(self, name: str, start: int, stop: int) -> NDArray[np.bool_]:
        """Whether cells of a column hold a value, of rows that are committed."""
        valid = self._valid.get(self._place[name])
        return np.ones(stop - start, np.bool_) if valid is None else valid[start:stop]

    def fill(self, name: str, start: int, values: Floats) -> None:
        """Put values in the place of the last cells of a column, which were missing; the rows were not shown yet."""
        self.column(name, start)[:] = values
        valid = self._valid.get(self._place[name])
        if valid is not None:
            valid[start : self.rows] = True

    def widen(self, column: int) -> None:
        """Turn a column of integers into one of decimals."""
        values = self.ints[self.slots[column]].astype(np.float64)
        self.floats = np.concatenate([self.floats, values[np.newaxis]])
        self.kinds[column], self.slots[column] = Kind.FLOAT, self.floats.shape[0] - 1
        self.columns = tuple(replace(c, kind=Kind.FLOAT) if i == column else c for i, c in enumerate(self.columns))
        self._forget_shown()

    def call(self, column: int, kind: Kind) -> None:
        """Let a column be of another kind with the same values: dates are dates and times, too."""
        self.kinds[column] = kind
        self.columns = tuple(replace(c, kind=kind) if i == column else c for i, c in enumerate(self.columns))
        self._forget_shown()

    def define(self, column: int, kind: Kind) -> None:
        """Turn a column without a value yet into one of numbers or times; all rows so far lack it."""
        assert self.columns[column].kind is Kind.NONE
        assert kind < Kind.TEXT
        if kind is Kind.FLOAT:
            self.floats = np.concatenate([self.floats, np.zeros((1, self.capacity))])
            slot = self.floats.shape[0] - 1
        else:
            self.ints = np.concatenate([self.ints, np.zeros((1, self.capacity), np.int64)])
            slot = self.ints.shape[0] - 1
        self._texts[self.slots[column]] = _TextColumn()
        self.kinds[column], self.slots[column] = kind, slot
        self.columns = tuple(replace(c, kind=kind) if i == column else c for i, c in enumerate(self.columns))
        self._begin_to_be_valid(column)
        self._forget_shown()

    def add_column(self, column: Column) -> None:
        """Add a column; all rows so far lack it."""
        place = len(self.columns)
        self.columns = (*self.columns, replace(column, kind=Kind.NONE))
        self.kinds = np.append(self.kinds, np.int64(Kind.TEXT))
        self.slots = np.append(self.slots, np.int64(len(self._texts)))
        self._texts.append(_TextColumn())
        self._texts[-1].append_empty(self.rows)
        self._place[column.name] = place
        self.has_text = True
        if column.kind < Kind.TEXT:
            self.define(place, column.kind)
        elif column.kind is Kind.TEXT:
            self.call(place, Kind.TEXT)
            self._begin_to_be_valid(place)
        self._forget_shown()

    def add_absent(self, columns: Sequence[int], rows: int) -> None:
        """Make room for `rows` more in columns that these have not; `commit` is to be told that they are empty."""
        for column in columns:
            if self.columns[column].kind >= Kind.TEXT:
                self._texts[self.slots[column]].append_empty(rows)

    def renew_timestamps(self) -> None:
        """Make room for other timestamps: the header says another start now. Frames that were shown keep theirs."""
        self.ints = self.ints.copy()
        self._forget_shown()

    def move_back(self, first: int, rows: int) -> None:
        """Move rows that are not committed yet from `first` to directly after those that are."""
        if first > self.rows:
            for values in (self.ints, self.floats):
                values[:, self.rows : self.rows + rows] = values[:, first : first + rows]

    def keep(self, start: int, kept: NDArray[np.bool_]) -> None:
        """Close the gaps that bad rows leave in the rows from `start` on, which are not committed yet."""
        for values in (self.ints, self.floats):
            values[:, start : start + int(kept.sum())] = values[:, start : start + kept.size][:, kept]

    def add_text(self, column: int, cells: TextCells) -> None:
        """Append text cells."""
        self._texts[self.slots[column]].append(cells, self.encoding)

    def commit(self, rows: int, empty: dict[int, Integers]) -> None:
        """Make `rows` more rows visible.

        Parameters
        ----------
        rows : int
        empty : mapping of column to int64 array
            Which of these rows (from 0) have a missing value.
        """
        start, stop = self.rows, self.rows + rows
        for column in set(self._valid) | {c for c, which in empty.items() if which.size}:
            valid = self._valid.get(column)
            if valid is None or valid.size < stop:
                grown = np.ones(max(stop, self.capacity), np.bool_)
                if valid is not None:
                    grown[:start] = valid[:start]
                valid = self._valid[column] = grown
            if column in empty:
                valid[start + empty[column]] = False
        self.rows = stop

    def frame(self, start: int, stop: int) -> pl.DataFrame:
        """Rows as polars sees them, without a copy of numbers and times."""
        if self._shown is None or self._shown.rows != self.rows:
            frame = _frame([c.name for c in self.columns], [self._array(i) for i in range(len(self.columns))])
            dates = [c.name for c in self.columns if c.kind is Kind.DATE]
            self._shown = _Shown(self.rows, frame.with_columns(pl.col(dates).cast(pl.Date)) if dates else frame)
        return self._shown.frame.slice(start, stop - start)

    def time_frame(self, start: int, stop: int) -> pl.DataFrame:
        """The columns `timestamp` (Int64, ns) and `datetime` (Datetime, ns): two views of one memory."""
        if self._shown_times is None or self._shown_times.rows != self.rows:
            buffers = [None, pa.py_buffer(self.timestamps_ns())]
            stamps = pa.Array.from_buffers(pa.int64(), self.rows, buffers)
            moments = pa.Array.from_buffers(pa.timestamp("ns"), self.rows, buffers)
            self._shown_times = _Shown(self.rows, _frame(["timestamp", "datetime"], [stamps, moments]))
        return self._shown_times.frame.slice(start, stop - start)

    def _matrices(self, capacity: int) -> tuple[Integers, Floats]:
        """Memory for the same columns and so many rows."""
        return matrix(self.ints.shape[0], capacity, np.int64), matrix(self.floats.shape[0], capacity, np.float64)

    def _begin_to_be_valid(self, column: int) -> None:
        self._valid[column] = np.zeros(max(self.rows, self.capacity), np.bool_)
        self._valid[column][self.rows :] = True

    def _forget_shown(self) -> None:
        """Let go of the frames of all rows, which keep their memory."""
        self._shown = self._shown_times = None

    def _array(self, i: int) -> pa.Array:
        column, valid = self.columns[i], None
        if column.kind is Kind.NONE:
            return pa.nulls(self.rows)
        if i in self._valid:
            valid = pa.py_buffer(np.packbits(self._valid[i][: self.rows], bitorder="little"))
        if column.kind is Kind.TEXT:
            return self._texts[self.slots[i]].array(self.rows, valid)
        values = pa.py_buffer(self.column(column.name))
        return pa.Array.from_buffers(_ARROW[column.kind], self.rows, [valid, values])


class _TextColumn:
    """Text cells one after another, with the offsets of their ends, as Arrow's large strings are."""

    def __init__(self) -> None:
        self.rows = 0
        self._data: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._offsets: Integers = np.zeros(1, np.int64)

    def append(self, cells: TextCells, encoding: str) -> None:
        data, starts, stops = _as_utf8(cells, encoding)
        used, rows = int(self._offsets[self.rows]), starts.size
        needed = used + int((stops - starts).sum())
        if needed > self._data.size:
            grown = np.empty(max(needed, 2 * self._data.size), np.uint8)
            grown[:used] = self._data[:used]
            self._data = grown
        if self.rows + rows + 1 > self._offsets.size:
            offsets = np.zeros(max(self.rows + rows + 1, 2 * self._offsets.size), np.int64)
            offsets[: self.rows + 1] = self._offsets[: self.rows + 1]
            self._offsets = offsets
        gather_text(data, starts, stops, self._data, self._offsets[self.rows : self.rows + rows + 1])
        self.rows += rows

    def append_empty(self, rows: int) -> None:
        nothing = np.zeros(rows, np.int64)
        self.append(TextCells(np.empty(0, np.uint8), nothing, nothing), "utf-8")

    def copy_from(self, other: _TextColumn, start: int) -> None:
        start = min(start, other.rows)  # none of a column that has become one of numbers
        self.rows = other.rows - start
        offsets = other._offsets[start : other.rows + 1]
        self._data = other._data[offsets[0] : offsets[-1]].copy()
        self._offsets = offsets - offsets[0]

    def array(self, rows: int, valid: pa.Buffer | None) -> pa.Array:
        offsets = self._offsets[: rows + 1]
        data = self._data[: offsets[-1]]
        return pa.Array.from_buffers(pa.large_string(), rows, [valid, pa.py_buffer(offsets), pa.py_buffer(data)])


class _Batch:
    """Columns as polars takes them from anybody: for what it knows as pyarrow's, it imports much of pyarrow first."""

    def __init__(self, names: list[str], arrays: list[pa.Array]) -> None:
        self._batch = pa.RecordBatch.from_arrays(arrays, names)

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        schema, array = self._batch.__arrow_c_array__(requested_schema)
        return schema, array


def _frame(names: list[str], arrays: list[pa.Array]) -> pl.DataFrame:
    return pl.DataFrame(_Batch(names, arrays))


def _as_utf8(cells: TextCells, encoding: str) -> TextCells:
    if cells.data.max(initial=0) < 0x80:  # all encodings of the formats agree on ASCII
        return cells
    raw = cells.data.tobytes()
    spans = zip(cells.starts.tolist(), cells.stops.tolist(), strict=True)
    encoded = [raw[start:stop].decode(encoding, errors="replace").encode() for start, stop in spans]
    stops = np.cumsum([len(cell) for cell in encoded], dtype=np.int64)
    starts = np.concatenate([np.zeros(1, np.int64), stops[:-1]]) if stops.size else stops
    return TextCells(np.frombuffer(b"".join(encoded), np.uint8), starts, stops)
