"""The smallest burst that the search would have found: what "no burst" means.

A burst is found when the sum of one of the filters exceeds its threshold (`kernels.bursts.significance.threshold`) at
the level that the allowed false alarms give (`alarms.level_for`). The mean and the variance of the sum follow from the
shape of the burst and the rate of the background (Campbell's theorem); its distribution is taken for that of a Poisson
variable of the same mean and variance, in units of variance over mean, which is right for few pulses and for many. The
event at which a sum begins does not count. The best filter at the best beginning gives a lower bound of the
probability, since the search tries all of them: simulated bursts of the size that 90 % stands for are found in 90 to
97 % of cases (``benchmarks/calibrations/efficiency_of_search.py`` makes such bursts; a test repeats this).
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import integrate, optimize, special

from ....kernels.bursts.filters import FILTERS
from ....kernels.bursts.significance import threshold
from ....kernels.units import SECOND_NS
from .alarms import level_for
from .background import BLOCK_NS, REACH, Blocks, first_background, interruptions
from .stretch import SLOWEST_NS

__all__ = ["smallest_burst", "what_was_searched"]

TAU_RISE_S = 0.2
"""Time constant of the rise of the bursts that are spoken of, as in the calibration of the efficiency."""
BEGINNINGS_S = (0.0, 0.1, 0.2, 0.4)
"""Where a sum begins before the apex: with the rise of a long burst or without that of a short one."""
LEAST_S = 60.0
"""Of background; with less, too little is known of it to say what would have been found."""
ALIKE = 1.1
"""Ratio of two sizes that are not worth two numbers; the larger one is told."""
MOST_PULSES = 1e7
STEPS = 2000
"""Of the integral over the shape of a burst."""


def smallest_burst(
    rate_Hz: float,
    live_s: float = 2.0 * REACH * BLOCK_NS / SECOND_NS,
    *,
    half_life_s: float = 1.0,
    false_alarms_per_hour: float = 0.01,
    probability: float = 0.9,
) -> int:
    """Pulses of the smallest burst that `find_bursts` finds with at least some probability.

    Parameters
    ----------
    rate_Hz : float
        Of the background, pulses per s.
    live_s : float
        Time from which the background is measured, s; by default the four minutes around a burst.
    half_life_s : float
        Of the burst, s; it rises with a time constant of 0.2 s.
    false_alarms_per_hour : float
        As for `find_bursts`.
    probability : float
        Of its being found, in (0, 1).

    Returns
    -------
    int
        Expected number of pulses above the background, those of the rise among them, rounded up.

    Examples
    --------
    >>> [smallest_burst(rate_Hz) for rate_Hz in (1.0, 100.0)]
    [21, 138]
    """
    counts = rate_Hz * live_s
    level = float(level_for(false_alarms_per_hour, [rate_Hz])[0])
    sums = [
        (threshold(level, counts, tau_s / live_s) + 1.0, rate_Hz * tau_s, mean, square)
        for tau_s, mean, square in _moments(half_life_s)
    ]

    def excess(pulses: float) -> float:
        best = 0.0
        for needed, background, mean, square in sums:
            expected = pulses * mean + background
            unit = (pulses * square + 0.5 * background) / expected
            best = max(best, float(special.gammainc(needed / unit, expected / unit)))
        return best - probability

    return math.ceil(float(optimize.brentq(excess, 0.1, MOST_PULSES, rtol=1e-6)))


def what_was_searched(times_ns: NDArray[np.int64], false_alarms_per_hour: float) -> str:
    """How much background holds no burst, and what would have been found in it, as the end of a sentence.

    Parameters
    ----------
    times_ns : array of int64, shape (n,)
        Sorted pulse times without bursts.
    false_alarms_per_hour : float
        As for `find_bursts`.

    Examples
    --------
    >>> times_ns = np.sort(np.random.default_rng(1).integers(0, 600 * 10**9, 60_000))
    >>> for part in what_was_searched(times_ns, 0.01).split(" would have been "):
    ...     print(part)
    among 60000 pulses in 10.0 min, 100 per s; one of 139 pulses or more with a half-life of 1 s
    found with a probability of at least 90 % (0.01 false alarms an hour are allowed)
    """
    stretches = [s for s in np.split(times_ns, interruptions(times_ns)) if s.size > 2 and s[0] < s[-1]]
    live_s = sum(float(s[-1] - s[0]) / SECOND_NS for s in stretches)
    many = f"among {times_ns.size} pulse{'s' * (times_ns.size != 1)}"
    if not stretches:
        return f"{many}: too few to search"
    many += f" in {_duration(live_s)}, {times_ns.size / live_s:.3g} per s"
    longest_s = max(float(s[-1] - s[0]) / SECOND_NS for s in stretches)
    if longest_s < LEAST_S:
        return f"{many}: less than {LEAST_S:g} s in one piece is too short to say which would have been found"
    sizes = set()
    for stretch in stretches:
        span_s = float(stretch[-1] - stretch[0]) / SECOND_NS
        if span_s >= LEAST_S:
            rates_Hz = first_background(Blocks.of(stretch, int(stretch[0]))).rate_Hz
            around_s = min(span_s, 2.0 * REACH * BLOCK_NS / SECOND_NS)
            options = {"false_alarms_per_hour": false_alarms_per_hour}
            sizes |= {smallest_burst(float(rate), around_s, **options) for rate in np.quantile(rates_Hz, (0.1, 0.9))}
    low, high = min(sizes), max(sizes)
    varies = f" ({low} where the rate is low)" if high > ALIKE * low else ""
    return (
        f"{many}; one of {high} pulses or more{varies} with a half-life of 1 s would have been found with a "
        f"probability of at least 90 % ({false_alarms_per_hour:g} false alarms an hour are allowed)"
    )


@cache
def _moments(half_life_s: float) -> tuple[tuple[float, float, float], ...]:
    """Of each filter (time constant, s) and beginning: means over the pulses of a burst of the weight and its square.

    The density of the pulses is (exp(x / rise) before the apex, exp(-x / decay) after it) over rise + decay.
    """
    decay_s = half_life_s / math.log(2.0)
    found = []
    for k in range(FILTERS):
        tau_s = SLOWEST_NS / SECOND_NS / 2**k
        for begin_s in BEGINNINGS_S:
            before = np.linspace(-begin_s, 0.0, STEPS)
            rise, fade = np.exp(before / TAU_RISE_S), np.exp(-(before + begin_s) / tau_s)
            moments = []
            for power in (1, 2):
                after = math.exp(-power * begin_s / tau_s) / (power / tau_s + 1.0 / decay_s)
                moments.append(
                    (float(integrate.trapezoid(rise * fade**power, before)) + after) / (TAU_RISE_S + decay_s)
                )
            found.append((tau_s, *moments))
    return tuple(found)


def _duration(seconds: float) -> str:
    """A duration as people say it."""
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2.0 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"
