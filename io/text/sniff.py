"""The layout of a plain text table that nobody described: encoding, delimiter, header, types and the time column.

The result is a `Layout` like any other, guessed from the first lines. Known formats do not pass here, but their
encoding is checked here too: a UTF-16 or a binary file is refused in one sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from .. import cells
from ..column import Column, Kind
from ..errors import InputError
from ..header import UTF8_MARK, HeaderStyle, NamesLine, NoHeader, distinct
from ..layout import Layout
from ..times import ColumnTime, DateAndTime, TimeRule

__all__ = ["check_encoding", "nul_bytes", "sniff_layout"]

DELIMITERS = "\t;|,"
"""In the order in which they are tried: a comma may also be the decimal sign, so the others are believed first."""
ENCODINGS = ("utf-8", "cp932")
AGREEMENT = 0.8
"""Part of the sample that must follow a guess; the rest are bad rows, reported one by one."""
TIME_NAMES = ("timestamp_ns", "timestamp")
UNITS_NS = (1, 1_000, 1_000_000, 1_000_000_000)
"""Of integers since 1970."""
EARLIEST_NS, LATEST_NS = 1e17, 2.0**63
"""Between which integers since 1970 are times of today: from 1973 to the last that Int64 holds."""

Rows = list[list[str]]


def check_encoding(path: Path, lines: Sequence[bytes]) -> None:
    """Raise `InputError` for text that says of itself that it has two or four bytes a letter."""
    start = b"".join(lines[:1])[:4]
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{path}, line 1: this is UTF-16 text; save it as UTF-8 or Shift-JIS text")


def nul_bytes(path: Path, line: int) -> InputError:
    """What is said of a file that has NUL bytes (the first of them in `line`, from 1) before any row."""
    return InputError(f"{path}, line {line}: NUL bytes, so this is no text table (a binary or UTF-16 file)")


def sniff_layout(path: Path, lines: Sequence[bytes]) -> Layout | None:
    """Guess the layout of a table from its first whole lines; None while there is no row to learn from.

    Raises
    ------
    InputError
        When the lines are neither UTF-8 nor Shift-JIS text.
    """
    text = _decoded(path, lines)
    filled = [line for line in text.lines if line.strip()]
    if not filled:
        return None
    delimiter = _delimiter(filled)
    table = _table(_rows(_legible(text.lines, delimiter), delimiter))
    if table is None:
        return None
    body = _whole_rows(table)
    decimal = "," if delimiter != "," and _has_decimal_commas(body) else "."
    cells_of = ([row[i] for row in body if i < len(row)] for i in range(len(table.names)))
    kinds = [_column_kind(column, decimal) for column in cells_of]
    columns = tuple(Column(name, kind) for name, kind in zip(table.names, kinds, strict=True))
    time = _time(columns, body)
    return Layout(
        "table",
        tuple(replace(column, nullable=column.name not in time.mandatory) for column in columns),
        delimiter=delimiter,
        encoding=text.encoding,
        header=table.header,
        time=time.rule,
        trailing_delimiter=table.trailing_delimiter,
        decimal=decimal,
        guessed=True,
    )


class _Text(NamedTuple):
    lines: list[str]
    encoding: str


def _decoded(path: Path, lines: Sequence[bytes]) -> _Text:
    """The lines as text in the encoding that reads them: UTF-8, else Shift-JIS."""
    sample = b"".join(lines).removeprefix(UTF8_MARK)
    for encoding in ENCODINGS:
        try:
            found = sample.decode(encoding).removesuffix("\n").split("\n")
            return _Text([line.rstrip("\r") for line in found], encoding)
        except UnicodeDecodeError as error:
            number = sample.count(b"\n", 0, error.start) + 1
    raise InputError(f"{path}, line {number}: neither UTF-8 nor Shift-JIS text; save the file as UTF-8")


def _rows(lines: Sequence[str], delimiter: str) -> Rows:
    """The cells of each line, as the parser finds them; none of a blank line."""
    return [cells.split_line(line, delimiter) if line.strip(" \r") else [] for line in lines]


def _legible(lines: Sequence[str], delimiter: str) -> list[str]:
    """The lines, blank ones in the place of those that are no rows: with NUL bytes, or a quote that is not closed.

    The first one stays: it may name the columns.
    """
    first = next(i for i, line in enumerate(lines) if line.strip())
    return [
        "" if i > first and ("\0" in line or cells.has_open_quote(line, delimiter)) else line
        for i, line in enumerate(lines)
    ]


class _Table(NamedTuple):
    """A sample of a table, split into its header and its rows."""

    header: HeaderStyle
    names: tuple[str, ...]
    body: Rows
    trailing_delimiter: bool


def _table(rows: Rows) -> _Table | None:
    """What of the sample is header and what rows; None where there are names and no row yet."""
    width = _usual_width(rows)
    wide = [row for row in rows if len(row) == width]
    if width > 1 and sum(not row[-1].strip() for row in wide) > AGREEMENT * len(wide):
        width -= 1  # a delimiter after the last cell, which the names may lack
    skip = next(i for i, row in enumerate(rows) if len(row) >= width)
    first = rows[skip]
    if not _are_names(first):
        return _Table(NoHeader(), distinct([""] * width), [row for row in rows[skip:] if row], False)
    body = [row for row in rows[skip + 1 :] if row]
    if not body:
        return None
    last = len(first) - 1
    closed = not first[last].strip() and all(len(row) <= last or not row[last] for row in body)
    count = len(first) - closed
    names = distinct([cell.strip() for cell in first])[:count]
    return _Table(NamesLine(skip), names, body, closed or any(len(row) == count + 1 for row in body))


def _whole_rows(table: _Table) -> Rows:
    """The rows that the parser will take: others are bad ones, and say nothing of the columns."""
    widths = (len(table.names), len(table.names) + table.trailing_delimiter)
    return [row for row in table.body if len(row) in widths] or table.body


def _are_names(cells_of_line: Sequence[str]) -> bool:
    """Whether no cell is a number or a time, and not all are empty."""
    kinds = {_kind(cell) for cell in cells_of_line}
    return kinds <= {None, Kind.TEXT} and Kind.TEXT in kinds


def _usual_width(rows: Sequence[Sequence[str]]) -> int:
    return Counter(len(row) for row in rows if row).most_common(1)[0][0]


def _delimiter(lines: Sequence[str]) -> str:
    for delimiter in DELIMITERS:
        rows = _rows(lines, delimiter)
        width = _usual_width(rows)
        # A header may be one field wider than the rows: a delimiter at its end.
        alike = sum(width <= len(row) <= width + 1 for row in rows)
        if width > 1 and alike >= min(AGREEMENT * len(rows), len(rows) - 1):
            return delimiter
    return ","


def _kind(cell: str) -> Kind | None:
    """The narrowest kind that a cell is; None for an empty one."""
    if not cell.strip():
        return None
    for kind in (Kind.INTEGER, Kind.FLOAT, Kind.DATETIME, Kind.TIME):
        if cells.cell_value(cell, kind) is not None:
            return Kind.DATE if kind is Kind.DATETIME and cells.cell_value(cell, Kind.DATE) is not None else kind
    return Kind.TEXT


def _column_kind(column: Sequence[str], decimal: str) -> Kind:
    found = Counter(kind for cell in column if (kind := _kind(cell.replace(decimal, "."))) is not None)
    if not found:
        return Kind.TEXT
    numbers = found[Kind.INTEGER] + found[Kind.FLOAT]
    if numbers >= AGREEMENT * found.total():
        return Kind.FLOAT if found[Kind.FLOAT] else Kind.INTEGER
    kind, count = found.most_common(1)[0]
    return kind if count >= AGREEMENT * found.total() else Kind.TEXT


def _has_decimal_commas(body: Sequence[Sequence[str]]) -> bool:
    found = [cell for row in body for cell in row if "," in cell]
    numbers = [cell for cell in found if cells.cell_value(cell, Kind.FLOAT, ",") is not None]
    return len(numbers) > AGREEMENT * len(found)


def _unit_ns(column: Sequence[str]) -> int | None:
    """Nanoseconds of one count of integers since 1970, by their size; None where they are no times of today."""
    counts = sorted(abs(int(v)) for cell in column if (v := cells.cell_value(cell, Kind.INTEGER)) is not None)
    if not counts:
        return None
    middle = counts[len(counts) // 2]
    return next((unit for unit in UNITS_NS if EARLIEST_NS <= middle * unit < LATEST_NS), None)


class _Time(NamedTuple):
    """How rows get their time."""

    rule: TimeRule | None
    mandatory: tuple[str, ...] = ()
    """Columns that must not be empty for it."""


def _time(columns: tuple[Column, ...], body: Rows) -> _Time:
    """The first rule that the columns allow: integers since 1970, a date and time, a date beside a time of day."""

    def first(kind: Kind, names: Sequence[str] | None = None) -> str | None:
        return next((c.name for c in columns if c.kind is kind and (names is None or c.name in names)), None)

    counted = first(Kind.INTEGER, TIME_NAMES)
    if counted is not None:
        place = next(i for i, c in enumerate(columns) if c.name == counted)
        unit_ns = _unit_ns([row[place] for row in body if place < len(row)])
        if unit_ns is not None:
            return _Time(ColumnTime(counted, unit_ns), (counted,))
    moment = first(Kind.DATETIME)
    if moment is not None:
        return _Time(ColumnTime(moment), (moment,))
    date, clock = first(Kind.DATE), first(Kind.TIME)
    if date is not None and clock is not None:
        return _Time(DateAndTime(date, clock), (date, clock))
    return _Time(ColumnTime(date) if date is not None else None)
