"""One source of a join as it grows: its times, its readings, and since when they changed.

A source is looked at before every update. What it answers is the earliest moment at which anything is other than at the
last look, so that a join makes only the rows anew that this can touch. Sources that only grow answer it from the new
rows alone; any other is compared with what it was. Times stay where the reader put them: it is the edges of the
intervals that are moved by the clock's offset, and sorted times are counted by bisection of the edges.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..io.errors import InputError, MissingFileError
from .analyses.base import Analysis
from .join_sources import AGGREGATES, Quantity, SourceKind, error_name, quantities_of
from .recorders.base import Recorder

__all__ = ["JoinSource"]

log = logging.getLogger("utokyo")

SECOND_NS = 1_000_000_000
MOST_READINGS_TOGETHER = 4_000_000

Integers = NDArray[np.int64]


class JoinSource:
    """A recorder or an analysis as a part of a join.

    Parameters
    ----------
    name : str
        Before the dot of its columns.
    recorder : Recorder, StaticRecorder, Analysis, or anything with `get_table`
    kind : SourceKind
    tolerance_ns : int
        How much older than its row a last value may be.
    offset_ns : int
        Added to its times.
    how : mapping of str
        As for `quantities_of`.
    """

    def __init__(
        self,
        name: str,
        recorder: Any,
        kind: SourceKind,
        *,
        tolerance_ns: int,
        offset_ns: int,
        how: Mapping[str, str],
    ) -> None:
        self.name = name
        self.recorder = recorder
        self.kind = kind
        self.tolerance_ns = tolerance_ns
        self.offset_ns = offset_ns
        self.how = how
        self.table = pl.DataFrame({"timestamp": []}, schema={"timestamp": pl.Int64})
        self.times_ns: Integers = np.empty(0, np.int64)
        self.quantities: tuple[Quantity, ...] = quantities_of(kind, name, pl.Schema(), frozenset(), how)
        self.unchanged = 0
        """Rows that are the same as when the join was last settled."""
        self._is_settled = True
        self._generation = 0
        self._told_missing = False

    @property
    def first_ns(self) -> int | None:
        """When its first reading was, offset included; None while there is none."""
        return int(self.times_ns[0]) + self.offset_ns if self.times_ns.size else None

    @property
    def last_ns(self) -> int | None:
        """When its last reading was, offset included."""
        return int(self.times_ns[-1]) + self.offset_ns if self.times_ns.size else None

    @property
    def clock_offset_ns(self) -> int:
        """All that was added to the times of the file: by the recorder and here."""
        recorder = self.recorder.recorder if isinstance(self.recorder, Analysis) else self.recorder
        return self.offset_ns + int(getattr(recorder, "clock_offset_ns", 0))

    @property
    def units(self) -> dict[str, str]:
        """Unit of each of its columns in the join."""
        units = {}
        for quantity in self.quantities:
            column = f"{self.name}.{quantity.name}"
            units[column] = quantity.unit
            if _has_error(quantity):
                units[error_name(column)] = quantity.unit
        return units

    def look(self) -> int | None:
        """Read what is new.

        Returns
        -------
        int or None
            The earliest moment in ns, offset included, of which anything is other than at the last look; None when
            nothing is.

        Raises
        ------
        InputError
            When the source cannot be read or has no times. One that does not exist yet is empty.
        """
        whole = self._whole_table()
        generation = int(getattr(self.recorder, "generation", 0))
        only_grew = self._only_grows() and generation == self._generation and whole.height >= self.times_ns.size
        before, times_before = self.table, self.times_ns
        metadata = self._metadata_columns(whole) if self.kind.others and whole.width > 1 else frozenset[str]()
        schema = pl.Schema({n: t for n, t in whole.schema.items() if n not in metadata})
        self.quantities = quantities_of(self.kind, self.name, schema, metadata, self.how)
        missing = [q.column for q in self.quantities if q.column and q.column not in whole.columns]
        if missing and whole.width > 1:
            raise InputError(f"{self.name}: its table has no column {missing[0]!r}; it has {', '.join(schema)}")
        needed = dict.fromkeys(["timestamp", *(q.column for q in self.quantities if q.column)])
        self.table = whole.select(name for name in needed if name in whole.columns)
        self.times_ns = self.table["timestamp"].to_numpy()
        self._generation = generation
        known = times_before.size
        same = known if only_grew and before.columns == self.table.columns else _same_rows(before, self.table)
        # An update that failed leaves looks behind it whose changes were not joined.
        self.unchanged = same if self._is_settled else min(same, self.unchanged)
        self._is_settled = False
        changed = [int(t[same]) for t in (times_before, self.times_ns) if t.size > same]
        if not changed:
            return None
        if known and any(q.how in {"count", "rate"} for q in self.quantities):
            # The interval of what was the last row is counted until the new end, and those behind it were unknown.
            changed.append(int(times_before[-1]))
        return min(changed) + self.offset_ns

    def settle(self) -> None:
        """Note that all that was seen by the last looks is joined."""
        self._is_settled = True

    def joined_to(self, lazy: pl.LazyFrame, rows: pl.DataFrame, *, every_ns: int | None) -> pl.LazyFrame:
        """The rows with the columns of this source.

        Parameters
        ----------
        lazy : polars.LazyFrame
            The rows so far, in the order of `rows`.
        rows : polars.DataFrame
            `timestamp`, `begin_ns`, `end_ns` (int64, ns): sorted by the first.
        every_ns : int, optional
            Length of the intervals, when they follow one upon another.
        """
        if rows.is_empty() or not self.times_ns.size:
            return lazy.with_columns(**self._unknown())
        states = [q for q in self.quantities if q.how == "last"]
        counted = [q for q in self.quantities if q.how in {"count", "rate"} and not q.column]
        averaged = [q for q in self.quantities if q not in states and q not in counted]
        if states:
            lazy = self._with_states(lazy, rows, states, every_ns)
        if averaged:
            means = self._means(rows, averaged, every_ns)
            # Both sides are sorted by row: an as-of join without tolerance is a left join that need not hash them.
            means = means.with_columns(pl.col("row").set_sorted())
            lazy = lazy.with_columns(pl.col("row").set_sorted()).join_asof(means, on="row", tolerance=0)
        if counted:
            lazy = lazy.with_columns(self._counts(rows, counted, every_ns))
        return lazy

    def _whole_table(self) -> pl.DataFrame:
        """The source's table, sorted by time; empty while it does not exist."""
        empty = pl.DataFrame(schema={"timestamp": pl.Int64})
        try:
            if isinstance(self.recorder, Analysis):
                table = self.recorder.run()
                table = table.with_columns(timestamp=pl.col("timestamp_ns")).sort("timestamp", maintain_order=True)
            else:
                table = getattr(self.recorder, self.kind.table)()
                table = table if isinstance(table, pl.DataFrame) else pl.from_pandas(table)
        except MissingFileError as error:
            if not self._told_missing:
                log.warning("%s: %s yet; its columns stay empty", self.name, error)
                self._told_missing = True
            return empty
        if not table.width or (table.is_empty() and "timestamp" not in table.columns):
            return empty
        if "timestamp" not in table.columns:
            raise InputError(f"{self.name}: its table has no times, so it cannot be joined; name its time column")
        if table.schema["timestamp"] != pl.Int64:
            table = table.with_columns(pl.col("timestamp").cast(pl.Int64))
        return table.filter(pl.col("timestamp").is_not_null()) if table["timestamp"].null_count() else table

    def _metadata_columns(self, whole: pl.DataFrame) -> frozenset[str]:
        """Columns that repeat the header in every row."""
        if not hasattr(self.recorder, "get_metadata"):
            return frozenset()
        keys = list(self.recorder.get_metadata().columns)
        return frozenset(f"{key} (header)" if f"{key} (header)" in whole.columns else key for key in keys)

    def _only_grows(self) -> bool:
        recorder = self.recorder
        return (
            self.kind.appends and isinstance(recorder, Recorder) and recorder.is_sorted and not recorder.always_update
        )

    def _between(self, begin_ns: int, end_ns: int) -> pl.DataFrame:
        """Readings of begin <= time < end, offset included."""
        first, last = np.searchsorted(self.times_ns, [begin_ns - self.offset_ns, end_ns - self.offset_ns])
        return self.table.slice(int(first), int(last - first))

    def _with_states(
        self, lazy: pl.LazyFrame, rows: pl.DataFrame, states: list[Quantity], every_ns: int | None
    ) -> pl.LazyFrame:
        """The last reading of each row: of before its end, and at most the tolerance older than its beginning."""
        # The last nanosecond of an interval is when its state is asked for; a moment is asked for itself.
        tolerance_ns = self.tolerance_ns + (every_ns - 1 if every_ns else 0)
        moment = pl.col("timestamp") + (every_ns - 1 if every_ns else 0)
        begin_ns = int(rows["timestamp"][0]) - tolerance_ns - 1
        readings = self._between(begin_ns, int(rows["timestamp"][-1]) + (every_ns or 1))
        right = readings.lazy().select(
            (pl.col("timestamp") + self.offset_ns).alias("moment_ns").set_sorted(),
            *(q.values(readings.schema).alias(f"{self.name}.{q.name}") for q in states),
        )
        return (
            lazy.with_columns(moment.alias("moment_ns").set_sorted())
            .join_asof(right, on="moment_ns", strategy="backward", tolerance=tolerance_ns)
            .drop("moment_ns")
        )

    def _means(self, rows: pl.DataFrame, averaged: list[Quantity], every_ns: int | None) -> pl.LazyFrame:
        """`row` and the aggregates of the readings of each row's interval."""
        begin, end = rows["begin_ns"].to_numpy(), rows["end_ns"].to_numpy()
        readings = self._between(int(begin.min()), int(end.max()))
        values = [q.values(readings.schema).alias(f"{self.name}.{q.name}") for q in averaged]
        wanted = [e for q in averaged for e in _aggregates(q, f"{self.name}.{q.name}")]
        if every_ns:
            first_ns = int(begin[0])
            intervals = (
                readings.lazy()
                .select((pl.col("timestamp") + (self.offset_ns - first_ns)).set_sorted(), *values)
                .group_by_dynamic("timestamp", every=f"{every_ns}i")
                .agg(wanted)
            )
            number = (pl.col("timestamp") // every_ns).cast(pl.UInt32).alias("row")
            return intervals.select(number, pl.all().exclude("timestamp"))
        # Intervals of their own may overlap: readings are then taken as often as they are asked for.
        first, last = (np.searchsorted(self.times_ns, edges - self.offset_ns) for edges in (begin, end))
        parts: list[pl.LazyFrame] = []
        for part in _pieces(last - first):
            numbers = (last - first)[part]
            row = np.repeat(np.arange(part.start, part.stop, dtype=np.uint32), numbers)
            starts = np.repeat(first[part] - np.cumsum(numbers) + numbers, numbers)
            taken = self.table[starts + np.arange(row.size)]
            parts.append(
                taken.lazy()
                .select(pl.Series("row", row).set_sorted(), *values)
                .group_by("row", maintain_order=True)
                .agg(wanted)
            )
        return pl.concat(parts)

    def _counts(self, rows: pl.DataFrame, counted: list[Quantity], every_ns: int | None) -> list[pl.Series]:
        """Numbers of rows, known from the first to the last; rates of intervals that lie wholly between them."""
        begin, end = rows["begin_ns"].to_numpy(), rows["end_ns"].to_numpy()
        if every_ns:
            number = np.diff(np.searchsorted(self.times_ns, np.append(begin, end[-1]) - self.offset_ns))
        else:
            first, last = (np.searchsorted(self.times_ns, edges - self.offset_ns) for edges in (begin, end))
            number = last - first
        begins_ns, ends_ns = int(self.times_ns[0]) + self.offset_ns, int(self.times_ns[-1]) + self.offset_ns + 1
        touched = (end > begins_ns) & (begin < ends_ns)
        whole = (begin >= begins_ns) & (end <= ends_ns) & (end > begin)
        length_s = np.where(end > begin, end - begin, 1) / SECOND_NS
        # No pulse seen is no rate without an error: one more or less could have come.
        error = np.sqrt(np.maximum(number, 1)) / length_s
        series = []
        for quantity in counted:
            name = f"{self.name}.{quantity.name}"
            if quantity.how == "count":
                series.append(_masked(name, number.astype(np.int64), touched))
            else:
                series += [_masked(name, number / length_s, whole), _masked(error_name(name), error, whole)]
        return series

    def _unknown(self) -> dict[str, pl.Expr]:
        """Its columns while it has no reading."""
        columns = {}
        for quantity in self.quantities:
            name = f"{self.name}.{quantity.name}"
            columns[name] = pl.lit(None, self._dtype(quantity))
            if _has_error(quantity):
                columns[error_name(name)] = pl.lit(None, pl.Float64)
        return columns

    def _dtype(self, quantity: Quantity) -> pl.DataType:
        if quantity.how == "count":
            return pl.Int64()
        if quantity.how in {"rate", "mean"}:
            return pl.Float64()
        known = self.table.schema.get(quantity.column, pl.Null())
        return pl.Boolean() if quantity.is_on else known


def _aggregates(quantity: Quantity, name: str) -> list[pl.Expr]:
    """What is made of the readings of an interval, which stand in the column `name`."""
    values = pl.col(name)
    if quantity.how == "count":
        return [values.count().cast(pl.Int64)]
    if quantity.how != "mean":
        return [AGGREGATES[quantity.how](values)]
    values = values.cast(pl.Float64)
    error = values.std() / values.count().cast(pl.Float64).sqrt()
    return [values.mean(), error.alias(error_name(name))]


def _has_error(quantity: Quantity) -> bool:
    return quantity.how in {"mean", "rate"}


def _masked(name: str, values: NDArray[Any], known: NDArray[np.bool_]) -> pl.Series:
    return pl.select(pl.when(pl.Series(known)).then(pl.Series(values)).alias(name)).to_series()


def _same_rows(before: pl.DataFrame, now: pl.DataFrame) -> int:
    """How many first rows are the same in both tables."""
    if before.schema != now.schema:
        return 0
    rows = min(before.height, now.height)
    if not rows:
        return 0
    pairs = zip(before.head(rows).get_columns(), now.head(rows).get_columns(), strict=True)
    other = pl.any_horizontal(pl.Series(a.ne_missing(b)).alias(a.name) for a, b in pairs)
    differs = pl.select(other.alias("differs")).to_series()
    return int(differs.arg_max() or 0) if differs.any() else rows


def _pieces(numbers: Integers) -> list[slice]:
    """Rows cut into parts that have not too many readings together."""
    ends = np.cumsum(numbers)
    pieces, begin = [], 0
    while begin < numbers.size:
        before = int(ends[begin - 1]) if begin else 0
        stop = max(begin + 1, int(np.searchsorted(ends, before + MOST_READINGS_TOGETHER, side="right")))
        pieces.append(slice(begin, stop))
        begin = stop
    return pieces
