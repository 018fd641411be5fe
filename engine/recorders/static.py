"""A fixed table in the place of a file: for tests, and for data that comes from elsewhere."""

from __future__ import annotations

from typing import Any

import polars as pl

from ...io.errors import InputError
from .base import FrameKind, as_asked, with_time

__all__ = ["StaticRecorder"]


class StaticRecorder:
    """A table that never changes, with the interface of `Recorder`.

    Parameters
    ----------
    table : polars or pandas frame, or mapping of columns
        `timestamp` (ns since 1970) or `datetime` gives the times, if there are any.
    metadata : mapping, optional
    frame : "polars" or "pandas"
    """

    filepath = None
    version = 0
    generation = 0
    bad_rows = 0
    bad_row_messages: tuple[str, ...] = ()

    def __init__(self, table: Any, metadata: Any = None, *, frame: FrameKind = "polars") -> None:
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

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return self._data.height

    def update(self) -> int:
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
