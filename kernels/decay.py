"""The likelihood of one burst: a constant background, an exponential rise up to t0 and an exponential decay after it.

    rate(t) = b + (N_r/tau_r) exp(-(t0-t)/tau_r)   for t <  t0
              b + (N_d/tau_d) exp(-(t-t0)/tau_d)   for t >= t0

observed without interruption from 0 to W. The extended unbinned negative log-likelihood is the integral of the rate,
which is closed-form, minus the sum of the log-rate over the events. With a dead time behind each event (non-extending)
the integral leaves those times out, which is exact: given the events before, the rate is zero there. The positive
parameters enter by their logarithms, ordered (ln b, ln N_r, ln tau_r, ln N_d, ln tau_d), because that is how they are
fitted.

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
from .newton import newton_step
from .words import bits_of_double, double_of_bits

__all__ = ["best_switch", "burst_integral", "burst_likelihood", "burst_minimum", "fenced_likelihood"]

Floats = NDArray[np.float64]
U = np.uint64

CHUNK = 512
"""Events whose mantissas, from 1 to 2, are multiplied: 2^512 is a double still."""
MOST_STEPS = 30
HOPELESS = 100.0
"""A fall of the log-likelihood behind which nothing better is looked for."""
CLOSE = 1e-5
"""Distance to the minimum, in errors, that is no distance."""
LN_2, LOG2_E = math.log(2.0), 1.0 / math.log(2.0)
F2, F3, F4, F5, F6, F7, F8, F9, F10, F11 = (1.0 / math.factorial(n) for n in range(2, 12))
MANTISSA, ONE = U(0x000FFFFFFFFFFFFF), U(0x3FF0000000000000)


@kernel
def burst_integral(edges_s: Floats, t0_s: float, logs: Floats, expected: Floats) -> None:
    """Expected numbers of pulses between times.

    Parameters
    ----------
    edges_s : array of float64, shape (n + 1,)
        Increasing times, s.
    t0_s : float
        On the same clock.
    logs : array of float64, shape (5,)
        ln b, ln N_r, ln tau_r, ln N_d, ln tau_d; rates in 1/s, times in s.
    expected : array of float64, shape (n,)
        Written: pulses between neighbouring edges.
    """
    background, tau_r, tau_d = math.exp(logs[0]), math.exp(logs[2]), math.exp(logs[4])
    for i in range(expected.size):
        begin, end = edges_s[i], edges_s[i + 1]
        total = background * (end - begin)
        if begin < t0_s:
            upper = min(end, t0_s)
            total += math.exp(logs[1] + (upper - t0_s) / tau_r) * -math.expm1((begin - upper) / tau_r)
        if end > t0_s:
            lower = max(begin, t0_s)
            total += math.exp(logs[3] - (lower - t0_s) / tau_d) * -math.expm1((lower - end) / tau_d)
        expected[i] = total


@kernel
def burst_likelihood(
    times_s: Floats, length_s: float, t0_s: float, dead_s: float, logs: Floats, gradient: Floats, information: Floats
) -> float:
    """Negative log-likelihood at fixed t0; writes its gradient and its Hessian in the logarithms.

    Parameters
    ----------
    times_s : array of float64, shape (n,)
        Sorted event times in s since the beginning of the window, within [0, length_s].
    length_s, t0_s : float
        Length of the window, and where rise becomes decay, s; 0 <= t0_s <= length_s.
    dead_s : float
        Dead time behind each event (of the non-extending kind), s, short beside all other times; 0 for none.
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
    nll += _one_side(times_s[:switch], t0_s, -1.0, t0_s, dead_s, background, logs[1], logs[2], 1, gradient, information)
    nll += _one_side(
        times_s[switch:], t0_s, 1.0, length_s - t0_s, dead_s, background, logs[3], logs[4], 3, gradient, information
    )
    return nll


