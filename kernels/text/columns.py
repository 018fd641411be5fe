"""Bytes of whole lines to typed columns: many rows at once, a column at a time.

Parsing goes in batches of some hundred rows. First all delimiters and line ends are found, 64 bytes at a time
(`byte_mask`; the idea of G. Langdale and D. Lemire, "Parsing gigabytes of JSON per second", VLDB Journal 28, 2019).
Then each column is converted by a loop of its own kind: one loop loads the words that hold the digits, the next
computes on them without a branch, which the compiler turns into vector instructions. Plain integers are taken by eight
rows (`lanes`). Lines that differ (quotes, another number of fields, blanks) are split one by one.

A cell that the loop of its column does not take goes to a list of odd cells, without the quotes and blanks around it,
and is read by itself (`odd`). For what that is not sure of either (`nan`, half of 40 digits, a letter) the caller asks
Python's own rules. So a double equals Python's ``float()`` to the last bit, and no cell is guessed.

Lines end in LF or CRLF; blank lines are passed over. A quote begins a quoted cell where the cell begins, blanks apart,
and nowhere else, and no cell goes on in the next line.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..bits import trailing_zeros
from ..compile import exact_kernel, inlined, inner_kernel
from .cells import (
    BLANK,
    FLOAT,
    INTEGER,
    POWERS_OF_TEN,
    QUOTE,
    TEXT,
    integer_cell,
    trimmed,
    within_quotes,
)
from .fields import BATCH_ROWS, ENDS, RUNS, SPARE, TAB, has_nul, regular_rows, separators, split_lines, split_runs
from .lanes import LANES, eight_digits, sixteen_digits
from .moments import NO_NUMBER, POWERS, date_times
from .odd import BAD_FIELD_COUNT, CODE, add_odd
from .words import (
    BACK,
    FRONT,
    ZEROS,
    digits_value,
    load_word,
    lowest_match,
    not_digits,
)

__all__ = ["odd_room", "parse_rows", "scratch_room"]

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
U = np.uint64

BATCH_FIELDS = 4096
"""32 kB of positions: with the text they stay in the cache."""
FEWEST_BATCH_ROWS = 8
"""Among irregular lines."""

LENGTHS, WORDS, UPPER = (np.uint64(k * BATCH_ROWS) for k in (0, 2, 3))
"""Beside `POWERS`, parts of the scratch memory: a value for every row of a batch, and after them the positions of the
separators. Apart by constants, they are known to the compiler not to overlap."""

MINUS, PLUS = 45, 43
REPEATED = U(0x0101010101010101)
LOWER_CASE = U(0x2020202020202020)
LAST_FIVE = ~U(0xFFFFFF)
LETTER_E = U(0x6565656565656565)
BYTES_AFTER = U(0x0706050403020100)
"""Times the lowest bit of a byte, in its high byte: how many bytes of a word follow that byte."""
EIGHT_DIGITS = U(100_000_000)
EXACT = 1 << 53
"""Integers up to here are doubles."""


def odd_room(columns: int) -> int:
    """Room for odd cells that lets `parse_rows` take a batch of `columns`."""
    return 2 * scratch_room(columns)


def scratch_room(columns: int) -> int:
    """Room that `parse_rows` needs for intermediate values."""
    return int(ENDS) + max(BATCH_FIELDS, 2 * columns + 2) + SPARE


@inner_kernel
def _integers(data: Bytes, first: int, width: int, rows: int, returns: int, scratch: Integers, out: Integers) -> bool:
    """Convert cells of up to 18 digits with or without a sign; whether all are such. `POWERS` says which."""
    if rows >= LANES and _plain_integers(data, first, width, rows, returns, scratch, out):
        return True
    good = True
    for r in range(U(rows)):
        done, number = integer_cell(data, scratch[first + r * width] + 1, scratch[first + r * width + U(1)] - returns)
        out[r] = number
        scratch[POWERS + r] = 0 if done else NO_NUMBER
        good &= done
    return good


@inner_kernel
def _plain_integers(
    data: Bytes, first: int, width: int, rows: int, returns: int, scratch: Integers, out: Integers
) -> bool:
    """Convert cells of up to 16 digits in at least `LANES` rows; whether all are such."""
    r, last = np.int64(0), rows - LANES  # the last turn may take rows that had one before
    if scratch[first + U(1)] - returns - scratch[first] <= 9:
        while r < rows:
            r = min(r, last)
            if eight_digits(data, scratch, first + U(r) * width, width, returns, out, r):
                break  # longer ones, perhaps
            r += LANES
    while r < rows:
        r = min(r, last)
        if sixteen_digits(data, scratch, first + U(r) * width, width, returns, out, r):
            return False
        r += LANES
    return True


@inlined
def _sixteen(word: int, upper: int, length: int) -> tuple[int, int]:
    """The values of the last `length` (1 to 16) characters of two words, less those of "0"; the others become 0."""
    shift = U(64) - (U(min(length, np.int64(8))) << U(3))
    low = ((U(word) ^ ZEROS) >> shift) << shift
    shift = U(128) - (U(max(length, np.int64(8))) << U(3))  # 0 to 64: too far for one step
    half = shift >> U(1)
    return low, (U(upper) ^ ZEROS) & ((~U(0) << half) << (shift - half))


@inlined
def _mark_of_exponent(data: Bytes, stop: int) -> int:
    """The high bit of an ``e`` in the five bytes before `stop`, as its place in the word of eight; zero for none."""
    return lowest_match((load_word(data, stop - 8) | LOWER_CASE) & LAST_FIVE, LETTER_E)


@inlined
def _exponent(data: Bytes, begin: int, stop: int) -> tuple[int, int]:
    """Where the significand of a cell ends, and its exponent; an end at `begin` for what is no exponent."""
    mark = _mark_of_exponent(data, stop)
    place = stop - 8 + (trailing_zeros(mark) >> 3)
    if mark == U(0) or place <= begin:
        return stop, 0
    i = place + 1
    negative = data[U(i)] == MINUS
    i += negative or data[U(i)] == PLUS
    power = 0
    wrong = i == stop
    while i < stop:
        digit = np.int64(data[U(i)]) - 48
        wrong |= digit < 0 or digit > 9
        power = power * 10 + digit
        i += 1
    return begin if wrong else place, -power if negative else power


@inner_kernel
def _decimals(
    data: Bytes, first: int, width: int, rows: int, returns: int, point: int, scratch: Integers, out: Floats
) -> bool:
    """Convert decimals whose significand has up to 16 characters; whether all are such. `POWERS` says which."""
    points = U(point) * REPEATED ^ ZEROS
    with_exponent = _mark_of_exponent(data, scratch[first + U(1)] - returns) != U(0)
    for r in range(U(rows)):
        begin, stop = scratch[first + r * width] + 1, scratch[first + r * width + U(1)] - returns
        sign = data[U(begin)]
        begin += (sign == MINUS) | (sign == PLUS)
        power = 0
        if with_exponent:
            stop, power = _exponent(data, begin, stop)
        scratch[WORDS + r] = np.int64(load_word(data, stop - 8))
        scratch[UPPER + r] = np.int64(load_word(data, stop - 16))
        scratch[LENGTHS + r] = stop - begin
        scratch[POWERS + r] = power
    for r in range(U(rows)):
        length = min(max(scratch[LENGTHS + r], np.int64(1)), np.int64(16))
        low, high = _sixteen(scratch[WORDS + r], scratch[UPPER + r], length)
        # The bytes before the point move up by one, over it.
        mark, mark_high = lowest_match(low, points), lowest_match(high, points)
        in_low = U(0) - U(mark != U(0))
        in_high = (U(0) - U(mark_high != U(0))) & ~in_low
        before = ((mark >> U(7)) - U(1)) & in_low
        after = (U(0) - (mark << U(1))) | ~in_low
        before_high = (((mark_high >> U(7)) - U(1)) & in_high) | in_low
        after_high = ((U(0) - (mark_high << U(1))) & in_high) | ~(in_low | in_high)
        low = ((low & before) << U(8)) | (low & after) | ((high >> U(56)) & in_low)
        high = ((high & before_high) << U(8)) | (high & after_high)
        fraction = (((mark >> U(7)) * BYTES_AFTER) >> U(56)) & in_low
        fraction += (U(8) + (((mark_high >> U(7)) * BYTES_AFTER) >> U(56))) & in_high
        no_digits = length == np.int64(U(1) & (in_low | in_high))
        odd = not_digits(low) | not_digits(high) | U(scratch[LENGTHS + r] != length) | U(no_digits)
        scratch[WORDS + r] = np.int64(digits_value(low) + digits_value(high) * EIGHT_DIGITS)
        scratch[POWERS + r] = NO_NUMBER if odd else scratch[POWERS + r] - np.int64(fraction)
    good = True
    for r in range(U(rows)):
        significand, power = scratch[WORDS + r], scratch[POWERS + r]
        value = 0.0
        if significand <= EXACT and -22 <= power <= 22:
            value = np.float64(significand)
            value = value / POWERS_OF_TEN[U(-power)] if power < 0 else value * POWERS_OF_TEN[U(power)]
        else:
            scratch[POWERS + r] = NO_NUMBER
            good = False
        out[r] = -value if data[U(scratch[first + r * width] + 1)] == MINUS else value
    return good


@exact_kernel
def parse_rows(
    data: Bytes,
    start: int,
    stop: int,
    delimiter: int,
    point: int,
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
    scratch: Integers,
) -> tuple[int, int, int, int]:
    """Parse lines until the text, the room for rows, or the room for odd cells is used up.

    Parameters
    ----------
    data : uint8, shape (n,)
        With `FRONT` readable bytes before `start` and `BACK` from `stop` on, whatever stands there.
    start, stop : int
        Where the text stands in `data`: whole lines, of which the last byte is a line end.
    delimiter, point : int
        Codes of the byte between fields and of the decimal sign. `RUNS` is a delimiter, too: any number of blanks and
        tabs, which count for nothing at the beginning and the end of a line.
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
    odd : int64, shape (`odd_room`, 6)
        Cells and lines for a second look: row (from 0; -1 less the rows before, for a bad line), column (fields found),
        start, stop, code, line (from 0). Within a batch they come column by column.
    scratch : int64, shape (`scratch_room`,)

    Returns
    -------
    position, rows, lines, odd cells : ints
        Where it stopped, rows and lines taken (bad and blank ones are lines too), entries in `odd`.

    Raises
    ------
    ValueError
        When there is less room around the text: a loop would read beyond the array.
    """
    if start < FRONT or stop + BACK > data.size:
        raise ValueError("too little room around the text")
    columns = kinds.size
    most = scratch.size - np.int64(ENDS) - SPARE
    row = line = found = returns = np.int64(0)
    batch_rows = np.int64(BATCH_ROWS)
    entries = np.int64(2 if delimiter < 0 else 1)  # of a field, among the positions
    position = start
    while position < stop and row < row_limit and found + most < odd.shape[0]:
        rows = np.int64(0)
        width = columns
        batch_start = position
        wanted = min(batch_rows, row_limit - row, most // (entries * (columns + 1)))
        if delimiter != BLANK and delimiter >= 0 and columns > 1:
            count, newlines = separators(
                data, position, stop, delimiter, wanted * (columns + trailing_delimiter), scratch
            )
            rows, returns = regular_rows(data, count, newlines, columns, scratch)
            if rows == 0 and trailing_delimiter:
                width = columns + 1
                rows, returns = regular_rows(data, count, newlines, width, scratch)
                for r in range(rows):
                    end = ENDS + U(r * width + width)
                    begin, end = trimmed(data, scratch[end - U(1)] + 1, scratch[end])
                    if begin < end:
                        rows = r
                        break
            # Irregular lines among the regular ones: look less far ahead.
            cut = rows < min(wanted, count // width)
            batch_rows = max(batch_rows // 2, np.int64(FEWEST_BATCH_ROWS)) if cut else np.int64(BATCH_ROWS)
            rows = min(rows, wanted)
        if rows > 0:
            position = scratch[ENDS + U(rows * width)] + 1
        else:
            closed = delimiter < 0  # then fields end where they end
            if closed:
                width, rows, position = split_runs(
                    data, position, stop, BLANK if delimiter == RUNS else TAB, columns, wanted, scratch
                )
            else:
                width, rows, position = split_lines(data, position, stop, delimiter, columns, wanted, scratch)
            if width == columns + 1 and trailing_delimiter and not closed:
                begin, end = trimmed(data, scratch[ENDS + U(columns)] + 1, scratch[ENDS + U(width)])
                closed = begin == end
                width -= closed
            if width == 0 or width > columns or width < fewest_fields:
                if width > 0:
                    found = add_odd(batch_start, position - 1, -1 - row, width, line, odd, found)
                    odd[found - 1, CODE] = BAD_FIELD_COUNT
                line += 1
                continue
            returns = np.int64(0)
            if not closed:  # where it is, the last field of the one line ends at a delimiter
                rows, returns = regular_rows(data, rows * width, rows, width, scratch)
                position = scratch[ENDS + U(rows * width)] + 1
        place = first_row + row
        for column in range(columns):
            if column >= width:  # one short line
                found = add_odd(position - 1, position - 1, row, column, line, odd, found)
                continue
            first, step = ENDS + U(entries * column), U(entries * width)
            ending = returns if column == width - 1 else np.int64(0)
            kind, slot = kinds[column], slots[column]
            all_done = False
            if kind == INTEGER:
                all_done = _integers(data, first, step, rows, ending, scratch, ints[slot, place : place + rows])
            elif kind == FLOAT:
                values = floats[slot, place : place + rows]
                all_done = _decimals(data, first, step, rows, ending, point, scratch, values)
            elif kind != TEXT:
                values_ns = ints[slot, place : place + rows]
                all_done = date_times(data, first, step, rows, ending, kind, scratch, values_ns)
            if all_done:
                continue
            nuls = kind == TEXT and has_nul(data, batch_start, position)
            for r in range(rows):
                done = kind != TEXT and scratch[POWERS + U(r)] != NO_NUMBER
                if done:
                    continue
                field = first + U(r) * step
                begin, end = trimmed(data, scratch[field] + 1, scratch[field + U(1)])
                if begin < end and data[U(begin)] == QUOTE:
                    begin, end = within_quotes(data, begin, end)
                    if kind != TEXT:
                        begin, end = trimmed(data, begin, end)
                if kind == TEXT:
                    spans[2 * slot, row + r] = begin
                    spans[2 * slot + 1, row + r] = end
                    done = begin < end and data[U(begin)] != QUOTE and not (nuls and has_nul(data, begin, end))
                if not done:
                    found = add_odd(begin, end, row + r, column, line + r, odd, found)
        row += rows
        line += rows
    return position, row, line, found
