"""Durations and moments as people write them, in nanoseconds.

``"2min"``, ``"500ms"``, a number of seconds and a `timedelta` are durations; ``"2022-03-14 12:05"``, a `datetime`
without a zone and an integer of ns since 1970 are moments. All become exact integers, as the times in the files are.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, TypeAlias

from ...io.cells import datetime_ns
from ...io.errors import InputError

__all__ = ["Duration", "Moment", "duration_ns", "moment_ns"]

Duration: TypeAlias = str | float | timedelta
"""What `duration_ns` takes."""
Moment: TypeAlias = str | int | datetime
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
    if exact is None or abs(exact) > LONGEST_NS:
        raise InputError(f"{name} should be a duration like '2min', '500ms' or a number of seconds, not {value!r}")
    if least_ns is not None and exact < least_ns:
        raise InputError(f"{name} should be {'above 0' if least_ns > 0 else '0 or more'}, not {value!r}")
    return exact


def moment_ns(value: Any, name: str) -> int:
    """A moment in ns since 1970, wall clock.

    Parameters
    ----------
    value : str, datetime without a zone, or int
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
        When it is no moment.

    Examples
    --------
    >>> moment_ns("1970-01-02 00:00:01", "begin")
    86401000000000
    """
    if isinstance(value, datetime) and value.tzinfo is None:
        return (value - datetime(1970, 1, 1)) // timedelta(microseconds=1) * 1000
    if isinstance(value, str) and (known := datetime_ns(value)) is not None:
        return known
    if hasattr(value, "__index__") and not isinstance(value, bool):
        return int(value)
    raise InputError(
        f"{name} should be a moment like '2022-03-14 12:05:00', a datetime without zone or ns since 1970, not {value!r}"
    )
