"""The parameters of a fitted burst: their names, the rate of the model, and the conditions of a valid fit.

Overlapping bursts are fitted together. The parameters of one burst have the plain names; in those of the others, the
number of the burst is before the unit: ``tau_decay_s, tau_decay_2_s``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ....kernels.bursts.decay import burst_integral
from ..flags import Reason, reason_for
from ..result import Fit
from ..rounding import rounded

__all__ = [
    "DERIVED",
    "FEWEST_PULSES",
    "FITTED",
    "SLOPE",
    "Cut",
    "burst_rate_Hz",
    "expected_pulses",
    "numbered",
    "reasons",
]

Floats = NDArray[np.float64]

FITTED = ("background_Hz", "n_rise", "tau_rise_s", "n_decay", "tau_decay_s", "t0_ns")
DERIVED = ("half_life_s", "n_total")
SLOPE = "background_slope_Hz_per_s"
"""Name of the slope of the background, which is `background_Hz` at t0, in the fits that have one."""
UNITS = ("s", "ns", "Hz")
"""Units at the end of names, before which the number of a burst is put."""
FEWEST_PULSES = 15.0
"""Fewest pulses above background; with fewer, the error of the half-life exceeds a quarter of it even without
background."""
FEWEST_ERRORS = 3.0
"""The number of pulses of a burst must be above zero by this many standard errors."""
SEEN_DECAY_TIMES = 3.0
"""The window must contain this many decay times after t0 (rise times before it), to separate burst and background."""
WORST_DECAY_TIME = 0.5
"""Largest relative error of the decay time in a valid fit."""
SMALLEST_P = 1e-4
"""A fit with a smaller p value of the deviance is not valid: the model does not describe the window."""


class Cut(NamedTuple):
    """Whether the begin, and the end, of a window are those of the data."""

    begin: bool
    end: bool


def numbered(name: str, burst: int) -> str:
    """The name of a parameter of the first, second, ... burst (1, 2, ...) of those that were fitted together.

    Examples
    --------
    >>> numbered("tau_decay_s", 1), numbered("tau_decay_s", 2), numbered("n_rise", 3)
    ('tau_decay_s', 'tau_decay_2_s', 'n_rise_3')
    """
    if burst == 1:
        return name
    stem, _, unit = name.rpartition("_")
    return f"{stem}_{burst}_{unit}" if unit in UNITS else f"{name}_{burst}"


def _bursts_of(values: Mapping[str, float]) -> Iterator[list[float]]:
    """n_rise, tau_rise_s, n_decay, tau_decay_s and t0_ns of every burst."""
    burst = 1
    while numbered("t0_ns", burst) in values:
        yield [values[numbered(name, burst)] for name in FITTED[1:]]
        burst += 1


def burst_rate_Hz(values: Mapping[str, float], t_ns: ArrayLike) -> Floats:
    """Rate of the fitted model at given times, without dead time.

    Parameters
    ----------
    values : mapping of str to float
        ``background_Hz, n_rise, tau_rise_s, n_decay, tau_decay_s, t0_ns``, as in `Fit.values`, and the numbered ones of
        further bursts.
    t_ns : array of integers
        Times in ns, from the same origin as ``t0_ns``.

    Returns
    -------
    array of float64, same shape
        Pulses per second.

    Examples
    --------
    >>> values = {"background_Hz": 2.0, "n_rise": 10.0, "tau_rise_s": 0.2, "n_decay": 50.0, "tau_decay_s": 1.0}
    >>> values["t0_ns"] = 0
    >>> burst_rate_Hz(values, [-60_000_000_000, 0, 1_000_000_000]).round(1).tolist()
    [2.0, 52.0, 20.4]
    """
    times_ns = np.asarray(t_ns, dtype=np.int64)
    rate = np.full(times_ns.shape, values["background_Hz"], dtype=np.float64)
    if SLOPE in values:
        rate += values[SLOPE] * 1e-9 * (times_ns - int(values["t0_ns"]))
    for n_rise, tau_rise, n_decay, tau_decay, t0_ns in _bursts_of(values):
        t_s = (times_ns - int(t0_ns)) * 1e-9
        rise = n_rise / tau_rise * np.exp(np.minimum(t_s, 0.0) / tau_rise)
        decay = n_decay / tau_decay * np.exp(-np.maximum(t_s, 0.0) / tau_decay)
        rate += np.where(t_s < 0.0, rise, decay)
    return rate


def expected_pulses(values: Mapping[str, float], edges_ns: NDArray[np.int64]) -> Floats:
    """Number of pulses that the fitted model expects in each bin of time, without dead time.

    Parameters
    ----------
    values
        As for `burst_rate_Hz`.
    edges_ns : array of int64, shape (n + 1,)
        Edges of the bins, ns, increasing.

    Returns
    -------
    array of float64, shape (n,)
        Pulses.

    Examples
    --------
    >>> values = {"background_Hz": 2.0, "n_rise": 10.0, "tau_rise_s": 0.2, "n_decay": 50.0, "tau_decay_s": 1.0}
    >>> values["t0_ns"] = 0
    >>> expected_pulses(values, np.array([-20, 0, 20]) * 1_000_000_000).round(1).tolist()
    [50.0, 90.0]
    """
    expected = np.diff(edges_ns).astype(np.float64) * (values["background_Hz"] * 1e-9)
    if SLOPE in values:
        expected += np.diff(np.square((edges_ns - int(values["t0_ns"])) * 1e-9)) * (0.5 * values[SLOPE])
    for *parameters, t0_ns in _bursts_of(values):
        x = np.concatenate([[-np.inf], np.log(parameters), [0.0]])
        burst_integral(np.asarray((edges_ns - int(t0_ns)) * 1e-9, dtype=np.float64), x, expected)
    return expected


def reasons(fit: Fit, t0_s: float, length_s: float, *, converged: bool, bounded: bool, cut: Cut) -> Iterator[Reason]:
    """All reasons why the fit of a burst (the one with the plain names) is not valid.

    Parameters
    ----------
    fit : Fit
    t0_s : float
        t0, s after the begin of the window.
    length_s : float
        Length of the window.
    converged : bool
        Whether the fit converged.
    bounded : bool
        Whether the decay time is at a limit.
    cut : Cut
    """
    values, errors = fit.values, fit.errors
    if not converged:
        yield reason_for("not_converged")
    if values["n_total"] < FEWEST_PULSES:
        yield reason_for("too_few_pulses", pulses=values["n_total"], needed=FEWEST_PULSES)
    elif not values["n_total"] > FEWEST_ERRORS * errors["n_total"]:
        pulses, error = rounded(values["n_total"], errors["n_total"])
        yield reason_for("not_significant", pulses=pulses, error=error)
    if cut.begin and t0_s < SEEN_DECAY_TIMES * values["tau_rise_s"]:
        yield reason_for("cut_at_begin", before_s=t0_s)
    rest_s = length_s - t0_s
    if rest_s < SEEN_DECAY_TIMES * values["tau_decay_s"]:
        code = "cut_at_end" if cut.end else "decay_beyond_window"
        yield reason_for(code, decay_times=rest_s / values["tau_decay_s"])
    elif bounded or not errors["tau_decay_s"] < WORST_DECAY_TIME * values["tau_decay_s"]:
        yield reason_for("decay_time_unknown")
    if fit.p_value < SMALLEST_P:
        yield reason_for("not_a_burst", p_value=fit.p_value)
