"""Dates and times along x: the first label has the day, and every one at which the day changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator
from matplotlib.ticker import Formatter

__all__ = ["DayAndTime", "set_dates"]

EPOCH = datetime(1970, 1, 1)
DAY_S = 86_400.0


class DayAndTime(Formatter):
    r"""Labels of times: hours and minutes, with the day below the first that is seen, and below the first of each day.

    Seconds, and parts of them, are written where ticks are so close.

    Examples
    --------
    >>> labels = DayAndTime().format_ticks([19252.99, 19253.0, 19253.01])
    >>> [label.replace("\n", " ") for label in labels]
    ['23:45:36 2022-09-17', '00:00:00 2022-09-18', '00:14:24']
    """

    def __call__(self, x: float, pos: int | None = None) -> str:
        """One moment, for the cursor."""
        del pos
        return f"{_moment(x):%Y-%m-%d %H:%M:%S}"

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """The labels of all ticks; those outside of the axis are not looked at by anyone."""
        moments = [_moment(value) for value in values]
        low, high = self._view()
        apart_s = min(((b - a).total_seconds() for a, b in pairwise(moments)), default=60.0)
        day = None
        labels = []
        for value, moment in zip(values, moments, strict=True):
            label = _clock(moment, apart_s, any(m.second or m.microsecond for m in moments))
            if low <= value <= high and moment.date() != day:
                day = moment.date()
                label = f"{label}\n{day}".lstrip("\n")
            labels.append(label)
        return labels

    def _view(self) -> tuple[float, float]:
        """What is seen of the axis; all, while there is none."""
        if self.axis is None:
            return float("-inf"), float("inf")
        low, high = sorted(self.axis.get_view_interval())
        room = 1e-9 * (high - low)
        return low - room, high + room


def set_dates(axes: Sequence[Axes], *, fewest: int = 3, most: int = 7) -> None:
    """Dates and times along x.

    Parameters
    ----------
    axes : sequence of Axes
        Whose x are days since 1970, or numpy's datetimes.
    fewest, most : int
        How many ticks.
    """
    for one in axes:
        one.xaxis.set_major_locator(AutoDateLocator(minticks=fewest, maxticks=most))  # type: ignore[no-untyped-call]
        one.xaxis.set_major_formatter(DayAndTime())


def _moment(days: float) -> datetime:
    return EPOCH + timedelta(microseconds=round(days * DAY_S * 1e3) * 1000)


def _clock(moment: datetime, apart_s: float, seconds: bool) -> str:
    if apart_s >= DAY_S and not (moment.hour or moment.minute):
        return ""
    if apart_s < 1.0:
        return f"{moment:%H:%M:%S.%f}"[:-3]
    return f"{moment:%H:%M:%S}" if seconds else f"{moment:%H:%M}"
