"""What Python's rules say of the cells and lines that the kernels are not sure of.

A cell may be a missing value, a word for no value, a value after all, or one that makes its row a bad one. In a table
that nobody described, and where a logger was started again, it may also show that the table is another one from there
on: a `Change`, with which parsing ends, to go on in another way.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernels.text.cells import NEWLINE
from ...kernels.text.odd import BAD_FIELD_COUNT, COLUMN, LINE, START, STOP
from .. import cells
from ..absent import is_summary, may_be_absent, may_be_state, says_no_value, says_no_value_among_numbers
from ..column import Column, Kind
from ..errors import LONGEST_CELL, shortened
from ..guess.comments import is_comment
from ..guess.kinds import kind_of
from ..layout import Layout
from ..quotes import has_open_quote, unquoted
from .bad_rows import Report
from .buffer import ColumnBuffer
from .segment import Segment

__all__ = ["Change", "Context", "Found", "SecondLook"]

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

LONGEST_NAMES = 120
"""Characters of the names of all columns that a message shows."""
_ARTICLE = {
    Kind.INTEGER: "an integer",
    Kind.FLOAT: "a number",
    Kind.DATETIME: "a date and time",
    Kind.DATE: "a date",
    Kind.TIME: "a time of day",
    Kind.TEXT: "text without NUL bytes",
    Kind.NONE: "a value without NUL bytes",
}
TEXT_FROM = 0.2
"""Part of the lines so far whose cell is none of its column's kind, from which the column holds text."""


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
    begins: Mapping[str, int] = MappingProxyType({})
    """Lines of rows before the header in the middle that brought a column."""

    def is_found_out(self, column: Column) -> bool:
        """Whether the kind of a column was found out from its cells, and may turn out to be another one."""
        layout = self.layout
        if layout.guessed:
            return True
        if column.name in self.begins:
            return layout.others is None or layout.others.kind is Kind.NONE
        return any(c.name == column.name and c.kind is Kind.NONE for c in layout.columns)

    def lines_of(self, column: Column, line: int) -> int:
        """Lines that tell of a column, up to one that is parsed now; 0 where the sample told all there is to tell."""
        begin = self.begins.get(column.name)
        if begin is None and self.layout.guessed and line < self.sample_lines:
            return 0
        return self.lines_before + line + 1 - (begin or 0)

    @classmethod
    def of(cls, layout: Layout, buffer: ColumnBuffer, words: Counter[tuple[str, str]] | None = None) -> Context:
        """That of a layout which is known, for rows of all columns of a buffer."""
        segment = Segment(buffer, [column.name for column in buffer.columns])
        found: Counter[tuple[str, str]] = Counter() if words is None else words
        return cls(layout, segment, 0, lambda _line: False, 0, Counter(), found)


class Found(NamedTuple):
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


class SecondLook:
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
        for entry in entries:
            found[entry[COLUMN]] = self.cell(entry[COLUMN], self.text_of(entry), line)
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

    def text_of(self, entry: Sequence[int]) -> str:
        """The text of an odd cell."""
        return self._data[entry[START] : entry[STOP]].tobytes().decode(self._layout.encoding, errors="replace")

    def cell(self, place: int, cell: str, line: int) -> Found:
        """Judge one cell; nothing is counted or written yet."""
        column, guessed = self._context.segment.columns[place], self._layout.guessed
        is_found_out = guessed or self._context.is_found_out(column)
        text = unquoted(cell)
        if column.kind is Kind.TEXT:
            return Found(text=text) if "\0" not in cell else Found(wrong=_reason(column, cell))
        if column.kind is Kind.NONE:
            is_word = says_no_value_among_numbers(text) and not may_be_state(text)
            if not text.strip() or says_no_value(text) or is_word:
                return Found(word=text)
            return Found(wrong=_reason(column, cell)) if "\0" in cell else Found(kind=kind_of(text, self._notation))
        value = cells.cell_value(cell, column.kind, self._notation)
        if value is not None and (column.nullable or math.isfinite(value) or not guessed):
            return Found(value=value)
        for wider in _WIDER.get(column.kind, ()) if is_found_out else ():
            if cells.cell_value(cell, wider, self._notation) is not None:
                return Found(kind=wider)
        if column.nullable and (not text.strip() or says_no_value(text)):
            return Found(word=text)
        if guessed and place == 0 and is_summary(text):
            return Found(wrong=f"a line that sums up, {shortened(text, LONGEST_CELL)!r}, is no row")
        if column.nullable and column.kind <= Kind.FLOAT and says_no_value_among_numbers(text):
            return Found(word=text)
        if is_found_out:
            lines = self._context.lines_of(column, line)
            if lines and self._context.odd_cells[column.name] + 1 > TEXT_FROM * lines:
                return Found(kind=Kind.TEXT)
        if column.nullable and column.kind <= Kind.FLOAT and may_be_absent(text):
            return Found(word=text, is_odd=True)
        return Found(is_odd=True, wrong=_reason(column, cell))

    def _take(self, line: int, row: int, found: Mapping[int, Found]) -> None:
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
        if self._context.is_header(text):
            self._end_at(line, start, rows, -1, Kind.NONE)
            return True
        return self._layout.comments and is_comment(
            text.decode(self._layout.encoding, errors="replace"), self._layout.delimiter
        )

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
    if has_open_quote(line, layout.delimiter):
        reason += ", and a quote that is not closed in this line"
    return reason


def _reason(column: Column, cell: str) -> str:
    found = repr(shortened(cell, LONGEST_CELL)) if cell else "nothing"
    return f"{column.name} should be {_ARTICLE[column.kind]}, found {found}"
