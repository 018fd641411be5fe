"""What becomes of the rows that the kernel parsed: odd cells are read, bad rows dropped, the others made visible.

The kernel lists the cells that it is not sure of (`kernels.text.odd`). A second kernel reads long, uncommon, padded and
quoted numbers and times; for the rest Python's rules decide whether it is a missing value, a value after all, or a bad
row, which is reported with the reason.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernels.text.cells import NEWLINE
from ...kernels.text.fields import QUOTE
from ...kernels.text.odd import (
    BAD_FIELD_COUNT,
    CODE,
    COLUMN,
    LINE,
    ODD_CELL,
    ODD_EMPTY,
    ODD_FIELDS,
    ROW,
    START,
    STOP,
    read_odd_cells,
)
from .. import cells
from ..column import Column, Kind
from ..errors import shortened
from ..guess.lines import is_comment, kind_of
from ..layout import Layout
from .buffer import ColumnBuffer, TextCells
from .segment import Segment

__all__ = ["BadRows", "Change", "Context", "ParsedRows", "Report", "commit_rows", "no_value"]

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
TEXT_FROM = 0.2
"""Part of the lines so far whose cell is none of its column's kind, from which the column holds text."""


def no_value(column: str, word: str, count: int) -> str:
    """A sentence on cells that were taken for no value."""
    cells_hold = f"{count} cells hold" if count > 1 else "a cell holds"
    return f"column {column!r}: {cells_hold} {shortened(word, LONGEST_CELL)!r}, which is no value; it stays empty"


class BadRows:
    """Counts bad rows, and reports the first of them one by one.

    Parameters
    ----------
    path : path
        The file, for messages.
    count : int
        How many there were before.
    said : set of str, optional
        What was logged already of this file, when it was read in another way.

    Attributes
    ----------
    count : int
    messages : list of str
        A sentence each: file, line, and what was expected and found.
    """

    def __init__(self, path: Path, count: int = 0, said: set[str] | None = None) -> None:
        self.count = count
        self.said: set[str] = set() if said is None else said
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
            if message not in self.said:
                log.warning("%s", message)
                self.said.add(message)
        if self.count > MESSAGES and not self._reported_more:
            log.warning("%s: %d bad rows so far; further ones are only counted", self._path.name, self.count)
            self._reported_more = True
        self._reported = len(self.messages)


class Change(NamedTuple):
    """What a line shows of the table that was not known before: it is to be parsed again, and all that follows."""

    line: int
    """From the first one that was parsed."""
    start: int
    """Where it begins in the data."""
    place: int
    """The column; -1 where the line is a header."""
    kind: Kind
    """Of the column, from here on."""


class Context(NamedTuple):
    """What is needed to judge a cell or a line that is not as expected."""

    layout: Layout
    segment: Segment
    lines_before: int
    """Of the rows, from the first one of the file."""
    is_header: Callable[[bytes], bool]
    """Whether a line begins a header."""
    sample_lines: int
    """So many lines, from the first that is parsed now, belong to the sample from which the layout was guessed."""
    odd_cells: Counter[str]
    """For a layout that was guessed: cells so far that are none of their column's kind, by column."""
    words: Counter[tuple[str, str]]
    """Cells so far that were taken for no value: column and word."""

    @classmethod
    def of(cls, layout: Layout, buffer: ColumnBuffer, words: Counter[tuple[str, str]] | None = None) -> Context:
        """That of a layout which is known, for rows of all columns of a buffer."""
        segment = Segment(buffer, [column.name for column in buffer.columns])
        found: Counter[tuple[str, str]] = Counter() if words is None else words
        return cls(layout, segment, 0, lambda _line: False, 0, Counter(), found)


class ParsedRows(NamedTuple):
    """What one call of the kernel parsed into a buffer."""

    start: int
    """Where they begin in the data."""
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


class Committed(NamedTuple):
    """What became of parsed rows."""

    rows: int
    """That became visible."""
    change: Change | None
    """Where they end early."""


