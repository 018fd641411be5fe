"""What becomes of the rows that the kernel parsed: odd cells are read, bad rows dropped, the others made visible.

The kernel lists the cells that it is not sure of (`kernels.text.odd`). A second kernel reads long, uncommon, padded and
quoted numbers and times; for the rest Python's rules decide whether it is a missing value, a value after all, or a bad
row, which is reported with the reason.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernels.text.odd import BAD_FIELD_COUNT, CODE, COLUMN, LINE, ODD_CELL, ODD_EMPTY, ROW, read_odd_cells
from .. import cells
from ..column import Column, Kind
from ..errors import shortened
from ..layout import Layout
from .buffer import ColumnBuffer, TextCells

__all__ = ["BadRows", "ParsedRows", "Report", "commit_rows"]

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
Report = Callable[[int, str], None]
"""``report(line, reason)`` is called for every bad row; lines are counted from 0."""

log = logging.getLogger("utokyo")

MESSAGES = 20
"""Bad rows that are reported one by one; the others are counted."""
LONGEST_CELL, LONGEST_NAMES = 40, 120
"""Characters of a cell, and of the names of all columns, that a message shows."""
_ARTICLE = {
    Kind.INTEGER: "an integer",
    Kind.FLOAT: "a number",
    Kind.DATETIME: "a date and time",
    Kind.DATE: "a date",
    Kind.TIME: "a time of day",
    Kind.TEXT: "text without NUL bytes",
}


class BadRows:
    """Counts bad rows, and reports the first of them one by one.

    Parameters
    ----------
    path : path
        The file, for messages.
    count : int
        How many there were before.

    Attributes
    ----------
    count : int
    messages : list of str
        A sentence each: file, line, and what was expected and found.
    """

    def __init__(self, path: Path, count: int = 0) -> None:
        self.count = count
        self.messages: list[str] = []
        self._path = path
        self._reported = 0  # of the messages
        self._reported_more = count > MESSAGES

    def add(self, line: int, reason: str) -> None:
        """Take one more, in `line` from 0."""
        self.count += 1
        if len(self.messages) < MESSAGES:
            self.messages.append(f"{self._path.name}, line {line + 1}: {reason}; the row was skipped")

    def report(self) -> None:
        """Log those that were not logged yet."""
        for message in self.messages[self._reported :]:
            log.warning("%s", message)
        if self.count > MESSAGES and not self._reported_more:
            log.warning("%s: %d bad rows so far; further ones are only counted", self._path.name, self.count)
            self._reported_more = True
        self._reported = len(self.messages)


class ParsedRows(NamedTuple):
    """What one call of the kernel parsed into a buffer."""

    first_row: int
    """Of the buffer, where they stand."""
    rows: int
    lines: int
    """Lines of text that they were, with bad and blank ones."""
    spans: Integers
    """Shape (2 * text columns, rows or more): start and stop of the text cells; None where there are none."""
    odd: Integers
    """Shape (n, `ODD_FIELDS`): cells and lines that the kernel was not sure of."""
    are_sorted: bool | None
    """Whether their times never decrease; None where these are computed later."""


def commit_rows(data: Bytes, parsed: ParsedRows, buffer: ColumnBuffer, layout: Layout, report: Report) -> int:
    """Read the odd cells of parsed rows, drop the bad rows, and make the others visible.

    Parameters
    ----------
    data : uint8, shape (n,)
        What was parsed.
    parsed : ParsedRows
        They stand directly after the rows of the buffer that are visible.
    buffer : ColumnBuffer
    layout : Layout
    report : callable
        Lines are counted from the first one that was parsed.

    Returns
    -------
    int
        How many rows became visible.
    """
    if not parsed.odd.size and not buffer.has_text:
        buffer.commit(parsed.rows, {})
        return parsed.rows
    first = buffer.rows
    odd = _left_to_python(data, parsed.odd, first, buffer, layout)
    nullable = np.array([c.nullable for c in buffer.columns], dtype=np.bool_)
    is_missing = (odd[:, CODE] == ODD_EMPTY) & nullable[np.where(odd[:, ROW] >= 0, odd[:, COLUMN], 0)]
    missing = odd[is_missing]
    second_look = _read_by_python(data, odd[~is_missing], first, buffer, layout, report)
    kept = np.ones(parsed.rows, np.bool_)
    kept[list(second_look.bad_rows)] = False
    if second_look.bad_rows:
        buffer.keep(first, kept)
    if parsed.spans.shape[0]:
        _add_texts(data, parsed.spans[:, : parsed.rows], kept, second_look.texts, odd, buffer, layout)
    place = np.cumsum(kept) - 1
    empty = {
        int(column): place[missing[(missing[:, COLUMN] == column) & kept[missing[:, ROW]], ROW]]
        for column in set(missing[:, COLUMN])
    }
    count = int(kept.sum())
    buffer.commit(count, empty)
    return count


def _left_to_python(data: Bytes, odd: Integers, first: int, buffer: ColumnBuffer, layout: Layout) -> Integers:
    """The odd cells, line by line, without the numbers and times that the second kernel could read."""
    is_text = buffer.kinds[odd[:, COLUMN] * (odd[:, ROW] >= 0)] == Kind.TEXT
    if (~is_text & (odd[:, CODE] == ODD_CELL)).any():
        point = ord(layout.decimal)
        left = read_odd_cells(data, odd, buffer.kinds, buffer.slots, point, first, buffer.ints, buffer.floats)
        odd = odd[:left]
    return odd[np.lexsort((odd[:, COLUMN], odd[:, LINE]))]  # the kernel goes column by column, people line by line


class _SecondLook(NamedTuple):
    """What Python's rules say of odd cells."""

    bad_rows: set[int]
    texts: dict[int, dict[int, str]]
    """Of text columns: the cells without their quotes, by row."""


