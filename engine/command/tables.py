"""Results as a person on shift reads them: tables for the terminal.

A value and its error stand in one cell, with the digits that the error justifies; times are wall-clock times, and
durations, which the tables on disk hold in ns, are shown in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.markup import escape as markup_escape
from rich.table import Table

from ...io.errors import printable
from ...kernels.units import SECOND_NS
from ..fits.rounding import PLUS_MINUS, rounded_moment, with_error

if TYPE_CHECKING:
    from ..analyses.base import Analysis
    from ..analyses.parameters import ResultParameter

__all__ = ["columns_table", "results_table", "when"]


def results_table(analysis: Analysis) -> Table:
    """The results of an analysis, one row a result."""
    shown = [p for p in analysis.parameters if p.shown]
    table = Table(title=_escape(analysis.name), title_justify="left", caption=None)
    for parameter in shown:
        unit = f"\n({'s' if parameter.unit == 'ns' else parameter.unit})"
        unit = unit if parameter.unit and not parameter.name.endswith("_ns") else ""
        table.add_column(_escape(parameter.name.removesuffix("_ns") + unit), justify="right", overflow="fold")
    in_ns = [p.name for p in analysis.parameters if p.unit == "ns" and p.dtype is pl.Float64]
    durations = [name for name in in_ns if not name.endswith("_ns")]
    in_seconds = analysis.results.with_columns(pl.col(durations) / SECOND_NS)
    for row in in_seconds.iter_rows(named=True):
        table.add_row(*(_escape(_cell(p, row)) for p in shown))
    return table


def columns_table(table: pl.DataFrame, title: str, columns: Sequence[str]) -> Table:
    """What a table of data holds: a line a column."""
    answer = Table(title=_escape(title), title_justify="left")
    for heading in ("column", "type", "values", "smallest", "mean", "largest"):
        answer.add_column(heading, justify="left" if heading in {"column", "type"} else "right", overflow="fold")
    for name in columns:
        series = table[name]
        known = series.drop_nulls()
        mean = _plain(known.mean()) if known.dtype.is_numeric() else ""
        cells = (name, str(series.dtype.base_type()), str(known.len()), _plain(known.min()), mean, _plain(known.max()))
        answer.add_row(*map(_escape, cells))
    return answer


def when(timestamp_ns: int | None) -> str:
    """Wall-clock time of a timestamp, to the millisecond."""
    if timestamp_ns is None:
        return "?"
    return rounded_moment(timestamp_ns, None)[0]


def _cell(parameter: ResultParameter, row: dict[str, Any]) -> str:
    value = row[parameter.name]
    if value is None:
        return ""
    error = row[parameter.error] if parameter.error else None
    if parameter.name.endswith("_ns"):
        return when(value) if error is None else f" {PLUS_MINUS} ".join(rounded_moment(value, error))
    if parameter.error and isinstance(value, float):
        return with_error(value, error)
    return _plain(value)


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _escape(text: str) -> str:
    """A text of a file for a cell: neither markup nor what steers a terminal, so that its width is known."""
    return markup_escape(printable(text))
