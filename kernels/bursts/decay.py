"""The likelihood of one burst: a constant background, an exponential rise up to t0 and an exponential decay after it.

    rate(t) = b + (N_r/tau_r) exp(-(t0-t)/tau_r)   for t <  t0
              b + (N_d/tau_d) exp(-(t-t0)/tau_d)   for t >= t0

observed without interruption from 0 to W. The extended unbinned negative log-likelihood is the integral of the rate,
which has a closed form, minus the sum of the logarithm of the rate over the events. With a non-extending dead time
after each event, these times are left out of the integral. This is exact: given the earlier events, the rate is zero
there. The fit uses the logarithms of the positive parameters: x = (ln b, ln N_r, ln tau_r, ln N_d, ln tau_d, t0).

For a rate that is continuous at t0, the log-likelihood is continuous in t0, and its derivative jumps at every event:
between events it is convex, so that its maxima are at events. The expected second derivative by t0 is the sum of the
squared scores, which `burst_likelihood` writes; it also returns the second derivative between events. For a rate that
jumps at t0, the log-likelihood jumps at every event. The best t0 is found by `switch` in both cases. Promise: one pass
over the events.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bits import bits_of_double, double_of_bits
from ..compile import inlined, inner_loop, kernel
from ..logs import LN_2
from ..places import first_not_before

__all__ = ["burst_deviance", "burst_integral", "burst_likelihood", "penalized_likelihood"]

Floats = NDArray[np.float64]
U = np.uint64

CHUNK = 512
"""Number of events whose mantissas, from 1 to 2, are multiplied: the product, up to 2^512, is still a double."""
FAR = 60.0
"""Number of decay times after which an exponential is negligible compared with any background."""
LOG2_E = 1.0 / LN_2
MANTISSA, ONE = U(0x000FFFFFFFFFFFFF), U(0x3FF0000000000000)
TO_WHOLE = 1.5 * 2.0**52
"""After it is added to a small number, the lowest bits of the sum are the nearest whole number."""
E0, E1, E2, E3, E4 = (
    1.0000000000000135,
    1.000000000000007,
    0.4999999999943794,
    0.16666666666556476,
    0.041666667040724754,
)
E5, E6, E7, E8, E9 = (
    0.008333333384068388,
    0.0013888801737866705,
    0.00019841172754089776,
    2.4884460544909982e-05,
    2.7639090792544156e-06,
)
"""Coefficients of a polynomial for exp(r), |r| <= ln(2) / 2, by interpolation at Chebyshev points; error 2e-14."""


@inlined
def _whole(x: float) -> Any:
    """The nearest whole number, twice: in the lowest bits of a double, and as a double."""
    shifted = x + TO_WHOLE
    return shifted, shifted - TO_WHOLE


@kernel
def burst_integral(edges_s: Floats, x: Floats, expected: Floats) -> None:
    """Add the expected number of pulses in each bin of time.

    Parameters
    ----------
    edges_s : array of float64, shape (n + 1,)
        Edges of the bins, s, increasing.
    x : array of float64, shape (6,)
        ln b, ln N_r, ln tau_r, ln N_d, ln tau_d, t0; rates in 1/s, times in s from the same origin as the edges.
    expected : array of float64, shape (n,)
        The expected pulses between neighbouring edges are added to it.
    """
    background, tau_r, tau_d, t0_s = math.exp(x[0]), math.exp(x[2]), math.exp(x[4]), x[5]
    for i in range(expected.size):
        begin, end = edges_s[i], edges_s[i + 1]
        total = background * (end - begin)
        if begin < t0_s:
            upper = min(end, t0_s)
            total += math.exp(x[1] + (upper - t0_s) / tau_r) * -math.expm1((begin - upper) / tau_r)
        if end > t0_s:
            lower = max(begin, t0_s)
            total += math.exp(x[3] - (lower - t0_s) / tau_d) * -math.expm1((lower - end) / tau_d)
        expected[i] += total


@kernel
def burst_deviance(
    times_s: Floats, dead_s: float, bursts: Floats, grid_s: Floats, content: float, fewer: float, fewest: int, most: int
) -> tuple[float, int]:
    """Poisson deviance in bins of about equal expected content.

    Parameters
    ----------
    times_s, dead_s
        As in `burst_likelihood`.
    bursts : array of float64, shape (k, 6)
        Parameters of each burst in the window, whose rates are added; one has the background, in the others its
        logarithm is -inf.
    grid_s : array of float64, shape (m,)
        Increasing times from the begin to the end of the window, s; the edges of the bins are interpolated between
        them.
    content, fewer : float
        Expected pulses per bin; `fewer` is used where `content` gives fewer than twice `fewest` bins.
    fewest, most : int
        Limits of the number of bins.

    Returns
    -------
    deviance : float
        nan when there are too few pulses for `fewest` bins.
    bins : int
        Number of bins; 0 when there are too few pulses.
    """
    m = grid_s.size
    parts, before = np.zeros(m - 1), np.empty(m)
    for k in range(bursts.shape[0]):
        burst_integral(grid_s, bursts[k], parts)
    before[0] = 0.0
    for i in range(m - 1):
        before[i + 1] = before[i] + parts[i]
    total = before[m - 1]
    bins = int(total / content)
    if bins < 2 * fewest:
        bins = int(total / fewer)
    bins = min(bins, most)
    if bins < fewest:
        return math.nan, 0
    edges, expected = np.empty(bins + 1), np.zeros(bins)
    at = 0
    for i in range(1, bins):
        wanted = total * i / bins
        while before[at + 1] < wanted:
            at += 1
        edges[i] = grid_s[at] + (grid_s[at + 1] - grid_s[at]) * (wanted - before[at]) / parts[at]
    edges[0], edges[bins] = grid_s[0], grid_s[m - 1]
    for k in range(bursts.shape[0]):
        burst_integral(edges, bursts[k], expected)
    deviance, first, count = 0.0, np.int64(0), np.int64(times_s.size)
    for i in range(bins):
        last = first_not_before(times_s, edges[i + 1], first, count) if i + 1 < bins else count
        if dead_s > 0.0:
            for k in range(bursts.shape[0]):
                x = bursts[k]
                for j in range(first, last):
                    after = times_s[j] - x[5]
                    at, sign = (1, -1.0) if after < 0.0 else (3, 1.0)
                    signal = math.exp(x[at] - x[at + 1] - sign * after * math.exp(-x[at + 1]))
                    expected[i] -= dead_s * (math.exp(x[0]) + signal)
        observed = float(last - first)
        deviance += 2.0 * (expected[i] - observed)
        if observed > 0.0:
            deviance += 2.0 * observed * math.log(observed / expected[i])
        first = last
    return deviance, bins


@kernel
def burst_likelihood(
    times_s: Floats, length_s: float, dead_s: float, x: Floats, gradient: Floats, information: Floats
) -> tuple[float, float]:
    """Negative log-likelihood of one burst, with gradient and Hessian.

    Parameters
    ----------
    times_s : array of float64, shape (n,)
        Sorted event times, s after the begin of the window, within [0, length_s].
    length_s : float
        Length of the window, s.
    dead_s : float
        Non-extending dead time after each event, s, short compared with all other times; 0 for none.
    x : array of float64, shape (6,)
        ln b, ln N_r, ln tau_r, ln N_d, ln tau_d, t0 in s; 0 <= t0 <= length_s.
    gradient, information : arrays of float64, shapes (6,) and (6, 6)
        Written: first derivatives, and second derivatives (observed information). The element of t0 is instead the sum
        of the squared scores, the expected second derivative including the jumps of the first one at events.

    Returns
    -------
    nll : float
        The negative log-likelihood, with all constants.
    bend : float
        Its second derivative by t0 between events.
    """
    nothing = np.empty(0)
    return penalized_likelihood(times_s, length_s, dead_s, x, nothing, nothing, 1.0, gradient, information)


@inner_loop
def _one_side(
    times_s: Floats,
    first: int,
    last: int,
    sign: float,
    reach_s: float,
    dead_s: float,
    background: float,
    x: Floats,
    at: int,
    gradient: Floats,
    information: Floats,
) -> tuple[float, float]:
    """Add one exponential, `reach_s` long, to gradient and Hessian; its nll and bend.

    Its parameters begin at `at`, its events are those from `first` to `last`.

    The index of its first parameter is `at`. Let s be the rate of the exponential in units of the background,
    p = s / (1 + s), and y the time from t0 in units of tau. All that is needed are sums over the events of p and
    p (1 - p) times powers of y, and of ln(1 + s).
    """
    number, per_tau, t0_s = math.exp(x[at]), math.exp(-x[at + 1]), x[5]
    height = number * per_tau / background
    p_sum, py_sum, pq_sum, pqy_sum, pqyy_sum, log_sum = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    slope, shift = sign * per_tau, -sign * per_tau * t0_s
    count = last - first
    # What is farther away has no share in the last digit of anything.
    if sign > 0.0:
        last = first_not_before(times_s, t0_s + FAR / per_tau, first, last)
    else:
        first = first_not_before(times_s, t0_s - FAR / per_tau, first, last)
    for begin in range(first, last, CHUNK):
        # The product of the mantissas and the sum of the exponents stand for the sum of the logarithms.
        product, exponents = 1.0, np.int64(0)
        end_of_chunk = min(begin + CHUNK, last)
        for i in range(U(begin), U(end_of_chunk)):
            y = times_s[i] * slope + shift
            # exp(-y) = 2^k exp(r), by vector instructions, which math.exp does not allow.
            bits, k = _whole(-y * LOG2_E)
            r = -y - k * LN_2
            r2 = r * r
            r4 = r2 * r2
            series = (E0 + E1 * r) + r2 * (E2 + E3 * r) + r4 * ((E4 + E5 * r) + r2 * (E6 + E7 * r) + r4 * (E8 + E9 * r))
            s = height * series * double_of_bits((bits_of_double(bits) + U(1023)) << U(52))
            ratio = 1.0 + s
            q = 1.0 / ratio
            p = s * q
            pq = p * q
            pqy = pq * y
            p_sum += p
            py_sum += p * y
            pq_sum += pq
            pqy_sum += pqy
            pqyy_sum += pqy * y
            of_ratio = bits_of_double(ratio)
            exponents += np.int64(of_ratio >> U(52))
            product *= double_of_bits((of_ratio & MANTISSA) | ONE)
        log_sum += math.log(product) + (exponents - 1023 * (end_of_chunk - begin)) * LN_2
    end = reach_s * per_tau
    rest = number * math.exp(-end)
    nll = number - rest - log_sum - count * math.log(background)
    of_t0 = sign * per_tau
    g_b, g_n, g_t = p_sum - count, number - rest - p_sum, -rest * end - (py_sum - p_sum)
    g_0 = -of_t0 * (rest + p_sum)
    h_bb, h_bn, h_bt, h_b0 = -pq_sum, pq_sum, pqy_sum - pq_sum, of_t0 * pq_sum
    h_nn, h_nt, h_n0 = number - rest - pq_sum, -rest * end - (pqy_sum - pq_sum), -of_t0 * (rest + pq_sum)
    h_tt = -rest * end * (end - 1.0) - (pqyy_sum - 2.0 * pqy_sum + pq_sum) + py_sum
    h_t0 = -of_t0 * (rest * (end - 1.0) + pqy_sum - pq_sum - p_sum)
    bend = -(rest + pq_sum) * per_tau * per_tau
    if dead_s > 0.0:
        # During the dead time after each event no pulses are expected.
        dead = dead_s * background
        s_sum, sy_sum, syy_sum = _sums_of_powers(times_s, first, last, slope, shift, height)
        nll -= dead * (count + s_sum)
        g_b -= dead * count
        g_n -= dead * s_sum
        g_t -= dead * (sy_sum - s_sum)
        g_0 -= dead * of_t0 * s_sum
        h_bb -= dead * count
        h_nn -= dead * s_sum
        h_nt -= dead * (sy_sum - s_sum)
        h_n0 -= dead * of_t0 * s_sum
        h_tt -= dead * (syy_sum - 3.0 * sy_sum + s_sum)
        h_t0 -= dead * of_t0 * (sy_sum - 2.0 * s_sum)
        bend -= dead * per_tau * per_tau * s_sum
    gradient[0] += g_b
    gradient[at] += g_n
    gradient[at + 1] += g_t
    gradient[5] += g_0
    information[0, 0] += h_bb
    information[0, at] = information[at, 0] = h_bn
    information[0, at + 1] = information[at + 1, 0] = h_bt
    information[at, at] = h_nn
    information[at, at + 1] = information[at + 1, at] = h_nt
    information[at + 1, at + 1] = h_tt
    information[0, 5] += h_b0
    information[5, 0] += h_b0
    information[at, 5] = information[5, at] = h_n0
    information[at + 1, 5] = information[5, at + 1] = h_t0
    information[5, 5] += (p_sum - pq_sum) * per_tau * per_tau
    return nll, bend


@inner_loop
def _sums_of_powers(
    times_s: Floats, first: int, last: int, slope: float, shift: float, height: float
) -> tuple[float, float, float]:
    """Sums of s, s y and s y^2 over the events first to last, with s = height exp(-y)."""
    s_sum, sy_sum, syy_sum = 0.0, 0.0, 0.0
    for i in range(U(first), U(last)):
        y = times_s[i] * slope + shift
        s = height * math.exp(-y)
        s_sum += s
        sy_sum += s * y
        syy_sum += s * y * y
    return s_sum, sy_sum, syy_sum


@kernel
def penalized_likelihood(
    times_s: Floats,
    length_s: float,
    dead_s: float,
    x: Floats,
    low: Floats,
    high: Floats,
    wall: float,
    gradient: Floats,
    information: Floats,
) -> tuple[float, float]:
    """`burst_likelihood` plus a penalty: a parabola of width `wall` for each logarithm outside `low` and `high`.

    Parameters
    ----------
    times_s, length_s, dead_s, x, gradient, information
        As in `burst_likelihood`.
    low, high : arrays of float64, shape (5,)
        Limits of the logarithms.
    wall : float
        Width of the parabola.

    Returns
    -------
    nll, bend : float
        As in `burst_likelihood`, with the penalty.
    """
    for i in range(6):
        gradient[i] = 0.0
        for j in range(6):
            information[i, j] = 0.0
    background, t0_s = math.exp(x[0]), x[5]
    nll, bend = background * length_s, 0.0
    gradient[0] = information[0, 0] = nll
    first, count = np.int64(0), np.int64(times_s.size)
    last = first_not_before(times_s, t0_s, first, count)
    sign, reach_s = -1.0, t0_s
    for at in range(1, 5, 2):
        of_side, bend_of_side = _one_side(
            times_s, first, last, sign, reach_s, dead_s, background, x, at, gradient, information
        )
        nll += of_side
        bend += bend_of_side
        first, last, sign, reach_s = last, count, 1.0, length_s - t0_s
    for i in range(low.size):
        over = max(x[i] - high[i], 0.0) + min(x[i] - low[i], 0.0)
        if over != 0.0:
            nll += 0.5 * (over / wall) * (over / wall)
            gradient[i] += over / (wall * wall)
            information[i, i] += 1.0 / (wall * wall)
    return nll, bend
