"""Times in a table that nobody described: the order of dates, and which column counts since when.

Numbers are times only where a column says so by its name *and* its numbers are moments of this age, in one of the
epochs that programs count from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

from ...kernels.units import DAY_NS, SECOND_NS
from .. import cells
from ..cells import DateOrder, Notation
from ..column import Column, Kind
from ..errors import LONGEST_CELL, shortened
from ..times import ColumnTime, DateAndTime, TimeRule
from .kinds import MOMENTS, kind_of
from .lines import AGREEMENT
from .shapes import by_shape

__all__ = ["Order", "Times", "kind_in", "order_in", "order_of", "times_of"]

NUMBERS = re.compile(r"\s*(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
"""A date that does not say which number is the day."""
HALF_OF_DAY = re.compile(r"\d\s*[ap]\.?m\.?\b", re.IGNORECASE)
LAST_DAY, LAST_MONTH = 31, 12
FIRST_YEAR = 15
"""Years of two digits before 2015 are rather days, where both can be."""
Places = tuple[int, int, int]
PLACES: Mapping[DateOrder, Places] = MappingProxyType({"dmy": (0, 1, 2), "mdy": (1, 0, 2), "ymd": (2, 1, 0)})
"""Where day, month and year stand in a date."""
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


FEWEST_DIGITS = 4
"""Of a text that may be a time."""
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


ORDERS: dict[str, DateOrder] = {"dmy": "dmy", "mdy": "mdy", "ymd": "ymd"}


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
    shapes = [(cells.date_first(shape), alike) for column in table for shape, alike in by_shape(column).items()]
    dates = [alike for shape, alike in shapes if NUMBERS.match(shape)]
    found = [match for alike in dates for cell in alike if (match := NUMBERS.match(cells.date_first(cell)))]
    if not found:
        return Order("")
    numbers = [[int(match[k]) for match in found] for k in (1, 3, 4)]
    long_year = sum(len(match[4]) == 4 for match in found) > len(found) / 2
    possible = _possible_orders(numbers, PLACES if not long_year else {k: v for k, v in PLACES.items() if k != "ymd"})
    # Days change before years do.
    distinct = [len(set(place)) for place in numbers]
    possible = [order for order in possible if distinct[PLACES[order][2]] <= distinct[PLACES[order][0]]] or possible
    if len(possible) == 1:
        return Order(possible[0])
    changing = max(range(3), key=distinct.__getitem__)
    by_days = [order for order in possible if PLACES[order][0] == changing and distinct[changing] > 1]
    if by_days and all(distinct[PLACES[order][2]] == 1 for order in by_days):
        return Order(by_days[0])
    sign, shown = found[0][2], found[0][0].strip()
    if sign == "/" and "mdy" in possible and any(HALF_OF_DAY.search(cell) for column in table for cell in column):
        return Order("mdy")
    if sign == "." and "dmy" in possible:
        return Order("dmy")
    recent = [order for order in possible if min(numbers[PLACES[order][2]]) >= (0 if long_year else FIRST_YEAR)]
    taken = next(iter(recent or possible))
    words = ", ".join(("day", "month", "year")["dmy".index(letter)] for letter in taken)
    return Order(taken, f"'{shown}' is taken for {words}; nothing in the file decides, time_format= does")


def _possible_orders(numbers: Sequence[Sequence[int]], places: Mapping[DateOrder, Places]) -> list[DateOrder]:
    """The orders by which most of the dates are days of a year."""
    fits = dict.fromkeys(places, 0)
    for order, (day, month, _) in places.items():
        dates = zip(numbers[day], numbers[month], strict=True)
        fits[order] = sum(0 < of_month <= LAST_DAY and 0 < of_year <= LAST_MONTH for of_month, of_year in dates)
    return [order for order in places if fits[order] == max(fits.values())]


def order_in(time_format: str) -> Order | None:
    """The order of dates that a format of times says; None where it says none.

    Examples
    --------
    >>> from utokyo.io.guess.moments import order_in
    >>> order_in("%m/%d/%Y %I:%M %p"), order_in("%Y-%m-%d")
    (Order(dates='mdy', remark=''), None)
    """
    signs = re.findall(r"%([dmyY])", time_format)
    order = ORDERS.get("".join(signs).replace("Y", "y")) if signs[:1] != ["Y"] else None
    return None if order is None else Order(order)


def kind_in(time_format: str) -> Kind:
    """What a format of times says: a date, a time of day, or both.

    Examples
    --------
    >>> from utokyo.io.guess.moments import kind_in
    >>> kind_in("%Y%m%d%H%M%S"), kind_in("%Hh%M")
    (<Kind.DATETIME: 2>, <Kind.TIME: 4>)
    """
    has_clock = cells.CLOCK_IN_FORMAT.search(time_format) is not None
    if cells.DATE_IN_FORMAT.search(time_format) is None:
        return Kind.TIME
    return Kind.DATETIME if has_clock else Kind.DATE


class Times(NamedTuple):
    """How rows get their times."""

    rule: TimeRule | None = None
    mandatory: tuple[str, ...] = ()
    """Columns that must not be empty for it."""
    remarks: tuple[str, ...] = ()
    """Sentences on what was taken for times."""
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
    >>> times_of([Column("Timestamp", Kind.INTEGER)], [["3766476005"]], Notation()).remarks
    ("column 'Timestamp' is taken for seconds since 1904 (LabVIEW)",)
    >>> times_of([Column("timestamp", Kind.INTEGER)], [["420000000"]], Notation()).rule is None  # a counter
    True
    """
    asked = [i for i, c in enumerate(columns) if not wanted or c.name == wanted]
    for i in asked:
        column = columns[i]
        if column.kind in {Kind.INTEGER, Kind.FLOAT} and (wanted or _is_named_as_time(column)):
            epoch = _epoch(table[i], column, notation)
            if epoch is not None:
                rule = ColumnTime(column.name, epoch.unit_ns, epoch.before_ns)
                return Times(rule, (column.name,), (f"column {column.name!r} is taken for {epoch.said}",))
    moments = [i for i in asked if columns[i].kind is Kind.DATETIME]
    if moments:
        place, remark = _likeliest(moments, columns, table)
        name = columns[place].name
        zones = dict.fromkeys(zone for cell in table[place] if (zone := cells.time_zone(cell)))
        if zones:
            said = " and ".join(map(repr, zones))
            remark = (*remark, f"column {name!r} has the zone {said}; times are the wall clock as it is written")
        return Times(ColumnTime(name), (name,), remark, next(iter(zones), ""))
    clocks = [i for i, c in enumerate(columns) if c.kind is Kind.TIME]
    dates = [i for i in asked if columns[i].kind is Kind.DATE]
    if wanted and set(asked) & set(clocks):  # a time of day, which has its day beside it
        clocks, dates = asked, [i for i, c in enumerate(columns) if c.kind is Kind.DATE]
    if not dates:
        return Times(remarks=() if wanted else _unknown_times(columns, table, notation))
    date, remark = _likeliest(dates, columns, table)
    if not clocks:
        return Times(ColumnTime(columns[date].name), (columns[date].name,), remark)
    clock, also = (date + 1, ()) if date + 1 in clocks else _likeliest(clocks, columns, table)
    names = columns[date].name, columns[clock].name
    return Times(DateAndTime(*names), names, (*remark, *also))


