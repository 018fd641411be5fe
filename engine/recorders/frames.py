"""Tables as they are handed out: with their times, as polars or pandas frames."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl

from ...io.errors import InputError

__all__ = [
    "FrameKind",
    "as_asked",
    "as_polars",
    "times_of",
    "with_distinct_names",
    "with_time",
    "without_names_of_times",
]

FrameKind = Literal["polars", "pandas"]


def as_asked(table: pl.DataFrame, frame: FrameKind) -> Any:
    """The table as polars or pandas frame."""
    if frame == "polars":
        return table
    try:
        return table.to_pandas()
    except ImportError as error:
        raise InputError(
            f"pandas frames need the extra: pip install 'data-engineer-utokyo[pandas]' ({error})"
        ) from error


def as_polars(table: Any) -> pl.DataFrame:
    """A table of either kind as a polars frame."""
    return table if isinstance(table, pl.DataFrame) else pl.from_pandas(table)


def with_time(data: pl.DataFrame, timestamps_ns: pl.Series) -> pl.DataFrame:
    """The data with `timestamp_ns`, `timestamp` (the same) and `datetime`, sorted by time."""
    table = data.with_columns(times_of(timestamps_ns).get_columns())
    return table.sort("timestamp", maintain_order=True)


def times_of(timestamps_ns: pl.Series) -> pl.DataFrame:
    """Times (ns since 1970) by both of their names, as tables of data and of results call them, and as `datetime`.

    Either table can so be joined with the other.
    """
    stamps = timestamps_ns.cast(pl.Int64)
    moments = stamps.cast(pl.Datetime("ns"))
    return pl.DataFrame([stamps.alias("timestamp_ns"), stamps.alias("timestamp"), moments.alias("datetime")])


def with_distinct_names(
    data: pl.DataFrame, times: pl.DataFrame, clock_offset_ns: int = 0
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Columns of the file and times without names in common; of a column that has name and meaning of a time, one."""
    both = [name for name in times.columns if name in data.columns]
    same = [name for name in both if _is_before_offset(data[name], times[name], clock_offset_ns)]
    data = data.with_columns(times[name] for name in same)
    return data.rename({name: f"{name} (file)" for name in both if name not in same}), times.drop(same)


def without_names_of_times(data: pl.DataFrame) -> pl.DataFrame:
    """A table without times: columns of the file that have the names of times are called otherwise."""
    names = [name for name in ("timestamp_ns", "timestamp", "datetime") if name in data.columns]
    return data.rename({name: f"{name} (file)" for name in names})


def _is_before_offset(found: pl.Series, time: pl.Series, clock_offset_ns: int) -> bool:
    """Whether a column of the file is the time to which the offset of a clock was added."""
    if found.dtype == pl.Int64 and clock_offset_ns:
        found = found + clock_offset_ns
    return found.equals(time)
