"""Dead time: the time after each pulse in which a detector sees no other pulse.

A non-extending (non-paralyzable) dead time follows each pulse that was seen: m = n / (1 + n d), with the true rate n,
the measured rate m and the dead time d. An extending (paralyzable) dead time is prolonged by pulses that were not seen:
m = n exp(-n d) (G. F. Knoll, Radiation Detection and Measurement, 4th ed., section 4.VII). They differ by the fraction
(n d)^2 / 2: by 0.5 % where a tenth of the pulses is lost.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ....io.errors import InputError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["LONGEST_S", "dead_time_of", "measured_rate_Hz", "true_rate_Hz"]

Floats = NDArray[np.float64]

LONGEST_S = 1e-3
"""Longest dead time that is accepted, s: the fits take it to be short compared with a burst."""


def true_rate_Hz(measured_Hz: ArrayLike, dead_time_s: float, *, extending: bool = False) -> Floats:
    """Correct measured rates for the dead time.

    Parameters
    ----------
    measured_Hz : array of float
        Measured rates, pulses per s.
    dead_time_s : float
        Time after each pulse in which none is seen.
    extending : bool
        Whether pulses that are not seen prolong the dead time. Two true rates then have the same measured rate; the
        lower one is returned.

    Returns
    -------
    array of float64, same shape
        True rates, pulses per s.

    Raises
    ------
    InputError
        When a measured rate is higher than the dead time allows or negative, or the dead time is negative or 1 ms or
        more.

    Examples
    --------
    >>> from utokyo.engine.fits.bursts.dead_time import true_rate_Hz
    >>> true_rate_Hz([100.0, 10_000.0], dead_time_s=2e-5).round(1).tolist()
    [100.2, 12500.0]
    """
    measured = np.asarray(measured_Hz, dtype=np.float64)
    _check(measured, dead_time_s)
    if dead_time_s == 0.0:
        return measured
    most = 1.0 / (math.e * dead_time_s) if extending else 1.0 / dead_time_s
    if np.any(measured > most if extending else measured >= most):
        raise InputError(f"with a dead time of {dead_time_s:g} s no more than {most:g} pulses per s are measured.")
    if extending:
        return np.asarray(-special.lambertw(-measured * dead_time_s).real / dead_time_s)
    return np.asarray(measured / (1.0 - measured * dead_time_s))


def measured_rate_Hz(true_Hz: ArrayLike, dead_time_s: float, *, extending: bool = False) -> Floats:
    """Rates that are measured with a dead time: the inverse of `true_rate_Hz`.

    Parameters
    ----------
    true_Hz : array of float
        True rates, pulses per s.
    dead_time_s, extending
        As for `true_rate_Hz`.

    Returns
    -------
    array of float64, same shape
        Measured rates, pulses per s.

    Raises
    ------
    InputError
        When a rate or the dead time is negative, or the dead time is 1 ms or more.

    Examples
    --------
    >>> from utokyo.engine.fits.bursts.dead_time import measured_rate_Hz
    >>> measured_rate_Hz([12_500.0], dead_time_s=2e-5).round(1).tolist()
    [10000.0]
    """
    true = np.asarray(true_Hz, dtype=np.float64)
    _check(true, dead_time_s)
    return np.asarray(true * np.exp(-true * dead_time_s) if extending else true / (1.0 + true * dead_time_s))


def dead_time_of(header: pl.DataFrame) -> float:
    """The dead time that the header of a file of pulses says: its ``PulseWidth`` in s; 0 where it does not.

    Parameters
    ----------
    header : polars.DataFrame
        A recorder's metadata, or its table, whose columns they are, too.

    Examples
    --------
    >>> import polars as pl
    >>> from utokyo.engine.fits.bursts.dead_time import dead_time_of
    >>> import polars as pl
    >>> dead_time_of(pl.DataFrame({"//PulseWidth": [2e-6]})), dead_time_of(pl.DataFrame())
    (2e-06, 0.0)
    """
    name = next((name for name in header.columns if name.lstrip("/") == "PulseWidth"), None)
    width_s = header[name][0] if name is not None and header.height else None
    return float(width_s) if isinstance(width_s, int | float) and 0.0 <= width_s < LONGEST_S else 0.0


def _check(rate_Hz: Floats, dead_time_s: float) -> None:
    if not 0.0 <= dead_time_s < LONGEST_S:
        raise InputError(f"a dead time is at least 0 and less than {LONGEST_S:g} s, not {dead_time_s}.")
    if not np.all(rate_Hz >= 0.0):
        raise InputError("rates are not negative.")
