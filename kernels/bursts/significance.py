"""The significance of a filter's sum over event times, under background whose rate is itself measured.

How unlikely a sum is under background alone follows from its cumulant generating function (Campbell's theorem). With
the rate known from m counts in a live time T, by a gamma distribution of index m + 1, it is

    K(theta) = -(m + 1) ln(1 - (tau/T) Ein(theta)),   Ein(theta) = integral of (exp(v) - 1)/v from 0 to theta,

and z = sqrt(2 (theta s - K(theta))) with K'(theta) = s is the signed root of Chernoff's bound on the probability of a
sum above s: z of a Gaussian where counts are high, and right in the exponent where they are low.
"""

from __future__ import annotations

import math

from ..compile import inlined, kernel

__all__ = ["significance", "threshold"]


@inlined
def _ein(theta: float) -> float:
    term, total, n = theta, theta, 1.0
    while term > 1e-14 * total and n < 200.0:
        n += 1.0
        term *= theta / n
        total += term / n
    return total


@kernel
def significance(excess: float, counts: float, part: float) -> float:
    """The z of a filter's sum, as this module's docstring says; 0 below the expectation.

    Parameters
    ----------
    excess : float
        The sum without the event that it begins with.
    counts : float
        Counts m that measure the background.
    part : float
        Time constant of the filter over the live time of those counts.
    """
    index = counts + 1.0
    if excess <= index * part:
        return 0.0
    low, high = 0.0, 50.0
    theta = min(25.0, 2.0 * (excess / (index * part) - 1.0))
    for _ in range(60):
        ein = part * _ein(theta)
        slope = math.expm1(theta) / theta
        if ein >= 1.0 or index * part * slope > excess * (1.0 - ein):
            high = theta
        else:
            low = theta
        if high - low < 1e-9 * high:
            break
        # Newton on ln K', which is nearly straight; halves where that leaves what is known.
        following = 0.5 * (low + high)
        if ein < 1.0:
            of_slope = (math.exp(theta) - slope) / theta / slope + part * slope / (1.0 - ein)
            newton = theta - math.log(index * part * slope / (1.0 - ein) / excess) / of_slope
            if low < newton < high:
                following = newton
                if abs(newton - theta) < 1e-10 * theta:
                    theta = newton
                    break
        theta = following
    return math.sqrt(max(0.0, 2.0 * (theta * excess + index * math.log1p(-min(part * _ein(theta), 1.0 - 1e-15)))))


@kernel
def threshold(level: float, counts: float, part: float) -> float:
    """The excess whose `significance` is `level`.

    Examples
    --------
    >>> from utokyo.kernels.bursts.significance import significance, threshold
    >>> excess = threshold(5.0, 1000.0, 0.01)
    >>> round(excess, 1), round(significance(excess, 1000.0, 0.01), 6)
    (24.0, 5.0)
    """
    index = counts + 1.0
    low, high = 0.0, 50.0
    theta, excess = min(1.0, level / math.sqrt(0.5 * index * part)), index * part
    for _ in range(60):
        ein = part * _ein(theta)
        following = 0.5 * (low + theta)
        if ein >= 1.0:
            high = theta
        else:
            slope = math.expm1(theta) / theta
            excess = index * part * slope / (1.0 - ein)
            z = math.sqrt(max(0.0, 2.0 * (theta * excess + index * math.log1p(-ein))))
            if abs(z - level) < 1e-9 * level:
                break
            if z > level:
                high = theta
            else:
                low = theta
            # Newton: z is nearly straight in theta. Its slope is theta K'' / z.
            bend = excess * ((math.exp(theta) - slope) / (theta * slope) + part * slope / (1.0 - ein))
            following = theta + (level - z) * z / (theta * bend)
        if not low < following < high:
            following = 0.5 * (low + high)
        theta = following
    return excess
