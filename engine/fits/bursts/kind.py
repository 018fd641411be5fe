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

from ....kernels.bursts.gaps import CELLS, Gaps, gaps_of_rate
from ....kernels.bursts.steps import best_step
from ..flags import Reason, reason_for
from .problem import BurstProblem

__all__ = ["KINDS", "kind_of", "reasons_of_kind"]

Floats = NDArray[np.float64]

KINDS = ("train", "cascade", "step", "afterpulses", "regular", "dead_time")
"""Codes of the flags that are kinds, the surest first."""
MOST_PULSES = 1000
"""Pulses around t0 that are looked at: enough to see what departs, and few enough to take no time."""
DISTANCE = 2.1
"""Largest distance of the distribution of the rescaled gaps from the exponential one, times the square root of their
number (Kolmogorov and Smirnov): the probability of more is 3e-4."""
AT_ONCE = 4.0
"""Errors by which the shortest gaps, of which chance makes one in 512, may exceed their number, beside two more."""
FEWEST_GAPS = 12
"""With fewer gaps their distribution is not asked for."""
FASTEST_S = 0.1
"""A burst that decays faster is a cascade: half of the shortest decay that the search looks for."""
TICKS = 0.02
"""Largest product of the rate and the tick of the clock for which gaps are asked for."""
CERTAIN_GAPS, LOSS_IN_ERRORS = 12.0, 0.3
"""Gaps that are expected to be shorter than the shortest one, from which on there is dead time; and how much it must
hide of the pulses, in their standard error."""
BIN_S, FEWEST_BINS, LOWEST_HZ = 0.004, 256, 15.0
"""Bins of time for the frequencies of trains, fewest of them, and the lowest frequency."""
MAINS_HZ, ANY_POWER, MAINS_POWER = np.array([50.0, 60.0, 100.0, 120.0]), 17.0, 9.0
"""Frequencies of microphonics, and the power, in units of its mean, that is above chance: anywhere, and at these."""
EDGES, BETTER, SHORTEST_STEP_S = 24, 6.5, 0.2
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
    before, first, middle, last, after = t.searchsorted((onset_s - 1.0, onset_s, bursts[0, 5], end_s, end_s + 1.0))
    first, last = max(first, middle - MOST_PULSES // 2), min(last + 1, middle + MOST_PULSES // 2, t.size)
    if last - first > FEWEST_GAPS:
        yield from _of_gaps(problem, bursts, first, last)
    if len(bursts) == 1 and math.exp(bursts[0, 4]) < FASTEST_S:
        yield reason_for("cascade", decay_s=math.exp(bursts[0, 4]))
    likelihood, begin, stop = best_step(t, problem.length_s, before, max(after - 1, before), EDGES, SHORTEST_STEP_S)
    if likelihood + nll > BETTER:
        yield reason_for("step", gain=likelihood + nll, length_s=float(t[stop] - t[begin]))


def _of_gaps(problem: BurstProblem, bursts: Floats, first: int, last: int) -> Iterator[Reason]:
    """Whether pulses come at a frequency, and the gaps between them are those of a Poisson process of the fitted rate.

    The gaps are those of the events from `first` to the one before `last`.
    """
    t, trains = problem.times_s, (LOWEST_HZ, ANY_POWER, MAINS_HZ, MAINS_POWER)
    seen = Gaps(*gaps_of_rate(t, first, last, bursts, problem.dead_s, BIN_S, FEWEST_BINS, *trains))
    if seen.power > 0.0:
        yield reason_for("train", frequency_Hz=seen.frequency_Hz, power=seen.power)
    if seen.missing > CERTAIN_GAPS:
        if seen.missing > LOSS_IN_ERRORS * math.sqrt(seen.count):
            yield reason_for("dead_time", shortest_us=seen.shortest_s * 1e6, missing=seen.missing)
        return
    expected = seen.count / CELLS
    if seen.at_once > expected + AT_ONCE * math.sqrt(expected) + 2.0 and not _is_coarse(t[first:last], seen.rate_Hz):
        yield reason_for("afterpulses", short=seen.at_once, expected=expected)
        return
    if max(seen.above, seen.below) * math.sqrt(seen.count) < DISTANCE or _is_coarse(t[first:last], seen.rate_Hz):
        return
    if seen.above > seen.below:
        short = round((seen.above + seen.above_part) * seen.count)
        yield reason_for("afterpulses", short=short, expected=seen.count * seen.above_part)
    else:
        yield reason_for("regular", distance=seen.below)


def _is_coarse(times_s: Floats, rate_Hz: float) -> bool:
    """Whether the clock ticks too slowly to tell the gaps."""
    tick_s = float(np.gcd.reduce(np.rint(np.diff(times_s) * 1e9).astype(np.int64))) * 1e-9
    return tick_s * rate_Hz > TICKS
