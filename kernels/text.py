"""Bytes of whole lines to typed columns, in one pass and without an allocation.

The kernel reads what it is sure of: plain integers, decimals that Clinger's fast path rounds correctly (W. D. Clinger,
"How to read floating point numbers accurately", PLDI 1990: significand below 2^53, power of ten up to 22), and times in
the usual order. Every other cell (empty, quoted, `nan`, 25 digits, a letter) goes to a list of odd cells, which the
caller judges with Python's own rules. So a double equals Python's ``float()`` to the last bit, and no cell is guessed.

Lines end in LF or CRLF; blank lines are passed over. Times are wall-clock nanoseconds since 1970-01-01.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compile import exact_kernel

__all__ = [
    "BAD_FIELD_COUNT",
    "DATE",
    "DATETIME",
    "FLOAT",
    "INTEGER",
    "ODD_CELL",
    "ODD_EMPTY",
    "ODD_FIELDS",
    "TEXT",
    "TIME",
    "count_newlines",
    "gather_text",
    "is_sorted",
    "last_newline",
    "parse_rows",
    "without_trailing_nuls",
]

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

# Kinds of columns.
INTEGER, FLOAT, DATETIME, DATE, TIME, TEXT = range(6)

# Columns of the list of odd cells: (row, column, start, stop, code, line). Rows of a bad field count have row -1.
ODD_FIELDS = 6
ODD_EMPTY, ODD_CELL, BAD_FIELD_COUNT = range(3)

NEWLINE, RETURN, QUOTE, BLANK = 10, 13, 34, 32
SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
POWERS_OF_TEN = 10.0 ** np.arange(23)
POWERS_OF_TEN_INTEGER = 10 ** np.arange(10, dtype=np.int64)


@exact_kernel
def count_newlines(data: Bytes) -> int:
    """Count the line ends in `data`."""
    lines = 0
    for i in range(data.size):
        lines += data[i] == 10
    return lines


@exact_kernel
def last_newline(data: Bytes) -> int:
    """Find the position of the last line end in `data`; -1 where there is none."""
    for i in range(data.size - 1, -1, -1):
        if data[i] == NEWLINE:
            return i
    return -1


@exact_kernel
def without_trailing_nuls(data: Bytes) -> int:
    """Length of `data` without the NUL bytes at its end, which a preallocating writer leaves."""
    size = data.size
    while size > 0 and data[size - 1] == 0:
        size -= 1
    return size


@exact_kernel
def is_sorted(values: Integers) -> bool:
    """Whether `values` never decrease."""
    for i in range(1, values.size):  # noqa: SIM110 (a generator does not compile)
        if values[i] < values[i - 1]:
            return False
    return True


@exact_kernel
def gather_text(data: Bytes, starts: Integers, stops: Integers, out: Bytes, offsets: Integers) -> None:
    """Copy the cells ``data[starts[i]:stops[i]]`` one behind another into `out`.

    Parameters
    ----------
    data : uint8, shape (n,)
    starts, stops : int64, shape (rows,)
    out : uint8, room for the sum of the lengths
    offsets : int64, shape (rows + 1,)
        ``offsets[0]`` says where to begin in `out`; the others are filled with the ends.
    """
    position = offsets[0]
    for row in range(starts.size):
        for i in range(starts[row], stops[row]):
            out[position] = data[i]
            position += 1
        offsets[row + 1] = position


@exact_kernel
def _cell_end(data: Bytes, start: int, delimiter: int) -> int:
    """Where the cell that begins at `start` ends: at a delimiter or line end outside of quotes."""
    i = start
    if data[i] == QUOTE:
        i += 1
        while data[i] != NEWLINE:
            if data[i] == QUOTE:
                if data[i + 1] != QUOTE:
                    break
                i += 1
            i += 1
    while data[i] != delimiter and data[i] != NEWLINE:
        i += 1
    return i


@exact_kernel
def _two_digits(data: Bytes, i: int) -> int:
    """Read two digits; a negative number far below -100 where one is not a digit."""
    tens = np.int64(data[i]) - 48
    ones = np.int64(data[i + 1]) - 48
    if tens < 0 or tens > 9 or ones < 0 or ones > 9:
        return -1_000_000
    return tens * 10 + ones


@exact_kernel
def _date_ns(data: Bytes, i: int) -> int:
    """Read ``2022/03/14`` (or with ``-``) at `i`; -1 where it is not a date. Days as of H. Hinnant, days_from_civil."""
    year = _two_digits(data, i) * 100 + _two_digits(data, i + 2)
    month = _two_digits(data, i + 5)
    day = _two_digits(data, i + 8)
    separator = data[i + 4]
    if separator != data[i + 7] or (separator != 47 and separator != 45):
        return -1
    if year < 1970 or year > 2261 or month < 1 or month > 12 or day < 1:
        return -1
    days_in_month = 31
    if month in {4, 6, 9, 11}:
        days_in_month = 30
    elif month == 2:
        days_in_month = 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    if day > days_in_month:
        return -1
    shifted = year - 1 if month <= 2 else year
    era = shifted // 400
    year_of_era = shifted - era * 400
    day_of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return (era * 146_097 + day_of_era - 719_468) * DAY_NS


@exact_kernel
def _time_ns(data: Bytes, i: int, stop: int) -> int:
    """Read ``10:07:41`` with or without ``.123456789`` between `i` and `stop`; -1 where it is not a time."""
    if stop - i < 8 or data[i + 2] != 58 or data[i + 5] != 58:
        return -1
    hour, minute, second = _two_digits(data, i), _two_digits(data, i + 3), _two_digits(data, i + 6)
    if hour < 0 or hour > 23 or minute < 0 or minute > 59 or second < 0 or second > 59:
        return -1
    fraction = 0
    if stop > i + 8:
        digits = stop - i - 9
        if data[i + 8] != 46 or digits < 1 or digits > 9:
            return -1
        for k in range(i + 9, stop):
            digit = np.int64(data[k]) - 48
            if digit < 0 or digit > 9:
                return -1
            fraction = fraction * 10 + digit
        fraction *= POWERS_OF_TEN_INTEGER[9 - digits]
    return ((hour * 60 + minute) * 60 + second) * SECOND_NS + fraction


@exact_kernel
def parse_rows(
    data: Bytes,
    start: int,
    delimiter: int,
    kinds: Integers,
    slots: Integers,
    fewest_fields: int,
    trailing_delimiter: bool,
    first_row: int,
    row_limit: int,
    ints: Integers,
    floats: Floats,
    spans: Integers,
    odd: Integers,
) -> tuple[int, int, int, int]:
    """Parse lines until the data, the room for rows, or the room for odd cells is used up.

    Parameters
    ----------
    data : uint8, shape (n,)
        Whole lines: the last byte is a line end.
    start : int
        Where to begin in `data`.
    delimiter : int
        Code of the byte between fields.
    kinds, slots : int64, shape (columns,)
        What each column is, and its row in `ints`, `floats` or (twice) `spans`.
    fewest_fields : int
        Lines with fewer fields are bad; missing ones at the end of a longer line count as empty.
    trailing_delimiter : bool
        Whether one empty field beyond the last column is taken without a word.
    first_row, row_limit : int
        Where to put the first row, and how many rows to take at the most.
    ints, floats : int64 and float64, shape (slots, capacity)
        The columns, filled from `first_row` on.
    spans : int64, shape (2 * text columns, rows)
        Start and stop of each text cell in `data`; rows counted from 0.
    odd : int64, shape (room, 6)
        Cells and lines for the caller to judge: row (from 0; -1 for a bad line), column (fields found, for a bad line),
        start, stop, code, line (from 0).

    Returns
    -------
    position, rows, lines, odd cells : ints
        Where it stopped, rows and lines taken (bad and blank ones are lines too), entries in `odd`.
    """
    columns = kinds.size
    position = start
    row = 0
    line = 0
    found = 0
    size = data.size
    room = odd.shape[0] - columns - 1
    while position < size and row < row_limit and found < room:
        line_start = position
        found_before = found
        # A line of blanks alone is no row.
        while data[position] == BLANK or data[position] == RETURN:
            position += 1
        if data[position] == NEWLINE:
            position += 1
            line += 1
            continue
        position = line_start
        column = 0
        ended = False
        while column < columns and not ended:
            kind = kinds[column]
            slot = slots[column]
            cell = position
            done = False
            if kind == INTEGER or kind == FLOAT:
                negative = data[position] == 45
                if negative or data[position] == 43:
                    position += 1
                significand = np.uint64(0)
                digits_from = position
                digit = np.uint8(data[position] - np.uint8(48))
                while digit < np.uint8(10):
                    significand = significand * np.uint64(10) + np.uint64(digit)
                    position += 1
                    digit = np.uint8(data[position] - np.uint8(48))
                digits = position - digits_from
                if kind == INTEGER:
                    done = 0 < digits <= 18
                    if done:
                        value = np.int64(significand)
                        ints[slot, first_row + row] = -value if negative else value
                else:
                    exponent = 0
                    if data[position] == 46:
                        position += 1
                        fraction_from = position
                        digit = np.uint8(data[position] - np.uint8(48))
                        while digit < np.uint8(10):
                            significand = significand * np.uint64(10) + np.uint64(digit)
                            position += 1
                            digit = np.uint8(data[position] - np.uint8(48))
                        exponent = fraction_from - position
                        digits -= exponent
                    done = 0 < digits <= 19
                    if done and (data[position] == 69 or data[position] == 101):
                        position += 1
                        exponent_negative = data[position] == 45
                        if exponent_negative or data[position] == 43:
                            position += 1
                        exponent_from = position
                        power = 0
                        digit = np.uint8(data[position] - np.uint8(48))
                        while digit < np.uint8(10) and position - exponent_from < 6:
                            power = power * 10 + np.int64(digit)
                            position += 1
                            digit = np.uint8(data[position] - np.uint8(48))
                        done = position > exponent_from
                        exponent += -power if exponent_negative else power
                    done = done and significand <= np.uint64(1 << 53) and -22 <= exponent <= 22
                    if done:
                        real = np.float64(significand)
                        if exponent < 0:
                            real /= POWERS_OF_TEN[-exponent]
                        else:
                            real *= POWERS_OF_TEN[exponent]
                        floats[slot, first_row + row] = -real if negative else real
                while data[position] == BLANK:
                    position += 1
            elif kind == TEXT:
                position = _cell_end(data, position, delimiter)
                stop = position
                while stop > cell and (data[stop - 1] == BLANK or data[stop - 1] == RETURN):
                    stop -= 1
                while cell < stop and data[cell] == BLANK:
                    cell += 1
                spans[2 * slot, row] = cell
                spans[2 * slot + 1, row] = stop
                done = stop > cell and data[cell] != QUOTE
            else:
                position = _cell_end(data, position, delimiter)
                stop = position
                while stop > cell and (data[stop - 1] == BLANK or data[stop - 1] == RETURN):
                    stop -= 1
                moment = -1
                if kind == TIME:
                    moment = _time_ns(data, cell, stop)
                elif stop - cell >= 10:
                    moment = _date_ns(data, cell)
                    if kind == DATE:
                        if stop - cell != 10:
                            moment = -1
                    elif moment >= 0:
                        within = -1
                        if stop - cell >= 19 and (data[cell + 10] == BLANK or data[cell + 10] == 84):
                            within = _time_ns(data, cell + 11, stop)
                        moment = moment + within if within >= 0 else -1
                done = moment >= 0
                if done:
                    ints[slot, first_row + row] = moment
            byte = data[position]
            if byte == RETURN and data[position + 1] == NEWLINE:
                position += 1
                byte = data[position]
            if not done or (byte != delimiter and byte != NEWLINE):
                position = _cell_end(data, cell, delimiter)
                byte = data[position]
                stop = position
                while stop > cell and (data[stop - 1] == BLANK or data[stop - 1] == RETURN):
                    stop -= 1
                while cell < stop and data[cell] == BLANK:
                    cell += 1
                odd[found, 0] = row
                odd[found, 1] = column
                odd[found, 2] = cell
                odd[found, 3] = stop
                odd[found, 4] = ODD_EMPTY if stop == cell else ODD_CELL
                odd[found, 5] = line
                found += 1
            position += 1
            column += 1
            ended = byte == NEWLINE
        fields = column
        if not ended:  # more fields than columns
            extra_from = position
            fields += 1
            while data[position] != NEWLINE:
                fields += data[position] == delimiter
                position += 1
            extra = position - extra_from
            if extra > 0 and data[position - 1] == RETURN:
                extra -= 1
            if trailing_delimiter and extra == 0:
                fields = columns
            position += 1
        if fields > columns or fields < fewest_fields:
            found = found_before
            odd[found, 0] = -1
            odd[found, 1] = fields
            odd[found, 2] = line_start
            odd[found, 3] = position - 1
            odd[found, 4] = BAD_FIELD_COUNT
            odd[found, 5] = line
            found += 1
        else:
            for missing in range(fields, columns):
                odd[found, 0] = row
                odd[found, 1] = missing
                odd[found, 2] = position - 1
                odd[found, 3] = position - 1
                odd[found, 4] = ODD_EMPTY
                odd[found, 5] = line
                found += 1
            row += 1
        line += 1
    return position, row, line, found
