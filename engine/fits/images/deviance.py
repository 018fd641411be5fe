"""Mean and variance of the Poisson deviance of one pixel, also where its counts are few.

A pixel of many electrons adds 1 ± sqrt(2) to the deviance; one of few electrons adds less (0.1 electrons: 0.51), so
that a chi-square table would call every dim image too good. Here are both moments, summed over the counts, as J. S.
Kaastra gives them in numbers (Astron. Astrophys. 605 (2017) A51).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["STEPS_PER_ROOT", "deviance_moments"]

STEPS_PER_ROOT = 64.0
"""Points of the table per unit of the root of the mean."""
HIGHEST_ROOT = 7.0
"""Root of the mean at which the table ends; beyond it the first terms of a series serve."""
MOST_COUNTS = 160
"""Counts over which the moments are summed: more have no probability at the highest mean."""


@cache
def deviance_moments() -> NDArray[np.float64]:
    """Both moments against the root of the mean, to be read only.

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
