"""What was understood of a text file, in words: for `Recorder.describe` and ``utokyo analyze``."""

from __future__ import annotations

from collections.abc import Iterator

from ...io.column import Kind
from ...io.header import CountedLines, NamesLine
from ...io.layout import BLANKS, TABS, Layout
from ...io.reader import Reader
from ...io.times import ColumnTime, DateAndTime, Elapsed

__all__ = ["OTHERWISE", "description", "otherwise", "understood"]

OTHERWISE = "Recorder(path, delimiter=, decimal=, header_line=, units_row=, time=, time_format=)"
"""How a user says what a file means."""
_KINDS = {
    Kind.INTEGER: "integers",
    Kind.FLOAT: "decimals",
    Kind.DATETIME: "date and time",
    Kind.DATE: "date",
    Kind.TIME: "time of day",
    Kind.TEXT: "text",
    Kind.NONE: "no value yet",
}
_DELIMITERS = {BLANKS: "blanks or tabs", TABS: "tabs, any number of them", "\t": "a tab"}
_DATES = {"dmy": "day, month, year", "mdy": "month, day, year", "ymd": "year, month, day"}


def description(name: str, reader: Reader) -> Iterator[str]:
    """Lines on a file.

    Parameters
    ----------
    name : str
        Of the file.
    reader : Reader
        That has looked at it.
    """
    layout = reader.layout
    if layout is None:
        yield f"{name}: no header and no row yet"
        return
    found = ", found out from the file" if layout.guessed else ""
    article = "an" if layout.name[:1].lower() in "aeiou" else "a"
    yield f"{name}: {article} {layout.name}{'' if layout.guessed else ' file'}{found}"
    for line in understood(reader):
        yield f"  {line}"
    for column in reader.columns:
        unit = f" in {column.unit}" if column.unit else ""
        yield f"  {column.name}: {_KINDS[column.kind]}{unit}"
    for remark in (*reader.remarks(), *otherwise(reader)):
        yield f"  {remark}"


def understood(reader: Reader) -> Iterator[str]:
    """Lines on delimiter, signs, encoding, header and times; none while no layout is known."""
    if reader.layout is not None:
        yield f"{', '.join(_signs(reader.layout, reader.encoding))}; {_header(reader.layout)}"
        yield f"times: {_times(reader.layout)}"


def otherwise(reader: Reader, how: str = OTHERWISE) -> Iterator[str]:
    """How to say it otherwise, where the layout was found out."""
    if reader.layout is not None and reader.layout.guessed:
        yield f"to say it otherwise: {how}"


def _signs(layout: Layout, encoding: str) -> Iterator[str]:
    yield f"delimiter {_DELIMITERS.get(layout.delimiter, repr(layout.delimiter))}"
    yield f"decimal sign {layout.decimal!r}"
    if layout.thousands:
        yield f"{layout.thousands!r} between thousands"
    yield encoding


def _header(layout: Layout) -> str:
    header = layout.header
    if isinstance(header, CountedLines):
        return "no names" if header.names_line is None else f"names in line {header.names_line + 1}"
    if isinstance(header, NamesLine):
        return f"names in line {header.skip + 1}"
    return "a header of its own"


def _times(layout: Layout) -> str:
    rule = layout.time
    order = f", written as {layout.time_format or _DATES[layout.dates]}" if layout.time_format or layout.dates else ""
    if rule is None:
        return "none"
    if isinstance(rule, ColumnTime):
        zones = layout.header.metadata if isinstance(layout.header, CountedLines) else ()
        return f"column {rule.column!r}{order}{''.join(f', the clock of zone {zone}' for _, zone in zones)}"
    if isinstance(rule, DateAndTime):
        return f"columns {rule.date!r} and {rule.time!r}{order}"
    if isinstance(rule, Elapsed):
        return f"column {rule.column!r}, from the start in the header"
    return str(rule)
