"""Search for bursts of pulses over a drifting background, at a false-alarm rate that the user chooses.

Every pulse is tried as the beginning of a burst, for decay times from 0.2 to 12.8 s, by the bank of matched filters of
`kernels.bursts.filters`, in one pass over the times. Their excess is compared with the local background. It is measured
twice: first without blocks that are significantly high, then with the bursts masked that were found with the first
measurement. The level of significance is the one that background alone exceeds as often as the user allows (`alarms`,
calibrated by simulation of the whole search).

`BurstSearch` takes the pulses as they are recorded. All its steps depend only on data within a few minutes (blocks of
10 s, their background, regions of blocks with an excess), and a burst is final when later pulses cannot change it.
Promise: fed in any pieces, it finds the same bursts as in one piece, each of them once; its time is linear in the
number of pulses, and its memory is limited to the pulses of the last one or two hours.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from ....io.errors import InputError
from ....kernels.times import is_sorted
from ....kernels.units import SECOND_NS
from .alarms import level_for
from .background import BLOCK_NS, SIDE, interruptions
from .stretch import BurstRow, Stretch

__all__ = ["BurstSearch", "find_bursts", "sorted_times_ns"]

Integers = NDArray[np.int64]

AT_ONCE_NS = 2_000_000 * SECOND_NS
"""A longer measurement is searched in pieces of this length (23 days), because blocks of time need memory, too."""
CERTAIN_AFTER_NS = SIDE * BLOCK_NS
"""With this much data after a pause, it is certain whether it is an interruption."""
MOST_FALSE_ALARMS_PER_HOUR = 1000.0
"""Most false alarms per hour that may be allowed: with more, every fluctuation would be a burst."""
SCHEMA = {
    "timestamp_ns": pl.Int64,
    "onset_ns": pl.Int64,
    "end_ns": pl.Int64,
    "significance": pl.Float64,
    "false_alarms_per_hour": pl.Float64,
    "pulses_peak": pl.Float64,
    "pulses_peak_error": pl.Float64,
    "pulses_background": pl.Float64,
    "background_Hz": pl.Float64,
    "background_error_Hz": pl.Float64,
    "window_begin_ns": pl.Int64,
    "window_end_ns": pl.Int64,
    "open": pl.Boolean,
}


def find_bursts(timestamps_ns: ArrayLike | pl.Series, *, false_alarms_per_hour: float = 0.01) -> pl.DataFrame:
    """Find the bursts in a list of pulse times.

    Parameters
    ----------
    timestamps_ns : array or polars Series of integers, shape (n,)
        Sorted pulse times in ns, from any origin; equal times are allowed. A pause of the measurement is recognised,
        and not taken for a low background.
    false_alarms_per_hour : float
        Expected number of false alarms in an hour of background alone. The default is one in 100 hours.

    Returns
    -------
    polars.DataFrame, one row a burst, in order of time
        ``timestamp_ns``: the apex, at which the decay with the best filter begins.
        ``onset_ns``, ``end_ns``: times at which the pulses rise above the background, and fall back to it.
        ``significance``: local significance z of the best filter (`kernels.bursts.significance`).
        ``false_alarms_per_hour``: expected number of excesses of this significance or more in an hour of background.
        ``pulses_peak``, ``pulses_peak_error``: pulses above background in [onset, end), and the standard error.
        ``pulses_background``: pulses expected from background in [onset, end).
        ``background_Hz``, ``background_error_Hz``: local background, pulses per s, and its standard error.
        ``window_begin_ns``, ``window_end_ns``: window for a fit, without neighbouring bursts and interruptions.
        ``open``: whether the data end before the burst does.

    Raises
    ------
    InputError
        If the times are not sorted, not integers or missing, or the rate of false alarms is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import find_bursts
    >>> random = np.random.default_rng(1)
    >>> seconds = np.concatenate([random.uniform(0.0, 300.0, 6000), 100.0 + random.exponential(1.0, 500)])
    >>> found = find_bursts(np.sort(seconds * 1e9).astype(np.int64))
    >>> found.height, round(found["timestamp_ns"][0] / 1e9)
    (1, 100)
    >>> bool(found["significance"][0] > 5.0), found["open"][0]
    (True, False)
    """
    search = BurstSearch(false_alarms_per_hour=false_alarms_per_hour)
    times_ns = sorted_times_ns(timestamps_ns)
    if times_ns.size:
        begins = np.arange(int(times_ns[0]), int(times_ns[-1]), AT_ONCE_NS)[1:]
        for piece in np.split(times_ns, np.searchsorted(times_ns, begins)):
            search.feed(piece)
    return search.bursts


def sorted_times_ns(timestamps_ns: ArrayLike | pl.Series) -> Integers:
    """The times as an int64 array, without a copy where possible; `InputError` when they are not sorted integers."""
    if isinstance(timestamps_ns, pl.Series) and timestamps_ns.null_count():
        raise InputError(f"{timestamps_ns.null_count()} pulse times are missing; drop those rows first.")
    times = timestamps_ns.to_numpy() if isinstance(timestamps_ns, pl.Series) else np.asarray(timestamps_ns)
    if times.ndim != 1:
        raise InputError(f"pulse times are one list, not an array of shape {times.shape}.")
    if times.size == 0:
        return np.empty(0, dtype=np.int64)
    if times.dtype.kind not in "iu" or (times.dtype == np.uint64 and int(times.max()) > np.iinfo(np.int64).max):
        raise InputError(f"pulse times are whole numbers of ns that fit 64 bits, not {times.dtype}.")
    times = times.astype(np.int64, copy=False)
    if not is_sorted(times):
        row = int((times[1:] < times[:-1]).argmax()) + 1
        raise InputError(
            f"pulse times are not sorted: number {row} is earlier than the one before it; sort them first."
        )
    return times


class BurstSearch:
    """Search for bursts while pulses are being recorded.

    Parameters
    ----------
    false_alarms_per_hour : float
        As for `find_bursts`.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import BurstSearch
    >>> random = np.random.default_rng(1)
    >>> seconds = np.concatenate([random.uniform(0.0, 300.0, 6000), 100.0 + random.exponential(1.0, 500)])
    >>> search = BurstSearch()
    >>> for piece in np.array_split(np.sort(seconds * 1e9).astype(np.int64), 10):
    ...     search.feed(piece)
    >>> search
    BurstSearch(false_alarms_per_hour=0.01: 1 burst, 1 of which may still change)
    """

    def __init__(self, *, false_alarms_per_hour: float = 0.01) -> None:
        if not 0.0 < false_alarms_per_hour <= MOST_FALSE_ALARMS_PER_HOUR:
            limit = f"{MOST_FALSE_ALARMS_PER_HOUR:g}"
            raise InputError(f"false_alarms_per_hour is above 0 and at most {limit}, not {false_alarms_per_hour}.")
        self.false_alarms_per_hour = false_alarms_per_hour
        self._final: list[BurstRow] = []
        self._others: list[BurstRow] = []
        self._pulses = _Pulses()
        self._level = partial(level_for, false_alarms_per_hour)
        self._stretch = Stretch(self._level)
        self._whole_until = 0  # index of a pulse: before it, no further interruption can be found
        self._begin = 0  # index of the first pulse of the stretch that goes on

    def __repr__(self) -> str:
        count = len(self._final) + self.unsettled
        bursts = f"{count} burst{'' if count == 1 else 's'}"
        return (
            f"BurstSearch(false_alarms_per_hour={self.false_alarms_per_hour:g}: "
            f"{bursts}, {self.unsettled} of which may still change)"
        )

    @property
    def bursts(self) -> pl.DataFrame:
        """The bursts so far, as `find_bursts` gives them; the last `unsettled` ones may still change."""
        return pl.DataFrame(self._final + self._others, schema=SCHEMA, orient="row")

    @property
    def unsettled(self) -> int:
        """Number of the last rows of `bursts` that later pulses may change or remove: those of about half an hour."""
        return len(self._others)

    def feed(self, timestamps_ns: ArrayLike | pl.Series) -> None:
        """Search the pulses that were recorded since the last call.

        Parameters
        ----------
        timestamps_ns : array or polars Series of integers, shape (n,)
            Sorted pulse times in ns, none earlier than those of earlier calls.

        Raises
        ------
        InputError
            If they are not sorted, not integers, missing, or earlier than the last ones.
        """
        new = sorted_times_ns(timestamps_ns)
        if not new.size:
            return
        known = self._pulses.times_ns
        if known.size and new[0] < known[-1]:
            raise InputError(f"pulses are fed in order: {new[0]} comes after {known[-1]}; start a new search.")
        self._pulses.append(new)
        times_ns = self._pulses.times_ns
        cuts = self._interruptions(times_ns)
        certain = int(np.searchsorted(times_ns[cuts], times_ns[-1] - CERTAIN_AFTER_NS, side="right"))
        begin = self._begin
        for cut in cuts[:certain]:
            self._final += self._stretch.search(times_ns[begin:cut])
            self._stretch = Stretch(self._level)
            begin = int(cut)
        here, *after = np.split(times_ns[begin:], cuts[certain:] - begin)
        rows = self._stretch.search(here, int(times_ns[self._whole_until]))
        final, passed = self._stretch.finish()
        self._final += rows[:final]
        self._others = rows[final:]
        for piece in after:
            self._others += Stretch(self._level).search(piece)
        begin += passed
        # What lies before this stretch still tells whether a pause in its beginning is an interruption.
        needed = int(np.searchsorted(times_ns[:begin], times_ns[min(begin, times_ns.size - 1)] - CERTAIN_AFTER_NS))
        self._pulses.drop(needed)
        self._begin, self._whole_until = begin - needed, max(0, self._whole_until - needed)

    def _interruptions(self, times_ns: Integers) -> Integers:
        """Indices at which the data are interrupted; pulses before `_whole_until` were tested in earlier calls."""
        begin = int(np.searchsorted(times_ns, times_ns[self._whole_until] - CERTAIN_AFTER_NS))
        cuts = begin + interruptions(times_ns[begin:])
        cuts = cuts[cuts > self._whole_until]
        self._whole_until = int(np.searchsorted(times_ns, times_ns[-1] - CERTAIN_AFTER_NS, side="right"))
        self._whole_until = max(0, self._whole_until - 1)
        return cuts


class _Pulses:
    """Pulse times that are still needed: an array that grows at its end and loses its beginning."""

    def __init__(self) -> None:
        self._memory = np.empty(0, np.int64)
        self._begin = self._end = 0
        self._own = True

    @property
    def times_ns(self) -> Integers:
        """The times that were not dropped."""
        return self._memory[self._begin : self._end]

    def append(self, times_ns: Integers) -> None:
        if self._begin == self._end:  # nothing to append to: used without a copy, until some are kept
            self._memory, self._begin, self._end, self._own = times_ns, 0, times_ns.size, False
            return
        kept = self.times_ns
        if not self._own or self._end + times_ns.size > self._memory.size:
            memory = np.empty(2 * (kept.size + times_ns.size), np.int64)
            memory[: kept.size] = kept
            self._memory, self._begin, self._end, self._own = memory, 0, kept.size, True
        self._memory[self._end : self._end + times_ns.size] = times_ns
        self._end += times_ns.size

    def drop(self, count: int) -> None:
        self._begin += count
        if not self._own:  # the caller may change his array
            self._memory, self._begin, self._end, self._own = self.times_ns.copy(), 0, self._end - self._begin, True
