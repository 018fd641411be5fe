"""The values of a source in the rows of a join: last values, means with errors, counts and rates.

Readings and rows are sorted by time, so that kernels find in one pass which readings belong to which row
(`kernels.merge`). This is several times faster than as-of joins and groups of polars, which cannot rely on the order.
Aggregates other than the mean, and columns other than plain numbers, are left to polars. The times of the readings are
not copied: the clock offset is applied to the edges of the intervals instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from ...io.memory import matrix
from ...kernels.merge import are_readings, count_before, last_readings, means_between, take
from ...kernels.units import SECOND_NS
from ..fits.error_names import error_name
from ..fits.mean import student_factor
from ..recorders.quantity import Quantity
from .kinds import AGGREGATES
from .same_rows import PLAIN

__all__ = ["Edges", "JoinRows", "Readings", "column_of", "counts_of", "last_values", "means_of", "others_of"]

MOST_READINGS_TOGETHER = 4_000_000
FAR = 256
"""With more readings than this between two edges, bisection finds the next place faster than doubling steps."""
FEW_READINGS = 512
"""The error of the mean of up to so many readings has Student's factor; for more it is below 1.001."""
ROWS_TOGETHER = 1 << 17
"""Rows that are processed together, while their places are in the cache; a multiple of 8, for whole bytes of bits."""

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Edges:
    """Begins, or ends, of the intervals of all rows: `moments_ns` + `shift_ns`, ns since 1970."""

    moments_ns: Integers
    shift_ns: int = 0

    @property
    def times_ns(self) -> Integers:
        """The edges, ns since 1970, shape (n,)."""
        return self.moments_ns + self.shift_ns


@dataclass(frozen=True, eq=False)
class JoinRows:
    """Rows of a join.

    Parameters
    ----------
    moments_ns : array of int64, shape (n,)
        Times of the rows, ns since 1970, sorted; states are taken at these times.
    begins, ends : Edges
        Edges of the interval of each row; readings with begin <= time < end are counted and averaged.
    every_ns : int, optional
        Length of the intervals, ns, when they are consecutive.
    columns : tuple of polars.Series
        Further columns of the rows (the results of the search for bursts).
    """

    moments_ns: Integers
    begins: Edges
    ends: Edges
    every_ns: int | None = None
    columns: tuple[pl.Series, ...] = ()

    @property
    def count(self) -> int:
        """Number of rows."""
        return int(self.moments_ns.size)


@dataclass(frozen=True, eq=False)
class Readings:
    """The readings of a source.

    Parameters
    ----------
    name : str
        Name of the source.
    table : polars.DataFrame
        Readings, sorted by `timestamp`.
    times_ns : array of int64, shape (n,)
        Their times, ns since 1970, without the offset.
    offset_ns : int
        Clock offset that is added to the times, ns.
    """

    name: str
    table: pl.DataFrame
    times_ns: Integers
    offset_ns: int

    def before(self, edges: Edges) -> Integers:
        """Number of readings before each edge, shape of the edges."""
        if self.times_ns.size > FAR * edges.moments_ns.size:
            return np.asarray(np.searchsorted(self.times_ns, edges.times_ns - self.offset_ns))
        counts = np.empty(edges.moments_ns.size, np.int64)
        count_before(self.times_ns, edges.moments_ns, edges.shift_ns - self.offset_ns, counts)
        return counts

    def inside(self, rows: JoinRows) -> tuple[Integers, Integers]:
        """First reading of the interval of each row, and first one after it: indices, shape (rows,) each."""
        first = self.before(rows.begins)
        if rows.every_ns and rows.count:
            last = np.empty_like(first)
            last[:-1] = first[1:]
            last[-1:] = self.before(Edges(rows.ends.moments_ns[-1:], rows.ends.shift_ns))
            return first, last
        return first, self.before(rows.ends)

    def values(self, quantities: Sequence[Quantity], begin: int, end: int) -> pl.DataFrame:
        """The quantities of the readings with indices begin to end - 1, with the names of the join."""
        part = self.table.slice(begin, end - begin)
        return part.select(q.values(part.schema).alias(f"{self.name}.{q.name}") for q in quantities)


