"""One cell of text to its value, by Python's own rules.

The kernels read the common cells; what they are not sure of comes here, and so do the few values of a header. `None`
means that the text is no value of that kind. Wall-clock times are nanoseconds since 1970-01-01, without a zone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from ..kernels.text import cells as kinds
from ..kernels.units import DAY_NS, SECOND_NS
from .quotes import unquoted

__all__ = [
    "THOUSANDS",
    "DateOrder",
    "Notation",
    "as_number",
    "cell_value",
    "datetime_ns",
    "time_of_day_ns",
    "time_zone",
]

DateOrder = Literal["", "dmy", "mdy", "ymd"]
INT64_MAX = 2**63 - 1
MOST_DIGITS = 100
"""Of an integer, leading zeros included: Python reads no more than some thousands."""
INTEGER_TEXT = re.compile(r"[+-]?[0-9]+")
FLOAT_TEXT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE)
WINDOWS_SPECIAL = {"1.#QNAN": "nan", "1.#SNAN": "nan", "1.#IND": "nan", "1.#INF": "inf"}
"""How the C library of Windows writes what is not a number."""
YEAR_FIRST = re.compile(r"(?P<y>\d{4})[/.-](?P<m>\d{1,2})[/.-](?P<d>\d{1,2})(?!\d)")
DAY_FIRST = re.compile(r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})(?!\d)")
MONTH_BY_NAME = re.compile(r"(?P<d>\d{1,2})\.?[ ./-](?P<m>[A-Za-z]{3,9})[ ./,-]{1,2}(?P<y>\d{4}|\d{2})(?!\d)")
IN_ORDER = {
    "dmy": re.compile(r"(?P<d>\d{1,2})[/.-](?P<m>\d{1,2})[/.-](?P<y>\d{4}|\d{2})(?!\d)"),
    "mdy": re.compile(r"(?P<m>\d{1,2})[/.-](?P<d>\d{1,2})[/.-](?P<y>\d{4}|\d{2})(?!\d)"),
    "ymd": re.compile(r"(?P<y>\d{2})[/.-](?P<m>\d{1,2})[/.-](?P<d>\d{1,2})(?!\d)"),
}
"""Dates that tell which number is the day only by the order in which a file writes them."""
MONTHS = {
    name: number
    for number, names in enumerate(
        ["jan", "feb", "mar|mrz|mär", "apr", "may|mai", "jun", "jul", "aug", "sep", "oct|okt", "nov", "dec|dez"],
        start=1,
    )
    for name in names.split("|")
}
LAST_CENTURY_FROM = 69
"""Years of two digits from here on are those of 1900, as POSIX has it."""
CLOCK = re.compile(
    r"(?P<H>\d{1,2}):(?P<M>\d{2})(:(?P<S>\d{2})([.,](?P<f>\d{1,9})\d*|:(?P<ms>\d{3}))?)?"
    r"(\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
)
CLOCK_BEHIND_DATE = re.compile(r"(\d{1,2})([.-])(\d{2})\2(\d{2})(?=$|[.,]\d+$)")
"""Which signs are between hours, minutes and seconds, where a date before them says that they are these."""
WEEKDAY = re.compile(r"(mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+", re.IGNORECASE)
MONTH_FIRST = re.compile(r"(?P<m>[A-Za-z]{3,9})\.? +(?P<d>\d{1,2}),? +(?P<y>\d{4})(?!\d)")
YEAR_LAST = re.compile(r"([A-Za-z]{3,9} +\d{1,2}) +(\d{1,2}:\d{2}:\d{2}) +(\d{4})")
"""As the C library writes times: `May  9 11:20:05 2023`."""
IN_JAPANESE = re.compile(r"(\d{2,4})年\s*(\d{1,2})月\s*(\d{1,2})日")
CLOCK_IN_JAPANESE = re.compile(r"(午前|午後)?\s*(\d{1,2})[時:](\d{1,2})[分:]?((\d{1,2})([.,]\d+)?秒?)?$")
BASIC = re.compile(r"(\d{4})(\d{2})(\d{2})[T_](\d{2})(\d{2})(?:(\d{2})([.,]\d+)?)?")
"""The basic form of ISO 8601, and of names of files: ``20240314T100000``."""
CLOCK_FIRST = re.compile(
    r"(?P<clock>\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp]\.?[Mm]\.?)?),? +(?P<date>\d{1,4}([/.-])\d{1,2}\6\d{2,4})$"
)
"""As LabVIEW writes times that nobody formatted: ``10:00:00 AM 3/14/2024``."""
DATE_IN_FORMAT, CLOCK_IN_FORMAT = re.compile(r"%-?[djyYxcbBmU]"), re.compile(r"%-?[HIMSfpXc]")
"""What formats of times say of the day, and of the time of day."""
ZONE = re.compile(r"(?P<zone>Z|UTC|GMT|JST|[+-]\d{2}(:?\d{2})?)$")
THOUSANDS = ",.'\u2019 \u00a0\u202f"
"""What stands between groups of three digits: also the apostrophe of printers, and blanks that do not break."""
GROUPS = {sign: rf"[+-]?\d{{1,3}}({re.escape(sign)}\d{{3}})+" for sign in THOUSANDS}
"""Whole numbers in groups of three digits, by the sign between the groups."""


@dataclass(frozen=True)
class Notation:
    """How a file writes numbers and dates.

    Parameters
    ----------
    decimal : str
        The decimal sign, ``.`` or ``,``.
    thousands : str
        What stands between groups of three digits; empty where nothing does.
    dates : {"", "dmy", "mdy", "ymd"}
        The order of dates that do not begin with a year of four digits: ``09-05-2023``. Without, only ``09.05.2023``
        is such a date, and begins with the day.
    time_format : str
        Of dates and times that nothing else reads, as `datetime.datetime.strptime` has it.

    Examples
    --------
    >>> from utokyo import Kind
    >>> from utokyo.io.cells import Notation, cell_value
    >>> cell_value("1.003,5", Kind.FLOAT, Notation(decimal=",", thousands="."))
    1003.5
    >>> cell_value("05/13/23", Kind.DATE, Notation(dates="mdy")) == cell_value("2023-05-13", Kind.DATE)
    True
    """

    decimal: str = "."
    thousands: str = ""
    dates: DateOrder = ""
    time_format: str = ""


PLAIN = Notation()


def cell_value(cell: str, kind: int, notation: Notation = PLAIN) -> int | float | None:
    """Value of a cell of a number or a time; None where it is none.

    Parameters
    ----------
    cell : str
        The text, with or without quotes.
    kind : int
        A `Kind` other than TEXT.
    notation : Notation
        How the file writes numbers and dates.

    Returns
    -------
    int, float or None
        Times in ns: since 1970 for a date (and time), since midnight for a time of day.

    Examples
    --------
    >>> from utokyo import Kind
    >>> from utokyo.io.cells import Notation, cell_value
    >>> cell_value("1,5e-3", Kind.FLOAT, Notation(decimal=",")), cell_value("12a", Kind.INTEGER)
    (0.0015, None)
    >>> cell_value("1970/01/02", Kind.DATE)
    86400000000000
    """
    cell = cell.strip()
    if cell[:1] == '"':
        cell = unquoted(cell).strip()
    match kind:
        case kinds.INTEGER:
            cell = _without_groups(cell, notation)
            value = int(cell) if len(cell) <= MOST_DIGITS and INTEGER_TEXT.fullmatch(cell) else None
            return value if value is not None and -INT64_MAX - 1 <= value <= INT64_MAX else None
        case kinds.FLOAT:
            cell = _without_groups(cell, notation)
            if notation.decimal != ".":
                if "." in cell and "#" not in cell:  # a sign between groups, or a mistake
                    return None
                cell = cell.replace(notation.decimal, ".")
            return _float(cell)
        case kinds.DATETIME:
            return datetime_ns(cell, notation)
        case kinds.DATE:
            found = _date_in(cell, notation)
            if found and found.end() == len(cell):
                return _day_ns(found)
            return None if CLOCK_IN_FORMAT.search(notation.time_format) else _strptime_ns(cell, notation)
        case _:
            moment = time_of_day_ns(cell)
            if moment is not None or DATE_IN_FORMAT.search(notation.time_format):
                return moment
            return _strptime_ns(cell, notation)


def datetime_ns(cell: str, notation: Notation = PLAIN) -> int | None:
    """Wall-clock time of ``2022/03/14 10:07:54.5``, ``15.03.2022, 08:46:39.387`` and the like, or of a date alone.

    A time zone behind it is passed over: the wall clock is what counts here.

    Examples
    --------
    >>> from utokyo.io.cells import datetime_ns
    >>> datetime_ns("1970/01/01 00:00:01.5"), datetime_ns("02.01.1970, 00:00"), datetime_ns("2022-02-30")
    (1500000000, 86400000000000, None)
    >>> datetime_ns("1970-01-01T00:00:02+09:00"), datetime_ns("1 Jan 1970 01:00 AM")
    (2000000000, 3600000000000)
    """
    cell = _in_digits(cell.strip())
    found = _date_in(cell, notation)
    if found is None:
        return _strptime_ns(cell, notation) if DATE_IN_FORMAT.search(notation.time_format) else None
    day, rest = _day_ns(found), cell[found.end() :].lstrip(", T_").strip()
    rest = CLOCK_BEHIND_DATE.sub(r"\1:\3:\4", rest[1:] if rest[:1] == "-" else rest)
    moment = time_of_day_ns(ZONE.sub("", rest)) if rest else 0
    if day is None or moment is None:
        return _strptime_ns(cell, notation)
    return day + moment


def time_zone(cell: str) -> str:
    """The time zone behind a date and time, as it is written; empty where there is none.

    Examples
    --------
    >>> from utokyo.io.cells import time_zone
    >>> time_zone("2023-05-09T11:20:05+09:00"), time_zone("2023-05-09 11:20:05")
    ('+09:00', '')
    """
    clock, zone = cell.strip().rpartition(":")[0], ZONE.search(cell.strip())
    return zone["zone"] if clock and zone else ""


def time_of_day_ns(cell: str) -> int | None:
    """Nanoseconds since midnight of ``14:30:52``, ``14:30:52.5`` or ``02:30 PM``.

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
    if found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (found["half"] in "pP")
    if hour > 23 or minute > 59 or second > 59:
        return None
    return ((hour * 60 + minute) * 60 + second) * SECOND_NS + int((found["f"] or found["ms"] or "0").ljust(9, "0"))


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


