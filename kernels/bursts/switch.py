"""The best t0 of a burst among the events, for the likelihood of `decay`: where the rise becomes the decay.

`edges_near` is for a rate that is continuous at t0, where the derivative of the likelihood jumps at every event;
`best_switch` is for a rate that may jump, where the likelihood itself does. Both evaluate the likelihood only for
events that change sides when t0 moves, and allocate no memory.
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
"""The search in one direction ends when the log-likelihood has fallen by this much below the best."""


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

    The other parameters are taken to follow t0 linearly, by the information matrix. The smooth part of the likelihood
    is approximated by a parabola; events that change from one exponential to the other are computed exactly.

    Parameters
    ----------
    times_s : array of float64, shape (n,)
        Sorted event times, s.
    dead_s : float
        As in `decay.burst_likelihood`.
    reach_s : float
        Largest distance of the events from t0, s.
    x : array of float64, shape (6,)
        As in `decay.burst_likelihood`; the best parameters at this t0.
    slope, bend : float
        First and second derivative of the negative log-likelihood by t0, the second between events.
    gain : float
        Reduction of the second derivative when the other parameters follow t0.
    found_s, found : arrays of float64, shape (most,)
        Written: times of the events nearest to t0, and the negative log-likelihood there minus the present one.

    Returns
    -------
    int
        Number of events written, at most `most`.
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
            while j != i:  # these events change sides
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
    """The best t0 when both exponentials stay unchanged as functions of time.

    Between events, the likelihood is smooth and monotonic in t0, apart from a maximum where the two rates are equal,
    which is the present t0 of a continuous rate. Therefore only t0 at an event (which then belongs to the decay), and
    `just_after_s` after it (the event then belongs to the rise), are tried.

    Parameters
    ----------
    times_s : array of float64, shape (n,)
        Sorted event times, s.
    low_s, high_s : float
        Limits of t0, s.
    dead_s, x
        As in `decay.burst_likelihood`: the exponentials pass through (t0, N/tau).
    just_after_s : float
        A time after an event, s, of about the resolution of the clock.

    Returns
    -------
    t0_s : float
        The best t0, s.
    gain : float
        Gain in log-likelihood over the present t0; 0 when none is better.
    """
    background, t0_s = math.exp(x[0]), x[5]
    per_tau_r, per_tau_d = math.exp(-x[2]), math.exp(-x[4])
    height_r, height_d = math.exp(x[1] - x[2]), math.exp(x[3] - x[4])
    area_r, area_d = math.exp(x[1]), math.exp(x[3])
    best_s, best = t0_s, 0.0
    origin = first_not_before(times_s, t0_s, np.int64(0), np.int64(times_s.size))
    gain = 0.0
    for i in range(origin, times_s.size):  # to later times: events change to the rise, one by one
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
    for i in range(origin - 1, -1, -1):  # to earlier times: events change to the decay
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
