"""Mean and variance of the Poisson deviance of one pixel, for any mean number of electrons.

The deviance of a pixel with many electrons has the mean 1 and the standard deviation sqrt(2); with few electrons its
mean is smaller (0.51 at 0.1 electrons), so that the p value of every dim image would be too close to 1 by a chi-square
distribution. Both moments are computed here as sums over the possible counts (as by J. S. Kaastra, Astron. Astrophys.
605 (2017) A51).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["STEPS_PER_ROOT", "deviance_moments"]

STEPS_PER_ROOT = 64.0
"""Points of the table per unit of the square root of the mean."""
HIGHEST_ROOT = 7.0
"""Square root of the mean at which the table ends; above it, the first terms of a series are used."""
MOST_COUNTS = 160
"""Counts up to which the sums go: at the highest mean, the probability of more is negligible."""


@cache
def deviance_moments() -> NDArray[np.float64]:
    """A table of both moments against the square root of the mean; it cannot be written to.

    Returns
    -------
    float64, shape (2, n)
        Mean and variance of 2 (mu - n + n log(n / mu)) for n drawn around mu = (k / `STEPS_PER_ROOT`)^2.
    """
    roots = np.arange(int(HIGHEST_ROOT * STEPS_PER_ROOT) + 2) / STEPS_PER_ROOT
    n = np.arange(float(MOST_COUNTS))
    mu = np.maximum(roots[:, None] ** 2, 1e-12)
    probability = np.exp(special.xlogy(n, mu) - mu - special.gammaln(n + 1.0))
    deviance = 2.0 * (mu - n + special.xlogy(n, n / mu))
    mean = np.sum(probability * deviance, axis=1)
    variance = np.sum(probability * (deviance - mean[:, None]) ** 2, axis=1)
    moments = np.array([mean, variance])
    moments.flags.writeable = False
    return moments
