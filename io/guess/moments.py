"""Times in a table that nobody described: the order of dates, and which column counts since when.

Numbers are times only where a column says so by its name *and* its numbers are moments of this age, in one of the
epochs that programs count from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ...kernels.units import DAY_NS, SECOND_NS
from .. import cells
from ..cells import DateOrder, Notation
from ..column import Column, Kind
from ..times import ColumnTime, DateAndTime, TimeRule
from .lines import AGREEMENT
from .shapes import by_shape

__all__ = ["Order", "Times", "order_of", "times_of"]

NUMBERS = re.compile(r"\s*(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
"""A date that does not say which number is the day."""
HALF_OF_DAY = re.compile(r"\d\s*[ap]\.?m\.?\b", re.IGNORECASE)
LAST_DAY, LAST_MONTH = 31, 12
NAMES_OF_TIMES = re.compile(
    r"(^|[^a-z])(date ?time|time ?stamp|time|date|stamp|epoch|unix( ?time)?|clock|t|zeit(stempel)?|datum|uhrzeit|heure"
    r"|fecha|hora)([^a-z]|$)|時刻|時間|日時|日付",
    re.IGNORECASE,
)
"""Of columns, without their units: a time tag or a lifetime is no moment."""
UNIT = re.compile(r"[\s(\[_/]\s*(ps|ns|us|µs|μs|ms|s|sec|secs|seconds|min|h|hours|d|days?)\s*[)\]]?\s*$", re.IGNORECASE)
SECONDS = {"ps": 0, "ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 10**6, "min": 0, "h": 0, "hours": 0} | {
    **dict.fromkeys(("s", "sec", "secs", "seconds"), SECOND_NS),
    **dict.fromkeys(("d", "day", "days"), DAY_NS),
}
"""Nanoseconds of the units that programs count moments in; 0 for those that they do not."""
FROM_S, UNTIL_S = 946_684_800, 2_208_988_800
"""Counts since 1970 are times from 2000 to 2040."""
LABVIEW_NS = 2_082_844_800 * SECOND_NS
"""From 1904, where LabVIEW counts from, to 1970."""
EXCEL_NS = 25_569 * DAY_NS
"""From day 0 of Excel, 1899-12-30, to 1970."""


EARLIEST_NS, LATEST_NS = 1e17, 2.0**63
"""Between which counts of nanoseconds are times, where the column says that it is nanoseconds: from 1973 on."""
DIGITS_OF_DAYS = 4
"""Behind the point, at least: a ten-thousandth of a day is nine seconds."""


class Epoch(NamedTuple):
    """A way in which programs count time."""

    said: str
    unit_ns: int
    before_ns: int = 0
    """From where it counts to 1970."""


EPOCHS = (
    Epoch("seconds since 1970 (Unix)", SECOND_NS),
    Epoch("seconds since 1904 (LabVIEW)", SECOND_NS, LABVIEW_NS),
    Epoch("milliseconds since 1970", SECOND_NS // 1000),
    Epoch("milliseconds since 1904 (LabVIEW)", SECOND_NS // 1000, LABVIEW_NS),
    Epoch("microseconds since 1970", 1000),
    Epoch("nanoseconds since 1970", 1),
    Epoch("days since 1899-12-30 (Excel)", DAY_NS, EXCEL_NS),
)


class Order(NamedTuple):
    """The order in which dates are written."""

    dates: DateOrder
    remark: str = ""
    """A sentence, where nothing in the file decides."""


def order_of(table: Sequence[Sequence[str]]) -> Order:
    """Find the order of dates, by a number that can be no month, by the one that changes, or by AM and PM.

    Parameters
    ----------
    table : sequence of sequences of str
        The cells of each column.

    Examples
    --------
    >>> from utokyo.io.guess.moments import order_of
    >>> order_of([["05/09/2023", "05/13/2023"]]).dates, order_of([["09-05-2023 11:20:05"]]).dates
    ('mdy', 'dmy')
    """
    dates = [alike for column in table for shape, alike in by_shape(column).items() if NUMBERS.match(shape)]
    found = [match for alike in dates for cell in alike if (match := NUMBERS.match(cell))]
    if not found:
        return Order("")
    first, second, last = ([int(match[k]) for match in found] for k in (1, 3, 4))
    long_year = sum(len(match[4]) == 4 for match in found) > len(found) / 2
    if max(first) > LAST_DAY and not long_year:
        return Order("ymd")
    if max(second) > LAST_MONTH:
        return Order("mdy")
    if max(first) > LAST_MONTH:
        return Order("dmy")
    if len(set(second)) > 1 and len(set(first)) == 1:  # days change first
        return Order("mdy")
    if not long_year and len(set(last)) > 1 and len(set(first)) == 1 and len(set(second)) == 1:
        return Order("ymd")
    if len(set(first)) > 1 and len(set(second)) == 1:
        return Order("dmy")
    sign = found[0][2]
    if sign == "/" and any(HALF_OF_DAY.search(cell) for column in table for cell in column):
        return Order("mdy")
    if sign == ".":
        return Order("dmy")
    shown = found[0][0].strip()
    return Order("dmy", f"'{shown}' is taken for day, month, year; nothing in the file decides, time_format= does")


class Times(NamedTuple):
    """How rows get their times."""

    rule: TimeRule | None = None
    mandatory: tuple[str, ...] = ()
    """Columns that must not be empty for it."""
    remark: str = ""
    """A sentence, where numbers were taken for times."""
    zone: str = ""
    """Behind the first time, as it is written."""


def times_of(columns: Sequence[Column], table: Sequence[Sequence[str]], notation: Notation, wanted: str = "") -> Times:
    """Find the first rule that the columns allow: counts since an epoch, a date and time, or a date beside a time.

    Parameters
    ----------
    columns : sequence of Column
    table : sequence of sequences of str
        The cells of each column.
    notation : Notation
        How numbers are written.
    wanted : str
        The column that the user names; empty to find it.

    Examples
    --------
    >>> from utokyo import Column, Kind
    >>> from utokyo.io.cells import Notation
    >>> from utokyo.io.guess.moments import times_of
    >>> times_of([Column("Timestamp", Kind.INTEGER)], [["3766476005"]], Notation()).remark
    "column 'Timestamp' is taken for seconds since 1904 (LabVIEW)"
    >>> times_of([Column("timestamp", Kind.INTEGER)], [["420000000"]], Notation()).rule is None  # a counter
    True
    """
    asked = [c for c in columns if not wanted or c.name == wanted]

    def first(*kinds: Kind) -> str | None:
        return next((c.name for c in asked if c.kind in kinds), None)

    for column, found in zip(columns, table, strict=True):
        numeric = column.kind in {Kind.INTEGER, Kind.FLOAT}
        if (
            numeric
            and column in asked
            and (wanted or NAMES_OF_TIMES.search(UNIT.sub("", column.name).replace("_", " ")))
        ):
            epoch = _epoch(found, column, notation)
            if epoch is not None:
                rule = ColumnTime(column.name, epoch.unit_ns, epoch.before_ns)
                return Times(rule, (column.name,), f"column {column.name!r} is taken for {epoch.said}")
    moment = first(Kind.DATETIME)
    if moment is not None:
        place = next(i for i, c in enumerate(columns) if c.name == moment)
        alike = by_shape(table[place]).values()
        zone = next((zone for first_cell, *_ in alike if (zone := cells.time_zone(first_cell))), "")
        return Times(ColumnTime(moment), (moment,), zone=zone)
    date, clock = first(Kind.DATE), next((c.name for c in columns if c.kind is Kind.TIME), None)
    if date is not None and clock is not None:
        return Times(DateAndTime(date, clock), (date, clock))
    return Times(ColumnTime(date), (date,)) if date is not None else Times()


def _epoch(found: Sequence[str], column: Column, notation: Notation) -> Epoch | None:
    """Since when a column counts; None where that is no time of today."""
    values = [value for cell in found if (value := cells.cell_value(cell, column.kind, notation)) is not None]
    given = UNIT.search(column.name)
    unit_ns = SECONDS.get(given[1].lower()) if given else None
    for epoch in EPOCHS:
        if unit_ns is not None and unit_ns != epoch.unit_ns:
            continue
        low, high = ((s * SECOND_NS + epoch.before_ns) / epoch.unit_ns for s in (FROM_S, UNTIL_S))
        if unit_ns == 1:  # that is said clearly enough
            low, high = EARLIEST_NS, LATEST_NS
        inside = sum(low <= value < high for value in values)
        if inside > AGREEMENT * len(values):
            return epoch if epoch.unit_ns != DAY_NS or _are_days(found, values) else None
    return None


def _are_days(found: Sequence[str], values: Sequence[float]) -> bool:
    """Whether numbers are days with a time of day, and no seconds since the start of something."""
    digits = sorted(len(cell.strip().strip('"').replace(",", ".").partition(".")[2]) for cell in found)
    steps = sorted(abs(b - a) for a, b in pairwise(values))
    return digits[len(digits) // 2] >= DIGITS_OF_DAYS and (not steps or steps[len(steps) // 2] < 1.0)
