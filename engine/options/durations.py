"""Durations and moments as people write them, in nanoseconds.

``"2min"``, ``"500ms"``, a number of seconds and a `timedelta` are durations; ``"2022-03-14 12:05"``, a `datetime`
without a zone and an integer of ns since 1970 are moments. All become exact integers, as the times in the files are.
"""

from __future__ import annotations

import logging
import math
import re
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, TypeAlias

from ...io.cells import datetime_ns
from ...io.errors import InputError
from .sentences import in_toml, shown

__all__ = ["Duration", "Moment", "duration_ns", "duration_text", "moment_ns", "wall_clock"]

log = logging.getLogger("utokyo")

Duration: TypeAlias = str | float | timedelta
"""What `duration_ns` takes."""
Moment: TypeAlias = str | int | date
"""What `moment_ns` takes."""

UNITS_NS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "min": 60_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}
WRITTEN = re.compile(r"\s*([-+]?\d+(?:\.\d+)?)\s*(ns|us|ms|s|min|m|h|d)\s*")
LONGEST_NS = 100 * 366 * UNITS_NS["d"]
"""A century: a longer duration is a mistake."""
FIRST_NS, LAST_NS = -(2**63), 2**63 - 1
"""Moments that 64 bits hold."""


def duration_ns(value: Duration, name: str, *, least_ns: int | None = None) -> int:
    """A duration in ns.

    Parameters
    ----------
    value : str, number or timedelta
        ``"2min"``, ``"500ms"``; a number is one of seconds.
    name : str
        Of the option, for the sentence that refuses it.
    least_ns : int, optional
        The shortest that makes sense.

    Returns
    -------
    int
        Nanoseconds.

    Raises
    ------
    InputError
        When it is no duration, too short, or longer than a century.

    Examples
    --------
    >>> duration_ns("1.5ms", "merge_within"), duration_ns(2, "merge_within")
    (1500000, 2000000000)
    """
    exact: int | None = None
    if isinstance(value, timedelta):
        exact = value // timedelta(microseconds=1) * 1000
    elif isinstance(value, str) and (found := WRITTEN.fullmatch(value)):
        exact = round(Fraction(found[1]) * UNITS_NS[found[2]])
    elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        exact = round(Fraction(value) * UNITS_NS["s"])
    if exact is None:
        wanted = "a duration like '2min', '500ms' or a number of seconds"
        raise InputError(f"{name} should be {wanted}, not {shown(value)}")
    if abs(exact) > LONGEST_NS:
        raise InputError(f"{name} should be {duration_text(LONGEST_NS)} at most, not {shown(value)}")
    if least_ns is not None and exact < least_ns:
        least = {0: "0 or more", 1: "above 0"}.get(least_ns, f"{least_ns}ns or more")
        wanted = f"{least} and at most {duration_text(LONGEST_NS)}" if least_ns > 0 else least
        raise InputError(f"{name} should be {wanted}, not {shown(value)}")
    return exact


def duration_text(duration: int) -> str:
    """A duration in ns as a text that says it, rounded up to a tenth of its unit.

    Examples
    --------
    >>> duration_text(2_592_001), duration_text(60_000_000_000)
    ('2.6ms', '1min')
    """
    unit = max((unit for unit in UNITS_NS if UNITS_NS[unit] <= duration and unit != "m"), key=UNITS_NS.__getitem__)
    return f"{math.ceil(Fraction(10 * duration, UNITS_NS[unit])) / 10:g}{unit}"


def moment_ns(value: Any, name: str) -> int:
    """A moment in ns since 1970, wall clock.

    Parameters
    ----------
    value : str, date, datetime without a zone, or int
        ``"2022-03-14 12:05:00"``; a whole number is one of ns since 1970.
    name : str
        Of the option, for the sentence that refuses it.

    Returns
    -------
    int
        Nanoseconds.

    Raises
    ------
    InputError
        When it is no moment, or one that 64 bits do not hold.

    Examples
    --------
    >>> moment_ns("1970-01-02 00:00:01", "begin")
    86401000000000
    """
    known: int | None = None
    if isinstance(value, datetime) and value.tzinfo is None:
        known = (value - datetime(1970, 1, 1)) // timedelta(microseconds=1) * 1000
    elif isinstance(value, date) and not isinstance(value, datetime):
        known = (value - date(1970, 1, 1)).days * UNITS_NS["d"]
    elif isinstance(value, str):
        known = datetime_ns(value)
    elif hasattr(value, "__index__") and not isinstance(value, bool):
        known = int(value)
    if known is None:
        kinds = "2022-03-14T12:05:00" if in_toml() else "a datetime without zone"
        raise InputError(
            f"{name} should be a moment like '2022-03-14 12:05:00', {kinds} or ns since 1970, not {shown(value)}"
        )
    if not FIRST_NS <= known <= LAST_NS:
        raise InputError(f"{name} should lie between the years 1678 and 2262, unlike {shown(value)}")
    return known


def wall_clock(value: Any, name: str) -> Any:
    """A moment of a TOML file, which may have a zone, as the clocks of the PCs show it: without one.

    Times in the files of the experiment have no zone, so that nobody can convert to theirs: the moment is taken as it
    is written, and a warning says so.
    """
    if not isinstance(value, datetime) or value.tzinfo is None:
        return value
    taken = value.replace(tzinfo=None)
    log.warning("%s: times in the files have no zone; %s is taken as %s", name, shown(value), taken.isoformat(" "))
    return taken
