"""All sources on one time axis: one row a burst, an image or an interval, one column a quantity of a source.

States (coil, heater) are joined as-of: the last value before the end of a row's interval, if it is not older than the
tolerance; a value that is too old is null, never silently stale. Currents and pressures are means with their errors
over the interval, pulses are counted in it. What every kind of source gives is the table of `join_sources`; how it is
made of the readings stands in `join_values`. Sorted pulse times are counted where intervals begin and end, so that 1e8
of them cost as much as their number of intervals.

`JoinedTable` keeps the rows that nothing can touch any more: an update costs the new rows. It promises the table that
`join` would make of the same files, however they grew.
"""

from __future__ import annotations

import inspect
import io
import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from itertools import chain
from pathlib import Path
from typing import Any, ParamSpec

import polars as pl

from ...io.errors import InputError
from ...io.store import write_whole
from ..durations import Duration, Moment, duration_ns, moment_ns
from .kinds import kind_of, name_of
from .rows import BURST_COLUMNS, Bursts, Intervals, Moments, Rows
from .source import JoinSource
from .values import RowTimes, column_of

__all__ = ["JoinedTable", "join", "read_units", "write_joined"]

JOINED_ENDINGS = (".parquet", ".csv")
MOST_CHUNKS = 64
FEW_ROWS = 10_000
"""Below it, threads cost more than they gain."""
EVERYTHING, NOTHING = -(2**62), 2**62
"""Moments before and behind all others: since when rows are to be made."""

P = ParamSpec("P")
Sources = Sequence[Any] | Mapping[str, Any]


class JoinedTable:
    """A join that follows its sources: `update` makes only those rows that new readings touch.

    Parameters
    ----------
    recorders, **options
        As for `join`.

    Attributes
    ----------
    frame : polars.DataFrame
        The table as of the last update; empty before the first.

    Raises
    ------
    InputError
        As `join`.
    """

    def __init__(
        self,
        recorders: Sources,
        *,
        on: str | None = None,
        every: Duration | None = None,
        how: Mapping[str, str] | None = None,
        tolerance: Duration | Mapping[str, Duration] | None = None,
        clock_offsets: Mapping[str, Any] | None = None,
        between: tuple[Moment | None, Moment | None] | None = None,
        window: Duration = "1s",
        false_alarms_per_hour: float = 0.01,
    ) -> None:
        self._sources = _sources(recorders, how or {}, tolerance, clock_offsets or {})
        limits = self.limits = _limits(between)
        if (on is None) == (every is None):
            raise InputError("join takes on='ssd' (a row a burst, an image, a reading) or every='1s': one of them")
        self._rows: Rows
        self._extra_units: dict[str, str] = {}
        if every is not None:
            self._rows = Intervals(list(self._sources.values()), duration_ns(every, "every", least_ns=1), limits)
        elif on not in self._sources:
            raise InputError(f"on={on!r} is none of the sources; there are: {', '.join(self._sources)}")
        elif self._sources[on].kind.has_bursts:
            self._rows = Bursts(self._sources[on], false_alarms_per_hour, limits)
            self._extra_units = {f"{on}.{name}": unit for name, unit in BURST_COLUMNS.items()}
        else:
            self._rows = Moments(self._sources[on], duration_ns(window, "window", least_ns=2), limits)
        self._lock = threading.Lock()
        self._changed_ns = EVERYTHING
        self.frame = pl.DataFrame(schema={"timestamp": pl.Int64, "datetime": pl.Datetime("ns")})

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
        """Unit of every column; empty where there is none, or the file does not tell it."""
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
            tell = progress or _say_nothing
            for number, source in enumerate(self._sources.values(), start=1):
                changed_ns = source.look()
                if changed_ns is not None:
                    self._changed_ns = min(self._changed_ns, changed_ns)
                tell(0.8 * number / len(self._sources))
            if self._changed_ns == NOTHING:
                tell(1.0)
                return 0
            known_ns = self.frame["timestamp"]
            kept, rows = self._rows.since(self._changed_ns, known_ns)
            if not rows.count and kept == known_ns.len() and kept and self._columns == self.frame.columns:
                return self._settled(0, tell)
            made = self._made(rows)
            if kept and made.schema != self.frame.schema:
                # A source came, or has other columns than before: its old rows are not as new ones would be.
                kept, rows = self._rows.since(EVERYTHING, known_ns.clear())
                made = self._made(rows)
            self.frame = _appended(self.frame, kept, made)
            return self._settled(made.height, tell)

    def write(self, path: str | Path) -> Path:
        """Write the table, as `write_joined`."""
        return write_joined(self.frame, path, units=self.units, clock_offsets_ns=self.clock_offsets_ns)

    def _settled(self, rows: int, tell: Callable[[float], None]) -> int:
        self._changed_ns = NOTHING
        for source in self._sources.values():
            source.settle()
        tell(1.0)
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

    def _made(self, rows: RowTimes) -> pl.DataFrame:
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


