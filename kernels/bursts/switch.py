"""Where a burst's rise becomes its decay: the best t0 among the events, for the likelihood of `decay`.

`edges_near` is for a rate that is continuous at t0, whose likelihood has an edge at every event; `best_switch` for one
that may jump there, whose likelihood jumps at every event. Neither evaluates the likelihood of events that stay on
their side of t0, and neither allocates.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..compile import kernel
from ..places import first_not_before

__all__ = ["best_switch", "edges_near"]

Floats = NDArray[np.float64]

HOPELESS = 100.0
"""A fall of the log-likelihood after which nothing better is looked for."""


@kernel
def edges_near(
    times_s: Floats,
    dead_s: float,
    reach_s: float,
    x: Floats,
    slope: float,
    bend: float,
    gain: float,
    found_s: Floats,
    found: Floats,
) -> int:
    """The profile likelihood of t0 at the events around it, for a rate that is continuous at t0.

    The best of all other parameters is taken to move with t0 as their information says; what of the likelihood is
    smooth is taken for a parabola, and the events that go over from one exponential to the other enter exactly.

    Parameters
    ----------
    times_s : array of float64, shape (n,)
        Sorted event times, s.
    dead_s : float
        As in `decay.burst_likelihood`.
    reach_s : float
        How far from t0 to look, s.
    x : array of float64, shape (6,)
        As in `decay.burst_likelihood`, the best at its t0.
    slope, bend : float
        First and second derivative of the negative log-likelihood by t0, the second between events.
    gain : float
        What the other parameters take off the second derivative when they follow.
    found_s, found : arrays of float64, shape (most,)
        Written: events, and the negative log-likelihood there less the present one; the nearest, if there are more.

    Returns
    -------
    int
        How many there are.
    """
    background, t0_s = math.exp(x[0]), x[5]
    per_tau_r, per_tau_d = math.exp(-x[2]), math.exp(-x[4])
    height_r, height_d = math.exp(x[1] - x[2]), math.exp(x[3] - x[4])
    origin = first_not_before(times_s, t0_s, np.int64(0), np.int64(times_s.size))
    count = 0
    for way in (1, -1):
        first = origin if way > 0 else origin - 1
        room = (found.size + (1 if way > 0 else 0)) // 2
        i = first
        while 0 <= i < times_s.size and abs(times_s[i] - t0_s) <= reach_s and abs(i - first) < room:
            at = times_s[i]
            moved = at - t0_s
            total = moved * (slope + 0.5 * moved * (bend - gain))
            j = first
            while j != i:  # these go over from the side on which they are to the other
                from_edge = abs(at - times_s[j])
                if way > 0:
                    stay, go = height_d * math.exp(from_edge * per_tau_d), height_r * math.exp(-from_edge * per_tau_r)
                else:
                    stay, go = height_r * math.exp(from_edge * per_tau_r), height_d * math.exp(-from_edge * per_tau_d)
                total += math.log((background + stay) / (background + go)) + dead_s * (stay - go)
                j += way
            found_s[count], found[count] = at, total
            count += 1
            i += way
    return count


@kernel
def best_switch(
    times_s: Floats, low_s: float, high_s: float, dead_s: float, x: Floats, just_after_s: float
) -> tuple[float, float]:
    """Best time to change from the rise to the decay when both exponentials stay where they are.

    Between events the likelihood changes smoothly and monotonically (or has its maximum where the two rates cross,
    which is the present t0 of a continuous rate), so that only places at events are tried: t0 at an event (which then
    decays) and `just_after_s` after it (which then rises).

    Parameters
    ----------
    times_s : array of float64, shape (n,)
        Sorted event times, s.
    low_s, high_s : float
        Where t0 may lie, s.
    dead_s, x
        As in `decay.burst_likelihood`: the exponentials pass through (t0, N/tau).
    just_after_s : float
        Step after an event, s; about the resolution of the clock.

    Returns
    -------
    (t0_s, gain) : floats
        The best switch and the fall of the negative log-likelihood from the present one (0 when none is better).
    """
    background, t0_s = math.exp(x[0]), x[5]
    per_tau_r, per_tau_d = math.exp(-x[2]), math.exp(-x[4])
    height_r, height_d = math.exp(x[1] - x[2]), math.exp(x[3] - x[4])
    area_r, area_d = math.exp(x[1]), math.exp(x[3])
    best_s, best = t0_s, 0.0
    origin = first_not_before(times_s, t0_s, np.int64(0), np.int64(times_s.size))
    gain = 0.0
    for i in range(origin, times_s.size):  # to the right: events go over to the rise, one by one
        t = times_s[i]
        moved = t - t0_s
        if t > high_s or moved * per_tau_r > 30.0:
            break
        at_event = gain - (area_r * math.expm1(moved * per_tau_r) + area_d * math.expm1(-moved * per_tau_d))
        if at_event > best:
            best_s, best = t, at_event
        elif at_event < best - HOPELESS:
            break
        rise, decay = height_r * math.exp(moved * per_tau_r), height_d * math.exp(-moved * per_tau_d)
        gain += math.log((background + rise) / (background + decay)) + dead_s * (rise - decay)
        moved += just_after_s
        after = gain - (area_r * math.expm1(moved * per_tau_r) + area_d * math.expm1(-moved * per_tau_d))
        if after > best and t + just_after_s <= high_s:
            best_s, best = t + just_after_s, after
    gain = 0.0
    for i in range(origin - 1, -1, -1):  # to the left: events go over to the decay
        t = times_s[i]
        moved = t - t0_s
        if t < low_s or -moved * per_tau_d > 30.0:
            break
        moved += just_after_s
        after = gain - (area_r * math.expm1(moved * per_tau_r) + area_d * math.expm1(-moved * per_tau_d))
        if after > best:
            best_s, best = t + just_after_s, after
        moved -= just_after_s
        rise, decay = height_r * math.exp(moved * per_tau_r), height_d * math.exp(-moved * per_tau_d)
        gain += math.log((background + decay) / (background + rise)) + dead_s * (decay - rise)
        at_event = gain - (area_r * math.expm1(moved * per_tau_r) + area_d * math.expm1(-moved * per_tau_d))
        if at_event > best:
            best_s, best = t, at_event
        elif at_event < best - HOPELESS:
            break
    return best_s, best
