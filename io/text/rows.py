"""What becomes of the rows that the kernel parsed: odd cells are judged, bad rows dropped, the others committed.

The kernel hands over what it is not sure of as a list of odd cells (see `kernels.text.columns`). A second kernel reads
long and uncommon numbers (`kernels.text.cells`); for the rest Python's rules decide: a missing value, a value after
all, or a bad row, which is told with the reason.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...kernels.text.cells import settle_numbers
from ...kernels.text.columns import BAD_FIELD_COUNT, ODD_CELL, ODD_EMPTY
from .. import cells
from ..column import Kind
from ..layout import Layout
from .buffer import ColumnBuffer

__all__ = ["BadRows", "Tell", "settle_rows"]

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
Tell = Callable[[int, str], None]

log = logging.getLogger("utokyo")

MESSAGES = 20  # bad rows that are told one by one; the others are counted
_ARTICLE = {
    Kind.INTEGER: "an integer",
    Kind.FLOAT: "a number",
    Kind.DATETIME: "a date and time",
    Kind.DATE: "a date",
    Kind.TIME: "a time of day",
}


class BadRows:
    """Counts bad rows, and tells the first of them one by one.

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
        self._told = 0
        self._told_that_more = count > MESSAGES

    def add(self, line: int, reason: str) -> None:
        """Take one more, in `line` from 0."""
        self.count += 1
        if len(self.messages) < MESSAGES:
            self.messages.append(f"{self._path.name}, line {line + 1}: {reason}; the row was skipped")

    def report(self) -> None:
        """Log those that were not told yet."""
        for message in self.messages[self._told :]:
            log.warning("%s", message)
        if self.count > MESSAGES and not self._told_that_more:
            log.warning("%s: %d bad rows so far; further ones are only counted", self._path.name, self.count)
            self._told_that_more = True
        self._told = len(self.messages)


def settle_rows(
    data: Bytes, odd: Integers, rows: int, spans: Integers | None, buffer: ColumnBuffer, layout: Layout, tell: Tell
) -> int:
    """Judge the odd cells of parsed rows, drop the bad ones, and commit the others.

    Parameters
    ----------
    data : uint8, shape (n,)
        What was parsed.
    odd : int64, shape (found, 6)
        Cells and lines to judge, as `kernels.text.columns.parse_rows` gives them.
    rows : int
        Rows that were parsed into `buffer`, directly behind those that are committed.
    spans : int64, shape (2 * text columns, rows or more)
        Start and stop of the text cells; None where there are none.
    buffer : ColumnBuffer
    layout : Layout
    tell : callable
        ``tell(line, reason)`` is called for every bad row; lines are counted from 0 at the start of `odd`'s lines.

    Returns
    -------
    int
        Rows that were committed.
    """
    if not odd.size and not buffer.has_text:
        buffer.commit(rows, {})
        return rows
    first = buffer.rows
    numbers = (buffer.kinds[odd[:, 1] * (odd[:, 0] >= 0)] <= Kind.FLOAT) & (odd[:, 4] == ODD_CELL)
    if numbers.any():
        left = settle_numbers(
            data, odd, buffer.kinds, buffer.slots, ord(layout.decimal), first, buffer.ints, buffer.floats
        )
        odd = odd[:left]
    odd = odd[np.lexsort((odd[:, 1], odd[:, 5]))]  # the kernel goes column by column, people line by line
    nullable = np.array([c.nullable for c in buffer.columns], dtype=np.bool_)
    is_missing = (odd[:, 4] == ODD_EMPTY) & nullable[np.where(odd[:, 0] >= 0, odd[:, 1], 0)]
    missing = odd[is_missing]
    bad, texts = _judged(data, odd[~is_missing], first, buffer, layout, tell)
    kept = np.ones(rows, np.bool_)
    kept[list(bad)] = False
    place = np.cumsum(kept) - 1
    if bad:
        buffer.keep(first, kept)
    text_columns = [i for i, c in enumerate(buffer.columns) if c.kind is Kind.TEXT]
    for k, i in enumerate(text_columns):
        assert spans is not None
        starts, stops, source = spans[2 * k, :rows], spans[2 * k + 1, :rows], data
        if layout.short_rows or i in texts:
            starts, stops, source = _patched(source, starts, stops, texts.get(i, {}), odd, i, layout.encoding)
        buffer.add_text(i, source, starts[kept], stops[kept])
    empty = {int(c): place[missing[(missing[:, 1] == c) & kept[missing[:, 0]], 0]] for c in set(missing[:, 1])}
    committed = int(kept.sum())
    buffer.commit(committed, empty)
    return committed


def _judged(
    data: Bytes, odd: Integers, first: int, buffer: ColumnBuffer, layout: Layout, tell: Tell
) -> tuple[set[int], dict[int, dict[int, str]]]:
    """Put the values of odd cells into the buffer; which rows are bad, and the text of odd text cells by column."""
    bad: set[int] = set()
    texts: dict[int, dict[int, str]] = {}
    for row, column, begin, end, code, line in odd.tolist():
        if code == BAD_FIELD_COUNT:
            names = layout.delimiter.replace("\t", "<TAB>").join(c.header_name for c in buffer.columns)
            names = names if len(names) <= 120 else names[:117] + "..."
            tell(line, f"expected {len(buffer.columns)} fields ({names}), found {column}")
            continue
        if row in bad:
            continue
        what = buffer.columns[column]
        cell = data[begin:end].tobytes().decode(layout.encoding, errors="replace")
        if what.kind is Kind.TEXT:
            texts.setdefault(column, {})[row] = cells.unquoted(cell)
            continue
        value = cells.cell_value(cell, what.kind, layout.decimal)
        if value is None and layout.guessed and what.kind is Kind.INTEGER:
            value = cells.cell_value(cell, Kind.FLOAT, layout.decimal)
            if value is not None:
                buffer.widen(column)
        if value is not None:
            buffer.put(column, first + row, value)
            continue
        bad.add(row)
        shown = repr(cell if len(cell) <= 40 else cell[:37] + "...")
        found = f"found {shown}" if cell else "found nothing"
        tell(line, f"{what.name} should be {_ARTICLE[what.kind]}, {found}")
    return bad, texts


def _patched(
    data: Bytes,
    starts: Integers,
    stops: Integers,
    values: Mapping[int, str],
    odd: Integers,
    column: int,
    encoding: str,
) -> tuple[Integers, Integers, Bytes]:
    """Spans of text cells with the unquoted ones put behind the data, and those of missing cells made empty."""
    starts, stops = starts.copy(), stops.copy()
    absent = odd[(odd[:, 4] == ODD_EMPTY) & (odd[:, 1] == column), 0]
    starts[absent] = stops[absent] = 0
    extra = bytearray()
    for row, value in values.items():
        starts[row] = data.size + len(extra)
        extra += value.encode(encoding, errors="replace")
        stops[row] = data.size + len(extra)
    return starts, stops, np.concatenate([data, np.frombuffer(bytes(extra), np.uint8)]) if extra else data
