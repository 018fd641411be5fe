"""The list of odd cells: those that a loop over a column does not take, for a second look.

`columns.parse_rows` writes the list, a row for every such cell, and for every line that has another number of fields
than the file has columns. `read_odd_numbers` reads the long and uncommon numbers among them, `read_odd_moments` dates
and times in any order, padded and quoted ones, too, of which the list holds what stands within; what is left then is
for Python's own rules.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compile import exact_kernel, inlined
from .cells import DATE, DATETIME, FLOAT, INTEGER, TIME, decimal_cell, integer_cell
from .moments import moment_in_any_order

__all__ = [
    "BAD_FIELD_COUNT",
    "CODE",
    "COLUMN",
    "LINE",
    "ODD_CELL",
    "ODD_EMPTY",
    "ODD_FIELDS",
    "ROW",
    "START",
    "STOP",
    "add_odd",
    "alike_cells",
    "read_odd_moments",
    "read_odd_numbers",
]

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

ODD_FIELDS = 6
ROW, COLUMN, START, STOP, CODE, LINE = range(ODD_FIELDS)
"""Columns of the list. A line with a bad number of fields has as its row -1 less the rows before it, and that number as
its column."""
ODD_EMPTY, ODD_CELL, BAD_FIELD_COUNT = range(3)
"""Codes."""


@inlined
def add_odd(start: int, stop: int, row: int, column: int, line: int, odd: Integers, count: int) -> int:
    """Add a cell to the list of `count`; how many it has then."""
    entry = np.uint64(count)
    odd[entry, ROW] = row
    odd[entry, COLUMN] = column
    odd[entry, START] = start
    odd[entry, STOP] = stop
    odd[entry, CODE] = ODD_EMPTY if start == stop else ODD_CELL
    odd[entry, LINE] = line
    return count + 1


@exact_kernel
def read_odd_numbers(
    data: Bytes,
    odd: Integers,
    kinds: Integers,
    slots: Integers,
    point: int,
    first_row: int,
    ints: Integers,
    floats: Floats,
) -> int:
    """Read the numbers that `columns.parse_rows` was not sure of; the other entries move to the front.

    Parameters
    ----------
    data : uint8, shape (n,)
    odd : int64, shape (count, `ODD_FIELDS`)
        As `columns.parse_rows` writes them.
    kinds, slots, point, first_row, ints, floats
        As for `columns.parse_rows`.

    Returns
    -------
    int
        How many entries are left, at the front of `odd`.
    """
    left = 0
    for k in range(odd.shape[0]):
        row, column, start, stop = odd[k, ROW], odd[k, COLUMN], odd[k, START], odd[k, STOP]
        done = False
        if row >= 0 and start < stop:
            kind, slot = kinds[column], slots[column]
            if kind == INTEGER:
                done, number = integer_cell(data, start, stop)
                if done:
                    ints[slot, first_row + row] = number
            elif kind == FLOAT:
                done, real = decimal_cell(data, start, stop, point)
                if done:
                    floats[slot, first_row + row] = real
        if not done:
            for j in range(ODD_FIELDS):
                odd[left, j] = odd[k, j]
            left += 1
    return left


@exact_kernel
def read_odd_moments(
    data: Bytes, odd: Integers, kinds: Integers, slots: Integers, order: int, first_row: int, ints: Integers
) -> int:
    """Read the dates and times that `columns.parse_rows` was not sure of; the other entries move to the front.

    Parameters
    ----------
    order : int
        Of dates: `moments.DAY_FIRST` and others.
    data, odd, kinds, slots, first_row, ints
        As for `read_odd_numbers`.

    Returns
    -------
    int
        How many entries are left, at the front of `odd`.
    """
    left = 0
    for k in range(odd.shape[0]):
        row, column, start, stop = odd[k, ROW], odd[k, COLUMN], odd[k, START], odd[k, STOP]
        moment = np.int64(-1)
        if row >= 0 and start < stop:
            kind = kinds[column]
            if kind == DATETIME or kind == DATE or kind == TIME:
                moment = moment_in_any_order(data, start, stop, kind, order)
                if moment >= 0:
                    ints[slots[column], first_row + row] = moment
        if moment < 0:
            for j in range(ODD_FIELDS):
                odd[left, j] = odd[k, j]
            left += 1
    return left


@exact_kernel
def alike_cells(data: Bytes, odd: Integers, groups: Integers, shown: Integers) -> int:
    """Put cells of one column that hold the same bytes into a group; how many groups there are.

    Parameters
    ----------
    data : uint8, shape (n,)
    odd : int64, shape (count, `ODD_FIELDS`)
        As `columns.parse_rows` writes them.
    groups : int64, shape (count,)
        Is filled with the group of each cell; -1 for other entries, and when there are as many groups as `shown` holds.
    shown : int64, shape (most groups,)
        Is filled with one entry of each group.
    """
    found = 0
    for k in range(odd.shape[0]):
        groups[k] = -1
        column, start, stop = odd[k, COLUMN], odd[k, START], odd[k, STOP]
        if odd[k, CODE] != ODD_CELL or odd[k, ROW] < 0:
            continue
        for group in range(found):
            other = shown[group]
            begin = odd[other, START]
            same = odd[other, COLUMN] == column and odd[other, STOP] - begin == stop - start
            i = 0
            while same and i < stop - start:
                same = data[begin + i] == data[start + i]
                i += 1
            if same:
                groups[k] = group
                break
        if groups[k] < 0 and found < shown.size:
            groups[k] = found
            shown[found] = k
            found += 1
    return found
