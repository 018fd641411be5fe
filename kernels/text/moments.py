"""Dates and times as people and programs write them, when they are not written in the usual order.

What is read here is what `io.cells` says of the same text; what this is not sure of is left to that. The order of a
date is one for a file, and is given: `DAY_FIRST_WITH_POINTS` where the file does not say more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compile import few_steps, inlined, inner_kernel
from ..units import DAY_NS, SECOND_NS
from .cells import BLANK, DATE, FIRST_DAYS, LETTER_T, TIME, clock_ns, date_ns
from .fields import BATCH_ROWS
from .words import load_word

__all__ = [
    "DAY_FIRST",
    "DAY_FIRST_WITH_POINTS",
    "MONTH_FIRST",
    "NO_NUMBER",
    "POWERS",
    "YEAR_FIRST",
    "date_times",
    "moment_in_any_order",
]

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
U = np.uint64

DAY_FIRST_WITH_POINTS, DAY_FIRST, MONTH_FIRST, YEAR_FIRST = range(4)
"""Orders of dates that do not begin with a year of four digits."""

POWERS = U(BATCH_ROWS)
"""Where the scratch memory holds whether the cell of a row was read."""
NO_NUMBER = 1 << 20
"""It was not; for decimals, the others are powers of ten."""

FIRST_YEAR, LAST_YEAR = 1970, 2261
LAST_CENTURY_FROM = 69
"""Years of two digits from here on are those of 1900, as POSIX has it."""
COMMA, MINUS, POINT, SLASH, COLON, PLUS = 44, 45, 46, 47, 58, 43
LETTER_Z = 90
NAMES_OF_MONTHS = np.frombuffer(
    b"jan\1feb\2mar\3mrz\3apr\4may\5mai\5jun\6jul\7aug\10sep\11oct\12okt\12nov\13dec\14dez\14", np.uint8
).reshape(-1, 4)
"""Three letters, and which month they begin."""
NAMES_OF_ZONES = np.frombuffer(b"UTCGMTJST", np.uint8).reshape(-1, 3)


@inlined
def _is_digit(byte: int) -> bool:
    return np.uint8(byte - np.uint8(48)) < np.uint8(10)


@inlined
def _is_letter(byte: int) -> bool:
    return np.uint8((byte | np.uint8(32)) - np.uint8(97)) < np.uint8(26)


@inlined
def _between_numbers(byte: int) -> bool:
    return byte == SLASH or byte == POINT or byte == MINUS


@inner_kernel
def _number(data: Bytes, start: int, stop: int) -> tuple[int, int]:
    """The value of the digits from `start` on, and where they end; of more than four the value is another."""
    few_steps()
    value = np.int64(0)
    i = start
    while i < stop and i < start + 5 and _is_digit(data[i]):
        value = value * 10 + np.int64(data[i]) - 48
        i += 1
    return value, i


@inner_kernel
def _month_by_name(data: Bytes, start: int, stop: int) -> tuple[int, int]:
    """The month whose name begins at `start` (0 for none), and where the name ends."""
    few_steps()
    end = start
    while end < stop and _is_letter(data[end]):
        end += 1
    month = np.int64(0)
    if 3 <= end - start <= 9:
        for k in range(NAMES_OF_MONTHS.shape[0]):
            same = True
            for j in range(3):
                same &= (data[start + j] | np.uint8(32)) == NAMES_OF_MONTHS[k, j]
            if same:
                month = np.int64(NAMES_OF_MONTHS[k, 3])
    return month, end


@inner_kernel
def _any_date(data: Bytes, start: int, stop: int, order: int) -> tuple[int, int]:
    """The date at `start`, ns since 1970 (-1 for none), and where it ends."""
    few_steps()
    nothing = (np.int64(-1), start)
    first, i = _number(data, start, stop)
    digits = i - start
    if i + 3 >= stop or (digits != 4 and digits != 2 and digits != 1):
        return nothing
    points = data[i] == POINT
    if digits != 4 and _is_letter(data[i + 1]):
        if not _between_numbers(data[i]) and data[i] != BLANK:
            return nothing
        day = first
        month, i = _month_by_name(data, i + 1, stop)
        signs = i
        while i < stop and i < signs + 2 and (_between_numbers(data[i]) or data[i] == BLANK or data[i] == COMMA):
            i += 1
        begin = i
        year, i = _number(data, begin, stop)
        if month == 0 or begin == signs or (i - begin != 4 and i - begin != 2):
            return nothing
        digits = i - begin
    else:
        if not _between_numbers(data[i]):
            return nothing
        begin = i + 1
        second, i = _number(data, begin, stop)
        if i - begin < 1 or i - begin > 2 or i + 1 >= stop or not _between_numbers(data[i]):
            return nothing
        points &= data[i] == POINT
        begin = i + 1
        third, i = _number(data, begin, stop)
        last = i - begin
        if digits == 4 or order == YEAR_FIRST:
            year, month, day = first, second, third
            if last < 1 or last > 2 or digits == 1:
                return nothing
        else:
            if (last != 4 and last != 2) or (order == DAY_FIRST_WITH_POINTS and not (points and last == 4)):
                return nothing
            digits, year, month, day = last, third, second, first
            if order == MONTH_FIRST:
                month, day = first, second
    if digits == 2:
        year += 1900 if year >= LAST_CENTURY_FROM else 2000
    if year < FIRST_YEAR or year > LAST_YEAR or month < 1 or month > 12:
        return nothing
    which = 12 * (year - FIRST_YEAR) + month - 1
    if day < 1 or day > FIRST_DAYS[which + 1] - FIRST_DAYS[which]:
        return nothing
    return (FIRST_DAYS[which] + day - 1) * DAY_NS, i


@inner_kernel
def _without_zone(data: Bytes, start: int, stop: int) -> int:
    """Where a text ends, without the time zone at its end and the blanks before that."""
    few_steps()
    end = stop
    if data[stop - 1] == LETTER_Z:
        end = stop - 1
    elif stop - start > 3 and _is_letter(data[stop - 1]):
        for k in range(NAMES_OF_ZONES.shape[0]):
            same = True
            for j in range(3):
                same &= data[stop - 3 + j] == NAMES_OF_ZONES[k, j]
            if same:
                end = stop - 3
    else:
        i = stop
        digits = 0
        while i > start and stop - i < 6 and (_is_digit(data[i - 1]) or (data[i - 1] == COLON and stop - i == 2)):
            i -= 1
            digits += data[i] != COLON
        signed = i > start and (data[i - 1] == PLUS or data[i - 1] == MINUS)
        if signed and (digits == 4 or (digits == 2 and stop - i == 2)):
            end = i - 1
    while end > start and data[end - 1] == BLANK:
        end -= 1
    return end


@inner_kernel
def _any_clock(data: Bytes, start: int, stop: int) -> int:
    """The time of day that stands there, ns; -1 for none."""
    few_steps()
    hours, i = _number(data, start, stop)
    if not 1 <= i - start <= 2 or i + 3 > stop or data[i] != COLON:
        return np.int64(-1)
    begin = i + 1
    minutes, i = _number(data, begin, stop)
    if i - begin != 2:
        return np.int64(-1)
    seconds = fraction = np.int64(0)
    if i < stop and data[i] == COLON:
        begin = i + 1
        seconds, i = _number(data, begin, stop)
        if i - begin != 2:
            return np.int64(-1)
        if i < stop and (data[i] == POINT or data[i] == COMMA):
            begin = i + 1
            i = begin
            unit_ns = np.int64(SECOND_NS)
            while i < stop and _is_digit(data[i]):
                unit_ns //= 10  # zero behind nine digits
                fraction += unit_ns * (np.int64(data[i]) - 48)
                i += 1
            if i == begin:
                return np.int64(-1)
    while i < stop and data[i] == BLANK:
        i += 1
    if i < stop:
        half = data[i] | np.uint8(32)
        i += 1
        i += i < stop and data[i] == POINT
        if (half != np.uint8(97) and half != np.uint8(112)) or i >= stop or data[i] | np.uint8(32) != np.uint8(109):
            return np.int64(-1)
        i += 1
        i += i < stop and data[i] == POINT
        if i != stop or hours < 1 or hours > 12:
            return np.int64(-1)
        hours = hours % 12 + (12 if half == np.uint8(112) else 0)
    if hours > 23 or minutes > 59 or seconds > 59:
        return np.int64(-1)
    return ((hours * 60 + minutes) * 60 + seconds) * SECOND_NS + fraction


@inner_kernel
def moment_in_any_order(data: Bytes, start: int, stop: int, kind: int, order: int) -> int:
    """Read a date, a time of day or both, without blanks around it; -1 for what is none, or is not sure.

    Nanoseconds since 1970, or since midnight for a time of day. A time zone is passed over: the wall clock counts.
    """
    few_steps()
    if stop - start < 4 or not _is_digit(data[start]):
        return np.int64(-1)
    if kind == TIME:
        return _any_clock(data, start, stop)
    day, i = _any_date(data, start, stop, order)
    if day < 0 or kind == DATE:
        return day if i == stop else np.int64(-1)
    while i < stop and (data[i] == BLANK or data[i] == COMMA or data[i] == LETTER_T):
        i += 1
    if i == stop:
        return day
    clock = _any_clock(data, i, _without_zone(data, i, stop))
    return day + clock if clock >= 0 else np.int64(-1)


@inner_kernel
def date_times(
    data: Bytes,
    first: int,
    width: int,
    rows: int,
    returns: int,
    kind: int,
    scratch: Integers,
    out: Integers,
) -> bool:
    """Read dates, times of day or both in the usual order, -1 for others; whether all are such.

    The cells are those of a column, where `columns.parse_rows` has its fields. The day of the row before saves reading
    the date again.
    """
    known_start = known_end = U(0)
    known = np.int64(-1)
    good = True
    for r in range(U(rows)):
        begin, stop = scratch[first + r * width] + 1, scratch[first + r * width + U(1)] - returns
        day = clock = np.int64(0)
        if kind != TIME:
            start, end = load_word(data, begin), load_word(data, begin + 8) & U(0xFFFF)
            if start != known_start or end != known_end:
                known_start, known_end, known = start, end, date_ns(data, begin)
            day = known
            between = data[U(begin + 10)]
            if kind == DATE:
                day = day if stop - begin == 10 else np.int64(-1)
            elif stop - begin < 19 or (between != BLANK and between != LETTER_T):
                day = np.int64(-1)
            begin += 11
        if kind != DATE and day >= 0:
            clock = clock_ns(data, begin, stop)
        out[r] = day + clock
        scratch[POWERS + r] = 0
        if day < 0 or clock < 0:
            scratch[POWERS + r] = NO_NUMBER
            good = False
    return good
