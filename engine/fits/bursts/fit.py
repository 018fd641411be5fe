"""Fit of one burst: background, exponential rise, exponential decay, by the extended unbinned likelihood.

The likelihood and its derivatives are `kernels.bursts.decay`, the search for its minimum is `problem`, errors and
goodness of fit are in `answer`. The rate is taken for continuous at t0, n_rise / tau_rise = n_decay / tau_decay, unless
the data demand a jump: where both numbers are free, t0 carries no Fisher information at all (moving it alone equals
scaling both exponentials), its likelihood jumps at every pulse, and the half-life is too long on average, by a fifth of
its error. Simulated bursts with a rise half as high as the decay have an unbiased half-life under a continuous rate,
too; only their t0 is off.

`find_bursts` is here as well, so that one import serves: search, then fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from ....io.errors import InputError
from ..result import Fit
from .answer import fit_of_one, fits_of_several, no_fit, with_reasons
from .best import BestBurst, best_burst, best_near, jump_promises
from .dead_time import LONGEST_S
from .overlap import fit_together
from .problem import BurstProblem
from .search import find_bursts, sorted_times_ns
from .stretch import fit_window_ns
from .values import FEWEST_PULSES, Cut, burst_rate_Hz

__all__ = ["burst_rate_Hz", "find_bursts", "fit_burst", "fit_overlapping"]

Floats = NDArray[np.float64]

JUMP = 16.0
"""Twice the gain in log-likelihood for which a jump at t0 is believed; a continuous rate reaches 10 in one of 100."""
PROMISING_JUMP = 4.5
"""The same as a first step expects it, from which on a jump is tried."""
UNLIKELY = 0.05
"""Probability of a larger deviance, below which further bursts are looked for."""


def fit_burst(
    timestamps_ns: ArrayLike | pl.Series,
    burst: Mapping[str, Any],
    *,
    window_ns: tuple[int, int] | None = None,
    dead_time_s: float = 0.0,
) -> Fit:
    """Fit background, rise and decay to one burst.

    Parameters
    ----------
    timestamps_ns : array or polars Series of integers, shape (n,)
        Sorted pulse times in ns, as given to `find_bursts`; pulses outside the window are not looked at.
    burst : mapping
        A row of the table of `find_bursts` (``table.row(i, named=True)``): ``timestamp_ns``, ``onset_ns`` and
        ``end_ns`` are needed, the window and the significance are used when there.
    window_ns : (int, int), optional
        Where to fit, instead of the window of the row; all bursts in it are fitted.
    dead_time_s : float
        Time after each pulse in which none is seen (of the non-extending kind). Rates and numbers of the fit are those
        without it.

    Returns
    -------
    Fit
        Fitted: ``background_Hz, n_rise, tau_rise_s, n_decay, tau_decay_s, t0_ns``; derived: ``half_life_s`` and
        ``n_total`` (rise and decay together). ``t0_ns`` is a whole number; `Fit.interval` of it works in doubles, to
        256 ns for times since 1970. Errors of the rise are nan, and the fit may still be valid, where the data show
        no rise. Where bursts overlap, all are fitted together: the one nearest to ``timestamp_ns`` has these names,
        the others ``n_rise_2, tau_rise_2_s, ...``.

    Raises
    ------
    InputError
        If the times are not sorted integers, the row lacks a time, the window is empty, or the dead time too long.

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
    timestamps_ns: ArrayLike | pl.Series,
    burst: Mapping[str, Any],
    *,
    window_ns: tuple[int, int] | None = None,
    dead_time_s: float = 0.0,
) -> list[Fit]:
    """Fit all bursts that overlap where the search found one, together.

    Parameters
    ----------
    timestamps_ns, burst, window_ns, dead_time_s
        As for `fit_burst`.

    Returns
    -------
    list of Fit
        One for each burst, in order of time; mostly there is one. All are the same fit: each names its own burst
        plainly, and the others with numbers.

    Raises
    ------
    InputError
        As `fit_burst`.

    Examples
    --------
    Two bursts, 3 s apart, that the search takes for one:

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
    times_ns = sorted_times_ns(timestamps_ns)
    if not 0.0 <= dead_time_s < LONGEST_S:
        raise InputError(f"a dead time is at least 0 and less than {LONGEST_S:g} s, not {dead_time_s}.")
    low_ns, high_ns = _window(burst, window_ns)
    if times_ns.size:
        low_ns, high_ns = max(low_ns, int(times_ns[0])), min(high_ns, int(times_ns[-1]) + 1)
    inside = times_ns[slice(*np.searchsorted(times_ns, [low_ns, high_ns]))]
    significance = float(burst.get("significance", math.nan))
    if inside.size < FEWEST_PULSES or high_ns <= low_ns:
        return [no_fit(int(burst["timestamp_ns"]), significance, inside.size)]
    onset_ns, end_ns = int(burst["onset_ns"]), int(burst["end_ns"])
    problem, best = _best_single(*BurstProblem.of(inside, low_ns, high_ns, onset_ns, end_ns, dead_time_s))
    cut = Cut(begin=bool(low_ns <= times_ns[0]), end=bool(high_ns >= times_ns[-1]))
    fit = fit_of_one(problem, best, significance)
    together = fit_together(problem, best.minimum) if fit.p_value < UNLIKELY else None
    if together is not None:
        return fits_of_several(together, significance, cut)
    return [with_reasons(fit, problem, best.minimum, cut)]


class _Single(NamedTuple):
    """The best single burst, and the problem that it solves."""

    problem: BurstProblem
    best: BestBurst


def _best_single(problem: BurstProblem, start: Floats) -> _Single:
    """The best single burst, of a rate that jumps at t0 where the data demand it."""
    best = best_burst(problem, start)
    if jump_promises(problem, best) > PROMISING_JUMP:
        with_jump, nodes = problem.with_jump, best.nodes
        tried = min(best_near(with_jump, nodes.x[i], nodes.step_s).nll for i in np.argsort(nodes.nll)[:2])
        if 2.0 * (best.minimum.nll - tried) > JUMP:
            return _Single(with_jump, best_burst(with_jump, best.minimum.x))
    return _Single(problem, best)


def _window(burst: Mapping[str, Any], window_ns: tuple[int, int] | None) -> tuple[int, int]:
    """Where to fit, ns."""
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