def _without_groups(cell: str, notation: Notation) -> str:
    """A number without the signs between groups of three digits, where the groups are whole."""
    sign = notation.thousands
    if not sign or sign not in cell:
        return cell
    whole = re.match(GROUPS[sign], cell)
    if whole is None or cell[whole.end() : whole.end() + 1].isdigit() or sign in cell[whole.end() :]:
        return cell
    return whole[0].replace(sign, "") + cell[whole.end() :]


def _float(cell: str) -> float | None:
    if FLOAT_TEXT.fullmatch(cell):
        return float(cell)
    special = WINDOWS_SPECIAL.get(cell.lstrip("+-").upper().rstrip("0"))
    if special is None:
        return None
    return float(("-" if cell.startswith("-") else "") + special)


def date_first(cell: str) -> str:
    """A moment whose date stands before its time of day.

    Examples
    --------
    >>> from utokyo.io.cells import date_first
    >>> date_first("10:00:00 AM 3/14/2024"), date_first("14.03.2024 10:00")
    ('3/14/2024 10:00:00 AM', '14.03.2024 10:00')
    """
    return CLOCK_FIRST.sub(r"\g<date> \g<clock>", cell)


def _in_digits(cell: str) -> str:
    """A moment without its weekday, its year before the time, and the signs of Japanese as others write them."""
    if cell[:1].isdigit() and cell.isascii():
        basic = BASIC.match(cell)
        if basic is None:
            return date_first(cell)
        year, month, day, hour, minute, second, fraction = basic.groups()
        return f"{year}-{month}-{day} {hour}:{minute}:{second or '00'}{fraction or ''}{cell[basic.end() :]}"
    if cell[:1].isalpha():
        return YEAR_LAST.sub(r"\1 \3 \2", WEEKDAY.sub("", cell, count=1))
    if cell.isascii() or ((found := IN_JAPANESE.match(cell)) is None and "午" not in cell):
        return cell
    date = "-".join(found.groups()) if found else cell.split(" ", maxsplit=1)[0]
    rest = cell[found.end() if found else len(date) :].strip()
    clock = CLOCK_IN_JAPANESE.match(rest)
    if clock is None:
        return f"{date} {rest}"
    half = {"午前": " AM", "午後": " PM"}.get(clock[1] or "", "")
    hour = f"{int(clock[2]) or 12 * bool(half):02d}"  # 午後 0 時 is noon
    return f"{date} {hour}:{int(clock[3]):02d}:{int(clock[5] or 0):02d}{clock[6] or ''}{half}"


