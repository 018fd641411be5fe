"""Bytes of a camera image to a matrix of integers: no header, one image row a line, all lines alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compile import exact_kernel

__all__ = ["NOT_AN_INTEGER", "OK", "RAGGED", "first_line_width", "parse_matrix"]

OK, RAGGED, NOT_AN_INTEGER = range(3)
COMMA, TAB, BLANK, SEMICOLON, NEWLINE, RETURN, MINUS, PLUS = 44, 9, 32, 59, 10, 13, 45, 43


@exact_kernel
def _separates(byte: int) -> bool:
    return byte == COMMA or byte == TAB or byte == BLANK or byte == SEMICOLON


@exact_kernel
def first_line_width(data: NDArray[np.uint8]) -> int:
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


@exact_kernel
def parse_matrix(data: NDArray[np.uint8], out: NDArray[np.int64]) -> tuple[int, int, int, int]:
    """Parse integers between commas, tabs, blanks or semicolons.

    Parameters
    ----------
    data : uint8, shape (n,)
    out : int64, shape (rows, columns)
        Filled row by row; blank lines are passed over.

    Returns
    -------
    code, rows, line, values : ints
        `OK`, `RAGGED` or `NOT_AN_INTEGER`; rows filled; the line (from 1) where it stopped and the values found in it.
    """
    rows, columns = out.shape
    row = values = 0
    line = 1
    i = 0
    while i <= data.size:
        byte = np.uint8(NEWLINE) if i == data.size else data[i]
        if byte == NEWLINE:
            if values:
                if values != columns:
                    return RAGGED, row, line, values
                row += 1
                values = 0
            line += 1
            i += 1
        elif _separates(byte) or byte == RETURN:
            i += 1
        else:
            negative = byte == MINUS
            if negative or byte == PLUS:
                i += 1
            number = np.int64(0)
            start = i
            while i < data.size and np.uint8(data[i] - np.uint8(48)) < np.uint8(10):
                number = number * 10 + np.int64(data[i] - np.uint8(48))
                i += 1
            ended = i == data.size or _separates(data[i]) or data[i] == NEWLINE or data[i] == RETURN
            if not ended or i == start or i - start > 18:
                return NOT_AN_INTEGER, row, line, values + 1
            if values < columns and row < rows:
                out[row, values] = -number if negative else number
            values += 1
    return OK, row, line, columns
