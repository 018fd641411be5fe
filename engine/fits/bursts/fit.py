"""Fit of one burst: background, exponential rise, exponential decay, by the extended unbinned likelihood.

The likelihood and its derivatives are `kernels.bursts.decay`, the search for its minimum is `burst_problem`. The rate
is taken for continuous at t0, n_rise / tau_rise = n_decay / tau_decay, unless the data demand a jump: where both
numbers are free, t0 carries no Fisher information at all (moving it alone equals scaling both exponentials), its
likelihood jumps at every pulse, and the half-life is too long on average, by a fifth of its error. Simulated bursts
with a rise half as high as the decay have an unbiased half-life under a continuous rate, too; only t0 tells the
difference.

Errors come from the profile in t0: the likelihood over t0, normalised, is a weight, and by the law of total covariance

    cov = <cov at t0> + cov of the estimates at t0,   <> over that weight.

`find_bursts` is here as well, so that one import serves: search, then fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from ....io.errors import InputError
from ....kernels.bursts.decay import burst_deviance
from ....kernels.bursts.fit import total_covariance
from ....kernels.units import SECOND_NS
from ..flags import reason_for
from ..minimize import Minimum
from ..result import Fit
from .dead_time import LONGEST_S
from .overlap import Together, fit_together
from .problem import WORTH, BurstProblem, Nodes, replace_t0
from .search import find_bursts, sorted_times_ns
from .stretch import BEFORE_S, BEHIND_S, reach_ns
from .values import DERIVED, FEWEST_PULSES, FITTED, burst_rate_Hz, numbered, reasons

__all__ = ["burst_rate_Hz", "find_bursts", "fit_burst", "fit_overlapping"]

Floats = NDArray[np.float64]

JUMP = 16.0
"""Twice the gain in log-likelihood for which a jump at t0 is believed; a continuous rate reaches 10 in one of 100."""
SUSPECT = 4.5
"""The same as a first step expects it, from which a jump is tried."""
ASKING = 0.05
"""Probability of a larger deviance below which further bursts are looked for."""
EXPECTED_PER_BIN = (20.0, 10.0)
"""Content of the bins for the goodness of fit; the second where the first gives too few of them."""
FEWEST_BINS, MOST_BINS = 12, 200
EVENLY, OUTWARDS = np.linspace(0.0, 1.0, 200), 0.02 * np.expm1(np.linspace(0.0, 6.0, 150))
"""Times between which the edges of those bins are interpolated: in windows, and in decay times."""


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
        Time behind each pulse in which none is seen (of the non-extending kind). Rates and numbers of the fit are those
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
        return [_nothing(int(burst["timestamp_ns"]), significance, inside.size)]

    cut = (low_ns <= times_ns[0], high_ns >= times_ns[-1])
    onset_ns, end_ns = int(burst["onset_ns"]), int(burst["end_ns"])
    problem, start = BurstProblem.of(inside, low_ns, high_ns, onset_ns, end_ns, dead_time_s)
    best, nodes = problem.best(start)
    if problem.jump_promises(best, nodes) > SUSPECT:
        with_jump = problem.with_jump
        tried = min(with_jump.near(nodes.x[i], nodes.step_s).nll for i in np.argsort(nodes.nll)[:2])
        if 2.0 * (best.nll - tried) > JUMP:
            problem = with_jump
            best, nodes = problem.best(best.x)
    values, errors, covariance = _estimates(problem, best, nodes)
    deviance, ndof = _deviance(problem, best.x[None, :], problem.directions.shape[1])
    fit = Fit(
        values=values,
        errors=errors,
        covariance=covariance,
        names=FITTED,
        nll=best.nll,
        deviance=deviance,
        ndof=ndof,
        significance=significance,
        profile=_Profile(problem, best, nodes),
    )
    if fit.p_value < ASKING:
        together = fit_together(problem, best)
        if together is not None:
            return [_fit_of(together, first, significance, cut) for first in range(len(together.bursts))]
    bounded = bool(problem.at_limit(best.x, 4))
    why = reasons(fit, float(best.x[5]), problem.length_s, converged=best.converged, bounded=bounded, cut=cut)
    return [replace(fit, reasons=tuple(why))]


def _fit_of(together: Together, first: int, significance: float, cut: tuple[bool, bool]) -> Fit:
    """The fit of bursts together, with one of them named plainly and the others numbered in order of time."""
    problem, best = together.problem, together.best
    count = len(together.bursts)
    order = [first, *(burst for burst in range(count) if burst != first)]
    at = np.array([0, *(5 * burst + 1 + i for burst in order for i in range(5))])
    names = (FITTED[0], *(numbered(name, k + 1) for k in range(count) for name in FITTED[1:]))
    x = best.x[at]
    is_t0 = np.arange(x.size) % 5 == 0
    is_t0[0] = False
    value = np.where(is_t0, x, np.exp(np.where(is_t0, 0.0, x)))
    scale = np.where(is_t0, 1.0, value)
    covariance = together.covariance[np.ix_(at, at)] * np.outer(scale, scale)
    values = dict(zip(names, value.tolist(), strict=True))
    errors = dict(zip(names, (np.sqrt(covariance.diagonal()) * np.where(is_t0, SECOND_NS, 1.0)).tolist(), strict=True))
    for k in range(count):
        t0, tau, half_life, total = (numbered(n, k + 1) for n in ("t0_ns", "tau_decay_s", *DERIVED))
        values[t0] = problem.origin_ns + round(values[t0] * SECOND_NS)
        values[half_life], errors[half_life] = math.log(2.0) * values[tau], math.log(2.0) * errors[tau]
        both = np.zeros(x.size)
        both[[5 * k + 1, 5 * k + 3]] = 1.0
        values[total], errors[total] = float(both @ value), math.sqrt(both @ covariance @ both)
    deviance, ndof = _deviance(problem, together.bursts, together.directions.shape[1] - count)
    unit = np.where(is_t0, SECOND_NS, 1.0)

    def profile(name: str, value: float) -> float:
        i = names.index(name)
        if is_t0[i]:
            return together.profile(int(at[i]), (value - problem.origin_ns) / SECOND_NS)
        return together.profile(int(at[i]), math.log(value)) if value > 0.0 else math.inf

    fit = Fit(
        values, errors, covariance * np.outer(unit, unit), names, best.nll, deviance, ndof, significance, (), profile
    )
    bounded = bool(problem.at_limit(np.append(x[0], x[1:6]), 4))
    why = reasons(fit, float(x[5]), problem.length_s, converged=best.converged, bounded=bounded, cut=cut)
    return replace(fit, reasons=tuple(why))


def _window(burst: Mapping[str, Any], window_ns: tuple[int, int] | None) -> tuple[int, int]:
    for name in ("timestamp_ns", "onset_ns", "end_ns"):
        if burst.get(name) is None:
            raise InputError(f"a burst to fit needs {name!r}; take a row of the table of find_bursts.")
    onset, end = int(burst["onset_ns"]), int(burst["end_ns"])
    length = max(end - onset, 1)
    low = burst.get("window_begin_ns", onset - reach_ns(2.0, length, BEFORE_S))
    high = burst.get("window_end_ns", end + reach_ns(4.0, length, BEHIND_S))
    if window_ns is not None:
        low, high = window_ns
    if not low < high:
        raise InputError(f"the window of a fit ends after it begins, not from {low} to {high}.")
    return int(low), int(high)


def _estimates(problem: BurstProblem, best: Minimum, nodes: Nodes) -> tuple[dict[str, float], dict[str, float], Floats]:
    """Values, errors and the total covariance (see the module's first paragraph)."""
    value = np.append(np.exp(best.x[:5]), best.x[5])
    covariance = np.full((6, 6), np.nan)
    flat, flat_directions = problem.shows_no_rise(nodes.x), problem.without_rise.directions
    total_covariance(
        nodes.x, nodes.nll, nodes.information, problem.directions, flat_directions, flat, best.x, covariance
    )
    # A background of no count at all is known to one count.
    one_count = max(1.0, 1.0 / (problem.length_s * math.sqrt(covariance[0, 0]))) if covariance[0, 0] > 0.0 else 1.0
    covariance[0, :] *= one_count
    covariance[:, 0] *= one_count
    both = np.array([0.0, 1.0, 0.0, 1.0, 0.0, 0.0])
    errors_all = np.sqrt(covariance.diagonal())
    error_total = math.sqrt(both @ covariance @ both)
    if problem.shows_no_rise(best.x):
        errors_all[1:3] = np.nan
        covariance[1:3, :] = np.nan
        covariance[:, 1:3] = np.nan
    scale_ns = np.array([1.0, 1.0, 1.0, 1.0, 1.0, SECOND_NS])
    values = dict(zip(FITTED, value.tolist(), strict=True))
    errors = dict(zip(FITTED, (errors_all * scale_ns).tolist(), strict=True))
    values["t0_ns"] = problem.origin_ns + round(float(best.x[5]) * SECOND_NS)
    values["half_life_s"] = math.log(2.0) * values["tau_decay_s"]
    errors["half_life_s"] = math.log(2.0) * errors["tau_decay_s"]
    values["n_total"], errors["n_total"] = float(value @ both), error_total
    return values, errors, covariance * np.outer(scale_ns, scale_ns)


def _deviance(problem: BurstProblem, bursts: Floats, fitted: int) -> tuple[float, int]:
    """Poisson deviance in bins of about equal expected content, and its degrees of freedom."""
    parts = [problem.length_s * EVENLY]
    for x in bursts:
        parts += [x[5] - math.exp(x[2]) * OUTWARDS, x[5] + math.exp(x[4]) * OUTWARDS]
    grid_s = np.sort(np.concatenate(parts).clip(0.0, problem.length_s))
    deviance, bins = burst_deviance(
        problem.times_s, problem.dead_s, bursts, grid_s, *EXPECTED_PER_BIN, FEWEST_BINS, MOST_BINS
    )
    return deviance, max(0, bins - 1 - fitted)


def _nothing(t0_ns: int, significance: float, pulses: int) -> Fit:
    values = dict.fromkeys((*FITTED, *DERIVED), math.nan)
    errors = dict(values)
    values["t0_ns"] = t0_ns
    covariance = np.full((6, 6), np.nan)
    why = (reason_for("too_few_to_fit", pulses=pulses),)
    return Fit(values, errors, covariance, FITTED, math.nan, significance=significance, reasons=why)


@dataclass(frozen=True, eq=False)
class _Profile:
    """Negative log-likelihood at a fixed value of one parameter, or farther from the estimate, best in all others.

    Where t0 jumps from event to event the profile has a minimum of its own for many of them; "or farther" makes an
    interval span them all.
    """

    problem: BurstProblem
    best: Minimum
    nodes: Nodes

    def __call__(self, name: str, value: float) -> float:
        problem, at = self.problem, FITTED.index(name)
        if name == "t0_ns":
            value = (value - problem.origin_ns) / SECOND_NS
            if not 0.0 <= value <= problem.length_s:
                return math.inf
        elif value > 0.0:
            value = math.log(value)
        else:
            return math.inf
        here = self._at_t0(value) if name == "t0_ns" else self._at(at, value)
        side = np.sign(value - self.best.x[at])
        farther = side * (self.nodes.x[:, at] - value) > 0.0
        return min(here, float(self.nodes.nll[farther & (side != 0.0)].min(initial=math.inf)))

    def _at(self, parameter: int, value: float) -> float:
        nodes = self.nodes
        tried = []
        for x in [self.best.x, *nodes.x[nodes.nll < nodes.nll.min() + WORTH]]:
            problem, there = self.problem.fixed(parameter, x, value)
            tried.append((problem.at(there), problem))
        tried.sort(key=lambda answer: answer[0].nll)
        return min(problem.near(found.x, nodes.step_s).nll for found, problem in tried[:3])

    def _at_t0(self, t0_s: float) -> float:
        beginnings = (replace_t0(self.best.x, t0_s), self.problem.handed_over(self.best.x, t0_s))
        return min(self.problem.at(start).nll for start in beginnings)
