"""Fit of one burst: background, exponential rise, exponential decay, by the extended unbinned likelihood.

The likelihood and its derivatives are `kernels.decay`, the search for its minimum is `burst_problem`. The rate is taken
for continuous at t0, n_rise / tau_rise = n_decay / tau_decay, unless the data demand a jump: where both numbers are
free, t0 carries no Fisher information at all (moving it alone equals scaling both exponentials), its likelihood jumps
at every pulse, and the half-life is too long on average, by a fifth of its error. Simulated bursts with a rise half as
high as the decay have an unbiased half-life under a continuous rate, too; only t0 tells the difference.

Errors come from the profile in t0: the likelihood over t0, normalised, is a weight, and by the law of total covariance

    cov = <cov at t0> + cov of the estimates at t0,   <> over that weight.

`find_bursts` is here as well, so that one import serves: search, then fit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from ...io.errors import InputError
from ...kernels.burst_fit import total_covariance
from ...kernels.decay import burst_deviance
from .burst_problem import WORTH, BurstProblem, Nodes, replace_t0
from .dead_time import LONGEST_S
from .minimize import Minimum
from .result import Fit, rounded
from .search import find_bursts, sorted_times_ns
from .stretch import BEFORE_S, BEHIND_S, reach_ns

__all__ = ["burst_rate_Hz", "find_bursts", "fit_burst"]

Floats = NDArray[np.float64]

FITTED = ("background_Hz", "n_rise", "tau_rise_s", "n_decay", "tau_decay_s", "t0_ns")
SECOND_NS = 1_000_000_000
JUMP = 16.0
"""Twice the gain in log-likelihood for which a jump at t0 is believed; a continuous rate reaches 10 in one of 100."""
SUSPECT = 4.0
"""The same as the scores at a continuous rate expect it, from which a jump is tried."""
FEWEST_PULSES = 15.0
"""Above background; with fewer, the error of the half-life exceeds a quarter of it even without background."""
SEEN_DECAY_TIMES = 3.0
"""Part of the decay, in decay times, that the window must hold to tell it from the background."""
SMALLEST_P = 1e-4
EXPECTED_PER_BIN = (20.0, 10.0)
"""Content of the bins for the goodness of fit; the second where the first gives too few of them."""
FEWEST_BINS, MOST_BINS = 12, 200
EVENLY, OUTWARDS = np.linspace(0.0, 1.0, 200), 0.02 * np.expm1(np.linspace(0.0, 6.0, 150))
"""Times between which the edges of those bins are interpolated: in windows, and in decay times."""


def burst_rate_Hz(values: Mapping[str, float], t_ns: ArrayLike) -> Floats:
    """Rate of the fitted model at some times.

    Parameters
    ----------
    values : mapping of str to float
        ``background_Hz, n_rise, tau_rise_s, n_decay, tau_decay_s, t0_ns``, as in `Fit.values`.
    t_ns : array of integers
        Times in ns, of the same origin as ``t0_ns``.

    Returns
    -------
    array of float64, same shape
        Pulses per second.
    """
    t_s = (np.asarray(t_ns, dtype=np.int64) - int(values["t0_ns"])) * 1e-9
    tau_r, tau_d = values["tau_rise_s"], values["tau_decay_s"]
    rise = values["n_rise"] / tau_r * np.exp(np.minimum(t_s, 0.0) / tau_r)
    decay = values["n_decay"] / tau_d * np.exp(-np.maximum(t_s, 0.0) / tau_d)
    return np.asarray(values["background_Hz"] + np.where(t_s < 0.0, rise, decay), dtype=np.float64)


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
        Where to fit, instead of the window of the row; it should hold one burst only.
    dead_time_s : float
        Time behind each pulse in which none is seen (of the non-extending kind). Rates and numbers of the fit are those
        without it.

    Returns
    -------
    Fit
        Fitted: ``background_Hz, n_rise, tau_rise_s, n_decay, tau_decay_s, t0_ns``; derived: ``half_life_s`` and
        ``n_total`` (rise and decay together). ``t0_ns`` is a whole number; `Fit.interval` of it works in doubles, to
        256 ns for times since 1970. Errors of the rise are nan, and the fit may still be valid, where the data show
        no rise.

    Raises
    ------
    InputError
        If the times are not sorted integers, the row lacks a time, the window is empty, or the dead time too long.
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
        return _nothing(int(burst["timestamp_ns"]), significance, f"too few pulses: {inside.size} in the window")

    onset_ns, end_ns = int(burst["onset_ns"]), int(burst["end_ns"])
    problem, start = BurstProblem.of(inside, low_ns, high_ns, onset_ns, end_ns, dead_time_s)
    best, nodes = problem.best(start)
    if np.any(2.0 * (best.nll - nodes.nll) + nodes.promise > SUSPECT):
        with_jump = problem.with_jump
        tried = min(with_jump.near(nodes.x[i], nodes.step_s).nll for i in np.argsort(nodes.nll)[:2])
        if 2.0 * (best.nll - tried) > JUMP:
            problem = with_jump
            best, nodes = problem.best(best.x)
    values, errors, covariance = _estimates(problem, best, nodes)
    deviance, ndof = _deviance(problem, best.x)
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
    cut = (low_ns <= times_ns[0], high_ns >= times_ns[-1])
    return replace(fit, reasons=tuple(_reasons(fit, problem, best, cut)))


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


def _deviance(problem: BurstProblem, x: Floats) -> tuple[float, int]:
    """Poisson deviance in bins of about equal expected content, and its degrees of freedom."""
    grid_s = np.concatenate(
        [problem.length_s * EVENLY, x[5] - math.exp(x[2]) * OUTWARDS, x[5] + math.exp(x[4]) * OUTWARDS]
    )
    grid_s = np.sort(grid_s.clip(0.0, problem.length_s))
    deviance, bins = burst_deviance(
        problem.times_s, problem.dead_s, x, grid_s, *EXPECTED_PER_BIN, FEWEST_BINS, MOST_BINS
    )
    return deviance, max(0, bins - 1 - problem.directions.shape[1])


def _reasons(fit: Fit, problem: BurstProblem, best: Minimum, cut: tuple[bool, bool]) -> Iterator[str]:
    """Why the numbers must not be used."""
    values, errors, t0_s = fit.values, fit.errors, float(best.x[5])
    if not best.converged:
        yield f"the fit did not converge ({best.message})"
    if values["n_total"] < FEWEST_PULSES:
        yield f"too few pulses: {values['n_total']:.0f} above background, {FEWEST_PULSES:.0f} are needed"
    elif not values["n_total"] > 3.0 * errors["n_total"]:
        pulses, error = rounded(values["n_total"], errors["n_total"])
        yield f"the burst does not stand out: {pulses} +- {error} pulses above background"
    if cut[0] and t0_s < SEEN_DECAY_TIMES * values["tau_rise_s"]:
        yield f"the burst is cut: the data begin {t0_s:.1f} s before its maximum"
    rest_s = problem.length_s - t0_s
    if rest_s < SEEN_DECAY_TIMES * values["tau_decay_s"]:
        seen = f"{rest_s / values['tau_decay_s']:.1f} decay times after the maximum"
        yield f"the burst is cut: the data end {seen}" if cut[1] else f"no decay visible: the window ends {seen}"
    elif problem.at_limit(best.x, 4) or not errors["tau_decay_s"] < 0.5 * values["tau_decay_s"]:
        yield "the window cannot tell the decay time"
    if fit.p_value < SMALLEST_P:
        yield f"the model does not describe the window (p = {fit.p_value:.1g})"


def _nothing(t0_ns: int, significance: float, reason: str) -> Fit:
    values = dict.fromkeys((*FITTED, "half_life_s", "n_total"), math.nan)
    errors = dict(values)
    values["t0_ns"] = t0_ns
    covariance = np.full((6, 6), np.nan)
    return Fit(values, errors, covariance, FITTED, math.nan, significance=significance, reasons=(reason,))


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