@kernel
def _one_side(
    times_s: Floats,
    t0_s: float,
    sign: float,
    reach_s: float,
    dead_s: float,
    background: float,
    log_number: float,
    log_tau: float,
    at: int,
    gradient: Floats,
    information: Floats,
) -> float:
    """Add one exponential, `reach_s` long, to nll, gradient and Hessian; its two parameters stand at `at`.

    With s the exponential's part of the rate in units of the background and p = s / (1 + s) its share, all that is
    needed are sums over the events of s, p and p (1 - p) times powers of y, the time in units of tau, and of ln(1 + s).
    """
    number = math.exp(log_number)
    per_tau = math.exp(-log_tau)
    height = number * per_tau / background
    p_sum, py_sum, pq_sum, pqy_sum, pqyy_sum, log_sum = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    s_sum, sy_sum, syy_sum = 0.0, 0.0, 0.0
    for begin in range(0, times_s.size, CHUNK):
        # The product of the mantissas and the sum of the exponents stand for the sum of the logarithms.
        product, exponents = 1.0, np.int64(0)
        for i in range(U(begin), U(min(begin + CHUNK, times_s.size))):
            y = min(sign * (times_s[i] - t0_s) * per_tau, 700.0)
            # exp(-y) = 2^-k exp(r), |r| <= ln(2) / 2, by its Taylor series: in vectors, unlike math.exp.
            k = np.int32(y * LOG2_E + 0.5)
            r = np.float64(k) * LN_2 - y
            series = F7 + r * (F8 + r * (F9 + r * (F10 + r * F11)))
            series = 1.0 + r * (1.0 + r * (F2 + r * (F3 + r * (F4 + r * (F5 + r * (F6 + r * series))))))
            s = height * series * double_of_bits(U(np.int64(1023) - np.int64(k)) << U(52))
            ratio = 1.0 + s
            q = 1.0 / ratio
            p = s * q
            pq = p * q
            s_sum += s
            sy_sum += s * y
            syy_sum += s * y * y
            p_sum += p
            py_sum += p * y
            pq_sum += pq
            pqy_sum += pq * y
            pqyy_sum += pq * y * y
            bits = bits_of_double(ratio)
            exponents += np.int64(bits >> U(52)) - 1023
            product *= double_of_bits((bits & MANTISSA) | ONE)
        log_sum += math.log(product) + exponents * LN_2
    end = reach_s * per_tau
    rest = number * math.exp(-end)
    nll = number - rest - log_sum - times_s.size * math.log(background)
    g_b, g_n, g_t = p_sum - times_s.size, number - rest - p_sum, -rest * end - (py_sum - p_sum)
    h_bb, h_bn, h_bt = -pq_sum, pq_sum, pqy_sum - pq_sum
    h_nn, h_nt = number - rest - pq_sum, -rest * end - (pqy_sum - pq_sum)
    h_tt = -rest * end * (end - 1.0) - (pqyy_sum - 2.0 * pqy_sum + pq_sum) + py_sum
    # Behind each event, nothing can be seen for the dead time: so much less is expected.
    dead = dead_s * background
    nll -= dead * (times_s.size + s_sum)
    g_b -= dead * times_s.size
    g_n -= dead * s_sum
    g_t -= dead * (sy_sum - s_sum)
    h_bb -= dead * times_s.size
    h_nn -= dead * s_sum
    h_nt -= dead * (sy_sum - s_sum)
    h_tt -= dead * (syy_sum - 3.0 * sy_sum + s_sum)
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
def fenced_likelihood(
    times_s: Floats,
    length_s: float,
    t0_s: float,
    dead_s: float,
    logs: Floats,
    low: Floats,
    high: Floats,
    wall: float,
    gradient: Floats,
    information: Floats,
) -> float:
    """`burst_likelihood`, fenced: beyond its limits `low` and `high` a logarithm costs a parabola of width `wall`.

    Parameters
    ----------
    times_s, length_s, t0_s, dead_s, logs, gradient, information
        As in `burst_likelihood`.
    low, high : arrays of float64, shape (5,)
    wall : float

    Returns
    -------
    float
        The negative log-likelihood and what the fence adds.
    """
    nll = burst_likelihood(times_s, length_s, t0_s, dead_s, logs, gradient, information)
    for i in range(logs.size):
        over = max(logs[i] - high[i], 0.0) + min(logs[i] - low[i], 0.0)
        if over != 0.0:
            nll += 0.5 * (over / wall) ** 2
            gradient[i] += over / wall**2
            information[i, i] += 1.0 / wall**2
    return nll


