"""All sources on one time axis: a row for each burst, image or interval, a column for each quantity of a source.

States (coil, heater) have the last value before the end of the interval of a row, or null when it is older than the
tolerance. Currents and pressures are means over the interval with their standard errors; pulses are counted in it. The
quantities of each kind of source are declared by its recorder; their values are computed in `values`. Since pulse times
are sorted, counting needs only the places of the edges of the intervals: the time for 1e8 pulses is proportional to the
number of intervals.

`JoinedTable` keeps rows that do not depend on new data, so that an update takes time only for the new rows. Promise:
its table is the one that `join` would make of the same files, however they grew.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from html import escape
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from ...io.errors import InputError
from ..options.durations import duration_ns
from ..options.sentences import option
from ..options.settings import signature_with
from .files import write_joined
from .options import JoinSettings, Sources, check_source, sources_of
from .rows import BURST_COLUMNS, Bursts, Intervals, Moments, Rows
from .source import JoinSource
from .values import JoinRows, column_of

__all__ = ["JoinedTable", "join"]

MOST_CHUNKS = 64
FEW_ROWS = 10_000
"""Fewest rows for which threads save time."""
EVERYTHING, NOTHING = -(2**62), 2**62
"""Times before and after all data: all rows, or none, are to be computed again."""


T = TypeVar("T", bound=Callable[..., Any])


def _with_options(taker: T) -> T:
    """Add the options of a join to the signature of a function or class."""
    function = taker.__init__ if isinstance(taker, type) else taker  # type: ignore[misc]
    taker.__signature__ = signature_with(function, JoinSettings)  # type: ignore[attr-defined]
    return taker


@_with_options
class JoinedTable:
    """A join of growing sources: `update` computes only the rows that depend on new readings.

    Parameters
    ----------
    recorders, settings, **options
        As for `join`.

    Attributes
    ----------
    frame : polars.DataFrame
        The table as of the last update; empty before the first.

    Raises
    ------
    InputError
        As `join`.

    Examples
    --------
    >>> from utokyo import StaticRecorder
    >>> table = JoinedTable({"ssd": StaticRecorder({"timestamp": [0, 10**9]})}, every="1s")
    >>> table.update(), table.units["ssd.rate_Hz"]
    (2, 'Hz')
    >>> table
    JoinedTable(ssd: a row each 1s, 2 so far)
    """

    def __init__(self, recorders: Sources, *, settings: JoinSettings | None = None, **options: Any) -> None:
        self.settings = JoinSettings.of(settings, _given(options), "join")
        self._sources = sources_of(recorders, self.settings)
        self.limits = self.settings.limits_ns
        self._extra_units: dict[str, str] = {}
        self._rows = self._rows_asked_for()
        self._lock = threading.Lock()
        self._changed_ns = EVERYTHING
        self.frame = pl.DataFrame(schema={"timestamp": pl.Int64, "datetime": pl.Datetime("ns")})

    def __repr__(self) -> str:
        rows = "a row each " + (f"{self.settings.every}" if self.settings.on is None else f"of {self.settings.on}")
        return f"JoinedTable({', '.join(self._sources)}: {rows}, {self.frame.height} so far)"

    def _repr_html_(self) -> str:
        """The table with the units of its columns, for a notebook."""
        units = ", ".join(f"{escape(name)} ({escape(unit)})" for name, unit in self.units.items() if unit)
        return f"<p><b>{escape(repr(self))}</b></p>{self.frame._repr_html_()}" + (f"<p>{units}</p>" if units else "")

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources."""
        return tuple(self._sources)

    @property
    def joined_sources(self) -> tuple[JoinSource, ...]:
        """The sources, in the state of the last update."""
        return tuple(self._sources.values())

    @property
    def units(self) -> dict[str, str]:
        """Unit of every column; empty where there is none, or it is not known from the file."""
        units = {"timestamp": "ns", "datetime": ""} | self._extra_units
        for source in self._sources.values():
            units |= source.units
        return {name: units.get(name, "") for name in self.frame.columns}

    @property
    def clock_offsets_ns(self) -> dict[str, int]:
        """Sum of the offsets, ns, that recorder and join add to the times of the file of each source."""
        return {name: source.clock_offset_ns for name, source in self._sources.items()}

    def update(self, progress: Callable[[float], None] | None = None) -> int:
        """Read new data, and bring the table up to date.

        Parameters
        ----------
        progress : callable, optional
            Called with the fraction that is done, from 0 to 1.

        Returns
        -------
        int
            Number of rows that are new or were computed again.

        Raises
        ------
        InputError
            When a source cannot be read; the table stays as it was.
        """
        with self._lock:
            report = progress or _say_nothing
            for number, source in enumerate(self._sources.values(), start=1):
                changed_ns = source.look()
                if changed_ns is not None:
                    self._changed_ns = min(self._changed_ns, changed_ns)
                report(0.8 * number / len(self._sources))
            if self._changed_ns == NOTHING:
                report(1.0)
                return 0
            known_ns = self.frame["timestamp"]
            kept, rows = self._rows.since(self._changed_ns, known_ns)
            if not rows.count and kept == known_ns.len() and kept and self._columns == self.frame.columns:
                return self._completed(0, report)
            new = self._new_rows(rows)
            if kept and new.schema != self.frame.schema:
                # A source is new, or its columns have changed: all rows are computed again.
                kept, rows = self._rows.since(EVERYTHING, known_ns.clear())
                new = self._new_rows(rows)
            self.frame = _appended(self.frame, kept, new)
            return self._completed(new.height, report)

    def write(self, path: str | Path) -> Path:
        """Write the table to a ``.parquet`` file, with units and clock offsets, or to a ``.csv`` file, without them."""
        return write_joined(self.frame, path, units=self.units, clock_offsets_ns=self.clock_offsets_ns)

    def _rows_asked_for(self) -> Rows:
        """The kind of rows, from the options `on` and `every`."""
        settings, limits, on = self.settings, self.limits, self.settings.on
        if (on is None) == (settings.every is None):
            row_a_reading, row_an_interval = option("on", "ssd"), option("every", "1s")
            raise InputError(
                f"join takes {row_a_reading} (a row a burst, an image, a reading) or {row_an_interval}: one of them"
            )
        if on is None:
            return Intervals(list(self._sources.values()), duration_ns(settings.every or 0, "every"), limits)
        check_source("on", on, on, self._sources)
        if self._sources[on].kind.has_bursts:
            self._extra_units = {f"{on}.{name}": unit for name, unit in BURST_COLUMNS.items()}
            return Bursts(self._sources[on], settings.false_alarms_per_hour, limits)
        return Moments(self._sources[on], duration_ns(settings.window, "window"), limits)

    def _completed(self, rows: int, report: Callable[[float], None]) -> int:
        self._changed_ns = NOTHING
        for source in self._sources.values():
            source.note_joined()
        report(1.0)
        return rows

    @property
    def _columns(self) -> list[str]:
        """Names of the columns of a join of the sources in their present state."""
        return [
            "timestamp",
            "datetime",
            *self._extra_units,
            *chain.from_iterable(s.units for s in self._sources.values()),
        ]

    def _new_rows(self, rows: JoinRows) -> pl.DataFrame:
        """These rows with the columns of all sources."""
        stamps = column_of("timestamp", rows.moments_ns).set_sorted()
        frame = pl.DataFrame([stamps, stamps.cast(pl.Datetime("ns")).alias("datetime"), *rows.columns])
        sources = list(self._sources.values())
        if rows.count < FEW_ROWS or len(sources) == 1:
            columns = [source.columns(rows) for source in sources]
        else:
            with ThreadPoolExecutor(min(len(sources), os.cpu_count() or 1), thread_name_prefix="join") as pool:
                columns = list(pool.map(lambda source: source.columns(rows), sources))
        frame = frame.with_columns(chain.from_iterable(columns))
        return frame.select(self._columns)