def commit_rows(data: Bytes, parsed: ParsedRows, buffer: ColumnBuffer, context: Context, report: Report) -> Committed:
    """Read the odd cells of parsed rows, drop the bad rows, and make the others visible.

    Parameters
    ----------
    data : uint8, shape (n,)
        What was parsed.
    parsed : ParsedRows
        They stand directly after the rows of the buffer that are visible.
    buffer : ColumnBuffer
    context : Context
    report : callable
        Lines are counted from the first one that was parsed.

    Returns
    -------
    Committed
    """
    segment = context.segment
    if not parsed.odd.size and not segment.texts and not segment.absent:
        buffer.commit(parsed.rows, {})
        return Committed(parsed.rows, None)
    first = buffer.rows
    odd = _with_first_values(data, parsed, context)
    odd = _left_to_python(data, odd, first, buffer, context)
    nullable = np.array([c.nullable for c in segment.columns], dtype=np.bool_)
    is_missing = (odd[:, CODE] == ODD_EMPTY) & nullable[np.where(odd[:, ROW] >= 0, odd[:, COLUMN], 0)]
    missing = odd[is_missing]
    look = _SecondLook(data, parsed.start, first, buffer, context, report)
    look.read(odd[~is_missing])
    rows = parsed.rows if look.change is None else look.rows_before_change
    kept = np.ones(rows, np.bool_)
    kept[[row for row in look.bad_rows if row < rows]] = False
    if not kept.all():
        buffer.keep(first, kept)
    if segment.texts:
        _add_texts(data, parsed.spans[:, :rows], kept, look.texts, odd, buffer, context)
    place = np.cumsum(kept) - 1
    count = int(kept.sum())
    missing = missing[missing[:, ROW] < rows]
    empty = {
        segment.places[column]: place[missing[(missing[:, COLUMN] == column) & kept[missing[:, ROW]], ROW]]
        for column in set(missing[:, COLUMN].tolist())
    }
    for column, absent in look.absent.items():
        more = [row for row in absent if row < rows and kept[row]]
        at = segment.places[column]
        empty[at] = np.union1d(empty.get(at, np.empty(0, np.int64)), place[more])
    if segment.absent:
        buffer.add_absent(segment.absent, count)
        empty |= {column: np.arange(count) for column in segment.absent}
    buffer.commit(count, empty)
    return Committed(count, look.change)


def _with_first_values(data: Bytes, parsed: ParsedRows, context: Context) -> Integers:
    """The odd cells, and those of columns that had no value yet."""
    odd = parsed.odd
    for k, place in enumerate(context.segment.texts):
        if context.segment.columns[place].kind is not Kind.NONE:
            continue
        starts, stops = parsed.spans[2 * k, : parsed.rows], parsed.spans[2 * k + 1, : parsed.rows]
        rows = np.flatnonzero((starts < stops) & (data[starts] != QUOTE))  # quoted ones are odd already
        if rows.size:
            line_ends = np.flatnonzero(data[parsed.start : int(stops[rows[-1]])] == NEWLINE) + parsed.start
            lines = np.searchsorted(line_ends, starts[rows])
            more = np.empty((rows.size, ODD_FIELDS), np.int64)
            for field, values in ((ROW, rows), (COLUMN, place), (START, starts[rows]), (STOP, stops[rows])):
                more[:, field] = values
            more[:, CODE], more[:, LINE] = ODD_CELL, lines
            odd = np.concatenate([odd, more])
    return odd


def _left_to_python(data: Bytes, odd: Integers, first: int, buffer: ColumnBuffer, context: Context) -> Integers:
    """The odd cells, line by line, without the numbers and times that the second kernel could read."""
    segment = context.segment
    is_text = segment.kinds[odd[:, COLUMN] * (odd[:, ROW] >= 0)] == Kind.TEXT
    if (~is_text & (odd[:, CODE] == ODD_CELL)).any():
        point = ord(context.layout.decimal)
        left = read_odd_cells(data, odd, segment.kinds, segment.slots, point, first, buffer.ints, buffer.floats)
        odd = odd[:left]
    return odd[np.lexsort((odd[:, COLUMN], odd[:, LINE]))]  # the kernel goes column by column, people line by line


class _Found(NamedTuple):
    """What a cell turned out to be: one of these."""

    value: float | None = None
    text: str | None = None
    word: str | None = None
    """It says that there is no value; empty where it is."""
    is_odd: bool = False
    """It is none of its column's kind, and no word that is known for no value."""
    kind: Kind | None = None
    """Its column is of another kind from here on."""
    wrong: str = ""
    """Why its row is a bad one."""


