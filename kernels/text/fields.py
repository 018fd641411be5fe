"""Where the fields of many rows stand: the positions of delimiters and line ends.

All of them are found 64 bytes at a time, as long as there is no quote; lines that differ are split one by one.
Positions go to the scratch memory of `columns.parse_rows`, from `ENDS` on: field k lies between numbers k and k + 1.
Where any number of blanks and tabs stands between two fields (`RUNS`), it lies between numbers 2 k and 2 k + 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..bits import count_ones, trailing_zeros
from ..compile import few_steps, inlined, inner_kernel
from .cells import BLANK, NEWLINE, QUOTE, RETURN
from .words import byte_mask, load_word

__all__ = [
    "BATCH_ROWS",
    "ENDS",
    "RUNS",
    "RUNS_OF_TABS",
    "SPARE",
    "TAB",
    "has_nul",
    "regular_rows",
    "separators",
    "split_lines",
    "split_runs",
]

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
U = np.uint64

BATCH_ROWS = 512
"""Rows that are parsed together."""
SPARE = 130
"""`separators` writes up to 64 positions too far, and some that are none."""
USUAL_FIELDS = 8
"""Within 64 bytes."""
TAB = 9
RUNS, RUNS_OF_TABS = -1, -2
"""In the place of the code of a delimiter: any number of blanks and tabs."""

ENDS = np.uint64(4 * BATCH_ROWS)
"""Where positions begin in the scratch memory: after four values for every row of a batch."""


@inner_kernel
def separators(data: Bytes, start: int, stop: int, delimiter: int, most: int, scratch: Integers) -> tuple[int, int]:
    """Find delimiters and line ends up to a quote; how many, and how many of them line ends.

    The first of `ENDS` becomes the byte before `start`, so that field k lies between numbers k and k + 1.
    """
    scratch[ENDS] = start - 1
    count = newlines = 0
    base = start
    while base < stop and count < most:
        line_ends = byte_mask(data, base, np.uint8(NEWLINE))
        both = line_ends | byte_mask(data, base, np.uint8(delimiter))
        quotes = byte_mask(data, base, np.uint8(QUOTE))
        if quotes != U(0) or stop - base < 64:
            inside = ~U(0)
            if stop - base < 64:
                inside = (U(1) << U(stop - base)) - U(1)
            quotes &= inside
            if quotes:
                inside = (quotes & (U(0) - quotes)) - U(1)
            both &= inside
            line_ends &= inside
        newlines += count_ones(line_ends)
        found = count_ones(both)
        # Writing more than there are costs less than asking each time; the spare room allows for it.
        place = ENDS + U(count + 1)
        for k in range(USUAL_FIELDS):
            scratch[place + U(k)] = base + trailing_zeros(both)
            both &= both - U(1)
        place += U(USUAL_FIELDS)
        while both:
            scratch[place] = base + trailing_zeros(both)
            both &= both - U(1)
            place += U(1)
        count += found
        base = stop if quotes else base + 64
    return count, newlines


@inner_kernel
def regular_rows(data: Bytes, count: int, newlines: int, width: int, scratch: Integers) -> tuple[int, int]:
    """How many whole lines of `width` fields there are, and how many bytes of each line end belong to its last cell.

    A line that ends in LF after one in CRLF is the first of others. A carriage return after lines in LF stays in its
    cell, which then is no plain number.
    """
    rows = count // width
    if rows == 0:
        return 0, np.int64(0)
    wrong = U(newlines != rows)
    end, known, returns = U(NEWLINE << 8), U(0xFF00), np.int64(0)
    if data[U(scratch[ENDS + U(width)] - 1)] == RETURN:
        end, known, returns = U(NEWLINE << 8 | RETURN), U(0xFFFF), np.int64(1)
    for row in range(1, rows + 1):
        last_two = load_word(data, scratch[ENDS + U(row * width)] - 7) >> U(48)
        wrong |= (last_two ^ end) & known
    if wrong:
        for k in range(1, rows * width + 1):
            place = scratch[ENDS + U(k)]
            ends = data[U(place)] == NEWLINE
            if ends != (k % width == 0) or (ends and returns == 1 and data[U(place - 1)] != RETURN):
                return (k - 1) // width, returns
    return rows, returns


@inner_kernel
def split_lines(
    data: Bytes, start: int, stop: int, delimiter: int, columns: int, most_rows: int, scratch: Integers
) -> tuple[int, int, int]:
    """Split lines that may hold quotes, as long as they have `columns` fields.

    Fields (0 for a line of blanks), how many lines have so many, and where they end. A quote counts as such at the
    start of a cell only, or after blanks there.
    """
    scratch[ENDS] = start - 1
    rows = 0
    end = start
    while end < stop and rows < most_rows:
        i = end
        fields = 0
        blank = True
        while True:
            while data[U(i)] == BLANK and delimiter != BLANK:
                i += 1
            quoted = data[U(i)] == QUOTE
            i += quoted
            while (quoted or data[U(i)] != delimiter) and data[U(i)] != NEWLINE:
                byte = data[U(i)]
                blank = blank and not quoted and (byte == BLANK or byte == RETURN)
                if quoted and byte == QUOTE:
                    quoted = data[U(i + 1)] == QUOTE
                    i += quoted
                i += 1
            fields += 1
            place = ENDS + U(rows * columns + fields)
            if place < U(scratch.size):
                scratch[place] = i
            i += 1
            if data[U(i - 1)] == NEWLINE:
                break
        if blank and (fields == 1 or delimiter == BLANK):
            fields = 0
        if fields != columns:
            return (fields, 1, i) if rows == 0 else (columns, rows, end)
        rows += 1
        end = i
    return columns, rows, end


@inner_kernel
def split_runs(
    data: Bytes, start: int, stop: int, blank: int, columns: int, most_rows: int, scratch: Integers
) -> tuple[int, int, int]:
    """Split lines at any number of blanks and tabs, as long as they have `columns` fields.

    Blanks before the first and after the last field are none. Where `blank` is a tab, blanks are letters. The answer is
    that of `split_lines`.
    """
    few_steps()
    rows = 0
    end = start
    while end < stop and rows < most_rows:
        i = end
        fields = 0
        while data[U(i)] != NEWLINE:
            if _is_blank(data[U(i)], blank):
                i += 1
                continue
            begin = i
            quoted = data[U(i)] == QUOTE
            i += quoted
            while data[U(i)] != NEWLINE and (quoted or not _is_blank(data[U(i)], blank)):
                if quoted and data[U(i)] == QUOTE:
                    quoted = data[U(i + 1)] == QUOTE
                    i += quoted
                i += 1
            place = ENDS + U(2 * (rows * columns + fields))
            if place + U(1) < U(scratch.size):
                scratch[place] = begin - 1
                scratch[place + U(1)] = i
            fields += 1
        i += 1
        if fields != columns:
            return (fields, 1, i) if rows == 0 else (columns, rows, end)
        rows += 1
        end = i
    return columns, rows, end


@inlined
def _is_blank(byte: int, blank: int) -> bool:
    return byte == blank or byte == TAB or byte == RETURN


@inner_kernel
def has_nul(data: Bytes, start: int, stop: int) -> bool:
    """Whether there is a NUL byte."""
    few_steps()
    for base in range(start, stop, 64):
        found = byte_mask(data, base, np.uint8(0))
        if stop - base < 64:
            found &= (U(1) << U(stop - base)) - U(1)
        if found:
            return True
    return False
