"""The offset between the clocks of two PCs, estimated from events that both recorded.

The log of the coil has every switch of the coil, and the file of the PMT has the state of the coil in every row; a
burst follows every heating. The time differences of all pairs of events of the same sort, one of source `a` and one of
source `b`, are computed. At the true offset many of them agree within the time resolution of the files. Each event is
then used in at most one pair, and the offset is the mean of the differences of these pairs, weighted by the inverse
square of their resolution. Where nobody knows how precise times are, their scatter tells the error.

Events at regular intervals agree at many offsets, and a few events agree at some offset by chance. The search is
therefore repeated with the intervals between the events of `b` shuffled: the fraction of shuffled series in which as
many events agree is the probability of a false match. An offset is not valid where this probability is too large, or
where another offset makes nearly as many events agree. Nor is it where one clock gains on the other: then a rate beside
the offset makes many more events agree, or the differences of the pairs have a slope.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.units import SECOND_NS
from ..fits.flags import Reason, reason_for
from ..fits.mean import student_factor
from ..fits.rounding import with_error
from ..options.durations import Duration, duration_ns
from .events import Events, events_of

__all__ = ["ClockOffset", "estimate_clock_offset"]

FEWEST_MATCHES = 6
"""With fewer, the intervals between events have so few orders that they agree by chance in more than 1 of 100 cases."""
LARGEST_FALSE_MATCH = 0.01
RIVAL = 0.75
"""The offset is ambiguous when another one has more than this fraction of its number of pairs."""
SHUFFLES = 400
REACH = 1.75
"""Half the width of the window in which differences agree, in combined resolutions (standard deviations) of two events:
a flat distribution ends at sqrt(12) / 2 = 1.73 standard deviations."""

LARGEST_RATE = 2e-3
"""Rates of one clock against the other that are looked for, s a second, of either sign."""
MOST_RATES = 400
"""Rates that are tried; where the data are so long that more were needed, the steps are longer than a window."""
MORE_BY_RATE = 2.0
"""A rate is taken for true when it makes more events agree, by so many roots of their number."""
MOST_MATCH = 0.9
"""Part of the events that agree, from which on no rate is looked for."""
LEAST_VARIANCE = 1e-18
"""s squared: times are whole nanoseconds."""
LEAST_DEVIATION = 0.1
"""Least deviation of differences about a slope, in windows: those of whole seconds may be all alike."""
SEEN_SLOPE = 3.5
"""Errors of the slope of the differences from which on it is one."""

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ClockOffset:
    """The offset between two clocks: what has to be added to the times of `b` so that they agree with those of `a`.

    A negative offset means that the clock of `b` is fast: it shows later times than that of `a` at the same moment.

    Attributes
    ----------
    offset_ns : int
        The offset, ns; 0 when none was found.
    error_s : float
        Its standard error, s; NaN when none was found.
    matches : int
        Number of events of `a` that have a partner among those of `b` at this offset.
    events : (int, int)
        Number of events of `a` and of `b`.
    false_match_probability : float
        Probability that as many events match at some offset if `a` and `b` have nothing to do with each other.
    valid : bool
        Whether the offset may be used.
    reason : str
        Why it may not be used; empty for a valid offset.

    Examples
    --------
    >>> ClockOffset(-1_500_000_000, 0.12, 8, (9, 8), 0.0025, valid=True)
    clock offset -1.50 ± 0.12 s, to be added to the times of b: the clock of b is fast
      8 events match, of 9 in a and 8 in b; probability of a false match: 0.0025
    """

    offset_ns: int
    error_s: float
    matches: int
    events: tuple[int, int]
    false_match_probability: float
    valid: bool
    reason: str = ""

    @property
    def flags(self) -> tuple[str, ...]:
        """Code of the reason why the offset may not be used, for programs; see `engine.fits.flags`."""
        return (self.reason.code,) if isinstance(self.reason, Reason) else ()

    @property
    def offset(self) -> timedelta:
        """The offset, to the microsecond, as recorders take it."""
        return timedelta(microseconds=round(self.offset_ns / 1000))

    def __repr__(self) -> str:
        matching = (
            f"{self.matches} events match, of {self.events[0]} in a and {self.events[1]} in b; "
            f"probability of a false match: {self.false_match_probability:.2g}"
        )
        if not self.valid:
            return f"no clock offset between a and b: {self.reason}\n  {matching}"
        offset_s = self.offset_ns / SECOND_NS
        if abs(offset_s) <= self.error_s:
            sign = "the clocks agree within the error"
        else:
            sign = f"the clock of b is {'fast' if offset_s < 0 else 'slow'}"
        offset = with_error(offset_s, self.error_s, "s")
        return f"clock offset {offset}, to be added to the times of b: {sign}\n  {matching}"


def estimate_clock_offset(
    a: Any, b: Any, *, longest: Duration = "10min", delay: Duration = 0.0, delay_error: Duration = 0.0, seed: int = 1
) -> ClockOffset:
    """Estimate the offset that has to be added to the times of `b`, from events that both sources recorded.

    Parameters
    ----------
    a, b : recorders, `Events`, or arrays of int64, shape (n,)
        Switches of the coil are in `CoilRecorder` and `PMTRecorder`; heatings in `HeaterRecorder` and
        `HeatTimeRecorder`, and the bursts that follow them in `SSDRecorder`. Arrays are times in ns since 1970; where
        all of one are whole seconds, they are taken to be cut off there. Others may scatter by half a second, and the
        error is that of their scatter.
    longest : duration
        The search covers offsets from -`longest` to +`longest`.
    delay : duration
        True delay from an event in `a` to the same event in `b`: about 2 s from a heating to its burst.
    delay_error : duration
        Standard deviation of that delay from event to event.
    seed : int
        Seed of the random numbers by which the intervals are shuffled.

    Returns
    -------
    ClockOffset
        Not `valid`, with a `reason`, when fewer than six events match, when the probability of a false match is above
        0.01, when another offset has more than three quarters as many pairs, or when one clock gains on the other.

    Raises
    ------
    InputError
        When a source has no events (a gauge, for instance), or a duration is no duration or negative.

    Examples
    --------
    >>> heatings_ns = np.cumsum(np.random.default_rng(1).integers(20, 60, 12)) * 10**9
    >>> found = estimate_clock_offset(heatings_ns, heatings_ns + 7 * 10**9)
    >>> found.valid, found.offset_ns
    (True, -7000000000)
    """
    longest_s = duration_ns(longest, "longest", least_ns=1) / SECOND_NS
    delay_s = duration_ns(delay, "delay") / SECOND_NS
    spread_s = duration_ns(delay_error, "delay_error", least_ns=0) / SECOND_NS
    one, other = events_of(a), events_of(b)
    numbers = (one.times_ns.size, other.times_ns.size)
    if min(numbers) < FEWEST_MATCHES:
        return _no_offset(numbers, 0, reason_for("few_events", needed=FEWEST_MATCHES))
    origin_ns = int(one.times_ns[0])
    times_a, times_b = ((e.times_ns - origin_ns) / SECOND_NS for e in (one, other))
    times_b = times_b - delay_s
    spreads_s = (np.median(one.resolution_s), np.median(other.resolution_s), one.unknown_s, other.unknown_s, spread_s)
    width_s = REACH * math.hypot(*spreads_s)
    differences = _differences(times_a, one.sorts, times_b, other.sorts, longest_s)
    best_s, pairs = _best(differences, width_s)
    matched = _matched(times_a, one.sorts, times_b, other.sorts, best_s, width_s)
    if matched.shape[0] < FEWEST_MATCHES:
        apart = reason_for("no_agreement", needed=FEWEST_MATCHES, longest_s=longest_s)
        return _no_offset(numbers, matched.shape[0], apart)
    of_a, of_b = matched.T
    found = times_a[of_a] - times_b[of_b]
    variance = one.resolution_s[of_a] ** 2 + other.resolution_s[of_b] ** 2 + spread_s**2
    offset_s, error_s = _mean_of(found, variance, one, other)
    gains = _rate_of(times_a[of_a], found, width_s) or _better_rate(
        (times_a, one.sorts, times_b, other.sorts), best_s, width_s, pairs
    )
    rival = _rival(differences, best_s, width_s)
    chance = _false_match_probability(times_a, one.sorts, times_b, other.sorts, longest_s, width_s, pairs, seed)
    reason: str = ""
    if gains:
        reason = reason_for("clock_rate", rate=gains, change_s=abs(gains) * float(np.ptp(times_a)))
    elif chance > LARGEST_FALSE_MATCH:
        reason = reason_for("chance_match")
    elif rival > RIVAL * pairs:
        reason = reason_for("rival_offset", rival=rival, pairs=pairs)
    offset_ns = round(offset_s * SECOND_NS)
    return ClockOffset(offset_ns, error_s, found.size, numbers, chance, valid=not reason, reason=reason)


def _no_offset(events: tuple[int, int], matches: int, reason: str) -> ClockOffset:
    return ClockOffset(0, math.nan, matches, events, 1.0, valid=False, reason=reason)


def _mean_of(found: Floats, variance: Floats, one: Events, other: Events) -> tuple[float, float]:
    """The weighted mean of differences, and its error; where the scatter is larger than known, the scatter is it."""
    unknown = one.unknown_s > 0.0 or other.unknown_s > 0.0
    # Where a scatter of unknown size is beside the resolution, all pairs count alike.
    weight = 1.0 / np.maximum(np.full(found.size, variance.mean()) if unknown else variance, LEAST_VARIANCE)
    offset_s = float(np.sum(weight * found) / np.sum(weight))
    scatter = float(np.sum(weight * (found - offset_s) ** 2)) / (found.size - 1)
    scatter *= float(student_factor(found.size)) ** 2
    least = float(np.mean(weight * variance))
    error_s = math.sqrt(max(least, scatter) / float(np.sum(weight)) + one.common_s**2 + other.common_s**2)
    return offset_s, error_s


def _rate_of(times_s: Floats, differences_s: Floats, width_s: float) -> float:
    """The slope of the differences of pairs; 0 where there is none."""
    moved = times_s - times_s.mean()
    length = float(moved @ moved)
    if not length > 0.0:
        return 0.0
    slope = float(moved @ differences_s) / length
    rest = differences_s - differences_s.mean() - slope * moved
    deviation = max(math.sqrt(float(rest @ rest) / (rest.size - 2)), LEAST_DEVIATION * width_s)
    return (
        slope if abs(slope) > SEEN_SLOPE * float(student_factor(rest.size - 1)) * deviation / math.sqrt(length) else 0.0
    )


def _better_rate(events: tuple[Floats, Integers, Floats, Integers], best_s: float, width_s: float, pairs: int) -> float:
    """The rate at which many more pairs agree than without one; 0 where there is none."""
    times_a, sorts_a, times_b, sorts_b = events
    overlap = (times_b + best_s >= times_a[0] - width_s) & (times_b + best_s <= times_a[-1] + width_s)
    span_s = float(times_a[-1] - times_a[0])
    if pairs >= MOST_MATCH * min(int(overlap.sum()), times_a.size) or not span_s > 0.0:
        return 0.0
    reach_s = abs(best_s) + LARGEST_RATE * span_s + width_s
    first = np.searchsorted(times_b, times_a - reach_s)
    last = np.searchsorted(times_b, times_a + reach_s, side="right")
    of_a = np.repeat(np.arange(times_a.size), last - first)
    of_b = np.concatenate([np.arange(i, j) for i, j in zip(first, last, strict=True)])
    differences, middle = times_a[of_a] - times_b[of_b], times_a[of_a] - times_a[0] - 0.5 * span_s
    near = (sorts_a[of_a] == sorts_b[of_b]) & (np.abs(differences - best_s) <= LARGEST_RATE * span_s + width_s)
    differences, middle = differences[near], middle[near]
    steps = min(MOST_RATES // 2, math.ceil(LARGEST_RATE * span_s / width_s))
    rates = np.linspace(-LARGEST_RATE, LARGEST_RATE, 2 * steps + 1)
    found = [_best(np.sort(differences - rate * middle), width_s)[1] for rate in rates]
    best = int(np.argmax(found))
    return float(rates[best]) if found[best] > pairs + MORE_BY_RATE * math.sqrt(pairs) else 0.0


def _differences(times_a: Floats, sorts_a: Integers, times_b: Floats, sorts_b: Integers, longest_s: float) -> Floats:
    """All differences a - b of events of one sort that are not too large, sorted."""
    first = np.searchsorted(times_b, times_a - longest_s)
    last = np.searchsorted(times_b, times_a + longest_s, side="right")
    numbers = last - first
    of_a = np.repeat(np.arange(times_a.size), numbers)
    of_b = np.repeat(first - np.cumsum(numbers) + numbers, numbers) + np.arange(of_a.size)
    differences: Floats = (times_a[of_a] - times_b[of_b])[sorts_a[of_a] == sorts_b[of_b]]
    return np.sort(differences)


def _best(differences: Floats, width_s: float) -> tuple[float, int]:
    """The mean of the differences in the fullest window of length 2 `width_s`, and their number."""
    if not differences.size:
        return 0.0, 0
    ends = np.searchsorted(differences, differences + 2.0 * width_s, side="right")
    numbers = ends - np.arange(differences.size)
    k = int(np.argmax(numbers))
    return float(np.mean(differences[k : ends[k]])), int(numbers[k])


def _rival(differences: Floats, best_s: float, width_s: float) -> int:
    """The largest number of differences that agree at an offset farther than three widths from the best one."""
    return _best(differences[np.abs(differences - best_s) > 3.0 * width_s], width_s)[1]


def _matched(
    times_a: Floats, sorts_a: Integers, times_b: Floats, sorts_b: Integers, offset_s: float, width_s: float
) -> Integers:
    """Pairs of events that are each other's nearest at this offset, shape (n, 2)."""
    pairs: list[tuple[int, int]] = []
    for sort in np.unique(sorts_a):
        of_a, of_b = np.flatnonzero(sorts_a == sort), np.flatnonzero(sorts_b == sort)
        if not of_b.size:
            continue
        moved = times_b[of_b] + offset_s
        nearest_b, nearest_a = _nearest(moved, times_a[of_a]), _nearest(times_a[of_a], moved)
        for i, j in enumerate(nearest_b):
            if nearest_a[j] == i and abs(times_a[of_a[i]] - moved[j]) <= 2.0 * width_s:
                pairs.append((int(of_a[i]), int(of_b[j])))
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _nearest(known: Floats, asked: Floats) -> Integers:
    right = np.clip(np.searchsorted(known, asked), 1, max(1, known.size - 1))
    left = right - 1
    right = np.minimum(right, known.size - 1)
    return np.where(np.abs(asked - known[left]) <= np.abs(known[right] - asked), left, right)


def _false_match_probability(
    times_a: Floats,
    sorts_a: Integers,
    times_b: Floats,
    sorts_b: Integers,
    longest_s: float,
    width_s: float,
    pairs: int,
    seed: int,
) -> float:
    """The fraction of series with the same intervals in another order of which as many events agree."""
    random = np.random.default_rng(seed)
    gaps = np.diff(times_b)
    # A shuffled series begins at the same time; the search is free to move it, as it moves the true one.
    as_good = 0
    for _ in range(SHUFFLES):
        order = random.permutation(gaps.size)
        shuffled = times_b[0] + np.append(0.0, np.cumsum(gaps[order]))
        found = _best(_differences(times_a, sorts_a, shuffled, sorts_b, longest_s), width_s)[1]
        as_good += found >= pairs
    return (as_good + 1) / (SHUFFLES + 1)
