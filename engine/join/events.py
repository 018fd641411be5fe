"""Events in the data of sources (switches of the coil, heatings, bursts), for clock offsets and for windows.

Which events the data of a source contain is declared by its recorder (`SeenEvents`); here they become times, each with
its resolution.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ...io.errors import InputError
from ...kernels.units import SECOND_NS
from ..fits.bursts.dead_time import dead_time_of
from ..fits.bursts.fitted import fitted_bursts
from ..options.durations import Duration, duration_ns
from ..recorders.frames import as_polars
from ..recorders.known import RECORDERS
from ..recorders.quantity import Quantity, SeenEvents
from .source import JoinSource

__all__ = ["Events", "coil_on", "events_of", "heater_on", "rises_ns"]

UNIFORM = math.sqrt(12.0)
"""Width of a flat distribution over its standard deviation."""
HEATING_APART_NS = 10 * SECOND_NS
"""Steps of the heater that are farther apart are heatings of their own, unless the user says otherwise."""
APEX_SCATTER_S = 0.25
"""Scatter of the apex of a burst about its t0: the search puts it up to one rise time before."""
WRITTEN_NS = (SECOND_NS, SECOND_NS // 10, SECOND_NS // 100, SECOND_NS // 1000)
"""Steps in which plain times may be written; those that fit none of them are taken as they are."""
T0_SCATTER_S, T0_COMMON_S = 0.01, 0.02
"""Errors of the t0 of a fit: the least that is believed of one, and the systematic error common to all bursts."""

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Events:
    """The events of one source.

    Parameters
    ----------
    times_ns : array of int64, shape (n,)
        Times in ns since 1970, sorted.
    sorts : array of int64, shape (n,)
        The sort of each event: 1 for switched on, 0 for switched off. Only events of the same sort are matched.
    resolution_s : array of float64, shape (n,)
        Standard deviation of each time, s.
    common_s : float
        Systematic error that all times have in common, s; averaging over events does not reduce it.
    unknown_s : float
        Scatter beyond the resolution that may be there, s; how large it is, the matches tell.
    """

    times_ns: Integers
    sorts: Integers
    resolution_s: Floats
    common_s: float = 0.0
    unknown_s: float = 0.0


def events_of(source: Any) -> Events:
    """The events of a source.

    Parameters
    ----------
    source : recorder, `Events`, or array of int64, shape (n,)
        An array holds times in ns since 1970, in any order. Where all are whole seconds (tenths, hundredths,
        thousandths), they are taken to be cut off there, and mean the middle of this step.

    Returns
    -------
    Events

    Raises
    ------
    InputError
        When a recorder has no events, or an array is not one of integers.

    Examples
    --------
    >>> events_of([10**9, 0]).times_ns.tolist()
    [500000000, 1500000000]
    """
    if isinstance(source, Events):
        return source
    if hasattr(source, "get_table"):
        seen = source.source_kind().events if hasattr(source, "source_kind") else None
        if seen is None:
            known = ", ".join(r.__name__ for r in RECORDERS if r.join_as is not None and r.join_as.events is not None)
            raise InputError(
                f"{type(source).__name__} has no events by itself; give their times in ns, or one of {known}"
            )
        return EVENTS[seen.sort](as_polars(source.get_table()), seen)
    times = np.asarray(source)
    if times.ndim != 1 or (times.size and not np.issubdtype(times.dtype, np.integer)):
        raise InputError("events are a recorder, or a list of integers: ns since 1970")
    times_ns = np.sort(times.astype(np.int64))
    step_ns = next((step_ns for step_ns in WRITTEN_NS if not np.any(times_ns % step_ns)), 0)
    resolution_s = step_ns / SECOND_NS / UNIFORM
    unknown_s = math.sqrt(max(1.0 / UNIFORM**2 - resolution_s**2, 0.0))
    return replace(_alike(times_ns + step_ns // 2, resolution_s), unknown_s=unknown_s)


def rises_ns(timestamps_ns: Integers, values: Floats, *, apart_ns: int = HEATING_APART_NS) -> Integers:
    """Times in ns at which values rose; of steps that follow one another within `apart_ns`, the first."""
    return _firsts_ns(timestamps_ns[1:][np.diff(values) > 0], apart_ns)


def heater_on(sources: Sequence[JoinSource], *, merge_within: Duration | None = None) -> Integers:
    """Times in ns at which the foil was heated: each rise of the heater's target, or each line of a heating log.

    Parameters
    ----------
    sources : sequence of JoinSource
        The first heater with data is taken; without one, the first heating log.
    merge_within : duration, optional
        As for `windows`.

    Returns
    -------
    array of int64, shape (n,)
        Times in ns since 1970, corrected by the clock offset of the source.

    Raises
    ------
    InputError
        When there is neither a heater nor a heating log among the sources.

    Examples
    --------
    >>> from utokyo import StaticRecorder, windows
    >>> heater = StaticRecorder({"timestamp": [0, 10**9], "TargetPercentage": [10, 40], "MeasuredPercentage": [10, 10]})
    >>> windows({"heater": heater}, around=heater_on, before="1s", after="1s").events_ns.tolist()
    [1000000000]
    """
    apart_ns = None if merge_within is None else duration_ns(merge_within, "merge_within", least_ns=0)
    for source, quantity in _of_column(sources, "TargetPercentage"):
        if not source.times_ns.size:
            continue
        target = _filled(source.table[quantity.column])
        onsets_ns = rises_ns(source.times_ns, target, apart_ns=HEATING_APART_NS if apart_ns is None else apart_ns)
        return onsets_ns + source.offset_ns
    for source, _ in _of_column(sources, "VoltageDurationPower"):
        logged: Integers = source.times_ns if apart_ns is None else _firsts_ns(source.times_ns, apart_ns)
        return logged + source.offset_ns
    raise InputError("around=heater_on needs a heater or a heating log among the sources; or give times in ns")


def coil_on(sources: Sequence[JoinSource]) -> Integers:
    """Times in ns at which the coil was switched on, from its log.

    Parameters
    ----------
    sources : sequence of JoinSource

    Returns
    -------
    array of int64, shape (n,)
        Times in ns since 1970, corrected by the clock offset of the source.

    Raises
    ------
    InputError
        When there is no log of the coil among the sources.

    Examples
    --------
    >>> from utokyo import StaticRecorder, windows
    >>> coil = StaticRecorder({"timestamp": [0, 10**9], "CoilOperation": ["OFF", "ON"]})
    >>> windows({"coil": coil}, around=coil_on, before="1s", after="1s").events_ns.tolist()
    [1000000000]
    """
    for source, quantity in _of_column(sources, "CoilOperation"):
        is_on = (source.table[quantity.column] == "ON").to_numpy() if source.times_ns.size else np.empty(0, bool)
        switched: Integers = source.times_ns[is_on & ~np.append(False, is_on[:-1])[: is_on.size]] + source.offset_ns
        return switched
    raise InputError("around=coil_on needs the coil's log among the sources; or give times in ns")


def _switches(table: pl.DataFrame, seen: SeenEvents) -> Events:
    """Changes of a state. A log names the second of each; otherwise a change lies between two readings."""
    times_ns, is_on = table["timestamp"].to_numpy(), (table[seen.column] == seen.on).to_numpy()
    at = np.flatnonzero(is_on[1:] != is_on[:-1]) + 1
    if seen.whole_seconds:
        # The first line of a log is a switch, too. Two switches in one second are left out: their order is not known.
        at = np.append(np.arange(min(1, times_ns.size)), at)
        lonely = ~np.isin(times_ns[at], times_ns[at][np.append(False, np.diff(times_ns[at]) == 0)])
        at = at[lonely]
        moments, width_s = times_ns[at] + SECOND_NS // 2, np.ones(at.size)
    else:
        gaps = times_ns[at] - times_ns[at - 1]
        moments, width_s = times_ns[at] - gaps // 2, gaps / SECOND_NS
    return Events(moments, is_on[at].astype(np.int64), width_s / UNIFORM)


def _rises(table: pl.DataFrame, seen: SeenEvents) -> Events:
    onsets = rises_ns(table["timestamp"].to_numpy(), _filled(table[seen.column]))
    return _alike(onsets + SECOND_NS // 2, 1.0 / UNIFORM)


def _rows(table: pl.DataFrame, seen: SeenEvents) -> Events:
    del seen
    return _alike(table["timestamp"].to_numpy() + SECOND_NS // 2, 1.0 / UNIFORM)


def _bursts(table: pl.DataFrame, seen: SeenEvents) -> Events:
    """Times t0 of bursts of pulses; apexes where the fit is not valid."""
    del seen
    bursts = fitted_bursts(table["timestamp"], dead_time_s=dead_time_of(table))
    errors_s = bursts["timestamp_error_ns"].to_numpy() / SECOND_NS
    scatter_s = np.where(np.isnan(errors_s), APEX_SCATTER_S, np.maximum(errors_s, T0_SCATTER_S))
    return Events(bursts["timestamp_ns"].to_numpy(), np.ones(bursts.height, np.int64), scatter_s, common_s=T0_COMMON_S)


EVENTS: Mapping[str, Callable[[pl.DataFrame, SeenEvents], Events]] = {
    "switches": _switches,
    "rises": _rises,
    "rows": _rows,
    "bursts": _bursts,
}


def _filled(values: pl.Series) -> Floats:
    """Readings with each null replaced by the last reading before it, or by 0 before the first one."""
    return values.cast(pl.Float64).fill_null(strategy="forward").fill_null(0.0).to_numpy()


def _firsts_ns(times_ns: Integers, apart_ns: int) -> Integers:
    """The first of each group of sorted times that follow one another within `apart_ns`."""
    firsts: Integers = times_ns[np.append(True, np.diff(times_ns) > apart_ns)] if times_ns.size else times_ns
    return firsts


def _alike(times_ns: Integers, resolution_s: float) -> Events:
    return Events(times_ns, np.ones(times_ns.size, np.int64), np.full(times_ns.size, resolution_s))


def _of_column(sources: Sequence[JoinSource], column: str) -> Iterator[tuple[JoinSource, Quantity]]:
    for source in sources:
        for quantity in source.quantities:
            if quantity.column == column:
                yield source, quantity
