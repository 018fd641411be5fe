"""One growing source of a join: its times, its readings, and the time since which they have changed.

Before every update of the join, each source reads its new rows, and returns the earliest time of its data that have
changed, so that only the rows that depend on them are computed again. For sources to which rows are only appended, this
is the time of the first new row. Other tables are compared with their last version, where they are not in the same
memory (`same_rows`). The values in the rows are computed in `values`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ...io.errors import InputError, MissingFileError
from ..fits.bursts.dead_time import dead_time_of
from ..fits.error_names import error_name
from ..recorders.frames import as_polars
from ..recorders.quantity import Quantity, SourceKind
from ..recorders.source import Joinable
from .kinds import TIMES, kind_of, quantities_of
from .same_rows import same_first_rows
from .values import JoinRows, Readings, counts_of, last_values, means_of, others_of

__all__ = ["JoinSource"]

log = logging.getLogger("utokyo")

Integers = NDArray[np.int64]


class JoinSource:
    """A recorder or an analysis as a part of a join.

    Parameters
    ----------
    name : str
        Name of the source: the part before the dot in the names of its columns.
    source : Joinable, or object with a method `get_table`
        A recorder, or an analysis.
    kind : SourceKind
    tolerance_ns : int
        Largest age of a last value at the beginning of its row, ns.
    offset_ns : int
        Added to its times, ns.
    how : mapping of str
        As for `quantities_of`.
    """

    def __init__(
        self,
        name: str,
        source: Any,
        kind: SourceKind,
        *,
        tolerance_ns: int,
        offset_ns: int,
        how: Mapping[str, str],
    ) -> None:
        self.name = name
        self.source: Joinable = source if hasattr(source, "table_to_join") else _Foreign(source)
        self.kind = kind
        self.tolerance_ns = tolerance_ns
        self.offset_ns = offset_ns
        self.how = how
        self.table = pl.DataFrame({"timestamp": []}, schema={"timestamp": pl.Int64})
        self.times_ns: Integers = np.empty(0, np.int64)
        self.quantities: tuple[Quantity, ...] = quantities_of(kind, name, pl.Schema(), frozenset(), how)
        self.unchanged = 0
        """Number of first rows that are unchanged since the last complete join."""
        self._is_complete = True
        self._generation = 0
        self._warned_missing = False

    @property
    def first_ns(self) -> int | None:
        """Time of the first reading, ns, with the offset; None without readings."""
        return int(self.times_ns[0]) + self.offset_ns if self.times_ns.size else None

    @property
    def last_ns(self) -> int | None:
        """Time of the last reading, ns, with the offset; None without readings."""
        return int(self.times_ns[-1]) + self.offset_ns if self.times_ns.size else None

    @property
    def clock_offset_ns(self) -> int:
        """Sum of the offsets that the recorder and the join add to the times of the file, ns."""
        return self.offset_ns + self.source.clock_offset_ns

    @property
    def dead_time_s(self) -> float:
        """Of a source of pulses, as its header says."""
        return dead_time_of(self.source.get_metadata()) if self.times_ns.size else 0.0

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
        """Read new rows.

        Returns
        -------
        int or None
            Earliest time of data that differ from those of the last call, ns, with the offset; None without changes.

        Raises
        ------
        InputError
            When the source cannot be read or has no times. A file that does not exist yet is an empty source.
        """
        whole = self._whole_table()
        generation = self.source.generation
        only_grew = self.source.only_grows and generation == self._generation and whole.height >= self.times_ns.size
        before, times_before = self.table, self.times_ns
        metadata = self._metadata_columns(whole) if self.kind.others and whole.width > 1 else frozenset[str]()
        schema = pl.Schema({n: t for n, t in whole.schema.items() if n not in metadata})
        is_there = whole.height > 0 or not set(whole.columns).issubset(TIMES)  # not while its header is incomplete
        self.quantities = quantities_of(self.kind, self.name, schema if is_there else pl.Schema(), metadata, self.how)
        missing = [q.column for q in self.quantities if q.column and q.column not in whole.columns]
        if missing and is_there:
            raise InputError(f"{self.name}: its table has no column {missing[0]!r}; it has {', '.join(schema)}")
        needed = dict.fromkeys(["timestamp", *(q.column for q in self.quantities if q.column)])
        self.table = whole.select(name for name in needed if name in whole.columns)
        self.times_ns = self.table["timestamp"].to_numpy()
        self._generation = generation
        known = times_before.size
        same = known if only_grew and before.columns == self.table.columns else same_first_rows(before, self.table)
        # After an update that failed, the changes of its looks have not been joined.
        self.unchanged = same if self._is_complete else min(same, self.unchanged)
        self._is_complete = False
        changed = [int(t[same]) for t in (times_before, self.times_ns) if t.size > same]
        if not changed:
            return None
        if known and any(q.how in {"count", "rate"} for q in self.quantities):
            # Counts are null after the last reading: they change at its old and at its new time.
            changed += [int(times[-1]) for times in (times_before, self.times_ns) if times.size]
        return min(changed) + self.offset_ns

    def note_joined(self) -> None:
        """Note that the changes of all calls of `look` so far have been joined."""
        self._is_complete = True

    def columns(self, rows: JoinRows) -> list[pl.Series | pl.Expr]:
        """The columns of the source for these rows, with the names of `units`."""
        if not rows.count or not self.times_ns.size:
            return self._unknown()
        states = [q for q in self.quantities if q.how == "last"]
        counted = [q for q in self.quantities if q.how in {"count", "rate"} and not q.column]
        averaged = [q for q in self.quantities if q.how == "mean"]
        others = [q for q in self.quantities if q not in states and q not in counted and q not in averaged]
        readings = Readings(self.name, self.table, self.times_ns, self.offset_ns)
        columns: list[pl.Series | pl.Expr] = []
        if states:
            columns += last_values(readings, rows, states, self.tolerance_ns)
        if averaged:
            columns += means_of(readings, rows, averaged)
        if others:
            columns += others_of(readings, rows, others)
        if counted:
            columns += counts_of(readings, rows, counted)
        return columns

    def _whole_table(self) -> pl.DataFrame:
        """The table of the source, sorted by time; empty while the file does not exist."""
        empty = pl.DataFrame(schema={"timestamp": pl.Int64})
        try:
            table = self.source.table_to_join()
        except MissingFileError as error:
            if not self._warned_missing:
                log.warning("%s: %s yet; its columns stay empty", self.name, error)
                self._warned_missing = True
            return empty
        if not table.width or (table.is_empty() and "timestamp" not in table.columns):
            return empty
        if "timestamp" not in table.columns:
            raise InputError(f"{self.name}: its table has no times, so it cannot be joined; name its time column")
        if table.schema["timestamp"] != pl.Int64:
            table = table.with_columns(pl.col("timestamp").cast(pl.Int64))
        return table.filter(pl.col("timestamp").is_not_null()) if table["timestamp"].null_count() else table

    def _metadata_columns(self, whole: pl.DataFrame) -> frozenset[str]:
        """Names of the columns of the table that repeat the header in every row."""
        keys = list(self.source.get_metadata().columns)
        return frozenset(f"{key} (header)" if f"{key} (header)" in whole.columns else key for key in keys)

    def _unknown(self) -> list[pl.Series | pl.Expr]:
        """The columns of a source without readings: all null."""
        columns: list[pl.Series | pl.Expr] = []
        for quantity in self.quantities:
            name = f"{self.name}.{quantity.name}"
            columns.append(pl.lit(None, self._dtype(quantity)).alias(name))
            if _has_error(quantity):
                columns.append(pl.lit(None, pl.Float64).alias(error_name(name)))
        return columns

    def _dtype(self, quantity: Quantity) -> pl.DataType:
        if quantity.how == "count":
            return pl.Int64()
        if quantity.how in {"rate", "mean"}:
            return pl.Float64()
        known = self.table.schema.get(quantity.column, pl.Null())
        return pl.Boolean() if quantity.is_on else known


class _Foreign:
    """A source of another package that has only `get_table`, and perhaps `get_metadata`."""

    generation = 0
    only_grows = False
    clock_offset_ns = 0

    def __init__(self, source: Any) -> None:
        self._source = source

    def table_to_join(self) -> pl.DataFrame:
        """Its table, of either kind."""
        return as_polars(self._source.get_table())

    def get_metadata(self) -> pl.DataFrame:
        """Its metadata as a polars frame; empty when it has none."""
        return as_polars(self._source.get_metadata()) if hasattr(self._source, "get_metadata") else pl.DataFrame()

    def source_kind(self, name: str = "") -> SourceKind:
        """The kind, from the types of its columns."""
        return kind_of(self._source, name)


def _has_error(quantity: Quantity) -> bool:
    return quantity.how in {"mean", "rate"}