def _date_in(cell: str, notation: Notation) -> re.Match[str] | None:
    """The date with which a cell begins."""
    found = YEAR_FIRST.match(cell) or MONTH_BY_NAME.match(cell) or MONTH_FIRST.match(cell)
    if found is None:
        found = (IN_ORDER[notation.dates] if notation.dates else DAY_FIRST).match(cell)
    return found


def _day_ns(found: re.Match[str]) -> int | None:
    year, month = int(found["y"]), found["m"]
    if len(found["y"]) == 2:
        year += 1900 if year >= LAST_CENTURY_FROM else 2000
    number = int(month) if month.isdigit() else MONTHS.get(month[:3].lower(), 0)
    try:
        day = date(year, number, int(found["d"]))
    except ValueError:  # the 31st of February
        return None
    return (day - datetime(1970, 1, 1).date()).days * DAY_NS if 1970 <= day.year <= 2261 else None


def _strptime_ns(cell: str, notation: Notation) -> int | None:
    """A moment in the format that the user gave."""
    if not notation.time_format:
        return None
    try:
        found = datetime.strptime(cell, notation.time_format)
    except ValueError:
        return None
    wall = found.replace(tzinfo=None)
    origin = datetime(1970, 1, 1) if DATE_IN_FORMAT.search(notation.time_format) else datetime(1900, 1, 1)
    since = wall - origin
    return (since.days * 86_400 + since.seconds) * SECOND_NS + since.microseconds * 1000
