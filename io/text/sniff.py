"""What a plain text table holds that nobody described: encoding, delimiter, header, types and the time column.

The answer is a `Layout` like any other, found from the first lines. Known formats do not pass here, but their encoding
is checked here too: a UTF-16 or a binary file is told in one sentence.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .. import cells
from ..column import Column, Kind
from ..errors import InputError
from ..header import UTF8_MARK, NamesLine, NoHeader, distinct
from ..layout import Layout
from ..times import ColumnTime, DateAndTime, TimeRule

__all__ = ["check_encoding", "decoded_lines", "sniff_layout"]

# A comma may also be the decimal sign; so the others, where they split every line alike, are believed first.
DELIMITERS = "\t;|,"
ENCODINGS = ("utf-8", "cp932")
AGREEMENT = 0.8  # the part of the sample that must follow; the rest are bad rows, told one by one
TIME_NAMES = ("timestamp_ns", "timestamp")
UNITS_NS = (1, 1_000, 1_000_000, 1_000_000_000)  # of integers since 1970


def check_encoding(path: Path, lines: Sequence[bytes]) -> None:
    """Raise `InputError` for text of two or four bytes a letter, and for what is no text at all."""
    start = b"".join(lines[:1])[:4]
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{path}, line 1: this is UTF-16 text; save it as UTF-8 or Shift-JIS text")
    for number, line in enumerate(lines, start=1):
        if b"\0" in line:
            raise InputError(f"{path}, line {number}: NUL bytes, so this is no text table (a binary or UTF-16 file)")


def decoded_lines(path: Path, lines: Sequence[bytes]) -> tuple[list[str], str]:
    """The lines as text, and the encoding that reads them: UTF-8, else Shift-JIS."""
    sample = b"".join(lines).removeprefix(UTF8_MARK)
    for encoding in ENCODINGS:
        try:
            return sample.decode(encoding).splitlines(), encoding
        except UnicodeDecodeError as error:
            number = sample.count(b"\n", 0, error.start) + 1
    raise InputError(f"{path}, line {number}: neither UTF-8 nor Shift-JIS text; save the file as UTF-8")


def sniff_layout(path: Path, lines: Sequence[bytes]) -> Layout | None:
    """Find out the layout of a table from its first whole lines; None while there is no row to learn from."""
    texts, encoding = decoded_lines(path, lines)
    filled = [line for line in texts if line.strip()]
    if not filled:
        return None
    delimiter = _delimiter(filled)
    rows = list(csv.reader(texts, delimiter=delimiter))
    width = _usual_width(rows)
    wide = [row for row in rows if len(row) == width]
    if width > 1 and sum(not row[-1].strip() for row in wide) > AGREEMENT * len(wide):
        width -= 1  # a delimiter behind the last cell, which the names may lack
    skip = next(i for i, row in enumerate(rows) if len(row) >= width)
    first = rows[skip]
    has_names = all(_kind(cell) in {None, Kind.TEXT} for cell in first) and any(cell.strip() for cell in first)
    body = [row for row in rows[skip + has_names :] if row]
    names_end = len(first) - (
        first[-1].strip() == "" and all(len(r) < len(first) or not r[len(first) - 1] for r in body)
    )
    trailing = has_names and (names_end < len(first) or any(len(row) == names_end + 1 for row in body))
    if has_names and not body:
        return None
    names = distinct([cell.strip() for cell in first] if has_names else [""] * width)
    names = names[:names_end] if has_names else names
    decimal = "," if delimiter != "," and _has_decimal_commas(body) else "."
    columns = tuple(
        Column(name, _column_kind([row[i] for row in body if i < len(row)], decimal), nullable=True)
        for i, name in enumerate(names)
    )
    columns, time = _with_time(columns, body)
    return Layout(
        "table",
        columns,
        delimiter=delimiter,
        encoding=encoding,
        header=NamesLine(skip) if has_names else NoHeader(),
        time=time,
        trailing_delimiter=trailing,
        decimal=decimal,
        guessed=True,
    )


def _usual_width(rows: Sequence[Sequence[str]]) -> int:
    return Counter(len(row) for row in rows if row).most_common(1)[0][0]


def _delimiter(lines: Sequence[str]) -> str:
    for delimiter in DELIMITERS:
        rows = list(csv.reader(lines, delimiter=delimiter))
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
    return next((unit for unit in UNITS_NS if 1e17 <= middle * unit < 1e19), None)


def _with_time(
    columns: tuple[Column, ...], body: Sequence[Sequence[str]]
) -> tuple[tuple[Column, ...], TimeRule | None]:
    """The columns with those that tell the time made mandatory, and the rule that reads them."""

    def first(kind: Kind, names: Sequence[str] | None = None) -> str | None:
        return next((c.name for c in columns if c.kind is kind and (names is None or c.name in names)), None)

    def mandatory(*names: str) -> tuple[Column, ...]:
        return tuple(Column(c.name, c.kind, nullable=c.name not in names) for c in columns)

    counted = first(Kind.INTEGER, TIME_NAMES)
    if counted is not None:
        place = next(i for i, c in enumerate(columns) if c.name == counted)
        unit_ns = _unit_ns([row[place] for row in body if place < len(row)])
        if unit_ns is not None:
            return mandatory(counted), ColumnTime(counted, unit_ns)
    moment = first(Kind.DATETIME)
    if moment is not None:
        return mandatory(moment), ColumnTime(moment)
    date, clock = first(Kind.DATE), first(Kind.TIME)
    if date is not None and clock is not None:
        return mandatory(date, clock), DateAndTime(date, clock)
    return columns, ColumnTime(date) if date is not None else None
