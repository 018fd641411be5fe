"""The mean of a series of measurements, with an error that takes their correlation into account.

Currents read every 0.4 s drift and are smoothed by the instrument, so that neighbours are not independent and the usual
s / sqrt(n) is too small. The integrated autocorrelation time tau says how many neighbours count as one, 2 tau: the
error is s * sqrt(2 tau / n), and tau = 1/2 for independent values (A. Sokal, "Monte Carlo methods in statistical
mechanics", 1996, section 3, with his automatic window of 5 tau).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft, special

__all__ = ["Mean", "mean_with_error", "student_factor"]

Floats = NDArray[np.float64]

MANY = 200.0
"""Degrees of freedom from which on Student's factor is its limit, 1 + 1 / (2 nu)."""
WINDOW = 5.0
"""Autocorrelation times up to which the correlation is summed."""
FEWEST_FOR_CORRELATION = 20
"""Values from which on their correlation is estimated; fewer are taken for independent."""


@dataclass(frozen=True)
class Mean:
    """A mean.

    Parameters
    ----------
    value, error : float
        The mean and its error: half the width of the interval that covers it in 68 % of cases, by Student's
        distribution, which for many values is the standard error.
    deviation : float
        Standard deviation of one value.
    count : int
        Values.
    effective_count : float
        Independent values that would have the same error.
    """

    value: float
    error: float
    deviation: float
    count: int
    effective_count: float


def mean_with_error(values: NDArray[np.float64]) -> Mean:
    """Mean of a series in the order in which it was measured.

    Parameters
    ----------
    values : float64, shape (n,)
        Not-a-number values are left out.

    Returns
    -------
    Mean
        With nan where there are too few values: no value has no mean, one value has no error.

    Examples
    --------
    >>> mean_with_error(np.array([1.0, 2.0, 3.0, np.nan])).value
    2.0
    >>> drifting = np.repeat(np.random.default_rng(1).normal(size=100), 10)
    >>> mean = mean_with_error(drifting)
    >>> mean.count, mean.effective_count < 200.0
    (1000, True)
    """
    values = values[np.isfinite(values)]
    n = values.size
    if n < 2:
        return Mean(float(values[0]) if n else math.nan, math.nan, math.nan, n, float(n))
    deviation = float(values.std(ddof=1))
    two_tau = _two_tau(values - values.mean()) if n >= FEWEST_FOR_CORRELATION and deviation > 0 else 1.0
    effective = n / two_tau
    error = deviation / math.sqrt(effective) * float(student_factor(effective))
    return Mean(float(values.mean()), error, deviation, n, effective)


def student_factor(counts: ArrayLike) -> Floats:
    """By how much the error of a mean of few values is larger than s / sqrt(n), since s is not well known either.

    Parameters
    ----------
    counts : array of numbers
        Independent values; 2 or more, else nan.

    Returns
    -------
    array of float64, same shape
        So that mean and error cover in 68 % of cases, as one standard deviation of a normal distribution does.

    Examples
    --------
    >>> student_factor([1, 2, 3, 10, 1000]).round(3).tolist()
    [nan, 1.837, 1.321, 1.059, 1.001]
    """
    freedom = np.asarray(counts, dtype=np.float64) - 1.0
    half = 0.5 * np.clip(freedom, 1e-3, MANY)
    # Student's t by the incomplete beta function: `stdtrit` of scipy before 1.14 never ends when two threads are in it.
    below = special.betaincinv(half, 0.5, 2.0 * special.ndtr(-1.0))
    few = np.sqrt(2.0 * half * (1.0 / below - 1.0))
    factor = np.where(freedom < MANY, few, 1.0 + 0.5 / np.maximum(freedom, MANY))
    return np.where(freedom > 0.0, factor, np.nan)


def _two_tau(residuals: NDArray[np.float64]) -> float:
    """Twice the integrated autocorrelation time, at least 1: anticorrelation is not trusted to help."""
    n = residuals.size
    spectrum = fft.rfft(residuals, fft.next_fast_len(2 * n, real=True))
    covariance = fft.irfft(np.abs(spectrum) ** 2)[:n]
    two_tau = 2.0 * np.cumsum(covariance / covariance[0]) - 1.0
    lags = np.arange(n)
    enough = np.flatnonzero(lags >= WINDOW * 0.5 * two_tau)
    return float(max(1.0, two_tau[enough[0]] if enough.size else two_tau[-1]))
