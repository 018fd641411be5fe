"""Results as a person on shift reads them: tables that fit the terminal.

A value and its error stand in one cell, with the digits that the error justifies; times are wall-clock times, and
durations, which the tables on disk hold in ns, are shown in seconds. Where the terminal is too narrow, the columns that
are needed least are left out, and named below; a heading never breaks in a word.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.markup import escape as markup_escape
from rich.table import Table

from ...io.errors import printable, without_middle
from ...kernels.units import SECOND_NS
from ..fits.rounding import PLUS_MINUS, rounded_moment, with_error

if TYPE_CHECKING:
    from ..analyses.base import Analysis
    from ..analyses.parameters import ResultParameter

__all__ = ["columns_table", "results_table", "when"]

LEAST_REASON = 24
"""Columns for a text that may be folded between its words."""
LONGEST_TEXT = 40
"""Of a cell of text, which loses its middle beyond."""
FEWEST_DIGITS, MOST_DIGITS = 4, 10
"""Significant digits of a number without an error: those that it has, between these."""
FEW_ROWS = 2
"""Results that stand beside each other where their table is too wide."""
DAY = len("2022-09-18")
FRAME = 3
"""What a column needs beside its cells."""


def results_table(analysis: Analysis, width: int) -> Table:
    """The results of an analysis, one row a result, in a table of at most some columns of the terminal."""
    in_ns = [p.name for p in analysis.parameters if p.unit == "ns" and p.dtype is pl.Float64]
    durations = [name for name in in_ns if not name.endswith("_ns")]
    rows = analysis.results.with_columns(pl.col(durations) / SECOND_NS).to_dicts()
    shown = [p for p in analysis.parameters if p.shown and not _says_nothing(p, rows)]
    cells = {p.name: [_cell(p, row) for row in rows] for p in shown}
    headings = {p.name: _heading(p) for p in shown}
    widths = {p.name: _width(headings[p.name], cells[p.name], p.name == "reason") for p in shown}
    fits = 1 + sum(each + FRAME for each in widths.values()) <= width
    if not fits and len(rows) <= FEW_ROWS:
        return _upright(analysis.name, headings, cells, width)
    if not fits and "timestamp_ns" in cells:
        times = [cell.partition(f" {PLUS_MINUS}")[0] for cell in cells["timestamp_ns"]]
        days = {time[:DAY] for time in times}
        if len(days) == 1:
            headings["timestamp_ns"] = f"time of\n{days.pop()}"
            times = [time[DAY + 1 :] for time in times]
        cells["timestamp_ns"], widths["timestamp_ns"] = times, _width(headings["timestamp_ns"], times, is_reason=False)
    kept = list(shown)
    for parameter in sorted(shown, key=lambda p: _need(p, shown)):
        if 1 + sum(widths[p.name] + FRAME for p in kept) <= width or len(kept) <= 2:
            break
        kept.remove(parameter)
    left_out = ", ".join(p.name.removesuffix("_ns") for p in shown if p not in kept)
    caption = f"left out: {left_out}; a wider terminal shows them, --results FILE has them" if left_out else None
    table = Table(
        title=_escape(without_middle(analysis.name, width)),
        title_justify="left",
        caption=caption,
        caption_justify="left",
    )
    for parameter in kept:
        is_text = parameter.name == "reason"
        table.add_column(
            _escape(_folded(headings[parameter.name], widths[parameter.name])),
            justify="left" if is_text else "right",
            no_wrap=not is_text,
            min_width=min(LEAST_REASON, widths["reason"]) if is_text else widths[parameter.name],
        )
    for i in range(len(rows)):
        table.add_row(*(_escape(cells[p.name][i]) for p in kept))
    return table


def columns_table(table: pl.DataFrame, columns: Sequence[str], width: int) -> Table:
    """What a table of data holds: a line a column."""
    rows = []
    for name in columns:
        series = table[name]
        known = series.cast(pl.String).drop_nulls() if series.dtype == pl.Null else series.drop_nulls()
        low, high = _value(name, known.min()), _value(name, known.max())
        mean = _mean(known.mean(), low, high) if known.dtype.is_numeric() and not _is_moment(name, known.max()) else ""
        rows.append((name, str(series.dtype.base_type()), str(known.len()), low, mean, high))
    headings = ("column", "type", "values", "smallest", "mean", "largest")
    most = [max(map(len, cells)) for cells in zip(headings, *rows, strict=True)]
    # What is needed least in a narrow terminal: the type, the number of values, the mean.
    kept = [0, 1, 2, 3, 4, 5]
    for column in (1, 2, 4):
        if 1 + sum(most[i] + FRAME for i in kept) > width:
            kept.remove(column)
    # Then names and texts lose their middles.
    room = dict(zip(kept, _rooms([most[i] for i in kept], width - 1 - FRAME * len(kept)), strict=True))
    answer = Table()
    for i in kept:
        answer.add_column(headings[i], justify="left" if i < 2 else "right", no_wrap=True)
    for row in rows:
        answer.add_row(*(_escape(without_middle(row[i], room[i])) for i in kept))
    return answer


def _rooms(wanted: Sequence[int], width: int) -> list[int]:
    """Widths of columns that together are at most `width`: the widest ones give way."""
    rooms = list(wanted)
    while sum(rooms) > width and max(rooms) > 1:
        rooms[rooms.index(max(rooms))] -= 1
    return rooms


def when(timestamp_ns: int | None) -> str:
    """Wall-clock time of a timestamp, to the millisecond."""
    if timestamp_ns is None:
        return "?"
    return rounded_moment(timestamp_ns, None)[0]


def _heading(parameter: ResultParameter) -> str:
    """The name, between whose words it may break, and the unit in a line of its own."""
    unit = "s" if parameter.unit == "ns" else parameter.unit
    name = parameter.name.removesuffix("_ns").removesuffix(f"_{parameter.unit}").replace("_", " ")
    return f"{name}\n({unit})" if unit and not parameter.name.endswith("_ns") else name


def _folded(heading: str, width: int) -> str:
    """A heading of which no line is wider than its column; it breaks between words."""
    return "\n".join(chain.from_iterable(textwrap.wrap(line, width) for line in heading.split("\n")))


def _upright(title: str, headings: Mapping[str, str], cells: Mapping[str, Sequence[str]], width: int) -> Table:
    """A few results beside each other, a line a quantity."""
    table = Table(title=_escape(without_middle(title, width)), title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    for _ in next(iter(cells.values())):
        table.add_column(justify="right")
    for name, heading in headings.items():
        table.add_row(_escape(heading.replace("\n", " ")), *map(_escape, cells[name]))
    return table


def _width(heading: str, cells: Sequence[str], is_reason: bool) -> int:
    """Columns that it needs: of its longest cell, and of the longest word or line of its heading."""
    words = [len(word) for word in heading.split()] + [len(line) for line in heading.split("\n")[1:]]
    longest = max(map(len, cells), default=0)
    return max(*words, min(longest, LEAST_REASON) if is_reason else longest, 1)


def _need(parameter: ResultParameter, shown: Sequence[ResultParameter]) -> tuple[int, int]:
    """How much it is needed: numbers without an error least, then those with one, then what it is and if it holds."""
    place = shown.index(parameter)
    if place == 0 or parameter.dtype is pl.Boolean:
        return 3, -place
    if parameter.name in {"reason", "timestamp_ns"}:
        return 2, -place
    return (1 if parameter.error else 0), -place


def _says_nothing(parameter: ResultParameter, rows: Sequence[dict[str, Any]]) -> bool:
    """Whether no row has a value."""
    return all(row[parameter.name] is None for row in rows)


def _cell(parameter: ResultParameter, row: dict[str, Any]) -> str:
    value = row[parameter.name]
    if value is None:
        return ""
    error = row[parameter.error] if parameter.error else None
    if parameter.name.endswith("_ns"):
        said = when(value) if error is None else f" {PLUS_MINUS} ".join(rounded_moment(value, error))
        return said + "*" * (parameter.name == "timestamp_ns" and row.get("time_source") == "modified")
    if parameter.error and isinstance(value, float):
        return with_error(value, error)
    if isinstance(value, float):
        return f"{value:.{FEWEST_DIGITS}g}"
    return value if parameter.name == "reason" else _plain(value)


def _plain(value: Any) -> str:
    """A value of a file, with the digits that it has."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.{MOST_DIGITS}g}"
    return without_middle(str(value), LONGEST_TEXT)


def _escape(text: str) -> str:
    """A text of a file for a cell: neither markup nor what steers a terminal, so that its width is known."""
    return markup_escape(printable(text))


def _is_moment(name: str, value: Any) -> bool:
    return name.endswith("_ns") and isinstance(value, int)


def _value(name: str, value: Any) -> str:
    return when(value) if _is_moment(name, value) else _plain(value)


def _mean(mean: Any, low: str, high: str) -> str:
    """A mean with as many digits as the values that it is one of, and decimals as they have."""
    if mean is None or not math.isfinite(mean):
        return ""
    digits = max(FEWEST_DIGITS, *(len(_digits(text)) for text in (low, high)))
    return f"{mean:.{min(digits, MOST_DIGITS)}g}"


def _digits(number: str) -> str:
    """The significant digits of a number that is written out."""
    return number.partition("e")[0].replace(".", "").strip("-").lstrip("0")
