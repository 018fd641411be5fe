"""How a row gets its time.

A time rule computes the timestamps of new rows from their columns and the metadata of the header. Timestamps are Int64
nanoseconds of wall-clock time since 1970-01-01, without a zone. Rules are frozen dataclasses: a format is data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..kernels.times import elapsed_ns, rounded_ns
from ..kernels.units import DAY_NS
from . import cells

__all__ = ["ROW_BY_ROW", "ColumnTime", "DateAndTime", "Elapsed", "TimeOfDay", "TimeRule"]

Columns = Callable[[str], NDArray[np.int64] | NDArray[np.float64]]
Times = NDArray[np.int64]
Metadata = Mapping[str, str | int | float]
LATEST_NS = 9.2e18
"""Of times that 64 bits hold."""


class TimeRule(Protocol):
    """A way in which rows get their times.

    Examples
    --------
    A rule of one's own is a frozen dataclass with this method: here for a column of days since 1970.

    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from utokyo.io.times import ColumnTime
    >>> DAY_NS = 86_400_000_000_000
    >>> @dataclass(frozen=True)
    ... class DayNumber:
    ...     column: str
    ...     def timestamps_ns(self, column, metadata, previous_ns=None, *, out=None):
    ...         return np.multiply(column(self.column), DAY_NS, out=out)
    >>> DayNumber("day").timestamps_ns({"day": np.array([19065])}.get, {})
    array([1647216000000000000])
    """

    def timestamps_ns(
        self, column: Columns, metadata: Metadata, previous_ns: int | None = None, *, out: Times | None = None
    ) -> Times:
        """Times of rows.

        Parameters
        ----------
        column : callable
            ``column(name)`` gives the values of these rows: int64 (times in ns) or float64.
        metadata : mapping
            Of the file's header.
        previous_ns : int, optional
            Time of the row before these.
        out : int64 array, optional
            Where to put them.

        Raises
        ------
        ValueError
            With a sentence, when the metadata lacks what the rule needs.
        """
        ...


@dataclass(frozen=True)
class ColumnTime:
    """The time stands in one column: of date and time, or of numbers since an epoch, as programs and tables have them.

    Parameters
    ----------
    column : str
        Its name.
    unit_ns : int
        Nanoseconds of one count, for numbers.
    before_ns : int
        From where they count to 1970, ns: 2082844800e9 for LabVIEW, which counts from 1904.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo.io.times import ColumnTime
    >>> ColumnTime("timestamp", unit_ns=1_000_000).timestamps_ns({"timestamp": np.array([1647252000123])}.get, {})
    array([1647252000123000000])
    """

    column: str
    unit_ns: int = 1
    before_ns: int = 0

    def __repr__(self) -> str:
        unit = f", unit_ns={self.unit_ns}" if self.unit_ns != 1 else ""
        before = f", before_ns={self.before_ns}" if self.before_ns else ""
        return f"ColumnTime(column={self.column!r}{unit}{before})"

    def timestamps_ns(
        self, column: Columns, metadata: Metadata, previous_ns: int | None = None, *, out: Times | None = None
    ) -> Times:
        """Take the column as it is, or count from the epoch."""
        del metadata, previous_ns
        counts = column(self.column)
        if counts.dtype == np.int64:
            if out is not None and self.unit_ns == 1 and not self.before_ns:
                out[:] = counts
                return out
            times = np.multiply(counts, np.int64(self.unit_ns), out=out)
            return np.subtract(times, np.int64(self.before_ns), out=times) if self.before_ns else times
        return _rounded_times(counts, self.unit_ns, self.before_ns, out)


@dataclass(frozen=True)
class DateAndTime:
    """Date and time stand in two columns.

    Parameters
    ----------
    date, time : str
        Their names.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo.io.times import DateAndTime
    >>> columns = {"Date": np.array([86_400_000_000_000]), "Time": np.array([1_500_000_000])}
    >>> DateAndTime("Date", "Time").timestamps_ns(columns.get, {})
    array([86401500000000])
    """

    date: str
    time: str

    def timestamps_ns(
        self, column: Columns, metadata: Metadata, previous_ns: int | None = None, *, out: Times | None = None
    ) -> Times:
        """Add the time of day to the date."""
        del metadata, previous_ns
        return np.add(column(self.date), column(self.time), out=out)


@dataclass(frozen=True)
class TimeOfDay:
    """A column holds the time of day; the day is known from elsewhere, and a step back over midnight is the next day.

    Parameters
    ----------
    column : str
        Its name.
    day_ns : int
        Midnight of the first row's day, ns since 1970.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo.io.times import TimeOfDay
    >>> hour_ns = 3_600_000_000_000
    >>> times = TimeOfDay("t", day_ns=0).timestamps_ns({"t": np.array([23, 1]) * hour_ns}.get, {})
    >>> (times // hour_ns).tolist()  # over midnight
    [23, 25]
    """

    column: str
    day_ns: int

    def timestamps_ns(
        self, column: Columns, metadata: Metadata, previous_ns: int | None = None, *, out: Times | None = None
    ) -> Times:
        """Add the day of the row before, and a day at every midnight since."""
        del metadata
        times = np.asarray(column(self.column), dtype=np.int64)
        before = self.day_ns if previous_ns is None else previous_ns
        time_before = times[:1] if previous_ns is None else before % DAY_NS
        # Only a step back by more than half a day is midnight: logs also repeat or swap neighbouring lines.
        midnights = np.cumsum(np.diff(times, prepend=time_before) < -DAY_NS // 2)
        days: Times = before // DAY_NS * DAY_NS + midnights * DAY_NS
        return np.add(times, days, out=out)


@dataclass(frozen=True)
class Elapsed:
    """A column counts from a start that stands in the header.

    Parameters
    ----------
    column : str
        Integer or float counts.
    start_keys : tuple of str
        Keys of the header whose values, joined by a blank, are the start.
    unit_s : float, optional
        Seconds of one count; None takes it from `unit_key`.
    unit_key : str, optional
        Key of the header that holds the seconds of one count.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo.io.times import Elapsed
    >>> rule = Elapsed("ticks", start_keys=("StartDate", "StartTime"), unit_s=1e-6)
    >>> metadata = {"StartDate": "2022/03/14", "StartTime": "10:00:00"}
    >>> rule.timestamps_ns({"ticks": np.array([0, 1_500_000])}.get, metadata)
    array([1647252000000000000, 1647252001500000000])
    """

    column: str
    start_keys: tuple[str, ...]
    unit_s: float | None = None
    unit_key: str | None = None

    def start_ns(self, metadata: Metadata) -> int:
        """When counting began, ns since 1970.

        Raises
        ------
        ValueError
            With a sentence, when the header holds no date and time.
        """
        text = " ".join(str(metadata.get(key, "")) for key in self.start_keys)
        start = _moment_ns(text)
        if start is None:
            raise ValueError(f"{' and '.join(self.start_keys)} should be a date and a time, not {text.strip()!r}")
        return start

    def unit_ns(self, metadata: Metadata) -> int:
        """Nanoseconds of one count, rounded."""
        return round(self._unit_s(metadata) * 1e9)

    def _unit_s(self, metadata: Metadata) -> float:
        if self.unit_s is not None:
            return self.unit_s
        given = metadata.get(self.unit_key or "")
        if not isinstance(given, int | float) or not 0.0 < given < np.inf:
            raise ValueError(f"{self.unit_key} should be the seconds of one count, not {given!r}")
        return float(given)

    def timestamps_ns(
        self, column: Columns, metadata: Metadata, previous_ns: int | None = None, *, out: Times | None = None
    ) -> Times:
        """Add the counts, in ns, to the start: exactly where both are integers."""
        del previous_ns
        unit_ns = self._unit_s(metadata) * 1e9
        counts = column(self.column)
        if counts.dtype == np.int64 and round(unit_ns) >= 1 and abs(unit_ns - round(unit_ns)) < 1e-6 * unit_ns:
            times: Times = np.empty(counts.size, np.int64) if out is None else out
            elapsed_ns(counts.view(np.int64), round(unit_ns), self.start_ns(metadata), times)
            return times
        rounded: Times = np.rint(counts * unit_ns).astype(np.int64)
        return np.add(rounded, np.int64(self.start_ns(metadata)), out=out)


@lru_cache(1 << 6)
def _moment_ns(text: str) -> int | None:
    """The start of a file, which is asked for at each look."""
    return cells.datetime_ns(text)


def _rounded_times(counts: NDArray[Any], unit_ns: int, before_ns: int, out: Times | None) -> Times:
    """Decimals of a unit since an epoch: whole units exactly, their parts to what a double can hold of them."""
    grain_ns = 1000 if unit_ns < DAY_NS else 1_000_000
    times: Times = np.empty(counts.size, np.int64) if out is None else out
    rounded_ns(np.ascontiguousarray(counts, np.float64), unit_ns, before_ns, grain_ns, LATEST_NS / unit_ns, times)
    return times


ROW_BY_ROW = (ColumnTime, DateAndTime, Elapsed)
"""Rules that do not ask for the row before, so that several threads may compute times side by side."""
