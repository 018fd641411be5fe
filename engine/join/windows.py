"""One table and one figure for each heating, in which a person can see whether there was a francium MOT.

Around each event (the target of the heater was raised, the coil was switched on), all sources are joined on one time
axis and drawn below each other: heater, SSD rate with its bursts, coil, PMT current, MOT number, gauge, Faraday cup.
The sources are joined once, for all events; a window is a slice of this table, taken when it is asked for.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...io.errors import InputError
from ...io.paths import user_path
from ..figures.axes import SeveralAxes
from ..figures.events import moment_in_name
from ..figures.save import encoder_of, save_figure
from ..figures.window import window_figure
from ..fits.bursts.fitted import fitted_bursts
from ..options.durations import Duration, duration_ns
from .events import heater_on
from .files import write_joined
from .options import Sources
from .source import JoinSource
from .table import JoinedTable

__all__ = ["Window", "Windows", "windows"]

Integers = NDArray[np.int64]
Around = Callable[[Sequence[JoinSource]], Integers]


@dataclass(frozen=True, eq=False, repr=False)
class Window:
    """The data of all sources around one event.

    Attributes
    ----------
    number : int
        Number of the event, from 1.
    timestamp_ns : int
        Time of the event, ns since 1970.
    table : polars.DataFrame
        The rows of `utokyo.join` with `every` around the event.
    bursts : polars.DataFrame
        The bursts in the window: the columns of `find_bursts` with the numbers of the fits where they are valid
        (``timestamp_ns`` is t0, with ``timestamp_error_ns``), and ``apex_ns``; empty without a source of pulses.
    units : mapping of str to str
        Units by column.

    Examples
    --------
    >>> from utokyo import StaticRecorder
    >>> heater = StaticRecorder({"timestamp": [0, 10**9], "TargetPercentage": [10, 40], "MeasuredPercentage": [10, 10]})
    >>> window = windows({"heater": heater}, before="1s", after="1s")[0]
    >>> window
    Window(window_001_19700101-000001, 2 rows, 0 bursts)
    """

    number: int
    timestamp_ns: int
    table: pl.DataFrame
    bursts: pl.DataFrame
    units: Mapping[str, str]

    def __repr__(self) -> str:
        rows, bursts = self.table.height, self.bursts.height
        content = f"{rows} row{'' if rows == 1 else 's'}, {bursts} burst{'' if bursts == 1 else 's'}"
        return f"Window({self.name}, {content})"

    def _repr_png_(self) -> bytes:
        """The figure, for a notebook."""
        png: bytes = encoder_of(self.figure(), Path("window.png"))()
        return png

    @property
    def name(self) -> str:
        """Name for files: the number and the time of the event."""
        return f"window_{self.number:03d}_{moment_in_name(self.timestamp_ns)}"

    def figure(self, axes: SeveralAxes | Axes | None = None) -> Figure:
        """All sources below each other on one time axis; into `axes`, as for `draw_window`, when they are given."""
        title = f"number {self.number}"
        return window_figure(self.table, self.timestamp_ns, self.bursts, self.units, title, axes=axes)


class Windows(Sequence[Window]):
    """The windows around all events, a sequence in order of time."""

    def __init__(
        self,
        table: pl.DataFrame,
        events_ns: Integers,
        before_ns: int,
        after_ns: int,
        bursts: pl.DataFrame,
        units: Mapping[str, str],
    ) -> None:
        self.table = table
        self.events_ns = events_ns
        self._before_ns = before_ns
        self._after_ns = after_ns
        self._bursts = bursts
        self._units = units

    def __repr__(self) -> str:
        return f"Windows({', '.join(window.name for window in self[:3])}{', ...' if len(self) > 3 else ''})"

    def _repr_html_(self) -> str:
        """All figures, for a notebook."""
        pictures = (b64encode(window._repr_png_()).decode() for window in self)
        return "".join(f'<p><img src="data:image/png;base64,{picture}"></p>' for picture in pictures)

    def __len__(self) -> int:
        return int(self.events_ns.size)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        number = range(len(self))[place]
        moment = int(self.events_ns[number])
        begin, end = moment - self._before_ns, moment + self._after_ns
        stamps = self.table["timestamp"]
        first, last = stamps.search_sorted(begin, side="left"), stamps.search_sorted(end, side="left")
        table = self.table.slice(int(first), int(last) - int(first))
        when = pl.col("timestamp_ns")
        bursts = self._bursts.filter(when >= begin, when < end) if self._bursts.width else self._bursts
        return Window(number + 1, moment, table, bursts, self._units)

    def save(
        self, folder: str | Path, *, extension: str = ".png", progress: Callable[[float], None] | None = None
    ) -> list[Path]:
        """Write a figure and a table of each window.

        Parameters
        ----------
        folder : path
            Folder for the files; it is made when it does not exist.
        extension : str
            Ending of the figures; tables are ``.parquet``.
        progress : callable, optional
            Called with the fraction that is done, from 0 to 1.

        Returns
        -------
        list of path
            Paths of the figures.

        Raises
        ------
        OutputError
            When a file cannot be written.
        """
        paths = []
        for window in self:
            path = user_path(folder) / f"{window.name}.{extension.lstrip('.')}"
            write_joined(window.table, path.with_suffix(".parquet"), units=window.units)
            save_figure(window.figure(), path)
            paths.append(path)
            if progress is not None:
                progress(len(paths) / len(self))
        return paths

    def __iter__(self) -> Iterator[Window]:
        return (self[i] for i in range(len(self)))


def windows(
    recorders: Sources,
    *,
    around: Around | Sequence[int] | None = None,
    before: Duration = "2min",
    after: Duration = "5min",
    every: Duration = "1s",
    merge_within: Duration | None = None,
    false_alarms_per_hour: float = 0.01,
    **options: Any,
) -> Windows:
    """Join all sources around events.

    Parameters
    ----------
    recorders : sequence, or mapping of names
        As for `join`.
    around : `heater_on`, `coil_on`, or sequence of int
        The events: heatings (the default), switches of the coil, or any times in ns since 1970.
    before, after : duration
        Lengths of the window before and after the event.
    every : duration
        Length of the intervals, one for each row.
    merge_within : duration, optional
        With `heater_on`: steps of the heater, or lines of the heating log, that follow one another within this time
        are one heating, and the window is around the first of them. The default is 10 s for the heater; every line of a
        heating log is a heating.
    false_alarms_per_hour : float
        For the search for bursts, as for `find_bursts`.
    **options
        `how`, `tolerance`, `clock_offsets` and `between`, as for `join`.

    Returns
    -------
    Windows
        A sequence of `Window`: ``windows(...)[0].table``, ``.bursts``, ``.figure()``.

    Raises
    ------
    InputError
        When a source cannot be read, the value of an option is not possible, or no source has events of this kind.

    Examples
    --------
    >>> from utokyo import CoilRecorder, HeaterRecorder, simulate
    >>> truth = simulate("beam", minutes=1.0, seed=1)
    >>> found = windows([HeaterRecorder("beam/heater.csv"), CoilRecorder("beam/coil.txt")], before="5s", after="10s")
    >>> len(found) == len(truth["heatings"])
    True
    """
    before_ns = duration_ns(before, "before", least_ns=0)
    after_ns = duration_ns(after, "after", least_ns=1)
    around = heater_on if around is None else around
    if merge_within is not None:
        if around is not heater_on:
            raise InputError("merge_within says which steps are one heating: it goes with around=heater_on alone")
        duration_ns(merge_within, "merge_within", least_ns=0)  # before anything is read
        around = partial(heater_on, merge_within=merge_within)
    table = JoinedTable(recorders, every=every, **options)
    table.update()
    sources = tuple(table.joined_sources)
    events = around(sources) if callable(around) else np.sort(np.asarray(around, dtype=np.int64))
    if table.limits[0] is not None:
        events = events[events >= table.limits[0]]
    if table.limits[1] is not None:
        events = events[events < table.limits[1]]
    found = []
    for source in sources:
        if source.kind.has_bursts and source.times_ns.size:
            bursts = fitted_bursts(
                source.times_ns, false_alarms_per_hour=false_alarms_per_hour, dead_time_s=source.dead_time_s
            )
            moments = pl.selectors.ends_with("_ns") - pl.selectors.ends_with("_error_ns")
            found.append(bursts.with_columns(moments + source.offset_ns))
    all_bursts = pl.concat(found).sort("timestamp_ns") if found else pl.DataFrame()
    return Windows(table.frame, events, before_ns, after_ns, all_bursts, table.units)
