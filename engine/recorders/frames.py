"""Tables as they are handed out: with their times, as polars or pandas frames."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl

from ...io.errors import InputError

__all__ = ["FrameKind", "as_asked", "as_polars", "with_distinct_names", "with_time"]

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
    """The data with `timestamp` and `datetime`, sorted by time."""
    stamps = timestamps_ns.cast(pl.Int64).alias("timestamp")
    table = data.with_columns(stamps, stamps.cast(pl.Datetime("ns")).alias("datetime"))
    return table.sort("timestamp", maintain_order=True)


def with_distinct_names(data: pl.DataFrame, times: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Columns of the file and times without names in common; of a column that has name and meaning of a time, one."""
    both = [name for name in times.columns if name in data.columns]
    same = [name for name in both if data[name].equals(times[name])]
    data = data.with_columns(times[name] for name in same)
    return data.rename({name: f"{name} (file)" for name in both if name not in same}), times.drop(same)
