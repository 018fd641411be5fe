"""One cell of text to its value, by Python's own rules.

The kernels read the common cells; what they are not sure of comes here, and so do the few values of a header. `None`
means that the text is no value of that kind. Wall-clock times are nanoseconds since 1970-01-01, without a zone.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import cache

from ..kernels.text import cells as kinds
from ..kernels.units import DAY_NS, SECOND_NS

__all__ = [
    "BLANKS",
    "as_number",
    "cell_value",
    "datetime_ns",
    "has_open_quote",
    "split_line",
    "time_of_day_ns",
    "unquoted",
]

BLANKS = " \t"
"""In the place of a delimiter: any number of blanks and tabs."""

INT64_MAX = 2**63 - 1
MOST_DIGITS = 100
"""Of an integer, leading zeros included: Python reads no more than some thousands."""
INTEGER_TEXT = re.compile(r"[+-]?[0-9]+")
FLOAT_TEXT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE)
WINDOWS_SPECIAL = {"1.#QNAN": "nan", "1.#SNAN": "nan", "1.#IND": "nan", "1.#INF": "inf"}
"""How the C library of Windows writes what is not a number."""
RUN_OF_BLANKS = re.compile(r"[ \t\r]+")
YEAR_FIRST = re.compile(r"(?P<y>\d{4})[/.-](?P<m>\d{1,2})[/.-](?P<d>\d{1,2})")
DAY_FIRST = re.compile(r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})")
CLOCK = re.compile(r"(?P<H>\d{1,2}):(?P<M>\d{2})(:(?P<S>\d{2})([.,](?P<f>\d{1,9}))?)?")


def unquoted(cell: str) -> str:
    """The cell without its quotes and the blanks around it.

    Examples
    --------
    >>> from utokyo.io.cells import unquoted
    >>> unquoted(' "a ""b"", c" ')
    'a "b", c'
    """
    cell = cell.rstrip(" \r").lstrip(" ")
    if len(cell) >= 2 and cell[0] == cell[-1] == '"':
        return cell[1:-1].replace('""', '"')
    return cell


def split_line(line: str, delimiter: str) -> list[str]:
    """The cells of one line, without quotes, as the kernels find them.

    A quote begins a quoted cell where the cell begins, blanks apart, and nowhere else. One that is not closed is a
    letter like others.

    Parameters
    ----------
    line : str
        Without its end.
    delimiter : str
        One character, or `BLANKS`.

    Examples
    --------
    >>> from utokyo.io.cells import BLANKS, split_line
    >>> split_line('1, "a, ""b"" c",5" pipe,', ","), split_line('1,"a,2', ",")
    (['1', 'a, "b" c', '5" pipe', ''], ['1', '"a', '2'])
    >>> split_line("  1.0   2.0 ", BLANKS)
    ['1.0', '2.0']
    """
    if '"' in line:
        spans, is_open = _spans(line, delimiter)
        if not is_open:
            return [unquoted(line[start:stop]) for start, stop in spans]
    found = [cell for cell in RUN_OF_BLANKS.split(line) if cell] if delimiter == BLANKS else line.split(delimiter)
    return [unquoted(cell) if '"' in cell else cell for cell in found]


def has_open_quote(line: str, delimiter: str) -> bool:
    """Whether a cell of one line begins with a quote that is not closed.

    Examples
    --------
    >>> from utokyo.io.cells import has_open_quote
    >>> has_open_quote('1,"a,2', ","), has_open_quote('1,"a",5" pipe', ",")
    (True, False)
    """
    return '"' in line and _spans(line, delimiter)[1]


def _spans(line: str, delimiter: str) -> tuple[list[tuple[int, int]], bool]:
    """Where the cells of one line stand, with their quotes; and whether a quote is not closed."""
    pattern = _pattern_of_cell(delimiter)
    spans = []
    is_open = False
    start = 0
    while start <= len(line):
        found = pattern.match(line, start)
        assert found is not None  # it may be empty
        if delimiter != BLANKS or found["cell"]:
            spans.append(found.span("cell"))
        is_open |= found["open"] is not None
        start = found.end() + 1
    return spans, is_open


@cache
def _pattern_of_cell(delimiter: str) -> re.Pattern[str]:
    """A cell, after the blanks before it, up to the next delimiter or the end of the line."""
    signs = re.escape(delimiter) + ("\r" if delimiter == BLANKS else "")
    before = "" if delimiter == " " else f"[{signs}]*" if delimiter == BLANKS else " *"
    return re.compile(rf'{before}(?P<cell>"(?:[^"]|"")*+(?:"[^{signs}]*|(?P<open>\Z))|[^{signs}]*)')


def cell_value(cell: str, kind: int, decimal: str = ".") -> int | float | None:
    """Value of a cell of a number or a time; None where it is none.

    Parameters
    ----------
    cell : str
        The text, with or without quotes.
    kind : int
        A `Kind` other than TEXT.
    decimal : str
        The decimal sign.

    Returns
    -------
    int, float or None
        Times in ns: since 1970 for a date (and time), since midnight for a time of day.

    Examples
    --------
    >>> from utokyo import Kind
    >>> from utokyo.io.cells import cell_value
    >>> cell_value("1,5e-3", Kind.FLOAT, decimal=","), cell_value("12a", Kind.INTEGER)
    (0.0015, None)
    >>> cell_value("1970/01/02", Kind.DATE)
    86400000000000
    """
    cell = cell.strip()
    if cell[:1] == '"':
        cell = unquoted(cell).strip()
    match kind:
        case kinds.INTEGER:
            value = int(cell) if len(cell) <= MOST_DIGITS and INTEGER_TEXT.fullmatch(cell) else None
            return value if value is not None and -INT64_MAX - 1 <= value <= INT64_MAX else None
        case kinds.FLOAT:
            return _float(cell.replace(decimal, ".") if decimal != "." else cell)
        case kinds.DATETIME:
            return datetime_ns(cell)
        case kinds.DATE:
            found = YEAR_FIRST.fullmatch(cell) or DAY_FIRST.fullmatch(cell)
            return _day_ns(found) if found else None
        case _:
            return time_of_day_ns(cell)


def datetime_ns(cell: str) -> int | None:
    """Wall-clock time of ``2022/03/14 10:07:54.5``, ``15.03.2022, 08:46:39.387`` and the like, or of a date alone.

    Examples
    --------
    >>> from utokyo.io.cells import datetime_ns
    >>> datetime_ns("1970/01/01 00:00:01.5"), datetime_ns("02.01.1970, 00:00"), datetime_ns("2022-02-30")
    (1500000000, 86400000000000, None)
    """
    cell = cell.strip()
    found = YEAR_FIRST.match(cell) or DAY_FIRST.match(cell)
    if found is None:
        return None
    day, rest = _day_ns(found), cell[found.end() :].lstrip(", T").strip()
    moment = time_of_day_ns(rest) if rest else 0
    return None if day is None or moment is None else day + moment


def time_of_day_ns(cell: str) -> int | None:
    """Nanoseconds since midnight of ``14:30:52`` or ``14:30:52.5``.

    Examples
    --------
    >>> from utokyo.io.cells import time_of_day_ns
    >>> time_of_day_ns("00:01:00.25"), time_of_day_ns("24:00:00")
    (60250000000, None)
    """
    found = CLOCK.fullmatch(cell.strip())
    if found is None:
        return None
    hour, minute, second = int(found["H"]), int(found["M"]), int(found["S"] or 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return ((hour * 60 + minute) * 60 + second) * SECOND_NS + int((found["f"] or "0").ljust(9, "0"))


def as_number(value: str) -> str | int | float:
    """A header's value as a number where it is one and says no more than that.

    Examples
    --------
    >>> from utokyo.io.cells import as_number
    >>> as_number("12"), as_number("1e-6"), as_number("007"), as_number("WE7562")
    (12, 1e-06, '007', 'WE7562')
    """
    if len(value) > MOST_DIGITS:
        return value
    if INTEGER_TEXT.fullmatch(value) and str(int(value)) == value.lstrip("+"):
        return int(value)
    if FLOAT_TEXT.fullmatch(value) and not INTEGER_TEXT.fullmatch(value) and value[:1] in "+-.0123456789":
        return float(value)
    return value


def _float(cell: str) -> float | None:
    if FLOAT_TEXT.fullmatch(cell):
        return float(cell)
    special = WINDOWS_SPECIAL.get(cell.lstrip("+-").upper().rstrip("0"))
    if special is None:
        return None
    return float(("-" if cell.startswith("-") else "") + special)


def _day_ns(found: re.Match[str]) -> int | None:
    try:
        day = date(int(found["y"]), int(found["m"]), int(found["d"]))
    except ValueError:  # the 31st of February
        return None
    return (day - datetime(1970, 1, 1).date()).days * DAY_NS if 1970 <= day.year <= 2261 else None