@kernel
def burst_minimum(
    times_s: Floats,
    length_s: float,
    t0_s: float,
    dead_s: float,
    logs: Floats,
    directions: Floats,
    low: Floats,
    high: Floats,
    wall: float,
    gradient: Floats,
    information: Floats,
) -> tuple[float, float]:
    """Find the best logarithms at fixed t0, by damped Newton steps.

    Parameters
    ----------
    times_s, length_s, t0_s, dead_s
        As in `burst_likelihood`.
    logs : array of float64, shape (5,)
        Where to begin; written: the best.
    directions : array of float64, shape (5, k)
        They move along these columns only.
    low, high : arrays of float64, shape (5,)
        Limits of the logarithms; beyond them the likelihood is fenced by parabolas.
    wall : float
        Width of the parabolas.
    gradient, information : arrays of float64, shapes (5,) and (5, 5)
        Written: derivatives there, those of the parabolas included.

    Returns
    -------
    (nll, distance) : floats
        The negative log-likelihood, and how far the minimum is, in errors (inf where that cannot be told).
    """
    n, k = directions.shape
    step, factor, tried = np.empty(k), np.empty((k, k)), np.empty(n)
    gradient_there, information_there = np.empty(n), np.empty((n, n))
    along, bends = np.empty(k), np.empty((k, k))
    nll = fenced_likelihood(times_s, length_s, t0_s, dead_s, logs, low, high, wall, gradient, information)
    damping, distance = 0.0, math.inf
    for _ in range(MOST_STEPS):
        for i in range(k):
            along[i] = 0.0
            for p in range(n):
                along[i] += directions[p, i] * gradient[p]
            for j in range(k):
                bends[i, j] = 0.0
                for p in range(n):
                    for q in range(n):
                        bends[i, j] += directions[p, i] * information[p, q] * directions[q, j]
        fall = newton_step(along, bends, damping, factor, step)
        if fall < 0.0:
            damping = max(10.0 * damping, 1e-3)
            if damping > 1e8:
                break
            continue
        if damping == 0.0:
            distance = math.sqrt(fall)
            if distance < CLOSE:
                break
        # A logarithm that moves by more than one has left the parabola that tells where to go.
        longest = np.abs(step).max()
        scale = min(1.0, 1.0 / longest) if longest > 0.0 else 1.0
        for p in range(n):
            tried[p] = logs[p]
            for i in range(k):
                tried[p] += scale * directions[p, i] * step[i]
        there = fenced_likelihood(
            times_s, length_s, t0_s, dead_s, tried, low, high, wall, gradient_there, information_there
        )
        # Near the minimum the likelihood changes by less than its last digits.
        if there < nll or (distance < 1e-3 and there < nll + 1e-9 * abs(nll)):
            logs[:], gradient[:], information[:, :], nll = tried, gradient_there, information_there, there
            damping = 0.1 * damping if damping > 1e-4 else 0.0
        else:
            damping = max(10.0 * damping, 1e-2)
            if damping > 1e8:
                break
    return nll, distance


@kernel
def best_switch(
    times_s: Floats, low_s: float, high_s: float, t0_s: float, dead_s: float, logs: Floats, just_after_s: float
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
    t0_s, dead_s, logs
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
        elif at_event < best - HOPELESS:
            break
        rise, decay = height_r * math.exp(x * per_tau_r), height_d * math.exp(-x * per_tau_d)
        gain += math.log((background + rise) / (background + decay)) + dead_s * (rise - decay)
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
        gain += math.log((background + decay) / (background + rise)) + dead_s * (decay - rise)
        at_event = gain - (area_r * math.expm1(x * per_tau_r) + area_d * math.expm1(-x * per_tau_d))
        if at_event > best:
            best_s, best = t, at_event
        elif at_event < best - HOPELESS:
            break
    return best_s, best
