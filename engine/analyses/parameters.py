"""Columns of result tables: name, type, unit, meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

__all__ = ["ResultParameter", "table_of", "with_timestamp"]


@dataclass(frozen=True)
class ResultParameter:
    """One column of a result table.

    Parameters
    ----------
    name : str
    dtype : type
        Its polars type.
    unit : str
    meaning : str
    shown : bool
        Whether the terminal shows it.
    error : str
        The column that holds its standard error; empty where there is none.

    Examples
    --------
    >>> ResultParameter("width_s", pl.Float64, "s", "of the step", error="width_error_s").error
    'width_error_s'
    """

    name: str
    dtype: type[pl.DataType]
    unit: str
    meaning: str
    shown: bool = True
    error: str = ""


TIMESTAMP = ResultParameter("timestamp", pl.Int64, "ns", "the same, by its name in tables of data", shown=False)


def table_of(parameters: tuple[ResultParameter, ...], rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows as a table with the columns and types of some parameters; with `timestamp` where there is `timestamp_ns`."""
    columns = with_timestamp(parameters)
    given = parameters if columns != parameters else tuple(p for p in parameters if p != TIMESTAMP)
    table = pl.DataFrame(rows, schema={p.name: p.dtype for p in given}, orient="row")
    if TIMESTAMP in columns:
        table = table.with_columns(pl.col("timestamp_ns").alias("timestamp"))
    return table.select(p.name for p in columns)


def with_timestamp(parameters: tuple[ResultParameter, ...]) -> tuple[ResultParameter, ...]:
    """The columns with `timestamp` after `timestamp_ns`, so that results join tables of data, and these them."""
    names = [p.name for p in parameters]
    if "timestamp_ns" not in names or "timestamp" in names:
        return parameters
    place = names.index("timestamp_ns") + 1
    return (*parameters[:place], TIMESTAMP, *parameters[place:])
