"""Search for bursts of pulses over a background that drifts, at a false-alarm rate that the user chooses.

Windows of 14 lengths begin at every pulse. By the Mecke formula, windows begun at pulses of a Poisson background of
rate b contain at least n pulses b P(N >= n - 1) times per unit of time, N the Poisson count of the window; the sum
over all lengths bounds the rate of false alarms, and each length gets an equal share of it. Since b is only measured,
by m counts in a live time T around the window, P is the predictive tail: the negative binomial of index m + 1, the
same number as the exact conditional test of two Poisson counts (Przyborowski and Wilenski, Biometrika 31 (1940) 313),

    P(N >= n | m, T) = I_x(n, m + 1),   x = w / (w + T).

The background is local (about two minutes to either side, bursts masked), so that a drift cancels to first order; it
starts from a rolling median and is measured again until the set of bursts no longer changes. Exceeding windows come
in clusters, hence the true rate of false alarms lies below the configured one, never above it for a background that
is constant over some minutes.

Promise: linear time; each burst once; no alarm at the beginning, the end, or an interruption of the data.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ...io.errors import InputError
from ...kernels.bursts import best_windows, separate_windows
from .background import BLOCK_NS, SECOND_NS, Background, first_background, mask_of, masked_background, stretches

__all__ = ["BEFORE_S", "BEHIND_S", "find_bursts", "reach_ns", "sorted_times_ns"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SHORTEST_S, LONGEST_S, LENGTHS = 0.03, 20.0, 14
LARGEST_GAP_S = 3.0
"""Pieces of one burst may lie this far apart: a few of the longest decay times that are expected."""
PASSES = 4
MOST_WINDOWS = 1_000_000
"""Exceeding windows that do not overlap; more than any data can hold unless everything exceeds."""
BEFORE_S, BEHIND_S = (15.0, 20.0), (25.0, 40.0)
"""Where a fit may look before and behind a burst: at least, at most. The decay is told from the background there."""

MOST_FALSE_ALARMS_PER_HOUR = 1000.0  # beyond it every fluctuation is a burst
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
}


def find_bursts(timestamps_ns: ArrayLike | pl.Series, *, false_alarms_per_hour: float = 0.01) -> pl.DataFrame:
    """Find the bursts in a list of pulse times.

    Parameters
    ----------
    timestamps_ns : array or polars Series of integers, shape (n,)
        Sorted pulse times in ns (of any origin); equal times are allowed. A pause of the measurement inside the
        data is recognised and never taken for a low background.
    false_alarms_per_hour : float
        Largest expected number of false alarms in an hour of background alone. The default is one in 100 hours.

    Returns
    -------
    polars.DataFrame, one row a burst, in order of time
        ``timestamp_ns`` (apex: where the pulses are densest), ``onset_ns``, ``end_ns``: of the exceeding windows.
        ``significance``: one-sided Gaussian equivalent (z) of the probability of the most significant window, at its
        place. ``false_alarms_per_hour``: bound on the expected rate of windows as extreme, anywhere, in background
        alone.
        ``pulses_peak``, ``pulses_peak_error``: pulses above background in [onset, end).
        ``pulses_background``: expected from background there. ``background_Hz``, ``background_error_Hz``: local
        background.
        ``window_begin_ns``, ``window_end_ns``: where a fit may look, with the neighbours and interruptions left out.

    Raises
    ------
    InputError
        If the times are not sorted, not integers or missing, or the rate of false alarms is out of range.
    """
    if not 0.0 < false_alarms_per_hour <= MOST_FALSE_ALARMS_PER_HOUR:
        limit = f"{MOST_FALSE_ALARMS_PER_HOUR:g}"
        raise InputError(f"false_alarms_per_hour is above 0 and at most {limit}, not {false_alarms_per_hour}.")
    times_ns = sorted_times_ns(timestamps_ns)
    widths_ns = _window_lengths_ns(times_ns)
    rows: list[tuple[int | float, ...]] = []
    for stretch in stretches(times_ns):
        rows.extend(_rows(stretch, widths_ns, false_alarms_per_hour))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def sorted_times_ns(timestamps_ns: ArrayLike | pl.Series) -> Integers:
    """The times as an int64 array, without a copy when they are one; `InputError` when they cannot be."""
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
    late = times[1:] < times[:-1]
    if late.any():
        row = int(late.argmax()) + 1
        raise InputError(
            f"pulse times are not sorted: number {row} is earlier than the one before it; sort them first."
        )
    return times


def reach_ns(lengths: float, length_ns: int, limits_s: tuple[float, float]) -> int:
    """Some lengths of a burst, between two limits, ns: how far beyond the burst a fit looks."""
    return int(SECOND_NS * min(max(lengths * length_ns / SECOND_NS, limits_s[0]), limits_s[1]))


def _window_lengths_ns(times_ns: Integers) -> Integers:
    """Lengths of the windows: whole ticks of the clock, so that a coarse clock does not crowd a window."""
    steps = np.diff(times_ns[:10_000])
    tick = int(np.gcd.reduce(steps)) if steps.size else 1
    widths = np.geomspace(SHORTEST_S, LONGEST_S, LENGTHS) * SECOND_NS
    return np.unique(np.maximum(1, np.round(widths / max(tick, 1))).astype(np.int64) * max(tick, 1))


@dataclass(frozen=True, eq=False)
class _Windows:
    """Exceeding windows that do not overlap, in order of time: arrays of shape (windows,)."""

    first: Integers
    count: Integers
    scale: Integers
    begin_ns: Integers
    end_ns: Integers


def _rows(times_ns: Integers, widths_ns: Integers, alarms_per_hour: float) -> Iterable[tuple[int | float, ...]]:
    """The rows of the table for one stretch without interruption."""
    background = robust = first_background(times_ns)
    known: list[tuple[int, int]] | None = None
    for _ in range(PASSES):
        searched = background
        windows = _exceeding_windows(times_ns, widths_ns, background, alarms_per_hour)
        groups = _merged(windows)
        bursts = [(int(windows.begin_ns[group[0]]), int(windows.end_ns[group[-1]])) for group in groups]
        if bursts == known:
            break
        known = bursts
        background = masked_background(times_ns, [mask_of(*burst) for burst in bursts], robust)
    for i, (group, (onset, end)) in enumerate(zip(groups, bursts, strict=True)):
        log_p, block = min(_log_probability(times_ns, widths_ns, windows, at, searched) for at in group)
        rate_Hz, error_Hz = float(searched.rate_Hz[block]), float(searched.error_Hz[block])
        inside = times_ns[slice(*np.searchsorted(times_ns, [onset, end]))]
        length_s = (end - onset) * 1e-9
        low = int(times_ns[0]) if i == 0 else bursts[i - 1][1] + (bursts[i - 1][1] - bursts[i - 1][0]) // 2
        high = int(times_ns[-1]) if i + 1 == len(bursts) else bursts[i + 1][0] - SECOND_NS // 2
        yield (
            _densest_ns(inside, length_s),
            onset,
            end,
            -float(special.ndtri_exp(log_p)),
            3600.0 * rate_Hz * widths_ns.size * math.exp(log_p),
            inside.size - rate_Hz * length_s,
            math.sqrt(inside.size + (error_Hz * length_s) ** 2),
            rate_Hz * length_s,
            rate_Hz,
            error_Hz,
            min(onset, max(low, onset - reach_ns(2.0, end - onset, BEFORE_S))),
            max(end, min(high, end + reach_ns(4.0, end - onset, BEHIND_S))),
        )


def _exceeding_windows(
    times_ns: Integers, widths_ns: Integers, background: Background, alarms_per_hour: float
) -> _Windows:
    n = times_ns.size
    scale, count, score = np.empty(n, np.int8), np.empty(n, np.int32), np.empty(n, np.float32)
    tables = (_thresholds(background, widths_ns, alarms_per_hour), background.counts, background.live_ns)
    best_windows(times_ns, int(times_ns[0]), BLOCK_NS, widths_ns, *tables, scale, count, score)
    most = min(int(np.count_nonzero(scale >= 0)), MOST_WINDOWS)
    picked, limits, segments = np.empty(most, np.int64), np.empty(most, np.int64), np.empty((most + 2, 2), np.int64)
    found = separate_windows(
        times_ns, int(times_ns[0]), BLOCK_NS, widths_ns, *tables, scale, count, score, picked, limits, segments
    )
    order = np.argsort(picked[:found])
    first, limit = picked[:found][order], limits[:found][order]
    latest = np.where(limit < n, times_ns[np.minimum(limit, n - 1)], times_ns[-1] + 1)
    end = np.minimum(times_ns[first] + widths_ns[scale[first]], latest)
    return _Windows(first, count[first].astype(np.int64), scale[first].astype(np.int64), times_ns[first], end)


def _thresholds(background: Background, widths_ns: Integers, alarms_per_hour: float) -> Integers:
    """Fewest counts whose predictive tail keeps the false alarms below each length's share, shape (blocks, lengths)."""
    # A window longer than the live time that its background is known from cannot be judged; none exceeds there.
    usable = widths_ns <= background.live_ns[:, None]
    part = np.where(usable, widths_ns / (widths_ns + background.live_ns[:, None]), 0.5)
    m = background.counts[:, None]
    share = alarms_per_hour / widths_ns.size / 3600.0 / ((m + 1.0) / background.live_ns[:, None] * 1e9)
    share = np.broadcast_to(np.minimum(share, 1.0), part.shape)

    def tail(n: NDArray[np.float64], at: NDArray[np.bool_]) -> Floats:
        return np.asarray(special.betainc(n[at], np.broadcast_to(m + 1.0, n.shape)[at], part[at]))

    # Begin with the Cornish-Fisher quantile of the negative binomial, then walk to the exact whole number.
    odds = part / (1.0 - part)
    mean, variance = (m + 1.0) * odds, (m + 1.0) * odds * (1.0 + odds)
    z = -special.ndtri(np.minimum(share, 0.5))
    n = np.maximum(1.0, np.ceil(mean + z * np.sqrt(variance) + (z * z - 1.0) / 6.0 * (1.0 + 2.0 * odds)))
    walking = np.ones(n.shape, dtype=bool)
    while walking.any():  # down to where one fewer would be too likely
        walking[walking] = (n[walking] > 1.0) & (tail(n - 1.0 + (n <= 1.0), walking) <= share[walking])
        n[walking] -= 1.0
    walking = np.ones(n.shape, dtype=bool)
    while walking.any():
        walking[walking] = tail(n, walking) > share[walking]
        n[walking] += 1.0
    return np.where(usable, n.astype(np.int64) + 1, np.iinfo(np.int32).max)