def _read_by_python(
    data: Bytes, odd: Integers, first: int, buffer: ColumnBuffer, layout: Layout, report: Report
) -> _SecondLook:
    """Put the values of odd cells into the buffer, and report bad rows."""
    found = _SecondLook(set(), {})
    for row, place, begin, end, code, line in odd.tolist():
        if code == BAD_FIELD_COUNT:
            text = data[begin:end].tobytes().decode(layout.encoding, errors="replace")
            report(line, _reason_of_line(buffer.columns, place, text, layout))
            continue
        if row in found.bad_rows:
            continue
        column = buffer.columns[place]
        cell = data[begin:end].tobytes().decode(layout.encoding, errors="replace")
        if column.kind is Kind.TEXT and "\0" not in cell:
            found.texts.setdefault(place, {})[row] = cells.unquoted(cell)
            continue
        value = None if column.kind is Kind.TEXT else cells.cell_value(cell, column.kind, layout.decimal)
        if value is None and layout.guessed and column.kind is Kind.INTEGER:
            value = cells.cell_value(cell, Kind.FLOAT, layout.decimal)
            if value is not None:
                buffer.widen(place)
        if value is not None:
            buffer.put(place, first + row, value)
        else:
            found.bad_rows.add(row)
            report(line, _reason(column, cell))
    return found


def _reason_of_line(columns: Sequence[Column], found: int, line: str, layout: Layout) -> str:
    """Why a line with another number of fields is no row."""
    between = "<TAB>" if layout.delimiter == "\t" else layout.delimiter[:1]
    names = shortened(between.join(c.header_name for c in columns), LONGEST_NAMES)
    reason = f"expected {len(columns)} fields ({names}), found {found}"
    if cells.has_open_quote(line, layout.delimiter):
        reason += ", and a quote that is not closed in this line"
    return reason


def _reason(column: Column, cell: str) -> str:
    found = repr(shortened(cell, LONGEST_CELL)) if cell else "nothing"
    return f"{column.name} should be {_ARTICLE[column.kind]}, found {found}"


def _add_texts(
    data: Bytes,
    spans: Integers,
    kept: NDArray[np.bool_],
    texts: Mapping[int, Mapping[int, str]],
    odd: Integers,
    buffer: ColumnBuffer,
    layout: Layout,
) -> None:
    """Append the text cells of the rows that are kept."""
    text_columns = [i for i, c in enumerate(buffer.columns) if c.kind is Kind.TEXT]
    for k, column in enumerate(text_columns):
        found = TextCells(data, spans[2 * k], spans[2 * k + 1])
        if layout.short_rows or column in texts:
            absent = odd[(odd[:, CODE] == ODD_EMPTY) & (odd[:, COLUMN] == column), ROW]
            found = _with_values(found, texts.get(column, {}), absent, layout.encoding)
        buffer.add_text(column, TextCells(found.data, found.starts[kept], found.stops[kept]))


def _with_values(found: TextCells, values: Mapping[int, str], absent: Integers, encoding: str) -> TextCells:
    """The cells with some values put in their place, at the end of the data, and the absent ones made empty."""
    starts, stops = found.starts.copy(), found.stops.copy()
    starts[absent] = stops[absent] = 0
    extra = bytearray()
    for row, value in values.items():
        starts[row] = found.data.size + len(extra)
        extra += value.encode(encoding, errors="replace")
        stops[row] = found.data.size + len(extra)
    data = np.concatenate([found.data, np.frombuffer(bytes(extra), np.uint8)]) if extra else found.data
    return TextCells(data, starts, stops)
