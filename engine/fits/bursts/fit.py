"""Fit of one burst: background, exponential rise, exponential decay, by the extended unbinned likelihood.

The likelihood and its derivatives are in `kernels.bursts.decay`, its minimisation in `problem` and `best`, errors and
goodness of fit in `answer`. The rate is taken to be continuous at t0, n_rise / tau_rise = n_decay / tau_decay, unless a
jump improves the likelihood significantly. The reason: with both numbers of pulses free, t0 has no Fisher information
(a shift of t0 is the same as a change of both numbers), the likelihood jumps at every pulse, and the half-life is
biased upwards by a fifth of its error. With a continuous rate, the half-life is unbiased even for simulated bursts
whose rise is half as high as their decay; only their t0 is biased.

`find_bursts` can be imported from here, too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from ....io.errors import InputError
from ..result import Fit
from .answer import fit_of_one, fits_of_several, no_fit, with_reasons
from .best import BestBurst, best_burst, best_near, jump_promises
from .dead_time import LONGEST_S, dead_time_of
from .kind import reasons_of_kind
from .overlap import fit_together
from .problem import BurstProblem
from .search import find_bursts, sorted_times_ns
from .shape import reasons_of_shape, reasons_together, shape_of, with_slope
from .stretch import fit_window_ns
from .values import FEWEST_PULSES, Cut, burst_rate_Hz

__all__ = ["burst_rate_Hz", "find_bursts", "fit_burst", "fit_overlapping"]

Floats = NDArray[np.float64]

JUMP = 16.0
"""Twice the gain in log-likelihood above which a jump at t0 is accepted; without a jump, 1 in 100 bursts reaches 10."""
PROMISING_JUMP = 4.5
"""A jump is tried when one step of the parameters predicts more than this twice-gain."""
UNLIKELY = 0.05
"""When the p value of a single burst is below this, the fit looks for further bursts in the window."""


def fit_burst(
    timestamps_ns: ArrayLike | pl.Series | pl.DataFrame,
    burst: Mapping[str, Any],
    *,
    window_ns: tuple[int, int] | None = None,
    dead_time_s: float | None = None,
) -> Fit:
    """Fit background, rise and decay to one burst.

    Parameters
    ----------
    timestamps_ns : array or polars Series of integers, shape (n,), or polars.DataFrame
        Sorted pulse times in ns, as given to `find_bursts`, or the table of a recorder, whose header says the dead
        time; pulses outside the window are ignored.
    burst : mapping
        A row of the table of `find_bursts` (``table.row(i, named=True)``). ``timestamp_ns``, ``onset_ns`` and
        ``end_ns`` are required; the window and the significance are used when they are given.
    window_ns : (int, int), optional
        Begin and end of the time that is fitted, instead of the window of the row; all bursts in it are fitted.
    dead_time_s : float, optional
        Non-extending dead time after each pulse, s; by default that of the header of a table, else none. Fitted rates
        and numbers of pulses are corrected for it.

    Returns
    -------
    Fit
        Fitted: ``background_Hz, n_rise, tau_rise_s, n_decay, tau_decay_s, t0_ns``; derived: ``half_life_s`` and
        ``n_total`` (pulses of rise and decay together). ``t0_ns`` is a whole number, but `Fit.interval` of it is
        accurate to 256 ns only for times since 1970, since it uses doubles. Where the data show no rise, the errors of
        the rise are nan, and the fit can still be valid. Where the background has a slope that matters, it is a further
        value, ``background_slope_Hz_per_s``, and ``background_Hz`` is that at t0. Overlapping bursts are fitted
        together: the one nearest to ``timestamp_ns`` has these names, the others ``n_rise_2, tau_rise_2_s, ...``.

    Raises
    ------
    InputError
        If the times are not sorted integers, a time of the row is missing, the window does not end after it begins, or
        the dead time is negative or 1 ms or more.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import find_bursts, fit_burst
    >>> random = np.random.default_rng(1)
    >>> rise, decay = 60.0 - random.exponential(0.2, 160), 60.0 + random.exponential(1.0, 800)
    >>> seconds = np.concatenate([random.uniform(0.0, 120.0, 2400), rise, decay])
    >>> times_ns = np.sort(seconds * 1e9).astype(np.int64)
    >>> fit = fit_burst(times_ns, find_bursts(times_ns).row(0, named=True))
    >>> fit.valid, abs(fit.values["half_life_s"] - 0.693) < 3.0 * fit.errors["half_life_s"]
    (True, True)
    """
    fits = fit_overlapping(timestamps_ns, burst, window_ns=window_ns, dead_time_s=dead_time_s)
    return min(fits, key=lambda fit: abs(fit.values["t0_ns"] - int(burst["timestamp_ns"])))


def fit_overlapping(
    timestamps_ns: ArrayLike | pl.Series | pl.DataFrame,
    burst: Mapping[str, Any],
    *,
    window_ns: tuple[int, int] | None = None,
    dead_time_s: float | None = None,
) -> list[Fit]:
    """Fit all overlapping bursts in the window of one found burst, together.

    Parameters
    ----------
    timestamps_ns, burst, window_ns, dead_time_s
        As for `fit_burst`.

    Returns
    -------
    list of Fit
        One for each burst, in order of time; usually one. All contain the same parameters: in each, its own burst has
        the plain names, and the others have numbers.

    Raises
    ------
    InputError
        As `fit_burst`.

    Examples
    --------
    Two bursts, 3 s apart, which the search finds as one:

    >>> import numpy as np
    >>> from utokyo import find_bursts
    >>> from utokyo.engine.fits.bursts import fit_overlapping
    >>> random = np.random.default_rng(1)
    >>> decays = [t0 + random.exponential(1.0, 900) for t0 in (60.0, 63.0)]
    >>> rises = [t0 - random.exponential(0.2, 180) for t0 in (60.0, 63.0)]
    >>> seconds = np.concatenate([random.uniform(0.0, 120.0, 2400), *decays, *rises])
    >>> times_ns = np.sort(seconds * 1e9).astype(np.int64)
    >>> found = find_bursts(times_ns)
    >>> fits = fit_overlapping(times_ns, found.row(0, named=True))
    >>> found.height, len(fits), [round(fit.values["t0_ns"] / 1e9) for fit in fits]
    (1, 2, [60, 63])
    """
    times_ns, dead_time_s = _pulses(timestamps_ns, dead_time_s)
    low_ns, high_ns = _window(burst, window_ns)
    if times_ns.size:
        low_ns, high_ns = max(low_ns, int(times_ns[0])), min(high_ns, int(times_ns[-1]) + 1)
    inside = times_ns[slice(*np.searchsorted(times_ns, [low_ns, high_ns]))]
    significance = float(burst.get("significance", math.nan))
    if inside.size < FEWEST_PULSES or high_ns <= low_ns:
        return [no_fit(int(burst["timestamp_ns"]), significance, inside.size)]
    onset_ns, end_ns = int(burst["onset_ns"]), int(burst["end_ns"])
    single = _best_single(*BurstProblem.of(inside, low_ns, high_ns, onset_ns, end_ns, dead_time_s))
    cut = Cut(begin=bool(low_ns <= times_ns[0]), end=bool(high_ns >= times_ns[-1]))
    return _fits(single, ((onset_ns - low_ns) * 1e-9, (end_ns - low_ns) * 1e-9), significance, cut)


def _pulses(
    timestamps_ns: ArrayLike | pl.Series | pl.DataFrame, dead_time_s: float | None
) -> tuple[NDArray[np.int64], float]:
    """The pulse times, and the dead time: that which is given, else that of the header of a table."""
    if isinstance(timestamps_ns, pl.DataFrame):
        dead_time_s = dead_time_of(timestamps_ns) if dead_time_s is None else dead_time_s
        if "timestamp" not in timestamps_ns.columns:
            raise InputError("a table of pulses needs a column 'timestamp'; take that of a recorder.")
        timestamps_ns = timestamps_ns["timestamp"]
    dead_time_s = 0.0 if dead_time_s is None else dead_time_s
    if not 0.0 <= dead_time_s < LONGEST_S:
        raise InputError(f"a dead time is at least 0 and less than {LONGEST_S:g} s, not {dead_time_s}.")
    return sorted_times_ns(timestamps_ns), dead_time_s


def _fits(single: _Single, extent_s: tuple[float, float], significance: float, cut: Cut) -> list[Fit]:
    """The fits of a window: of one burst, or of several where one does not describe it, with all reasons."""
    problem, best = single
    x = best.minimum.x
    fit = fit_of_one(problem, best, significance)
    shape = shape_of(problem, x)
    if shape is not None:
        fit = with_slope(fit, x, shape)
    suspect = fit.p_value < UNLIKELY
    if suspect if shape is None else shape.asks_for_more(suspect):
        together = fit_together(problem, best.minimum)
        if together is not None:
            fits = fits_of_several(together, significance, cut)
            # Where several bursts do not describe the window either, a step is compared with the one.
            nll = fit.nll if "not_a_burst" in fits[0].flags else together.best.nll
            why = (*reasons_together(together), *reasons_of_kind(problem, together.bursts, nll, *extent_s))
            return [replace(each, reasons=each.reasons + why) for each in fits]
    why = () if shape is None else tuple(reasons_of_shape(shape, fit))
    why += tuple(reasons_of_kind(problem, x[None, :], fit.nll, *extent_s))
    return [with_reasons(fit, problem, best.minimum, cut, why)]


class _Single(NamedTuple):
    """The best single burst, and the problem (continuous or with a jump) whose solution it is."""

    problem: BurstProblem
    best: BestBurst


def _best_single(problem: BurstProblem, start: Floats) -> _Single:
    """The best single burst, with a jump at t0 where it improves the likelihood significantly."""
    best = best_burst(problem, start)
    if jump_promises(problem, best) > PROMISING_JUMP:
        with_jump, nodes = problem.with_jump, best.nodes
        tried = min(best_near(with_jump, nodes.x[i], nodes.step_s).nll for i in np.argsort(nodes.nll)[:2])
        if 2.0 * (best.minimum.nll - tried) > JUMP:
            return _Single(with_jump, best_burst(with_jump, best.minimum.x))
    return _Single(problem, best)


def _window(burst: Mapping[str, Any], window_ns: tuple[int, int] | None) -> tuple[int, int]:
    """Begin and end of the window of the fit, ns."""
    for name in ("timestamp_ns", "onset_ns", "end_ns"):
        if burst.get(name) is None:
            raise InputError(f"a burst to fit needs {name!r}; take a row of the table of find_bursts.")
    low, high = fit_window_ns(int(burst["onset_ns"]), int(burst["end_ns"]))
    if window_ns is None:
        low, high = burst.get("window_begin_ns", low), burst.get("window_end_ns", high)
    else:
        low, high = window_ns
    if not low < high:
        raise InputError(f"the window of a fit ends after it begins, not from {low} to {high}.")
    return int(low), int(high)
