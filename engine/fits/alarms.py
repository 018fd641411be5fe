"""How often background alone looks like a burst: the calibration of the search, by simulation.

``benchmarks/calibrate_search.py`` searches simulated background (a Poisson process of constant rate; the whole search,
with its own measurement of the background) for everything above a low significance z, and counts what it finds. The
rate of false alarms above z is described, at each background rate, by

    ln(alarms per hour) = a - s z^2 / 2,

by the greatest likelihood for what exceeds the level of one alarm an hour. The tables below are what the script
printed.
Between the rates they are interpolated in ln(rate), beyond them the nearest one holds.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["alarms_per_hour", "level_for", "level_on"]

Floats = NDArray[np.float64]

RATES_HZ = np.array([0.1, 1000.0])
INTERCEPTS = np.array([8.0, 13.0])
SLOPES = np.array([0.95, 0.95])
LOWEST_LEVEL = 3.5
"""Below it windows overlap so much that counting them means nothing."""


def level_for(alarms: float, rate_Hz: ArrayLike) -> Floats:
    """Significance that background of some rates exceeds so many times an hour.

    Parameters
    ----------
    alarms : float
        Expected number of false alarms in an hour of background.
    rate_Hz : array of float
        Rates of the background, pulses per s.

    Returns
    -------
    array of float64
        Levels (z), none below `LOWEST_LEVEL`.
    """
    return np.asarray(level_on(alarms, *_line(rate_Hz)))


def alarms_per_hour(significance: float, rate_Hz: float) -> float:
    """Expected number of windows as significant in an hour of background alone."""
    intercept, slope = _line(rate_Hz)
    return float(np.exp(intercept - slope * significance**2 / 2.0))


def level_on(alarms: float, intercept: ArrayLike, slope: ArrayLike) -> Floats:
    """The level of so many alarms an hour on the line of this module's first paragraph."""
    return np.sqrt(np.maximum(2.0 * (np.asarray(intercept) - math.log(alarms)) / slope, LOWEST_LEVEL**2))


def _line(rate_Hz: ArrayLike) -> tuple[Floats, Floats]:
    at = np.log(np.maximum(np.asarray(rate_Hz, dtype=np.float64), 1e-9))
    known = np.log(RATES_HZ)
    return np.interp(at, known, INTERCEPTS), np.interp(at, known, SLOPES)
