"""The rows of a join: consecutive intervals, the readings of one source, or the bursts of its pulses.

A row is a moment, at which states are taken, and an interval, in which readings are counted and averaged. When data
after some moment have changed, each kind of rows returns only the rows that depend on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import polars as pl

from ...kernels.units import DAY_NS
from ..fits.bursts.fitted import Fits, fit_bursts, with_fits
from ..fits.bursts.search import BurstSearch
from ..options.durations import duration_text
from ..options.sentences import OptionError
from .source import JoinSource
from .values import Edges, JoinRows

__all__ = ["Bursts", "Intervals", "Moments", "Rows"]

MOST_ROWS = 50_000_000
BURST_COLUMNS = {
    "timestamp_error_ns": "ns",
    "apex_ns": "ns",
    "valid": "",
    "significance": "sigma",
    "pulses_peak": "",
    "pulses_peak_error": "",
    "pulses_counted": "",
    "background_Hz": "Hz",
    "background_error_Hz": "Hz",
    "onset_ns": "ns",
    "end_ns": "ns",
    "open": "",
}
TIMES = {"timestamp": pl.Int64, "begin_ns": pl.Int64, "end_ns": pl.Int64}

Between = tuple[int | None, int | None]


class Rows(Protocol):
    """A kind of rows of a join."""

    def since(self, changed_ns: int, known_ns: pl.Series) -> tuple[int, JoinRows]:
        """Rows that are new, or depend on data that have changed.

        Parameters
        ----------
        changed_ns : int
            Earliest time of the data that have changed, ns since 1970.
        known_ns : polars.Series
            Moments of the rows so far, ns since 1970.

        Returns
        -------
        kept : int
            Number of first rows that are unchanged.
        rows : JoinRows
            All rows after them.
        """
        ...


class Intervals:
    """One row for each of consecutive intervals of one length, from the first reading of any source to the last.

    Parameters
    ----------
    sources : sequence of JoinSource
    every_ns : int
    between : (int or None, int or None)
        Begin and end in ns. The first interval begins at `begin`; without it, intervals begin at multiples of their
        length since 1970.

    Raises
    ------
    OptionError
        When they are more than anybody can look at; `since` raises it, too.
    """

    def __init__(self, sources: Sequence[JoinSource], every_ns: int, between: Between) -> None:
        self.sources = sources
        self.every_ns = every_ns
        self.between = begin, end = between
        if begin is not None and end is not None:
            self._check_count(end - begin, "between holds")

    def since(self, changed_ns: int, known_ns: pl.Series) -> tuple[int, JoinRows]:
        """As `Rows` says."""
        length_ns = self.every_ns
        firsts = [s.first_ns for s in self.sources if s.first_ns is not None]
        lasts = [s.last_ns for s in self.sources if s.last_ns is not None]
        begin, end = self.between
        if not firsts and (begin is None or end is None):
            begins = np.empty(0, np.int64)
            return 0, JoinRows(begins, Edges(begins), Edges(begins), length_ns)
        phase = 0 if begin is None else begin % length_ns
        first = (min(firsts) - phase) // length_ns * length_ns + phase if begin is None else begin
        stop = max(lasts) + 1 if end is None else end
        touched = max(first, (changed_ns - phase) // length_ns * length_ns + phase)
        whole = max(0, -((first - stop) // length_ns))
        kept = min(max(0, (touched - first) // length_ns), known_ns.len(), whole)
        if known_ns.len() and int(known_ns[0]) != first:
            kept = 0
        self._check_count(stop - first, "the sources span")
        begins = np.arange(first + kept * length_ns, stop, length_ns, dtype=np.int64)
        return kept, JoinRows(begins, Edges(begins), Edges(begins, length_ns), length_ns)

    def _check_count(self, span_ns: int, what: str) -> None:
        if span_ns // self.every_ns <= MOST_ROWS:
            return
        least = duration_text(-(-span_ns // MOST_ROWS))
        raise OptionError(
            f"{what} {span_ns / DAY_NS:.3g} days, which are more than {MOST_ROWS:,} intervals of "
            f"{duration_text(self.every_ns)}: every should be {least} or longer, or give between a shorter time",
            "every",
        )


class Moments:
    """One row for each reading of a source, with the interval around it.

    Parameters
    ----------
    source : JoinSource
    window_ns : int
        Length of the interval, ns; the reading is in its middle.
    between : (int or None, int or None)
    """

    def __init__(self, source: JoinSource, window_ns: int, between: Between) -> None:
        self.source = source
        self.before_ns = window_ns // 2
        self.after_ns = window_ns - self.before_ns
        self.between = between

    def since(self, changed_ns: int, known_ns: pl.Series) -> tuple[int, JoinRows]:
        """As `Rows` says."""
        times, offset_ns = self.source.times_ns, self.source.offset_ns
        begin, end = self.between
        first = 0 if begin is None else int(np.searchsorted(times, begin - offset_ns))
        stop = times.size if end is None else int(np.searchsorted(times, end - offset_ns))
        # A row depends on the change if its interval ends after it: time + after > changed.
        touched = int(np.searchsorted(times, changed_ns - self.after_ns - offset_ns, side="right"))
        kept = min(max(0, touched - first), known_ns.len())
        if kept and int(known_ns[kept - 1]) != int(times[first + kept - 1]) + offset_ns:
            kept = 0
        moments = times[first + kept : max(stop, first + kept)]
        moments = moments + offset_ns if offset_ns else moments
        return kept, JoinRows(moments, Edges(moments, -self.before_ns), Edges(moments, self.after_ns))


class Bursts:
    """One row for each burst of a source of pulses: its time, by the fit, and the interval from onset to end.

    Parameters
    ----------
    source : JoinSource
        A source of pulses.
    false_alarms_per_hour : float
        As for `find_bursts`.
    between : (int or None, int or None)
    """

    def __init__(self, source: JoinSource, false_alarms_per_hour: float, between: Between) -> None:
        self.source = source
        self.between = between
        self.false_alarms_per_hour = false_alarms_per_hour
        self._search = BurstSearch(false_alarms_per_hour=false_alarms_per_hour)
        self._fed = 0
        self._fits: Fits = {}
        self._before = pl.DataFrame(schema=TIMES)

    def since(self, changed_ns: int, known_ns: pl.Series) -> tuple[int, JoinRows]:
        """See `Rows`; the search continues with the new pulses, and may change its last bursts."""
        if self.source.unchanged < self._fed:
            self._search, self._fed, self._fits = BurstSearch(false_alarms_per_hour=self.false_alarms_per_hour), 0, {}
        self._search.feed(self.source.times_ns[self._fed :])
        self._fed = self.source.times_ns.size
        rows = self._rows()
        same = _same_first_rows(self._before, rows)
        self._before = rows
        untouched = ((rows["end_ns"] <= changed_ns) & (rows["timestamp"] < changed_ns)).to_numpy()
        kept = min(same, known_ns.len(), int(np.argmin(untouched)) if not untouched.all() else rows.height)
        moments, begins, ends, *others = rows.slice(kept).get_columns()
        edges = Edges(begins.to_numpy()), Edges(ends.to_numpy())
        return kept, JoinRows(moments.to_numpy(), *edges, columns=tuple(others))

    def _rows(self) -> pl.DataFrame:
        offset_ns, name = self.source.offset_ns, self.source.name
        bursts, dead_time_s = self._search.bursts, self.source.dead_time_s
        self._fits = fit_bursts(self.source.times_ns, bursts, self._fits, dead_time_s=dead_time_s)
        are_moments = [c.endswith("_ns") and not c.endswith("_error_ns") for c in BURST_COLUMNS]
        moved = [pl.col(c) + offset_ns if m else pl.col(c) for c, m in zip(BURST_COLUMNS, are_moments, strict=True)]
        rows = with_fits(bursts, self._fits).select(
            (pl.col("timestamp_ns") + offset_ns).alias("timestamp"),
            (pl.col("onset_ns") + offset_ns).alias("begin_ns"),
            (pl.col("end_ns") + offset_ns).alias("end_ns"),
            *(e.alias(f"{name}.{c}") for e, c in zip(moved, BURST_COLUMNS, strict=True)),
        )
        begin, end = self.between
        stamps = pl.col("timestamp")
        return rows.filter(
            stamps >= (begin if begin is not None else pl.lit(-(2**62))), stamps < (end if end is not None else 2**62)
        )


def _same_first_rows(before: pl.DataFrame, now: pl.DataFrame) -> int:
    rows = min(before.height, now.height) if before.schema == now.schema else 0
    same = 0
    while same < rows and before.row(same) == now.row(same):
        same += 1
    return same
