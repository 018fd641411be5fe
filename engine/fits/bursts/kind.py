"""What a burst is, if it is none: a step of the rate, a train, afterpulses, a cascade, or undeclared dead time.

The times of pulses that follow a rate are a Poisson process of rate one on the clock of that rate: the integrals of the
rate between neighbouring pulses are exponential numbers of mean one, independent of each other (time rescaling; Brown
et al. 2002, Neural Computation 14, 325). The rate is the fitted one. Afterpulses have more small ones than that, dead
time has fewer, and trains have a frequency. A step is a rate that jumps, stays, and jumps back: its likelihood is
compared with that of the burst. All tests together let pass 99 % and more of the bursts that follow the model.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ....kernels.bursts.decay import burst_integral
from ....kernels.bursts.steps import best_step
from ..flags import Reason, reason_for
from .problem import BurstProblem

__all__ = ["KINDS", "kind_of", "reasons_of_kind"]

Floats = NDArray[np.float64]

KINDS = ("train", "cascade", "step", "afterpulses", "regular", "dead_time")
"""Codes of the flags that are kinds, the surest first."""
MOST_PULSES = 2000
"""Pulses around t0 that are looked at: enough to see what departs, and few enough to take no time."""
DISTANCE = 2.1
"""Largest distance of the distribution of the rescaled gaps from the exponential one, times the square root of their
number (Kolmogorov and Smirnov): the probability of more is 3e-4."""
FEWEST_GAPS = 12
"""With fewer gaps their distribution is not asked for."""
FASTEST_S = 0.1
"""A burst that decays faster is a cascade: half of the shortest decay that the search looks for."""
TICKS = 0.02
"""Largest product of the rate and the tick of the clock for which gaps are asked for."""
CERTAIN_GAPS, LOSS_IN_ERRORS = 12.0, 0.3
"""Gaps that are expected to be shorter than the shortest one, from which on there is dead time; and how much it must
hide of the pulses, in their standard error."""
BIN_S, LONGEST_S, LOWEST_HZ = 0.004, 16.0, 15.0
"""Bins of time for the frequencies of trains, how much of a burst is looked at, and the lowest frequency."""
MAINS_HZ, ANY_POWER, MAINS_POWER = (50.0, 60.0, 100.0, 120.0), 17.0, 11.0
"""Frequencies of microphonics, and the power, in units of its mean, that is above chance: anywhere, and at these."""
EDGES, BETTER, SHORTEST_STEP_S = 48, 6.5, 0.2
"""Times between which a step is looked for, the gain in log-likelihood over a burst from which on it is one, and how
long it is at least."""


def kind_of(flags: tuple[str, ...]) -> str:
    """What a burst with these flags is: "burst" where nothing speaks against it.

    Examples
    --------
    >>> kind_of(("not_a_burst", "step")), kind_of(())
    ('step', 'burst')
    """
    return next((kind for kind in KINDS if kind in flags), "burst")


def reasons_of_kind(
    problem: BurstProblem, bursts: Floats, nll: float, onset_s: float, end_s: float
) -> Iterator[Reason]:
    """What speaks for something else than a burst.

    Parameters
    ----------
    problem : BurstProblem
    bursts : array of float64, shape (k, 6)
        Parameters of each fitted burst as in `kernels.bursts.decay`.
    nll : float
        Negative log-likelihood of the fit.
    onset_s, end_s : float
        Where the pulses rise above the background, and are lost in it, s after the begin of the window.
    """
    t = problem.times_s
    first, last = (int(i) for i in np.searchsorted(t, [onset_s, end_s]))
    middle = int(np.searchsorted(t, bursts[0, 5]))
    near = t[max(first, middle - MOST_PULSES // 2) : min(last + 1, middle + MOST_PULSES // 2)]
    if near.size > FEWEST_GAPS:
        yield from _of_times(t[first:last], bursts)
        yield from _of_gaps(near, bursts, problem.dead_s)
    if len(bursts) == 1 and math.exp(bursts[0, 4]) < FASTEST_S:
        yield reason_for("cascade", decay_s=math.exp(bursts[0, 4]))
    gain, begin_s, stop_s = _best_step(t, problem.length_s, onset_s, end_s)
    if gain + nll > BETTER:
        yield reason_for("step", gain=gain + nll, length_s=stop_s - begin_s)


def _of_gaps(near: Floats, bursts: Floats, dead_s: float) -> Iterator[Reason]:
    """Whether the gaps between pulses are those of a Poisson process of the fitted rate."""
    gaps_s = np.diff(near)
    rescaled = np.zeros(gaps_s.size)
    for burst in bursts:
        burst_integral(near, burst, rescaled)
    n, shortest_s = gaps_s.size, float(gaps_s.min())
    rate_Hz = rescaled / np.maximum(gaps_s, 1e-9)
    known_s = max(shortest_s - dead_s, 0.0)
    missing = float(np.sum(-np.expm1(-rate_Hz * known_s)))
    if missing > CERTAIN_GAPS:
        if missing > LOSS_IN_ERRORS * math.sqrt(n):
            yield reason_for("dead_time", shortest_us=shortest_s * 1e6, missing=missing)
        return
    if dead_s > 0.0:
        rescaled = np.maximum(rescaled - rate_Hz * dead_s, 0.0)
    part = np.sort(-np.expm1(-rescaled))
    ranks = np.arange(n + 1) / n
    above, below = ranks[1:] - part, part - ranks[:-1]
    if max(above.max(), below.max()) * math.sqrt(n) < DISTANCE or _is_coarse(gaps_s, float(rate_Hz.mean())):
        return
    if above.max() > below.max():
        at = int(above.argmax())
        yield reason_for("afterpulses", short=at + 1, expected=n * part[at])
    else:
        yield reason_for("regular", distance=float(below.max()))


def _is_coarse(gaps_s: Floats, rate_Hz: float) -> bool:
    """Whether the clock ticks too slowly to tell the gaps."""
    tick_s = float(np.gcd.reduce(np.rint(gaps_s * 1e9).astype(np.int64))) * 1e-9
    return tick_s * rate_Hz > TICKS


def _of_times(times_s: Floats, bursts: Floats) -> Iterator[Reason]:
    """Whether pulses come at a frequency."""
    times_s = times_s[: int(np.searchsorted(times_s, times_s[0] + LONGEST_S))] if times_s.size else times_s
    n = times_s.size
    if n < FEWEST_GAPS:
        return
    counts = np.bincount(((times_s - times_s[0]) / BIN_S).astype(np.int64))
    size = 256
    while size < counts.size:
        size *= 2
    power = np.abs(np.fft.rfft(counts, size)) ** 2 / n
    apart_Hz = 1.0 / (size * BIN_S)
    lowest = int(LOWEST_HZ / apart_Hz)
    # What the edges of a smooth burst have at these frequencies.
    smooth = sum(math.exp(x[3]) / (2.0 * math.pi * LOWEST_HZ * math.exp(x[4])) ** 2 for x in bursts)
    at = lowest + int(power[lowest:].argmax())
    found = [(float(power[at]) - 4.0 * smooth - ANY_POWER, at)]
    length_s = max(float(times_s[-1] - times_s[0]), 10.0 * BIN_S)
    width = 1 + int(1.0 / length_s / apart_Hz)
    for mains_Hz in MAINS_HZ:
        begin = max(int(mains_Hz / apart_Hz) - width, 0)
        at = begin + int(power[begin : begin + 2 * width + 2].argmax())
        found.append((float(power[at]) - 4.0 * smooth - MAINS_POWER, at))
    excess, at = max(found)
    if excess > 0.0:
        yield reason_for("train", frequency_Hz=at * apart_Hz, power=float(power[at]))


def _best_step(t: Floats, length_s: float, onset_s: float, end_s: float) -> tuple[float, float, float]:
    """The log-likelihood of the best step in a window, and its begin and end, s."""
    low, high = np.searchsorted(t, [onset_s - 1.0, end_s + 1.0])
    inside = np.linspace(low, max(high - 1, low), EDGES * 3 // 4)
    edges = np.sort(np.concatenate([inside, np.linspace(0, t.size - 1, EDGES // 4)]).astype(np.int64))
    best, first, last = best_step(t, length_s, edges, max(t.size // EDGES, 8), SHORTEST_STEP_S)
    return best, float(t[first]), float(t[last])
