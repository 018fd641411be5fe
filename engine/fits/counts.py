"""Intervals of numbers that were counted: also of none, of which a square root knows nothing.

The central interval of the mean of a Poisson distribution of which n were counted ends where the distribution reaches n
with half of what is left of the confidence, on either side (F. Garwood, Biometrika 28 (1936) 437). It covers at least
as often as it says.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

__all__ = ["ONE_SIGMA", "poisson_interval"]

ONE_SIGMA = float(special.erf(np.sqrt(0.5)))
"""Confidence of one standard deviation of a normal distribution."""


def poisson_interval(counts: ArrayLike, confidence: float = ONE_SIGMA) -> tuple[NDArray[np.float64], ...]:
    """Central confidence interval of the mean of which so many were counted.

    Parameters
    ----------
    counts : array of integers
        Not negative.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    (low, high) : arrays of float64, same shape

    Examples
    --------
    >>> low, high = poisson_interval([0, 1, 100])
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([0.0, 0.17, 90.02], [1.84, 3.3, 111.03])
    """
    n = np.asarray(counts, dtype=np.float64)
    tail = 0.5 * (1.0 - confidence)
    low = np.where(n > 0.0, special.gammaincinv(np.maximum(n, 1.0), tail), 0.0)
    return low, np.asarray(special.gammaincinv(n + 1.0, 1.0 - tail))
