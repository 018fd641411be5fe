"""The gaps between pulses, and their periods, on the clock of a fitted rate: what tells bursts from other things.

Both tests go once over the pulses near a burst. Each pulse has the integral of the fitted rate up to it, whose
differences are exponential numbers of mean one where the rate is right, and the probability that it belongs to the
burst, by which it is weighted in the spectrum.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compile import inlined, inner_loop, kernel

__all__ = ["CELLS", "Gaps", "gaps_of_rate"]

Floats = NDArray[np.float64]

CELLS = 512
"""Cells of the distribution of the gaps, which is compared with that of chance at their edges."""
SMALL = 0.02
"""Below it, the part of gaps that are shorter is the product of rate and time."""


LONGEST = 1024
"""Most bins of time whose spectrum is looked at: a power of two."""
TURN = np.exp(-2j * np.pi * np.arange(LONGEST // 2) / LONGEST)
"""Factors of the transform of so many."""


class Gaps(NamedTuple):
    """What the gaps between events say, as `gaps_of_rate` gives it; see there."""

    count: int
    shortest_s: float
    rate_Hz: float  # noqa: N815 -- Hz is the unit
    missing: float
    above: float
    above_part: float
    below: float
    power: float
    frequency_Hz: float  # noqa: N815
    at_once: int


@inlined
def _at(t: float, x: Floats, background: float) -> tuple[float, float]:
    """The integral of a burst from its t0 on, and its rate without background."""
    after = t - x[5]
    if after < 0.0:
        per_tau = math.exp(-x[2])
        part = math.exp(x[1] + after * per_tau)
        return background * after + part, part * per_tau
    per_tau = math.exp(-x[4])
    part = math.exp(x[3] - after * per_tau)
    return background * after + math.exp(x[1]) + math.exp(x[3]) - part, part * per_tau


@inner_loop
def _transform(values: NDArray[np.complex128]) -> None:
    """The discrete Fourier transform of a power of two of numbers, in place (Cooley and Tukey 1965)."""
    n = values.size
    j = 0
    for i in range(1, n):
        bit = n >> 1
        while j & bit:
            j ^= bit
            bit >>= 1
        j |= bit
        if i < j:
            values[i], values[j] = values[j], values[i]
    half = 1
    while half < n:
        turns = LONGEST // (2 * half)
        for begin in range(0, n, 2 * half):
            for k in range(half):
                low = values[begin + k]
                high = values[begin + k + half] * TURN[k * turns]
                values[begin + k], values[begin + k + half] = low + high, low - high
        half *= 2


@inner_loop
def _strongest(
    pairs: NDArray[np.complex128],
    apart_Hz: float,
    squares: float,
    length_s: float,
    bursts: Floats,
    lowest_Hz: float,
    enough: float,
    mains_Hz: Floats,
    enough_at_mains: float,
) -> tuple[float, float]:
    """The power and the frequency that exceed by most what chance and a smooth burst have; 0 where none does.

    `pairs` are the counts, two in each number: the even ones real, the odd ones imaginary.
    """
    _transform(pairs)
    n = pairs.size
    # The edges of smooth bursts, whose heights may be wrong by two, have a power that falls as the frequency squared.
    jump = 0.0
    for k in range(bursts.shape[0]):
        jump += math.exp(2.0 * (bursts[k, 3] - bursts[k, 4]))
    jump *= 4.0 / (squares * (2.0 * math.pi * apart_Hz) ** 2)
    width_Hz = apart_Hz + 1.0 / length_s
    best, power_there, found_Hz = 0.0, 0.0, 0.0
    for i in range(int(lowest_Hz / apart_Hz), n):
        here, mirrored = pairs[i], pairs[n - i].conjugate()
        value = 0.5 * (here + mirrored) - 0.5j * TURN[i * (LONGEST // (2 * n))] * (here - mirrored)
        power = (value.real * value.real + value.imag * value.imag) / squares
        if power > enough_at_mains:
            limit = enough
            for k in range(mains_Hz.size):
                if abs(i * apart_Hz - mains_Hz[k]) <= width_Hz:
                    limit = enough_at_mains
            excess = power - limit - jump / (float(i) * float(i))
            if excess > best:
                best, power_there, found_Hz = excess, power, i * apart_Hz
    return power_there, found_Hz


@kernel
def gaps_of_rate(
    times_s: Floats,
    first: int,
    last: int,
    bursts: Floats,
    dead_s: float,
    bin_s: float,
    fewest: int,
    lowest_Hz: float,
    enough: float,
    mains_Hz: Floats,
    enough_at_mains: float,
) -> tuple[int, float, float, float, float, float, float, float, float, int]:
    """Compare the gaps between events with those of a rate, and look for frequencies in them.

    Parameters
    ----------
    times_s : array of float64, shape (n,)
        Sorted event times, s after the begin of the window.
    first, last : int
        Indices of the first event and of the one after the last.
    bursts : array of float64, shape (k, 6)
        Parameters of the bursts whose rates are added, as in `decay.burst_deviance`.
    dead_s : float
        Dead time that is known, s.
    bin_s, fewest : float, int
        Bins of the times for the frequencies, s, and their least number, which is a power of two.
    lowest_Hz : float
        Lowest frequency.
    enough, enough_at_mains : float
        Power, in units of its mean, that chance does not have: anywhere, and near the mains.
    mains_Hz : array of float64, shape (j,)
        Frequencies of the mains.

    Returns
    -------
    count : int
        Number of gaps.
    shortest_s : float
        The shortest.
    rate_Hz : float
        Mean of the rates in the gaps, 1/s.
    missing : float
        Gaps that are expected between the known dead time and the shortest one.
    above, above_part : float
        By how much there are more short gaps than expected, as a part of all: at most, and the part expected there.
    below : float
        By how much there are fewer at most.
    power, frequency_Hz : float
        The largest power beyond chance, in units of its mean, and its frequency; 0 where there is none.
    at_once : int
        Gaps of which chance makes one in 512.
    """
    n = last - first - 1
    gaps, integrals = np.empty(n), np.empty(n)
    bins = np.int64(fewest)
    while bins < LONGEST and bins * bin_s < times_s[last - 1] - times_s[first]:
        bins *= 2
    pairs = np.zeros(bins // 2, np.complex128)
    shortest, rates, squares, before = math.inf, 0.0, 0.0, 0.0
    background = math.exp(bursts[0, 0])
    for i in range(n + 1):
        t = times_s[first + i]
        integral, signal = _at(t, bursts[0], background)
        for k in range(1, bursts.shape[0]):
            more, rate = _at(t, bursts[k], 0.0)
            integral += more
            signal += rate
        if i > 0:
            gap = t - times_s[first + i - 1]
            gaps[i - 1], integrals[i - 1] = gap, integral - before
            shortest = min(shortest, gap)
        before = integral
        place = int((t - times_s[first]) / bin_s)
        if place < bins:
            weight = signal / (signal + background)  # the probability of being of a burst
            pairs[place >> 1] += weight * (1j if place & 1 else 1.0)
            squares += weight * weight
    known, missing = max(shortest - dead_s, 0.0), 0.0
    cells = np.zeros(CELLS + 1, np.int64)
    for i in range(n):
        rate = integrals[i] / max(gaps[i], 1e-9)
        rates += rate
        part = rate * known
        missing += part if part < SMALL else -math.expm1(-part)
        cells[int(-math.expm1(-max(integrals[i] - rate * dead_s, 0.0)) * CELLS)] += 1
    above, above_part, below, upto = 0.0, 0.0, 0.0, 0
    for i in range(CELLS):
        upto += cells[i]
        part = (i + 1) / CELLS
        excess = upto / n - part
        if excess > above:
            above, above_part = excess, part
        below = max(below, -excess)
    length_s = max(times_s[last - 1] - times_s[first], 10.0 * bin_s)
    power, frequency_Hz = _strongest(
        pairs, 1.0 / (bins * bin_s), squares, length_s, bursts, lowest_Hz, enough, mains_Hz, enough_at_mains
    )
    return n, shortest, rates / n, missing, above, above_part, below, power, frequency_Hz, cells[0]
