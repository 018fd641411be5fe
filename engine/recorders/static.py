"""A fixed table in the place of a file: for tests, and for data that comes from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from ...io.errors import InputError
from .frames import FrameKind, as_asked, as_polars, with_time
from .known import RECORDERS
from .quantity import SourceKind

__all__ = ["StaticRecorder"]


class StaticRecorder:
    """A table that never changes, as a `Source`.

    Parameters
    ----------
    table : polars or pandas frame, or mapping of columns
        `timestamp` (ns since 1970) or `datetime` gives the times, if there are any.
    metadata : mapping, optional
    frame : "polars" or "pandas"

    Examples
    --------
    >>> StaticRecorder({"timestamp": [1_663_503_939_000_000_000], "T (K)": [293.1]})
    StaticRecorder(1 row: timestamp, T (K))
    """

    filepath = None
    version = 0
    generation = 0
    bad_rows = 0
    bad_row_messages: tuple[str, ...] = ()
    has_unfinished_line = False
    only_grows = False
    bytes_read = 0
    clock_offset_ns = 0

    def __init__(self, table: Any, metadata: Mapping[str, Any] | None = None, *, frame: FrameKind = "polars") -> None:
        if frame not in {"polars", "pandas"}:
            raise InputError(f"frame should be 'polars' or 'pandas', not {frame!r}")
        self.frame = frame
        try:
            data = table if isinstance(table, pl.DataFrame) else pl.DataFrame(table)
        except (TypeError, ValueError) as error:
            raise InputError(f"a StaticRecorder takes a frame or a mapping of columns: {error}") from error
        self._data = data
        self._metadata = pl.DataFrame({key: [value] for key, value in dict(metadata or {}).items()})
        if "timestamp" in data.columns:
            data = with_time(data, data["timestamp"])
        elif "datetime" in data.columns:
            data = with_time(data, data["datetime"].cast(pl.Datetime("ns")).to_physical())
        self._table = data

    def __repr__(self) -> str:
        rows = f"{self.rows} row{'' if self.rows == 1 else 's'}"
        return f"{type(self).__name__}({rows}: {', '.join(self._data.columns)})"

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return self._data.height

    @property
    def is_sorted(self) -> bool:
        """Whether the rows were given in the order of their times."""
        given = next((name for name in ("timestamp", "datetime") if name in self._data.columns), None)
        return given is None or self._data[given].is_sorted()

    def update(self) -> int:
        """Nothing is ever new."""
        return 0

    def finish(self) -> int:
        """Nothing is ever new."""
        return 0

    def get_table(self) -> Any:
        """The rows with `timestamp` and `datetime`, sorted by time."""
        literals = [pl.lit(self._metadata[key][0]).alias(key) for key in self._metadata.columns]
        return as_asked(self._table.with_columns(literals), self.frame)

    def get_data(self) -> Any:
        """The rows as they were given."""
        return as_asked(self._data, self.frame)

    def get_metadata(self) -> Any:
        """The metadata that was given: one row."""
        return as_asked(self._metadata, self.frame)

    def is_up_to_date(self) -> bool:
        """Always."""
        return True

    def source_kind(self, name: str = "") -> SourceKind:
        """What its name says: of pulses when it is called ``ssd``; else by the types of its columns."""
        kind = RECORDERS[name].join_as if name in RECORDERS else None
        return SourceKind("static", others=True) if kind is None else replace(kind, appends=False)

    def table_to_join(self) -> pl.DataFrame:
        """The table that is joined: all of it."""
        return as_polars(self.get_table())
