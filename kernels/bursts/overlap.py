"""The likelihood of several overlapping bursts on one background, and the search for a further burst.

Each burst has the shape of `decay`: x = (ln b, then for each burst ln N_r, ln tau_r, ln N_d, ln tau_d, t0). The rates
are added, so that the sums over the events are not sums for single bursts. The likelihood takes a hundred times as long
as that of one burst, but is needed rarely. The information is the sum of the squared scores, whose expectation at the
true parameters is the Fisher information.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..compile import kernel
from ..places import first_not_before
from .decay import FAR

__all__ = ["best_addition", "overlap_likelihood", "overlap_nll"]

Floats = NDArray[np.float64]


@kernel
def overlap_likelihood(
    times_s: Floats, length_s: float, dead_s: float, x: Floats, gradient: Floats, information: Floats
) -> float:
    """Negative log-likelihood of several bursts, with gradient and sum of the squared scores.

    Parameters
    ----------
    times_s, length_s, dead_s
        As in `decay.burst_likelihood`.
    x : array of float64, shape (1 + 5 k,)
        The logarithm of the background and five parameters of each of k bursts; rates in 1/s, times in s.
    gradient, information : arrays of float64, shapes (1 + 5 k,) and (1 + 5 k, 1 + 5 k)
        Written: first derivatives, and the sum over the events of the squared scores.

    Returns
    -------
    float
        The negative log-likelihood, with all constants.
    """
    bursts = (x.size - 1) // 5
    gradient[:] = 0.0
    information[:, :] = 0.0
    background = math.exp(x[0])
    nll = background * length_s
    gradient[0] = nll
    for k in range(bursts):
        t0_s = x[5 * k + 5]
        for side in range(2):
            at, sign = 5 * k + 1 + 2 * side, 1.0 if side else -1.0
            number, tau = math.exp(x[at]), math.exp(x[at + 1])
            end = (length_s - t0_s if side else t0_s) / tau
            rest = number * math.exp(-end)
            nll += number - rest
            gradient[at] += number - rest
            gradient[at + 1] -= rest * end
            gradient[5 * k + 5] -= sign * rest / tau
    which, score = np.empty(1 + 3 * bursts, np.int64), np.empty(1 + 3 * bursts)
    for i in range(times_s.size):
        rate, used = background, 1
        which[0], score[0] = 0, background
        for k in range(bursts):
            after = times_s[i] - x[5 * k + 5]
            at, sign = (5 * k + 3, 1.0) if after >= 0.0 else (5 * k + 1, -1.0)
            per_tau = math.exp(-x[at + 1])
            y = sign * after * per_tau
            if y > FAR:
                continue
            signal = math.exp(x[at] - y) * per_tau
            rate += signal
            which[used], score[used] = at, signal
            which[used + 1], score[used + 1] = at + 1, signal * (y - 1.0)
            which[used + 2], score[used + 2] = 5 * k + 5, sign * signal * per_tau
            used += 3
        nll -= math.log(rate) + dead_s * rate
        per_rate = 1.0 / rate
        for a in range(used):
            gradient[which[a]] -= score[a] * (per_rate + dead_s)
            for b in range(used):
                information[which[a], which[b]] += score[a] * score[b] * per_rate * per_rate
    return nll


@kernel
def overlap_nll(times_s: Floats, length_s: float, dead_s: float, x: Floats) -> float:
    """The value of `overlap_likelihood` alone, in a fifth of its time.

    Parameters
    ----------
    times_s, length_s, dead_s, x
        As in `overlap_likelihood`.

    Returns
    -------
    float
        The negative log-likelihood, with all constants.
    """
    bursts = (x.size - 1) // 5
    background = math.exp(x[0])
    rates = np.empty(times_s.size)
    for i in range(times_s.size):
        rates[i] = background
    nll = background * length_s
    for k in range(bursts):
        t0_s = x[5 * k + 5]
        for side in range(2):
            at = 5 * k + 1 + 2 * side
            tau = math.exp(x[at + 1])
            nll += math.exp(x[at]) * -math.expm1(-(length_s - t0_s if side else t0_s) / tau)
        height_r, height_d = math.exp(x[5 * k + 1] - x[5 * k + 2]), math.exp(x[5 * k + 3] - x[5 * k + 4])
        per_tau_r, per_tau_d = math.exp(-x[5 * k + 2]), math.exp(-x[5 * k + 4])
        first = first_not_before(times_s, t0_s - FAR / per_tau_r, np.int64(0), np.int64(times_s.size))
        middle = first_not_before(times_s, t0_s, first, np.int64(times_s.size))
        last = first_not_before(times_s, t0_s + FAR / per_tau_d, middle, np.int64(times_s.size))
        for i in range(first, middle):
            rates[i] += height_r * math.exp((times_s[i] - t0_s) * per_tau_r)
        for i in range(middle, last):
            rates[i] += height_d * math.exp((t0_s - times_s[i]) * per_tau_d)
    for i in range(times_s.size):
        nll -= math.log(rates[i]) + dead_s * rates[i]
    return nll


@kernel
def best_addition(
    times_s: Floats, length_s: float, rates_Hz: Floats, taus_s: Floats
) -> tuple[float, float, float, float]:
    """Find the most significant further decay: the score of its height over its standard deviation, at all events.

    Parameters
    ----------
    times_s : array of float64, shape (n,)
        Sorted event times, s, within [0, length_s].
    length_s : float
        Length of the window, s.
    rates_Hz : array of float64, shape (n,)
        The assumed rate at each event, 1/s.
    taus_s : array of float64, shape (m,)
        Decay times to try, s.

    Returns
    -------
    t_s, tau_s : float
        Begin and decay time of the decay, s.
    height_Hz : float
        Estimate of its height, 1/s, for the start of a fit; too low for large ones.
    z : float
        Its local significance.
    """
    best_s, best_tau_s, best_height_Hz, best = 0.0, taus_s[0], 0.0, 0.0
    for k in range(taus_s.size):
        tau = taus_s[k]
        total, squares, last = 0.0, 0.0, length_s
        for i in range(times_s.size - 1, -1, -1):
            fade = math.exp((times_s[i] - last) / tau)
            weight = 1.0 / rates_Hz[i]
            total, squares, last = total * fade + weight, squares * fade * fade + weight * weight, times_s[i]
            # The event at which the decay begins is left out: that there is an event is no evidence.
            excess = total - weight - tau * -math.expm1((last - length_s) / tau)
            variance = squares - weight * weight
            if variance > 0.0 and excess > best * math.sqrt(variance):
                best_s, best_tau_s, best = last, tau, excess / math.sqrt(variance)
                best_height_Hz = excess / variance
    return best_s, best_tau_s, best_height_Hz, best