class _SecondLook:
    """What Python's rules say of odd cells, line by line, up to one that shows that the table is another one."""

    def __init__(
        self, data: Bytes, start: int, first: int, buffer: ColumnBuffer, context: Context, report: Report
    ) -> None:
        self.bad_rows: set[int] = set()
        self.texts: dict[int, dict[int, str]] = {}
        """Of text columns: the cells without their quotes, by row."""
        self.absent: dict[int, list[int]] = {}
        """Rows whose cell says that there is no value, by column."""
        self.change: Change | None = None
        self.rows_before_change = 0
        self._data, self._first, self._buffer, self._context, self._report = data, first, buffer, context, report
        self._start = start
        self._layout, self._notation = context.layout, context.layout.notation

    def read(self, odd: Integers) -> None:
        """Put the values of odd cells into the buffer, and report bad rows."""
        for _, entries in groupby(odd.tolist(), key=itemgetter(LINE)):
            self._read_line(list(entries))
            if self.change is not None:
                return

    def _read_line(self, entries: list[list[int]]) -> None:
        row, place, begin, _, code, line = entries[0]
        if code == BAD_FIELD_COUNT:
            if not self._is_comment_or_header(line, begin, -1 - row):
                text = self._line_at(begin)[1].decode(self._layout.encoding, errors="replace").rstrip("\r\n")
                self._report(line, _reason_of_line(self._context.segment.columns, place, text, self._layout))
            return
        found = {}
        for _, place, begin, end, _, _ in entries:
            cell = self._data[begin:end].tobytes().decode(self._layout.encoding, errors="replace")
            found[place] = self._cell(place, cell, line)
        strange = any(cell.value is None and cell.text is None and cell.word != "" for cell in found.values())
        if strange and self._is_comment_or_header(line, begin, row):
            self.bad_rows.add(row)
            return
        changes = ((place, cell.kind) for place, cell in found.items() if cell.kind is not None)
        place, kind = next(changes, (-1, None))
        if kind is not None:
            self._end_at(line, self._line_at(begin)[0], row, place, kind)
            return
        self._take(line, row, found)

    def _cell(self, place: int, cell: str, line: int) -> _Found:
        """Judge one cell; nothing is counted or written yet."""
        column, guessed = self._context.segment.columns[place], self._layout.guessed
        text = cells.unquoted(cell)
        if column.kind is Kind.TEXT:
            return _Found(text=text) if "\0" not in cell else _Found(wrong=_reason(column, cell))
        if column.kind is Kind.NONE:
            if not text.strip() or cells.says_no_value(text):
                return _Found(word=text)
            return _Found(kind=kind_of(text, self._notation))
        value = cells.cell_value(cell, column.kind, self._notation)
        if value is not None and (column.nullable or math.isfinite(value) or not guessed):
            return _Found(value=value)
        for wider in _WIDER.get(column.kind, ()) if guessed else ():
            if cells.cell_value(cell, wider, self._notation) is not None:
                return _Found(kind=wider)
        if column.nullable and (not text.strip() or cells.says_no_value(text)):
            return _Found(word=text)
        if guessed and line >= self._context.sample_lines:
            odd = self._context.odd_cells[column.name] + 1
            if odd > TEXT_FROM * (self._context.lines_before + line + 1):
                return _Found(kind=Kind.TEXT)
        if column.nullable and column.kind <= Kind.FLOAT and cells.may_be_absent(text):
            return _Found(word=text, is_odd=True)
        return _Found(is_odd=True, wrong=_reason(column, cell))

    def _take(self, line: int, row: int, found: Mapping[int, _Found]) -> None:
        """Count and write what the cells of a row turned out to be."""
        columns = self._context.segment.columns
        for place, cell in found.items():
            self._context.odd_cells[columns[place].name] += cell.is_odd
        wrong = next((cell.wrong for cell in found.values() if cell.wrong), "")
        if wrong:
            self.bad_rows.add(row)
            self._report(line, wrong)
            return
        for place, cell in found.items():
            if cell.value is not None:
                self._buffer.put(self._context.segment.places[place], self._first + row, cell.value)
            elif cell.text is not None:
                self.texts.setdefault(place, {})[row] = cell.text
            else:
                self.absent.setdefault(place, []).append(row)
                if cell.word:
                    self._context.words[columns[place].name, cell.word] += 1

    def _is_comment_or_header(self, line: int, within: int, rows: int) -> bool:
        """Whether a line is no row: a comment is passed over, and a header ends what was parsed."""
        start, text = self._line_at(within)
        if self._layout.comments and is_comment(text.decode(self._layout.encoding, errors="replace")):
            return True
        if self._context.is_header(text):
            self._end_at(line, start, rows, -1, Kind.NONE)
            return True
        return False

    def _end_at(self, line: int, start: int, rows: int, place: int, kind: Kind) -> None:
        self.change = Change(line, start, place, kind)
        self.rows_before_change = rows

    def _line_at(self, within: int) -> tuple[int, bytes]:
        """Where the line of a cell begins, and what it holds."""
        begin = end = within
        while begin > self._start and self._data[begin - 1] != NEWLINE:
            begin -= 1
        while self._data[end] != NEWLINE:
            end += 1
        return begin, self._data[begin : end + 1].tobytes()


_WIDER = {Kind.INTEGER: (Kind.FLOAT,), Kind.DATE: (Kind.DATETIME,)}
"""What cells may be although those before were less; without reading anything again."""


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
    context: Context,
) -> None:
    """Append the text cells of the rows that are kept."""
    segment, layout = context.segment, context.layout
    for k, place in enumerate(segment.texts):
        found = TextCells(data, spans[2 * k], spans[2 * k + 1])
        if segment.columns[place].kind is Kind.NONE:
            nothing = np.zeros(kept.size, np.int64)
            found = TextCells(data, nothing, nothing)
        elif layout.short_rows or place in texts:
            absent = odd[(odd[:, CODE] == ODD_EMPTY) & (odd[:, COLUMN] == place) & (odd[:, ROW] < kept.size), ROW]
            values = {row: text for row, text in texts.get(place, {}).items() if row < kept.size}
            found = _with_values(found, values, absent, layout.encoding)
        buffer.add_text(segment.places[place], TextCells(found.data, found.starts[kept], found.stops[kept]))


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
