"""Logarithms of many numbers, in a form that compiles to vector instructions, as `math.log` does not.

log x = e log 2 + 2 artanh((m - 1) / (m + 1)) with x = m 2^e and m between sqrt(1/2) and sqrt(2): e and m are read from
the bits of the double, and ten terms of the series of artanh give the last digit.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .bits import bits_of_double, double_of_bits
from .compile import kernel

__all__ = ["LN_2", "weighted_log_sum"]

Floats = NDArray[np.float64]

LN_2 = math.log(2.0)
SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
"""The double sqrt(1/2) as an integer: mantissas are taken between it and sqrt(2)."""


@kernel
def weighted_log_sum(weights: Floats, values: Floats, mantissas: Floats, n: int) -> float:
    """Sum of weights * log(values).

    Parameters
    ----------
    weights, values : float64, shape (n or more,)
        Values positive and normal.
    mantissas : float64, shape (n or more,)
        Working space.
    n : int
        How many of them to take.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo.kernels.logs import weighted_log_sum
    >>> round(weighted_log_sum(np.array([2.0, 1.0]), np.array([np.e, 1.0]), np.empty(2), 2), 12)
    2.0
    """
    total = 0.0
    for j in range(np.uint64(n)):
        bits = np.int64(bits_of_double(values[j]))
        exponent = (bits - SQRT_HALF_BITS) >> 52
        mantissas[j] = double_of_bits(np.uint64(bits - (exponent << 52)))
        total += weights[j] * float(exponent)
    total *= LN_2
    for j in range(np.uint64(n)):
        t = (mantissas[j] - 1.0) / (mantissas[j] + 1.0)
        q = t * t
        series = 1.0 / 21.0
        series = series * q + 1.0 / 19.0
        series = series * q + 1.0 / 17.0
        series = series * q + 1.0 / 15.0
        series = series * q + 1.0 / 13.0
        series = series * q + 1.0 / 11.0
        series = series * q + 1.0 / 9.0
        series = series * q + 1.0 / 7.0
        series = series * q + 1.0 / 5.0
        series = series * q + 1.0 / 3.0
        total += weights[j] * (2.0 * t * (1.0 + q * series))
    return total
