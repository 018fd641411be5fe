"""All sources on one time axis: one row a burst, an image or an interval, one column a quantity of a source.

States (coil, heater) are joined as-of: the last value before the end of a row's interval, if it is not older than the
tolerance; a value that is too old is null, never silently stale. Currents and pressures are means with their errors
over the interval, pulses are counted in it. What every kind of source gives stands on its recorder; how it is made of
the readings stands in `values`. Sorted pulse times are counted where intervals begin and end, so that 1e8 of them cost
as much as their number of intervals.

`JoinedTable` keeps the rows that nothing can touch any more: an update costs the new rows. It promises the table that
`join` would make of the same files, however they grew.
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
from ..options.settings import signature_with
from .files import write_joined
from .options import JoinSettings, Sources, sources_of
from .rows import BURST_COLUMNS, Bursts, Intervals, Moments, Rows
from .source import JoinSource
from .values import JoinRows, column_of

__all__ = ["JoinedTable", "join"]

MOST_CHUNKS = 64
FEW_ROWS = 10_000
"""Below it, threads cost more than they gain."""
EVERYTHING, NOTHING = -(2**62), 2**62
"""Moments before and after all others: since when rows are to be made."""


T = TypeVar("T", bound=Callable[..., Any])


def _with_options(taker: T) -> T:
    """Show the options of a join in the signature of who takes them."""
    function = taker.__init__ if isinstance(taker, type) else taker  # type: ignore[misc]
    taker.__signature__ = signature_with(function, JoinSettings)  # type: ignore[attr-defined]
    return taker


@_with_options
class JoinedTable:
    """A join that follows its sources: `update` makes only those rows that new readings touch.

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
        """The sources, as they were at the last update."""
        return tuple(self._sources.values())

    @property
    def units(self) -> dict[str, str]:
        """Unit of every column; empty where there is none, or the file does not say it."""
        units = {"timestamp": "ns", "datetime": ""} | self._extra_units
        for source in self._sources.values():
            units |= source.units
        return {name: units.get(name, "") for name in self.frame.columns}

    @property
    def clock_offsets_ns(self) -> dict[str, int]:
        """What was added to the times of each source's file, by its recorder and by the join."""
        return {name: source.clock_offset_ns for name, source in self._sources.items()}

    def update(self, progress: Callable[[float], None] | None = None) -> int:
        """Read what is new, and bring the table up to date.

        Parameters
        ----------
        progress : callable, optional
            Called with the fraction that is done (0 to 1).

        Returns
        -------
        int
            Rows that are new or were made anew.

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
                # A source came, or has other columns than before: its old rows are not as new ones would be.
                kept, rows = self._rows.since(EVERYTHING, known_ns.clear())
                new = self._new_rows(rows)
            self.frame = _appended(self.frame, kept, new)
            return self._completed(new.height, report)

    def write(self, path: str | Path) -> Path:
        """Write the table, as `write_joined`."""
        return write_joined(self.frame, path, units=self.units, clock_offsets_ns=self.clock_offsets_ns)

    def _rows_asked_for(self) -> Rows:
        """Which rows the table has."""
        settings, limits, on = self.settings, self.limits, self.settings.on
        if (on is None) == (settings.every is None):
            raise InputError("join takes on='ssd' (a row a burst, an image, a reading) or every='1s': one of them")
        if on is None:
            return Intervals(list(self._sources.values()), duration_ns(settings.every or 0, "every"), limits)
        if on not in self._sources:
            raise InputError(f"on={on!r} is none of the sources; there are: {', '.join(self._sources)}")
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
        """Names of the columns that a join of the sources has as they are now."""
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
        Recorders and analyses (`ImageAnalysis` gives MOT numbers). Without names they are called after their kind:
        ``ssd``, ``pmt``, ``coil``, ``heater``, ``heating``, ``gauge``, ``ion``, ``laser``, ``image``, ``bursts``,
        ``files``; a second one of a kind is ``ssd_2``. A file that does not exist yet gives empty columns.
    settings : JoinSettings, optional
        The options.
    **options
        Instead: the fields of `JoinSettings`, of which `on` or `every` is needed.

    Returns
    -------
    polars.DataFrame
        Sorted by `timestamp` (Int64, ns: the beginning of the interval, the reading, t0 of the burst) and `datetime`,
        then ``source.quantity`` columns. A mean has its error beside it (``pmt.current_error_A``; of 68 %, with
        Student's factor where readings are few), null for a single reading. Counts are null outside the first and last
        reading of their source; rates, with their Poisson errors, are null where the interval does not lie wholly
        between those.

    Raises
    ------
    InputError
        When a source, a name or a duration is not what is asked for.

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
    """Options without those that are None, which have always meant the default."""
    return {name: value for name, value in options.items() if value is not None or name not in JoinSettings.names()}


def _appended(frame: pl.DataFrame, kept: int, made: pl.DataFrame) -> pl.DataFrame:
    """The kept rows with the new ones after them, seldom copied."""
    if not kept:
        return made
    whole = pl.concat([frame.head(kept), made], rechunk=False)
    return whole.rechunk() if whole.n_chunks() > MOST_CHUNKS else whole


def _say_nothing(_: float) -> None:
    pass
