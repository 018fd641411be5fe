"""The likelihood of one burst: a constant background, an exponential rise up to t0 and an exponential decay after it.

    rate(t) = b + (N_r/tau_r) exp(-(t0-t)/tau_r)   for t <  t0
              b + (N_d/tau_d) exp(-(t-t0)/tau_d)   for t >= t0

observed without interruption from 0 to W. The extended unbinned negative log-likelihood is the integral of the rate,
which is closed-form, minus the sum of the log-rate over the events. The positive parameters enter by their logarithms,
ordered (ln b, ln N_r, ln tau_r, ln N_d, ln tau_d), because that is how they are fitted.

Shifting t0 alone is the same as scaling N_r and N_d: t0 is only the place where one exponential hands over to the
other, and the likelihood jumps whenever t0 passes an event. Hence two functions: `burst_likelihood` at fixed t0 with
exact first and second derivatives, and `best_switch`, the best t0 at fixed exponentials. Both promise one pass over
the events and no allocation.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .compile import kernel

__all__ = ["best_switch", "burst_integral", "burst_likelihood"]

Floats = NDArray[np.float64]


@kernel
def burst_integral(begin_s: float, end_s: float, t0_s: float, logs: Floats) -> float:
    """Expected number of pulses between two times.

    Parameters
    ----------
    begin_s, end_s, t0_s : float
        Seconds on one clock, begin <= end.
    logs : array of float64, shape (5,)
        ln b, ln N_r, ln tau_r, ln N_d, ln tau_d; rates in 1/s, times in s.
    """
    expected = math.exp(logs[0]) * (end_s - begin_s)
    if begin_s < t0_s:
        tau = math.exp(logs[2])
        upper = min(end_s, t0_s)
        expected += math.exp(logs[1] + (upper - t0_s) / tau) * -math.expm1((begin_s - upper) / tau)
    if end_s > t0_s:
        tau = math.exp(logs[4])
        lower = max(begin_s, t0_s)
        expected += math.exp(logs[3] - (lower - t0_s) / tau) * -math.expm1((lower - end_s) / tau)
    return expected


@kernel
def burst_likelihood(
    times_s: Floats, length_s: float, t0_s: float, logs: Floats, gradient: Floats, information: Floats
) -> float:
    """Negative log-likelihood at fixed t0; writes its gradient and its Hessian in the logarithms.

    Parameters
    ----------
    times_s : array of float64, shape (n,)
        Sorted event times in s since the beginning of the window, within [0, length_s].
    length_s, t0_s : float
        Length of the window, and where rise becomes decay, s; 0 <= t0_s <= length_s.
    logs : array of float64, shape (5,)
        ln b, ln N_r, ln tau_r, ln N_d, ln tau_d.
    gradient, information : arrays of float64, shapes (5,) and (5, 5)
        Written: first derivatives, and second derivatives (observed information).

    Returns
    -------
    float
        The negative log-likelihood, no constant dropped.
    """
    gradient[:] = 0.0
    information[:, :] = 0.0
    background = math.exp(logs[0])
    gradient[0] = background * length_s
    information[0, 0] = background * length_s
    nll = background * length_s
    switch = np.searchsorted(times_s, t0_s)
    nll += _one_side(times_s[:switch], t0_s, -1.0, t0_s, background, logs[1], logs[2], 1, gradient, information)
    nll += _one_side(
        times_s[switch:], t0_s, 1.0, length_s - t0_s, background, logs[3], logs[4], 3, gradient, information
    )
    return nll


@kernel
def _one_side(
    times_s: Floats,
    t0_s: float,
    sign: float,
    reach_s: float,
    background: float,
    log_number: float,
    log_tau: float,
    at: int,
    gradient: Floats,
    information: Floats,
) -> float:
    """Add one exponential, `reach_s` long, to nll, gradient and Hessian; its two parameters stand at `at`."""
    number = math.exp(log_number)
    per_tau = math.exp(-log_tau)
    height = number * per_tau
    end = reach_s * per_tau
    rest = number * math.exp(-end)
    nll = number - rest
    g_b, g_n, g_t = 0.0, number - rest, -rest * end
    h_bb, h_bn, h_bt = 0.0, 0.0, 0.0
    h_nn, h_nt, h_tt = number - rest, -rest * end, -rest * end * (end - 1.0)
    for i in range(times_s.size):
        y = sign * (times_s[i] - t0_s) * per_tau
        signal = height * math.exp(-y)
        rate = background + signal
        # Parts of the rate: dr/d(ln b) = b, dr/d(ln N) = signal, dr/d(ln tau) = signal (y - 1), each over the rate.
        p_b = background / rate
        p_n = signal / rate
        q = y - 1.0
        p_t = p_n * q
        nll -= math.log(rate)
        g_b -= p_b
        g_n -= p_n
        g_t -= p_t
        h_bb += p_b * (p_b - 1.0)
        h_bn += p_b * p_n
        h_bt += p_b * p_t
        h_nn += p_n * (p_n - 1.0)
        h_nt += p_t * (p_n - 1.0)
        h_tt += p_t * p_t - p_n * (q * q - y)
    gradient[0] += g_b
    gradient[at] += g_n
    gradient[at + 1] += g_t
    information[0, 0] += h_bb
    information[0, at] = h_bn
    information[at, 0] = h_bn
    information[0, at + 1] = h_bt
    information[at + 1, 0] = h_bt
    information[at, at] = h_nn
    information[at, at + 1] = h_nt
    information[at + 1, at] = h_nt
    information[at + 1, at + 1] = h_tt
    return nll


@kernel
def best_switch(
    times_s: Floats, low_s: float, high_s: float, t0_s: float, logs: Floats, just_after_s: float
) -> tuple[float, float]:
    """Best time to change from the rise to the decay when both exponentials stay where they are.

    Between events the likelihood changes smoothly and monotonically (or has its maximum where the two rates cross,
    which is the present t0 of a continuous rate), so that only places at events are tried: t0 at an event (which then
    decays) and `just_after_s` behind it (which then rises).

    Parameters
    ----------
    times_s : array of float64, shape (n,)
        Sorted event times, s.
    low_s, high_s : float
        Where t0 may lie, s.
    t0_s, logs
        As in `burst_likelihood`: the exponentials pass through (t0_s, N/tau).
    just_after_s : float
        Step behind an event, s; about the resolution of the clock.

    Returns
    -------
    (t0_s, gain) : floats
        The best switch and the fall of the negative log-likelihood from the present one (0 when none is better).
    """
    background = math.exp(logs[0])
    per_tau_r, per_tau_d = math.exp(-logs[2]), math.exp(-logs[4])
    height_r, height_d = math.exp(logs[1] - logs[2]), math.exp(logs[3] - logs[4])
    area_r, area_d = math.exp(logs[1]), math.exp(logs[3])
    best_s, best = t0_s, 0.0
    origin = np.searchsorted(times_s, t0_s)
    gain = 0.0
    for i in range(origin, times_s.size):  # to the right: events go over to the rise, one by one
        t = times_s[i]
        x = t - t0_s
        if t > high_s or x * per_tau_r > 30.0:
            break
        at_event = gain - (area_r * math.expm1(x * per_tau_r) + area_d * math.expm1(-x * per_tau_d))
        if at_event > best:
            best_s, best = t, at_event
        rise, decay = height_r * math.exp(x * per_tau_r), height_d * math.exp(-x * per_tau_d)
        gain += math.log((background + rise) / (background + decay))
        x += just_after_s
        after = gain - (area_r * math.expm1(x * per_tau_r) + area_d * math.expm1(-x * per_tau_d))
        if after > best and t + just_after_s <= high_s:
            best_s, best = t + just_after_s, after
    gain = 0.0
    for i in range(origin - 1, -1, -1):  # to the left: events go over to the decay
        t = times_s[i]
        x = t - t0_s
        if t < low_s or -x * per_tau_d > 30.0:
            break
        x += just_after_s
        after = gain - (area_r * math.expm1(x * per_tau_r) + area_d * math.expm1(-x * per_tau_d))
        if after > best:
            best_s, best = t + just_after_s, after
        x -= just_after_s
        rise, decay = height_r * math.exp(x * per_tau_r), height_d * math.exp(-x * per_tau_d)
        gain += math.log((background + decay) / (background + rise))
        at_event = gain - (area_r * math.expm1(x * per_tau_r) + area_d * math.expm1(-x * per_tau_d))
        if at_event > best:
            best_s, best = t, at_event
    return best_s, best