def _is_named_as_time(column: Column) -> bool:
    return NAMES_OF_TIMES.search(UNIT.sub("", column.name).replace("_", " ")) is not None


def _likeliest(
    places: Sequence[int], columns: Sequence[Column], table: Sequence[Sequence[str]]
) -> tuple[int, tuple[str, ...]]:
    """Of several columns of times that of the rows, which changes and is called a time; what is said of the others."""
    changing = [i for i in places if len(set(table[i])) > 1] or list(places)
    named = [i for i in changing if _is_named_as_time(columns[i])] or changing
    if len(places) == 1:
        return places[0], ()
    others = " and ".join(repr(columns[i].name) for i in places if i != named[0])
    return named[0], (f"column {columns[named[0]].name!r} is taken for the time of rows, not {others}; time= decides",)


def _unknown_times(columns: Sequence[Column], table: Sequence[Sequence[str]], notation: Notation) -> tuple[str, ...]:
    """A sentence on a column that is called a time and holds text with digits, which is no time that is known."""
    for column, found in zip(columns, table, strict=True):
        if column.kind is not Kind.TEXT or not _is_named_as_time(column):
            continue
        kinds = {cell: kind_of(cell, notation) for cell in found}
        times = next((cell for cell, kind in kinds.items() if kind in MOMENTS), "")
        texts = [cell for cell, kind in kinds.items() if kind is Kind.TEXT]
        if times and texts:
            said = f"column {column.name!r} holds {shortened(texts[0], LONGEST_CELL)!r} beside {times!r}"
            return (f"{said}; where too many are no times, it is text, and rows have no times",)
        shown = next((cell for cell in texts if sum(letter.isdigit() for letter in cell) >= FEWEST_DIGITS), "")
        if shown:
            said = f"column {column.name!r}: {shortened(shown, LONGEST_CELL)!r} is no time that is known"
            return (f"{said}, so rows have no times; time_format= says how it is written",)
    return ()


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
