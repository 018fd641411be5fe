"""The mean of a series of measurements, with an error that knows of their correlation.

Currents read every 0.4 s drift and are smoothed by the instrument, so that neighbours are not independent and the usual
s / sqrt(n) is too small. The integrated autocorrelation time tau says how many neighbours count as one: the error is
s * sqrt(2 tau / n), tau = 1/2 for independent values (A. Sokal, "Monte Carlo methods in statistical mechanics", 1996,
section 3, with his automatic window of 5 tau).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

__all__ = ["Mean", "mean_with_error"]

WINDOW = 5.0
FEWEST_FOR_CORRELATION = 20


@dataclass(frozen=True)
class Mean:
    """A mean, its standard error, the standard deviation of one value, how many there are, and how many count."""

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
    """
    values = values[np.isfinite(values)]
    n = values.size
    if n < 2:
        return Mean(float(values[0]) if n else math.nan, math.nan, math.nan, n, float(n))
    deviation = float(values.std(ddof=1))
    two_tau = _two_tau(values - values.mean()) if n >= FEWEST_FOR_CORRELATION and deviation > 0 else 1.0
    effective = n / two_tau
    return Mean(float(values.mean()), deviation / math.sqrt(effective), deviation, n, effective)


def _two_tau(residuals: NDArray[np.float64]) -> float:
    """Twice the integrated autocorrelation time, at least 1: anticorrelation is not trusted to help."""
    n = residuals.size
    spectrum = fft.rfft(residuals, fft.next_fast_len(2 * n, real=True))
    covariance = fft.irfft(np.abs(spectrum) ** 2)[:n]
    two_tau = 2.0 * np.cumsum(covariance / covariance[0]) - 1.0
    lags = np.arange(n)
    beyond = np.flatnonzero(lags >= WINDOW * 0.5 * two_tau)
    return float(max(1.0, two_tau[beyond[0]] if beyond.size else two_tau[-1]))
