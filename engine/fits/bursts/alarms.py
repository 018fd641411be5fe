"""The false-alarm rate of the search for bursts in background alone, calibrated by simulation.

``benchmarks/calibrations/calibrate_search.py`` runs the whole search, with its own measurement of the background, on
simulated background (a Poisson process of constant rate; seed 20220314), and prints the significances z that are
exceeded once, 0.1 and 0.01 times an hour. A search at a high level gives the same burst a somewhat larger significance
than one at a low level, for it separates it from less: the last two columns are raised by what the search finds at
these levels themselves (1.45 times as many at 1 per s, 1.3 at 2 per s). This is the table below. Between the rates and
the numbers of alarms of the table, z^2/2 is interpolated linearly in their logarithms. For fewer alarms it is
extrapolated with the last slope, or with that of Chernoff's bound where this gives the higher level.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["ALARMS", "LOWEST_LEVEL", "alarms_per_hour", "level_for"]

Floats = NDArray[np.float64]

ALARMS = (1.0, 0.1, 0.01)
"""False alarms per hour of the columns of `LEVELS`."""
LOWEST_LEVEL = 3.5
"""Lowest level of significance (z): below it, neighbouring excesses overlap, and cannot be counted."""
LEVELS = [
    [3.500, 3.500, 3.500],  # 0.01 Hz, 30000 h: [65, 65, 65] seen
    [3.500, 3.500, 3.500],  # 0.0316 Hz, 30000 h: [283, 283, 283] seen
    [3.500, 3.500, 3.981],  # 0.1 Hz, 30000 h: [2099, 2099, 300] seen
    [3.500, 3.738, 4.362],  # 0.316 Hz, 30000 h: [9793, 3000, 300] seen
    [3.900, 4.063, 4.653],  # 1 Hz, 30000 h: [6343, 3000, 300] seen
    [3.900, 4.338, 4.849],  # 3.16 Hz, 30000 h: [18507, 3000, 299] seen
    [3.988, 4.532, 5.057],  # 10 Hz, 30000 h: [30000, 3000, 300] seen
    [4.178, 4.717, 5.212],  # 31.6 Hz, 10541 h: [10540, 1054, 105] seen
    [4.327, 4.849, 5.306],  # 100 Hz, 3333 h: [3333, 333, 24] seen
    [4.402, 4.946, 5.395],  # 316 Hz, 1054 h: [1054, 105, 8] seen
    [4.424, 4.921, 5.373],  # 1e+03 Hz, 333 h: [333, 25, 5] seen
    [4.428, 4.924, 5.375],  # 3.16e+03 Hz, 105 h: [105, 14, 3] seen
    [4.479, 4.970, 5.418],  # 1e+04 Hz, 33 h: [33, 3, 0] seen
]
"""Significances (z), one row a rate of background, one column a number of alarms; beside each row, for how many hours
of background the search was simulated, and how many bursts it found above each of the levels."""
EXPONENTS = np.square(LEVELS).T / 2.0
"""z^2/2 of these levels, one row a number of alarms."""
LOG_RATES = np.log(np.geomspace(0.01, 10_000.0, len(LEVELS)))
MARGIN = 0.2
"""Added to ln(alarms), for drifts of the background and for interpolation; the calibration has half that error."""
LOWEST_RATE_Hz = 1e-9
"""Replaces a rate of zero, which has no logarithm."""


def level_for(alarms: float, rate_Hz: ArrayLike) -> Floats:
    """Level of significance that background of these rates exceeds a given number of times an hour.

    Parameters
    ----------
    alarms : float
        Expected number of false alarms in an hour of background.
    rate_Hz : array of float, shape (n,)
        Rates of the background, pulses per s.

    Returns
    -------
    array of float64, shape (n,)
        Levels (z), none below `LOWEST_LEVEL`.

    Examples
    --------
    >>> level_for(0.01, [1.0, 100.0]).round(2).tolist()
    [4.7, 5.34]
    """
    once, tenth, hundredth = _exponents(rate_Hz)
    decades = -(math.log(alarms) - MARGIN) / math.log(10.0)
    if decades < 1.0:
        exponent = once + decades * (tenth - once)
    elif decades < 2.0:
        exponent = tenth + (decades - 1.0) * (hundredth - tenth)
    else:
        exponent = hundredth + (decades - 2.0) * np.maximum(hundredth - tenth, math.log(10.0))
    return np.sqrt(np.maximum(2.0 * exponent, LOWEST_LEVEL**2))


def alarms_per_hour(significance: float, rate_Hz: float) -> float:
    """Expected number of false alarms of this significance or more in an hour of background: inverse of `level_for`.

    Examples
    --------
    >>> alarms_per_hour(5.0, 100.0) > alarms_per_hour(6.0, 100.0)
    True
    """
    once, tenth, hundredth = (float(exponent) for exponent in _exponents(rate_Hz))
    exponent = significance**2 / 2.0
    if exponent < tenth:
        decades = (exponent - once) / (tenth - once) if tenth > once else 0.0
    elif exponent < hundredth:
        decades = 1.0 + (exponent - tenth) / (hundredth - tenth)
    else:
        decades = 2.0 + (exponent - hundredth) / max(hundredth - tenth, math.log(10.0))
    return math.exp(MARGIN - decades * math.log(10.0))


def _exponents(rate_Hz: ArrayLike) -> list[Floats]:
    """z^2/2 of one, 0.1 and 0.01 alarms an hour."""
    at = np.log(np.maximum(np.asarray(rate_Hz, dtype=np.float64), LOWEST_RATE_Hz))
    return [np.interp(at, LOG_RATES, exponents) for exponents in EXPONENTS]
