"""Bytes of a camera image to a matrix of integers: no header, one image row a line, all lines alike.

Lines of plain integers between delimiters of one kind are taken many at a time, as in `columns`: all delimiters are
found first (`fields`), then eight cells are read at once (`lanes`). A line that differs is read byte by byte.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compile import exact_kernel, inner_kernel
from .cells import integer_cell
from .columns import BATCH_FIELDS
from .fields import ENDS, SPARE, regular_rows, separators
from .lanes import LANES, eight_digits
from .words import BACK, FRONT

__all__ = ["NOT_AN_INTEGER", "OK", "RAGGED", "first_line_width", "parse_matrix"]

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
U = np.uint64

OK, RAGGED, NOT_AN_INTEGER = range(3)
COMMA, TAB, BLANK, SEMICOLON, NEWLINE, RETURN, MINUS, PLUS = 44, 9, 32, 59, 10, 13, 45, 43


@inner_kernel
def _separates(byte: int) -> bool:
    return byte == COMMA or byte == TAB or byte == BLANK or byte == SEMICOLON


@exact_kernel
def first_line_width(data: Bytes) -> int:
    """Count the values in the first line that holds any."""
    values = 0
    inside = False
    for i in range(data.size):
        byte = data[i]
        if byte == NEWLINE:
            if values:
                break
        elif _separates(byte) or byte == RETURN:
            inside = False
        elif not inside:
            inside = True
            values += 1
    return values


@inner_kernel
def _delimiter_of(data: Bytes, start: int, stop: int) -> int:
    """The byte after the first number of a line, if it stands between numbers; otherwise a comma."""
    i = start
    while i < stop and np.uint8(data[i] - np.uint8(48)) < np.uint8(10):
        i += 1
    return np.int64(data[i]) if i < stop and _separates(data[i]) else COMMA


@inner_kernel
def _plain_row(
    data: Bytes, first: int, columns: int, returns: int, places: Integers, out: Integers, begin: int
) -> bool:
    """Read the cells after ``places[first:]`` to ``out[begin:]``; whether all are integers."""
    whole = columns - (returns > 0)
    c = np.int64(0)
    while c < whole and whole >= LANES:
        c = min(c, whole - LANES)  # the last turn takes some again
        if eight_digits(data, places, np.int64(U(first + c)), np.int64(1), np.int64(0), out, begin + c):
            for k in range(U(c), U(c + LANES)):
                done, number = integer_cell(data, places[U(first) + k] + 1, places[U(first) + k + U(1)])
                if not done:
                    return False
                out[U(begin) + k] = number
        c += LANES
    for k in range(U(c), U(columns)):
        end = places[U(first) + k + U(1)] - (returns if k == U(columns - 1) else np.int64(0))
        done, number = integer_cell(data, places[U(first) + k] + 1, end)
        if not done:
            return False
        out[U(begin) + k] = number
    return True


@exact_kernel
def parse_matrix(data: Bytes, start: int, stop: int, out: Integers) -> tuple[int, int, int, int]:
    """Parse integers between commas, tabs, blanks or semicolons.

    Parameters
    ----------
    data : uint8, shape (n,)
        With `FRONT` readable bytes before `start` and `BACK` from `stop` on, whatever stands there.
    start, stop : int
        Where the text stands in `data`.
    out : int64, shape (rows, columns)
        Filled row by row; blank lines are passed over.

    Returns
    -------
    code, rows, line, values : ints
        `OK`, `RAGGED` or `NOT_AN_INTEGER`; rows filled; the line (from 1) where it stopped and the values found in it.

    Raises
    ------
    ValueError
        When there is less room around the text: a loop would read beyond the array.
    """
    if start < FRONT or stop + BACK > data.size:
        raise ValueError("too little room around the text")
    most_rows, columns = out.shape
    flat = out.reshape(out.size)
    fields = max(BATCH_FIELDS, columns)
    places = np.empty(np.int64(ENDS) + fields + SPARE, np.int64)
    delimiter = _delimiter_of(data, start, stop)
    row = 0
    line = ahead = 1
    i = start
    while i < stop:
        rows = returns = np.int64(0)
        if columns > 1:
            wanted = min(ahead, fields // columns, most_rows - row)
            count, newlines = separators(data, i, stop, delimiter, wanted * columns, places)
            rows, returns = regular_rows(data, count, newlines, columns, places)
            rows = min(rows, wanted)
        taken = np.int64(0)
        while taken < rows:
            first = np.int64(ENDS) + taken * columns
            if not _plain_row(data, first, columns, returns, places, flat, row * columns):
                break
            taken += 1
            row += 1
        line += taken
        if taken:
            i = places[ENDS + U(taken * columns)] + 1
        ahead = 2 * ahead if 0 < taken == rows else 1
        if ahead == 1:
            code, values, i = _any_line(data, i, stop, out, row)
            if code != OK:
                return code, row, line, values
            row += values > 0
            line += 1
    return OK, row, line, columns


@inner_kernel
def _any_line(data: Bytes, start: int, stop: int, out: Integers, row: int) -> tuple[int, int, int]:
    """Read one line to ``out[row]``: a code, how many values it has, and where the next one begins."""
    columns = out.shape[1]
    values = np.int64(0)
    i = start
    while i < stop and data[i] != NEWLINE:
        if _separates(data[i]) or data[i] == RETURN:
            i += 1
            continue
        negative = data[i] == MINUS
        if negative or data[i] == PLUS:
            i += 1
        number = np.int64(0)
        begin = i
        while i < stop and np.uint8(data[i] - np.uint8(48)) < np.uint8(10):
            number = number * 10 + np.int64(data[i] - np.uint8(48))
            i += 1
        ended = i == stop or _separates(data[i]) or data[i] == NEWLINE or data[i] == RETURN
        if not ended or i == begin or i - begin > 18:
            return NOT_AN_INTEGER, values + 1, i
        if values < columns and row < out.shape[0]:
            out[row, values] = -number if negative else number
        values += 1
    code = OK if values == 0 or values == columns else RAGGED
    return code, values, i + 1
