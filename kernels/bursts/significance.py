"""The significance of a filter's sum over event times, in background whose rate is known from a measurement.

The probability of a sum in background alone follows from its cumulant generating function (Campbell's theorem). When
the rate was measured by m counts in a live time T, and so has a gamma distribution of index m + 1, this function is

    K(theta) = -(m + 1) ln(1 - (tau/T) Ein(theta)),   Ein(theta) = integral of (exp(v) - 1)/v from 0 to theta,

where tau is the time constant of the filter. The significance is z = sqrt(2 (theta s - K(theta))) with K'(theta) = s,
where exp(-z^2 / 2) is Chernoff's bound of the probability of a sum above s. For many counts, z is that of a Gaussian;
for few counts, the exponent of the probability is still right.
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
    """The significance z of a filter's sum (see the docstring of the module); 0 for sums below the expectation.

    Parameters
    ----------
    excess : float
        The sum, without the event at which it begins.
    counts : float
        Counts m in the measurement of the background.
    part : float
        Time constant of the filter over the live time of this measurement.
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
        # Newton's step for ln K', which is nearly linear in theta; bisection where it leaves the interval.
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
    """The excess whose significance is `level`; `counts` and `part` as in `significance`.

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
            # Newton's step: z is nearly linear in theta, with the derivative theta K'' / z.
            bend = excess * ((math.exp(theta) - slope) / (theta * slope) + part * slope / (1.0 - ein))
            following = theta + (level - z) * z / (theta * bend)
        if not low < following < high:
            following = 0.5 * (low + high)
        theta = following
    return excess
