"""What becomes of the rows that the kernels parsed: bad rows are dropped, the others made visible.

Of the cells that no kernel is sure of (`kernels.text.odd`), Python's rules decide whether each is a missing value, a
value after all, or makes its row a bad one, which is reported with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernels.text.cells import NEWLINE, QUOTE
from ...kernels.text.odd import (
    CODE,
    COLUMN,
    LINE,
    ODD_CELL,
    ODD_EMPTY,
    ODD_FIELDS,
    ROW,
    START,
    STOP,
)
from ..column import Kind
from .alike import AlikeCells
from .bad_rows import Report
from .buffer import ColumnBuffer, TextCells
from .second_look import Change, Context, SecondLook

__all__ = ["ParsedRows", "commit_rows"]

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

SCPI = (9.9e37, 9.91e37)
"""What instruments write for an overload, and for what is no number, by the standard of their commands."""
LEAST_SCPI = 9e37


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
    """Shape (n, `ODD_FIELDS`): cells and lines that the kernels were not sure of."""
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
    first = buffer.rows
    if not parsed.odd.size and not segment.texts and not segment.absent:
        buffer.commit(parsed.rows, _not_numbers(buffer, context, first, parsed.rows))
        return Committed(parsed.rows, None)
    odd = _with_first_values(data, parsed, context)
    if not odd.size:
        _add_texts(data, parsed.spans[:, : parsed.rows], slice(None), {}, odd, buffer, context)
        buffer.add_absent(segment.absent, parsed.rows)
        absent = {column: np.arange(parsed.rows) for column in segment.absent}
        buffer.commit(parsed.rows, _not_numbers(buffer, context, first, parsed.rows) | absent)
        return Committed(parsed.rows, None)
    nullable = np.array([c.nullable for c in segment.columns], dtype=np.bool_)
    is_missing = (odd[:, CODE] == ODD_EMPTY) & nullable[np.where(odd[:, ROW] >= 0, odd[:, COLUMN], 0)]
    look = SecondLook(data, parsed.start, first, buffer, context, report)
    alike = AlikeCells(data, odd, is_missing, look, context, parsed.lines)
    own = odd[~is_missing & ~alike.taken]
    look.read(own[np.lexsort((own[:, COLUMN], own[:, LINE]))])  # the kernel goes column by column, people line by line
    rows = parsed.rows if look.change is None else look.rows_before_change
    alike.take(rows, first, buffer)
    kept = np.ones(rows, np.bool_)
    kept[[row for row in look.bad_rows if row < rows]] = False
    if not kept.all():
        buffer.keep(first, kept)
    _add_texts(data, parsed.spans[:, :rows], kept, look.texts, odd, buffer, context)
    place = np.cumsum(kept) - 1
    count = int(kept.sum())
    missing = odd[is_missing & (odd[:, ROW] < rows)]
    found = [(column, missing[missing[:, COLUMN] == column, ROW]) for column in np.unique(missing[:, COLUMN]).tolist()]
    found += [(column, np.array([r for r in which if r < rows], np.int64)) for column, which in look.absent.items()]
    empty: dict[int, Integers] = {}
    for column, which in [*found, *alike.absent.items()]:
        at = segment.places[column]
        empty[at] = np.concatenate([empty.get(at, np.empty(0, np.int64)), place[which[kept[which]]]])
    for at, which in _not_numbers(buffer, context, first, count).items():
        empty[at] = np.concatenate([empty.get(at, np.empty(0, np.int64)), which])
    buffer.add_absent(segment.absent, count)
    buffer.commit(count, empty | {column: np.arange(count) for column in segment.absent})
    return Committed(count, look.change)


def _not_numbers(buffer: ColumnBuffer, context: Context, first: int, count: int) -> dict[int, Integers]:
    """Which rows of decimals hold the numbers by which SCPI instruments say overload or not a number."""
    found: dict[int, Integers] = {}
    decimals = buffer.floats[:, first : first + count]
    if not decimals.size or (decimals.max() < LEAST_SCPI and decimals.min() > -LEAST_SCPI):
        return found  # as a rule, and at the cost of two looks at what is in the cache
    for column, at in zip(context.segment.columns, context.segment.places, strict=True):
        if column.kind is not Kind.FLOAT or not column.nullable:
            continue
        values = buffer.column(column.name, first, first + count)
        rows = np.flatnonzero(np.isin(np.abs(values), SCPI))
        context.words.update((column.name, f"{value:.3g}") for value in values[rows].tolist())
        if rows.size:
            found[at] = rows
    return found


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


def _add_texts(
    data: Bytes,
    spans: Integers,
    kept: NDArray[np.bool_] | slice,
    texts: Mapping[int, Mapping[int, str]],
    odd: Integers,
    buffer: ColumnBuffer,
    context: Context,
) -> None:
    """Append the text cells of the rows that are kept."""
    segment, layout, rows = context.segment, context.layout, spans.shape[1]
    for k, place in enumerate(segment.texts):
        found = TextCells(data, spans[2 * k], spans[2 * k + 1])
        if segment.columns[place].kind is Kind.NONE:
            nothing = np.zeros(rows, np.int64)
            found = TextCells(data, nothing, nothing)
        elif odd.size and (layout.short_rows or place in texts):
            absent = odd[(odd[:, CODE] == ODD_EMPTY) & (odd[:, COLUMN] == place) & (odd[:, ROW] < rows), ROW]
            values = {row: text for row, text in texts.get(place, {}).items() if row < rows}
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