def last_values(readings: Readings, rows: JoinRows, states: Sequence[Quantity], tolerance_ns: int) -> list[pl.Series]:
    """Last reading before the end of each row, not older than the tolerance at the beginning of the row; else null."""
    # The state of an interval is that at its last nanosecond; the state of a moment is that at the moment itself.
    behind_ns = rows.every_ns - 1 if rows.every_ns else 0
    shift_ns = behind_ns - readings.offset_ns
    first, last = readings.before(Edges(rows.moments_ns[[0, -1]], behind_ns + 1))
    begin, end = max(int(first) - 1, 0), max(int(last), 1)
    values, times_ns = readings.values(states, begin, end), readings.times_ns[begin:end]
    if times_ns.size == rows.count and are_readings(times_ns, rows.moments_ns, shift_ns):
        return values.get_columns()  # the rows are on this very source
    plain = {v.name: v.to_numpy() for v in values if v.dtype in PLAIN and not v.null_count()}
    taken = {name: matrix(1, rows.count, known.dtype.type)[0] for name, known in plain.items()}
    places = np.empty(rows.count if len(plain) < len(states) else min(rows.count, ROWS_TOGETHER), np.uint32)
    bits = np.full((rows.count + 7) // 8, 255, np.uint8)
    missing = 0
    for start in range(0, rows.count, ROWS_TOGETHER):
        part = slice(start, min(start + ROWS_TOGETHER, rows.count))
        moments_ns = rows.moments_ns[part]
        here = places[part] if places.size == rows.count else places[: moments_ns.size]
        known = np.empty(moments_ns.size, np.bool_)
        if absent := last_readings(times_ns, moments_ns, shift_ns, tolerance_ns + behind_ns, here, known):
            bits[start // 8 : (part.stop + 7) // 8] = np.packbits(known, bitorder="little")
            missing += absent
        for name, column in plain.items():
            whole = f"i{column.itemsize}"
            take(column.view(whole), here, taken[name][part].view(whole))
    valid = pa.py_buffer(bits) if missing else None
    # Text, and columns with nulls, are gathered by polars.
    return [
        _shared(column.name, taken[column.name], valid)
        if column.name in taken
        else column.gather(_shared("place", places, valid))
        for column in values
    ]


def means_of(readings: Readings, rows: JoinRows, averaged: Sequence[Quantity]) -> list[pl.Series]:
    """Mean and error in each interval; null without readings; one reading has no error."""
    first, last = readings.inside(rows)
    begin, end = int(first.min()), int(last.max())
    first, last = first - begin, last - begin
    columns = []
    for values in readings.values(averaged, begin, end):
        counts = np.empty(rows.count, np.int64)
        means, errors = np.empty(rows.count), np.empty(rows.count)
        plain = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        means_between(plain, first, last, counts, means, errors)
        errors *= student_factor(np.arange(FEW_READINGS))[np.minimum(counts, FEW_READINGS - 1)]
        columns += [
            column_of(values.name, means, counts > 0),
            column_of(error_name(values.name), errors, counts > 1),
        ]
    return columns


def others_of(readings: Readings, rows: JoinRows, quantities: Sequence[Quantity]) -> list[pl.Series]:
    """Other aggregates of the readings in the interval of each row; null without readings."""
    first, last = readings.inside(rows)
    wanted = [_aggregate(q, f"{readings.name}.{q.name}") for q in quantities]
    if rows.every_ns:
        some = _in_intervals(readings, rows, rows.every_ns, int(first[0]), int(last[-1]), quantities, wanted)
    else:
        some = _in_windows(readings, first, last, quantities, wanted)
    # Both sides are sorted by row: an as-of join with tolerance 0 is a left join without hashing.
    all_rows = pl.LazyFrame({"row": pl.Series(np.arange(rows.count, dtype=np.uint32)).set_sorted()})
    joined = all_rows.join_asof(some.with_columns(pl.col("row").set_sorted()), on="row", tolerance=0)
    return joined.drop("row").collect().get_columns()


def _in_intervals(
    readings: Readings,
    rows: JoinRows,
    every_ns: int,
    begin: int,
    end: int,
    quantities: Sequence[Quantity],
    wanted: Sequence[pl.Expr],
) -> pl.LazyFrame:
    """The columns `row` and aggregates, for consecutive intervals."""
    since_ns = readings.times_ns[begin:end] + (readings.offset_ns - int(rows.moments_ns[0]))
    values = readings.values(quantities, begin, end).lazy()
    groups = values.with_columns(pl.Series("since", since_ns).set_sorted()).group_by_dynamic(
        "since", every=f"{every_ns}i"
    )
    number = (pl.col("since") // every_ns).cast(pl.UInt32).alias("row")
    return groups.agg(wanted).select(number, pl.all().exclude("since"))


def _in_windows(
    readings: Readings, first: Integers, last: Integers, quantities: Sequence[Quantity], wanted: Sequence[pl.Expr]
) -> pl.LazyFrame:
    """The columns `row` and aggregates, for intervals that may overlap: a reading is used in each of them."""
    parts: list[pl.LazyFrame] = []
    for part in _pieces(last - first):
        begin, end = int(first[part].min()), int(last[part].max())
        numbers = (last - first)[part]
        row = np.repeat(np.arange(part.start, part.stop, dtype=np.uint32), numbers)
        starts = np.repeat(first[part] - begin - np.cumsum(numbers) + numbers, numbers)
        taken = readings.values(quantities, begin, end)[starts + np.arange(row.size)]
        groups = taken.lazy().with_columns(pl.Series("row", row).set_sorted())
        parts.append(groups.group_by("row", maintain_order=True).agg(wanted))
    return pl.concat(parts)


def counts_of(readings: Readings, rows: JoinRows, counted: Sequence[Quantity]) -> list[pl.Series]:
    """Counts, null before the first and after the last reading; rates, null unless the interval is between them."""
    first, last = readings.inside(rows)
    number = last - first
    begin, end = rows.begins.times_ns, rows.ends.times_ns
    begins_ns, ends_ns = int(readings.times_ns[0]) + readings.offset_ns, int(readings.times_ns[-1]) + readings.offset_ns
    touched = (end > begins_ns) & (begin <= ends_ns)
    whole = (begin >= begins_ns) & (end <= ends_ns + 1) & (end > begin)
    length_s: Any = rows.every_ns / SECOND_NS if rows.every_ns else np.where(end > begin, end - begin, 1) / SECOND_NS
    columns = []
    for quantity in counted:
        name = f"{readings.name}.{quantity.name}"
        if quantity.how == "count":
            columns.append(column_of(name, number, touched))
        else:
            # A rate of zero has an error, too: that of one pulse.
            error = np.sqrt(np.maximum(number, 1)) / length_s
            columns += [column_of(name, number / length_s, whole), column_of(error_name(name), error, whole)]
    return columns


def column_of(name: str, values: NDArray[Any], known: NDArray[np.bool_] | None = None) -> pl.Series:
    """A column that shares the memory of the values; null where they are not known."""
    return _shared(name, values, None if known is None or known.all() else _bits(known))


def _shared(name: str, values: NDArray[Any], valid: pa.Buffer | None) -> pl.Series:
    data = _bits(values) if values.dtype == np.bool_ else pa.py_buffer(np.ascontiguousarray(values))
    return pl.Series(name, pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), values.size, [valid, data]))


def _bits(flags: NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(flags, bitorder="little"))


def _aggregate(quantity: Quantity, name: str) -> pl.Expr:
    """The aggregate of the readings of an interval, which are in the column `name`."""
    if quantity.how == "count":
        return pl.col(name).count().cast(pl.Int64)
    return AGGREGATES[quantity.how](pl.col(name))


def _pieces(numbers: Integers) -> list[slice]:
    """Slices of the rows with at most `MOST_READINGS_TOGETHER` readings, but at least one row, each."""
    ends = np.cumsum(numbers)
    pieces, begin = [], 0
    while begin < numbers.size:
        before = int(ends[begin - 1]) if begin else 0
        stop = max(begin + 1, int(np.searchsorted(ends, before + MOST_READINGS_TOGETHER, side="right")))
        pieces.append(slice(begin, stop))
        begin = stop
    return pieces