@_with_options
def join(recorders: Sources, *, settings: JoinSettings | None = None, **options: Any) -> pl.DataFrame:
    """Join sources on one time axis.

    Parameters
    ----------
    recorders : sequence, or mapping of names
        Recorders and analyses (`ImageAnalysis` for MOT numbers). Without names, they have those of their kinds:
        ``ssd``, ``pmt``, ``coil``, ``heater``, ``heating``, ``gauge``, ``ion``, ``laser``, ``image``, ``bursts``,
        ``files``; a second one of a kind is ``ssd_2``. A file that does not exist yet gives empty columns.
    settings : JoinSettings, optional
        The options; `on` or `every` is required.
    **options
        Instead of `settings`, the fields of `JoinSettings` as keywords.

    Returns
    -------
    polars.DataFrame
        Sorted by time. `timestamp` (Int64, ns since 1970: the beginning of the interval, the time of the reading, or
        t0 of the burst) and `datetime`, then the columns ``source.quantity``. After each mean is its error
        (``pmt.current_error_A``; of 68 %, with Student's factor where readings are few), which is null for a single
        reading. Counts are null before the first and after the last reading of their source. Rates, with their Poisson
        errors, are null unless the whole interval is between these two readings.

    Raises
    ------
    InputError
        When a source cannot be read or joined, or the value of an option is not possible.

    Examples
    --------
    >>> from utokyo import StaticRecorder
    >>> pulses = StaticRecorder({"timestamp": [0, 200_000_000, 1_500_000_000, 2_100_000_000]})
    >>> join({"ssd": pulses}, every="1s")["ssd.pulses"].to_list()
    [2, 1, 1]
    """
    table = JoinedTable(recorders, settings=settings, **options)
    table.update()
    return table.frame


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options without those that are None: None has always meant the default."""
    return {name: value for name, value in options.items() if value is not None or name not in JoinSettings.names()}


def _appended(frame: pl.DataFrame, kept: int, made: pl.DataFrame) -> pl.DataFrame:
    """The first `kept` rows followed by the new ones; they are copied only when there are many chunks."""
    if not kept:
        return made
    whole = pl.concat([frame.head(kept), made], rechunk=False)
    return whole.rechunk() if whole.n_chunks() > MOST_CHUNKS else whole


def _say_nothing(_: float) -> None:
    pass
