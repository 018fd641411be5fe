"""One cell of text to its value: the steps that `columns` takes for times, and what it leaves for a second look.

Doubles are correctly rounded. W. D. Clinger's fast path ("How to read floating point numbers accurately", PLDI 1990:
significand up to 2^53, power of ten up to 22) takes most of them, the method of D. Lemire ("Number parsing at a
gigabyte per second", Software: Practice and Experience 51, 2021, algorithm 1) the others. Of more than 19 digits the
others decide only where they reach the next double. What this is not sure of (results below the normal range or above
it, halves between two doubles of more digits, `nan`) is left to Python.

Times are wall-clock nanoseconds since 1970-01-01.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..bits import double_of_bits, high_product, leading_zeros
from ..compile import inlined, inner_kernel
from ..units import DAY_NS, SECOND_NS
from .words import ZEROS, digits_value, load_word, not_digits

__all__ = [
    "DATE",
    "DATETIME",
    "FLOAT",
    "INTEGER",
    "TEXT",
    "TIME",
    "clock_ns",
    "date_ns",
    "decimal_cell",
    "integer_cell",
    "trimmed",
    "within_quotes",
]

Bytes = NDArray[np.uint8]
U = np.uint64

INTEGER, FLOAT, DATETIME, DATE, TIME, TEXT = range(6)
"""Kinds of columns."""

NEWLINE, RETURN, BLANK, QUOTE, LETTER_T = 10, 13, 32, 34, 84
POWERS_OF_TEN = 10.0 ** np.arange(23)
"""Those that are doubles."""
FIRST_DAYS = np.arange("1970-01", "2262-02", dtype="datetime64[M]").astype("datetime64[D]").astype(np.int64)
"""Of each month since 1970, in days since then."""

DATE_ZEROS = U(0x0030300030303030)
"""The characters 0000 00 of a date; its separators stay as they are."""
DATE_SEPARATORS = U(0xFF0000FF00000000)
CLOCK_ZEROS = U(0x30303A30303A3030)
"""The characters 00:00:00."""
CLOCK_COLONS = U(0x0000FF0000FF0000)

LOWEST_POWER, HIGHEST_POWER = -342, 308
"""Of ten: beyond them all doubles are zero or infinite, whatever the significand."""
MOST_DIGITS = 19
"""Of a significand that fits 64 bits."""


def _powers_of_five() -> NDArray[np.uint64]:
    """The 128 leading bits of 5^q, rounded down, and of its inverse, rounded up; two words a power (Lemire 2021)."""
    words = []
    for q in range(LOWEST_POWER, HIGHEST_POWER + 1):
        power = 5 ** abs(q)
        bits = power.bit_length()
        if q >= 0:
            leading = power << (128 - bits) if bits <= 128 else power >> (bits - 128)
        elif q >= -27:
            leading = (1 << (bits + 127)) // power + 1
        else:
            leading = (1 << (2 * bits + 128)) // power + 1
            leading >>= leading.bit_length() - 128
        words.append((leading >> 64, leading & (2**64 - 1)))
    return np.array(words, dtype=np.uint64)


POWERS_OF_FIVE = _powers_of_five()


@inlined
def trimmed(data: Bytes, start: int, stop: int) -> tuple[int, int]:
    """The span without the blanks around it and the carriage returns after it."""
    while stop > start and (data[stop - 1] == BLANK or data[stop - 1] == RETURN):
        stop -= 1
    while start < stop and data[start] == BLANK:
        start += 1
    return start, stop


@inlined
def within_quotes(data: Bytes, start: int, stop: int) -> tuple[int, int]:
    """The span within the quotes around a cell; all of it where there are none, or others between them."""
    if stop - start < 2 or data[start] != QUOTE or data[stop - 1] != QUOTE:
        return start, stop
    for i in range(start + 1, stop - 1):
        if data[i] == QUOTE:
            return start, stop
    return start + 1, stop - 1


@inner_kernel
def integer_cell(data: Bytes, start: int, stop: int) -> tuple[bool, int]:
    """Read an integer of up to 18 digits, with or without a sign; whether it is one, and its value."""
    negative = data[start] == 45
    if negative or data[start] == 43:
        start += 1
    if not 0 < stop - start <= 18:
        return False, 0
    value = np.int64(0)
    for i in range(start, stop):
        digit = np.int64(data[i]) - 48
        if digit < 0 or digit > 9:
            return False, 0
        value = value * 10 + digit
    return True, -value if negative else value


@inner_kernel
def decimal_cell(data: Bytes, start: int, stop: int, point: int) -> tuple[bool, float]:
    """Read a decimal with `point` as its decimal sign; whether it is one that is sure, and its value."""
    i = start
    negative = i < stop and data[i] == 45
    if negative or (i < stop and data[i] == 43):
        i += 1
    significand = U(0)
    digits = significant = exponent = 0
    after_point = cut = False
    while i < stop:
        digit = np.uint8(data[i] - np.uint8(48))
        if digit < np.uint8(10):
            digits += 1
            significant += (significant > 0) | (digit > np.uint8(0))
            if significant <= MOST_DIGITS:
                significand = significand * U(10) + U(digit)
                exponent -= after_point
            else:  # one more would not fit
                cut |= digit > np.uint8(0)
                exponent += not after_point
        elif data[i] == point and not after_point:
            after_point = True
        else:
            break
        i += 1
    if digits == 0:
        return False, 0.0
    if i < stop and (data[i] == 69 or data[i] == 101):
        i += 1
        exponent_negative = i < stop and data[i] == 45
        if exponent_negative or (i < stop and data[i] == 43):
            i += 1
        power = 0
        exponent_from = i
        while i < stop and i - exponent_from < 6 and np.uint8(data[i] - np.uint8(48)) < np.uint8(10):
            power = power * 10 + np.int64(data[i]) - 48
            i += 1
        if i == exponent_from:
            return False, 0.0
        exponent += -power if exponent_negative else power
    if i != stop:
        return False, 0.0
    done, value = _scaled_by_ten(significand, exponent)
    if cut:  # between this significand and the next: sure where both are the same double
        next_done, next_value = _scaled_by_ten(significand + U(1), exponent)
        done = done and next_done and value == next_value
    return done, -value if negative else value


@inner_kernel
def _scaled_by_ten(significand: int, exponent: int) -> tuple[bool, float]:
    """The double nearest to ``significand * 10**exponent``; whether it is sure, and the value.

    By Clinger where that is exact, else by the 128 leading bits of the power of five (Lemire 2021, algorithm 1), for
    normal doubles.
    """
    if significand <= U(1 << 53) and -22 <= exponent <= 22:
        real = np.float64(significand)
        return True, real / POWERS_OF_TEN[-exponent] if exponent < 0 else real * POWERS_OF_TEN[exponent]
    if significand == U(0):
        return True, 0.0
    if exponent < LOWEST_POWER or exponent > HIGHEST_POWER:
        return False, 0.0
    shift = leading_zeros(significand)
    normal = significand << U(shift)
    row = exponent - LOWEST_POWER
    upper = high_product(normal, POWERS_OF_FIVE[row, 0])
    lower = normal * POWERS_OF_FIVE[row, 0]
    if upper & U(0x1FF) == U(0x1FF):  # the bits to round by are not sure yet
        correction = high_product(normal, POWERS_OF_FIVE[row, 1])
        lower += correction
        upper += U(lower < correction)
    if lower == ~U(0) and (exponent < -27 or exponent > 55):
        return False, 0.0
    upper_bit = upper >> U(63)
    mantissa = upper >> (upper_bit + U(9))
    power = ((217706 * exponent) >> 16) + 63 + np.int64(upper_bit) - shift + 1023
    if power <= 0:
        return False, 0.0
    halfway = lower <= U(1) and -4 <= exponent <= 23 and mantissa & U(3) == U(1)
    if halfway and mantissa << (upper_bit + U(9)) == upper:
        mantissa &= ~U(1)
    mantissa = (mantissa + (mantissa & U(1))) >> U(1)
    if mantissa >= U(1 << 53):
        mantissa = U(1 << 52)
        power += 1
    if power >= 2047:
        return False, 0.0
    return True, double_of_bits((mantissa & U((1 << 52) - 1)) | U(power) << U(52))


@inner_kernel
def date_ns(data: Bytes, begin: int) -> int:
    """Read ``2022/03/14`` (or with ``-``) at `begin`; -1 where it is not a date between 1970 and 2261."""
    start, end = load_word(data, begin), load_word(data, begin + 2)
    separator = (start >> U(32)) & U(0xFF)
    separators = (separator * U(0x0001000001)) << U(32)
    digits = (start ^ DATE_ZEROS) & ~DATE_SEPARATORS
    last = (end >> U(48)) ^ U(0x3030)
    if start & DATE_SEPARATORS != separators & DATE_SEPARATORS or (separator != U(47) and separator != U(45)):
        return -1
    if not_digits(digits) | not_digits(last):
        return -1
    pairs = digits * U(10) + (digits >> U(8))
    year = np.int64(pairs & U(0xFF)) * 100 + np.int64((pairs >> U(16)) & U(0xFF))
    month = np.int64((pairs >> U(40)) & U(0xFF))
    day = np.int64((last & U(0xFF)) * U(10) + (last >> U(8)))
    if year < 1970 or year > 2261 or month < 1 or month > 12:
        return -1
    which = U(12 * (year - 1970) + month - 1)
    first = FIRST_DAYS[which]
    if day < 1 or day > FIRST_DAYS[which + U(1)] - first:
        return -1
    return (first + day - 1) * DAY_NS


@inner_kernel
def clock_ns(data: Bytes, begin: int, stop: int) -> int:
    """Read ``10:07:41`` with or without ``.123456789`` between `begin` and `stop`; -1 where it is not a time of day."""
    length = stop - begin
    if length < 8 or length == 9 or length > 18:
        return -1
    clock = load_word(data, begin) ^ CLOCK_ZEROS
    pairs = clock * U(10) + (clock >> U(8))
    hours, minutes, seconds = pairs & U(0xFF), (pairs >> U(24)) & U(0xFF), (pairs >> U(48)) & U(0xFF)
    wrong = not_digits(clock) | (clock & CLOCK_COLONS)
    if wrong or hours > U(23) or minutes > U(59) or seconds > U(59):
        return -1
    fraction = np.int64(0)
    if length > 8:
        digits = load_word(data, begin + 9) ^ ZEROS
        if length < 17:
            beyond = U(17 - length) << U(3)
            digits = (digits << beyond) >> beyond
        last = np.int64(data[U(begin + 17)]) - 48 if length == 18 else 0
        fraction = np.int64(digits_value(digits)) * 10 + last
        if data[U(begin + 8)] != 46 or not_digits(digits) or last < 0 or last > 9:
            return -1
    return ((np.int64(hours) * 60 + np.int64(minutes)) * 60 + np.int64(seconds)) * SECOND_NS + fraction