def _merged(windows: _Windows) -> list[list[int]]:
    """Windows of one burst: those that a gap no longer than the longer one of both neighbours separates."""
    groups: list[list[int]] = []
    for at in range(windows.first.size):
        if groups:
            gap = windows.begin_ns[at] - windows.end_ns[at - 1]
            longer = max(windows.end_ns[i] - windows.begin_ns[i] for i in (at - 1, at))
            if gap <= min(longer, LARGEST_GAP_S * SECOND_NS):
                groups[-1].append(at)
                continue
        groups.append([at])
    return groups


def _log_probability(
    times_ns: Integers, widths_ns: Integers, windows: _Windows, at: int, background: Background
) -> tuple[float, int]:
    """Logarithm of the predictive tail of one window, and the block of its background."""
    block = int((windows.begin_ns[at] - times_ns[0]) // BLOCK_NS)
    width, live = float(widths_ns[windows.scale[at]]), float(background.live_ns[block])
    return _log_tail(float(windows.count[at] - 1), float(background.counts[block]) + 1.0, width / (width + live)), block


def _log_tail(a: float, b: float, x: float) -> float:
    """Logarithm of the regularised incomplete beta function I_x(a, b), also where it underflows."""
    tail = float(special.betainc(a, b, x))
    if tail > 1e-280:
        return math.log(tail)
    # First term of the series in x, times the geometric series that bounds the rest: (a+b) x < a + 1 this far out.
    ratio = (a + b) * x / (a + 1.0)
    return float(a * math.log(x) + b * math.log1p(-x) - math.log(a) - special.betaln(a, b) - math.log1p(-ratio))


def _densest_ns(times_ns: Integers, length_s: float) -> int:
    """Time in the middle of the densest short window."""
    width = int(SECOND_NS * np.clip(length_s / 8.0, 0.05, 0.5))
    counts = np.searchsorted(times_ns, times_ns + width) - np.arange(times_ns.size)
    best = int(counts.argmax())
    return int(times_ns[best + int(counts[best]) // 2])
