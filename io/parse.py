"""A block of whole lines into a `ColumnBuffer`: in parts, one a thread, then settled in the order of the file."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels.columns import ODD_FIELDS, odd_room, parse_rows, scratch_room
from ..kernels.text import count_newlines
from .buffer import ColumnBuffer
from .layout import Kind, Layout
from .rows import Tell, settle_rows
from .threads import THREADS, shared

__all__ = ["parse_block"]

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

PART_BYTES = 1 << 19  # less is not worth another thread


class _Parsed(NamedTuple):
    """What one call of the kernel gave: where its rows stand, and what is to be settled."""

    first_row: int
    rows: int
    lines: int
    spans: Integers
    odd: Integers


def parse_block(data: Bytes, start: int, stop: int, buffer: ColumnBuffer, layout: Layout, tell: Tell) -> int:
    """Append the rows in ``data[start:stop]`` to the buffer.

    Parameters
    ----------
    data : uint8, shape (n,)
        With `FRONT` bytes before `start` and `BACK` bytes behind `stop`.
    start, stop : int
        Whole lines.
    buffer : ColumnBuffer
    layout : Layout
    tell : callable
        ``tell(line, reason)`` is called for every bad row; lines are counted from 0 at `start`.

    Returns
    -------
    int
        Lines, bad and blank ones too.
    """
    if start == stop:
        return 0
    parts = list(pairwise(_edges(data, start, stop)))
    counts = shared(lambda part: count_newlines(data, *part), parts)
    buffer.reserve(sum(counts))
    first_rows = np.cumsum([buffer.rows, *counts]).tolist()

    def parse(part: int) -> list[_Parsed]:
        return _parsed(data, *parts[part], first_rows[part], counts[part], buffer, layout)

    lines = 0
    for answers in shared(parse, range(len(parts))):
        for parsed in answers:
            buffer.move_back(parsed.first_row, parsed.rows)
            lines_before = lines
            settle_rows(
                data,
                parsed.odd,
                parsed.rows,
                parsed.spans,
                buffer,
                layout,
                lambda line, reason, before=lines_before: tell(before + line, reason),  # type: ignore[misc]
            )
            lines += parsed.lines
    return lines


def _edges(data: Bytes, start: int, stop: int) -> list[int]:
    """Where to cut the block, at line ends, into parts of about the same size."""
    count = max(1, min(THREADS, (stop - start) // PART_BYTES))
    edges = [start]
    for k in range(1, count):
        place = start + (stop - start) * k // count
        # The next line end is near, but for very long lines.
        while place < stop and place > edges[-1]:
            found = np.flatnonzero(data[place : min(place + 4096, stop)] == ord("\n"))
            if found.size:
                edges.append(place + int(found[0]) + 1)
                break
            place += 4096
    return [*edges, stop] if edges[-1] < stop else edges


def _parsed(
    data: Bytes, start: int, stop: int, first_row: int, room: int, buffer: ColumnBuffer, layout: Layout
) -> list[_Parsed]:
    columns = len(buffer.columns)
    texts = sum(column.kind is Kind.TEXT for column in buffer.columns)
    scratch = np.empty(scratch_room(columns), np.int64)
    odd = np.empty((odd_room(columns), ODD_FIELDS), np.int64)
    answers = []
    while start < stop:
        spans = np.empty((2 * texts, room if texts else 0), np.int64)
        start, rows, lines, found = parse_rows(
            data,
            start,
            stop,
            ord(layout.delimiter),
            ord(layout.decimal),
            buffer.kinds,
            buffer.slots,
            1 if layout.short_rows else columns,
            layout.trailing_delimiter,
            first_row,
            room,
            buffer.ints,
            buffer.floats,
            spans,
            odd,
            scratch,
        )
        answers.append(_Parsed(first_row, rows, lines, spans, odd[:found].copy()))
        first_row += rows
        room -= rows
    return answers