def _with_parameters_of(
    made: Callable[P, JoinedTable],
) -> Callable[[Callable[[JoinedTable], pl.DataFrame]], Callable[P, pl.DataFrame]]:
    """Let a function take what a table is made of, in the place of the table: one list of parameters for both."""

    def decorate(function: Callable[[JoinedTable], pl.DataFrame]) -> Callable[P, pl.DataFrame]:
        @wraps(function)
        def joined(*args: P.args, **options: P.kwargs) -> pl.DataFrame:
            return function(made(*args, **options))

        signature = inspect.signature(made).replace(return_annotation=inspect.signature(function).return_annotation)
        vars(joined)["__signature__"] = signature
        return joined

    return decorate


@_with_parameters_of(JoinedTable)
def join(table: JoinedTable) -> pl.DataFrame:
    """Join sources on one time axis.

    Parameters
    ----------
    recorders : sequence, or mapping of names
        Recorders and analyses (`ImageAnalysis` gives MOT numbers). Without names they are called after their kind:
        ``ssd``, ``pmt``, ``coil``, ``heater``, ``heating``, ``gauge``, ``ion``, ``laser``, ``image``, ``bursts``,
        ``files``; a second one of a kind is ``ssd_2``. A file that does not exist yet gives empty columns.
    on : str, optional
        Name of a source: one row for each of its readings (an image, a PMT reading); for a source of pulses, one row a
        burst, as `find_bursts` finds it.
    every : duration, optional
        Instead: one row an interval, ``"1s"``, ``"500ms"``.
    how : mapping, optional
        For ``"source"``, ``"source.quantity"`` or ``"source.column"`` of its table, what is made of the readings:
        ``last``, ``mean`` (with its error), ``first``, ``min``, ``max``, ``median``, ``sum`` or ``count``.
    tolerance : duration, or mapping of source to duration, optional
        How much older than the beginning of its row a last value may be. By default each kind has its own: 10 s for
        logs that have a line a second, 12 h for the coil, whose log has a line a switch.
    clock_offsets : mapping of source to duration or ClockOffset, optional
        Added to the times of that source: what the clock of its PC lacks.
    between : (begin, end), optional
        Only rows of begin <= time < end; None for no end. With `every`, intervals begin at the begin; else they begin
        at multiples of their length.
    window : duration
        With `on` a source that is not of pulses: length of the interval around each row in which readings are counted
        and averaged. Bursts have their own interval, from onset to end.
    false_alarms_per_hour : float
        With `on` a source of pulses: as for `find_bursts`.

    Returns
    -------
    polars.DataFrame
        Sorted by `timestamp` (Int64, ns: the beginning of the interval, the reading, the apex of the burst) and
        `datetime`, then ``source.quantity`` columns. A mean has its standard error beside it (``pmt.current_error_A``),
        null for a single reading. Counts are null outside the first and last reading of their source; rates, with
        their Poisson errors, are null where the interval does not lie wholly between those.

    Raises
    ------
    InputError
        When a source, a name or a duration is not what is asked for.
    """
    table.update()
    return table.frame


def write_joined(
    frame: pl.DataFrame,
    path: str | Path,
    *,
    units: Mapping[str, str] | None = None,
    clock_offsets_ns: Mapping[str, int] | None = None,
) -> Path:
    """Write a joined table whole or not at all.

    Parameters
    ----------
    frame : polars.DataFrame
    path : path
        ``.parquet``, with unit and offset in the metadata of the file and of its columns, or ``.csv``, without.
    units : mapping of column to unit, optional
    clock_offsets_ns : mapping of source to ns, optional

    Returns
    -------
    Path

    Raises
    ------
    InputError
        When the ending is another one.
    OutputError
        When it cannot be written.
    """
    path = Path(path)
    target = io.BytesIO()
    if path.suffix.lower() == ".csv":
        frame.write_csv(target)
    elif path.suffix.lower() == ".parquet":
        _write_parquet(frame, target, units or {}, clock_offsets_ns or {})
    else:
        raise InputError(f"{path}: a joined table ends in {' or '.join(JOINED_ENDINGS)}")
    write_whole(path, target.getvalue())
    return path


