"""One source of a join as it grows: its times, its readings, and since when they changed.

A source is looked at before every update. What it answers is the earliest moment at which anything is other than at the
last look, so that a join makes only the rows anew that this can touch. Sources that only grow answer it from the new
rows alone; any other is compared with what it was, where it does not lie in the same memory (`same_rows`). What becomes
of the readings stands in `values`.
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
        Before the dot of its columns.
    source : Joinable, or anything with `get_table`
        A recorder, or an analysis.
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
        """Rows that are the same as when the join was last complete."""
        self._is_complete = True
        self._generation = 0
        self._warned_missing = False

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
        generation = self.source.generation
        only_grew = self.source.only_grows and generation == self._generation and whole.height >= self.times_ns.size
        before, times_before = self.table, self.times_ns
        metadata = self._metadata_columns(whole) if self.kind.others and whole.width > 1 else frozenset[str]()
        schema = pl.Schema({n: t for n, t in whole.schema.items() if n not in metadata})
        is_there = whole.height > 0 or not set(whole.columns).issubset(TIMES)  # a file without a header is not, yet
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
        # An update that failed leaves looks whose changes were not joined.
        self.unchanged = same if self._is_complete else min(same, self.unchanged)
        self._is_complete = False
        changed = [int(t[same]) for t in (times_before, self.times_ns) if t.size > same]
        if not changed:
            return None
        if known and any(q.how in {"count", "rate"} for q in self.quantities):
            # Nothing is known after the last reading: where that was, and where it is now, counts begin or end.
            changed += [int(times[-1]) for times in (times_before, self.times_ns) if times.size]
        return min(changed) + self.offset_ns

    def note_joined(self) -> None:
        """Note that all that was seen by the last looks is joined."""
        self._is_complete = True

    def columns(self, rows: JoinRows) -> list[pl.Series | pl.Expr]:
        """What it gives to each of the rows: the columns that `units` names."""
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
        """The source's table, sorted by time; empty while it does not exist."""
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
        """Columns that repeat the header in every row."""
        keys = list(self.source.get_metadata().columns)
        return frozenset(f"{key} (header)" if f"{key} (header)" in whole.columns else key for key in keys)

    def _unknown(self) -> list[pl.Series | pl.Expr]:
        """Its columns while it has no reading."""
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
    """A source of another package, which has a table and says nothing else."""

    generation = 0
    only_grows = False
    clock_offset_ns = 0

    def __init__(self, source: Any) -> None:
        self._source = source

    def table_to_join(self) -> pl.DataFrame:
        """Its table, of either kind."""
        return as_polars(self._source.get_table())

    def get_metadata(self) -> pl.DataFrame:
        """What it says of it, if anything."""
        return as_polars(self._source.get_metadata()) if hasattr(self._source, "get_metadata") else pl.DataFrame()

    def source_kind(self, name: str = "") -> SourceKind:
        """By the types of its columns."""
        return kind_of(self._source, name)


def _has_error(quantity: Quantity) -> bool:
    return quantity.how in {"mean", "rate"}