def read_units(path: str | Path) -> tuple[dict[str, str], dict[str, int]]:
    """Units of the columns and clock offsets (ns) of the sources, from a Parquet file of `write_joined`.

    Raises
    ------
    InputError
        When the file is no such table.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415 (takes a while, and few ask)

    try:
        metadata = pq.read_schema(Path(path)).metadata or {}
        told = json.loads(metadata[b"utokyo"])
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: this is no Parquet file of a join ({error})") from None
    return told["units"], told["clock_offsets_ns"]


def _write_parquet(
    frame: pl.DataFrame, target: io.BytesIO, units: Mapping[str, str], clock_offsets_ns: Mapping[str, int]
) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415

    table = frame.to_arrow()
    fields = [field.with_metadata({"unit": units.get(field.name, "")}) for field in table.schema]
    told = {"units": dict(units), "clock_offsets_ns": dict(clock_offsets_ns)}
    schema = table.schema
    for place, field in enumerate(fields):
        schema = schema.set(place, field)
    pq.write_table(table.cast(schema).replace_schema_metadata({"utokyo": json.dumps(told)}), target)


def _sources(
    recorders: Sources,
    how: Mapping[str, str],
    tolerance: Duration | Mapping[str, Duration] | None,
    clock_offsets: Mapping[str, Any],
) -> dict[str, JoinSource]:
    if isinstance(recorders, Mapping):
        named = dict(recorders)
    elif isinstance(recorders, str | bytes) or not isinstance(recorders, Sequence):
        raise InputError("join takes a list of recorders, or a mapping of names to them")
    else:
        named = {}
        for recorder in recorders:
            named[name_of(kind_of(recorder, f"{recorder!r}"), named)] = recorder
    if not named:
        raise InputError("join needs at least one source")
    if bad := next((name for name in named if not isinstance(name, str) or not name or "." in name), None):
        raise InputError(f"a source cannot be called {bad!r}: names are texts without a dot")
    tolerances = tolerance if isinstance(tolerance, Mapping) else {}
    for what, keys in (("tolerance", tolerances), ("clock_offsets", clock_offsets), ("how", how)):
        if unknown := next((key for key in keys if key.partition(".")[0] not in named), None):
            raise InputError(f"{what}: {unknown!r} is none of the sources; there are: {', '.join(named)}")
    sources = {}
    for name, recorder in named.items():
        kind = kind_of(recorder, name)
        wanted = tolerances.get(name, kind.tolerance_s if isinstance(tolerance, Mapping | None) else tolerance)
        sources[name] = JoinSource(
            name,
            recorder,
            kind,
            tolerance_ns=duration_ns(wanted, f"tolerance of {name}", least_ns=0),
            offset_ns=_offset_ns(clock_offsets.get(name, 0), name),
            how=how,
        )
    return sources


def _offset_ns(offset: Any, name: str) -> int:
    """An offset as a duration, or as `estimate_clock_offset` found it."""
    if hasattr(offset, "offset_ns") and hasattr(offset, "valid"):
        if not offset.valid:
            raise InputError(f"clock_offsets: that of {name} could not be estimated: {offset.reason}")
        return int(offset.offset_ns)
    return duration_ns(offset, f"clock offset of {name}")


def _limits(between: tuple[Moment | None, Moment | None] | None) -> tuple[int | None, int | None]:
    if between is None:
        return None, None
    if isinstance(between, str) or not isinstance(between, Sequence) or len(between) != 2:
        raise InputError(f"between should be (begin, end), not {between!r}")
    begin, end = (None if moment is None else moment_ns(moment, "between") for moment in between)
    if begin is not None and end is not None and begin >= end:
        raise InputError(f"between: the begin {between[0]} is not before the end {between[1]}")
    return begin, end


def _appended(frame: pl.DataFrame, kept: int, made: pl.DataFrame) -> pl.DataFrame:
    """The kept rows with the new ones behind, seldom copied."""
    if not kept:
        return made
    whole = pl.concat([frame.head(kept), made], rechunk=False)
    return whole.rechunk() if whole.n_chunks() > MOST_CHUNKS else whole


def _say_nothing(_: float) -> None:
    pass
