"""Fit of one burst: background, exponential rise, exponential decay, by the extended unbinned likelihood.

The parameters but t0 are fitted by Newton steps in their logarithms at fixed t0 (`kernels.decay`), t0 by its profile.
The rate is taken for continuous at t0, n_rise / tau_rise = n_decay / tau_decay, unless the data demand a jump: where
both numbers are free, t0 carries no Fisher information at all (moving it alone equals scaling both exponentials), its
likelihood jumps at every pulse, and the half-life is too long on average, by a fifth of its error. Simulated bursts
with a rise half as high as the decay have an unbiased half-life under a continuous rate, too; only t0 tells the
difference.

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
from scipy import linalg, optimize, special

from ...io.errors import InputError
from ...kernels.decay import best_switch, burst_integral, burst_minimum, fenced_likelihood
from .dead_time import LONGEST_S
from .minimize import Minimum, covariance_from, minimize_likelihood
from .result import Fit, rounded
from .search import find_bursts, sorted_times_ns
from .stretch import BEFORE_S, BEHIND_S, reach_ns

__all__ = ["burst_rate_Hz", "find_bursts", "fit_burst"]

Floats = NDArray[np.float64]

FITTED = ("background_Hz", "n_rise", "tau_rise_s", "n_decay", "tau_decay_s", "t0_ns")
SECOND_NS = 1_000_000_000
FREE = np.eye(5)
"""Directions, in the logarithms of the first five, in which a burst may differ: any."""
CONTINUOUS = np.array([[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0], [0, 1, 0, 1], [0, 0, 0, 1]], dtype=np.float64)
"""Background, height at t0 (both numbers together), tau_rise and tau_decay (each with its number)."""
JUMP = 16.0
"""Twice the gain in log-likelihood for which a jump at t0 is believed; a continuous rate reaches 10 in one of 100."""
TOLERANCE = 1e-4
"""Distance from the minimum, in errors, of a fit that converged."""
WALL = 0.05
"""Softness of the limits of the logarithms: beyond them a parabola of this width fences the likelihood."""
GRID = 20
"""Times t0 that are tried at once; the grid then closes in on those within `WORTH` of the best."""
WORTH = 8.0
BEGINNINGS = 6
"""Of the grid, from which the best t0 is looked for: the likelihood has a maximum of its own at every other event."""
FEWEST_PULSES = 15.0
"""Above background; with fewer, the error of the half-life exceeds a quarter of it even without background."""
SEEN_DECAY_TIMES = 3.0
"""Part of the decay, in decay times, that the window must hold to tell it from the background."""
SMALLEST_P = 1e-4
EXPECTED_PER_BIN = (20.0, 10.0)
"""Content of the bins for the goodness of fit; the second where the first gives too few of them."""
FEWEST_BINS, MOST_BINS = 12, 200


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

    problem, start = _problem(inside, low_ns, high_ns, int(burst["onset_ns"]), int(burst["end_ns"]), dead_time_s)
    t0_s, best, nodes = _minimum(problem, start)
    with_jump = replace(problem, directions=FREE, continuous=False)
    tried = min(with_jump.near(float(nodes.t0_s[i]), nodes.found[i].x)[1].nll for i in np.argsort(nodes.nll)[:2])
    if 2.0 * (best.nll - tried) > JUMP:
        problem = with_jump
        t0_s, best, nodes = _minimum(problem, best.x)
    values, errors, covariance = _estimates(problem, t0_s, best, nodes)
    deviance, ndof = _deviance(problem, t0_s, best.x)
    fit = Fit(
        values=values,
        errors=errors,
        covariance=covariance,
        names=FITTED,
        nll=best.nll,
        deviance=deviance,
        ndof=ndof,
        significance=significance,
        profile=_Profile(problem, t0_s, best, nodes),
    )
    cut = (low_ns <= times_ns[0], high_ns >= times_ns[-1])
    return replace(fit, reasons=tuple(_reasons(fit, problem, t0_s, best, cut)))


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


@dataclass(frozen=True, eq=False)
class _Problem:
    """The pulses of one window and what its parameters may be."""

    origin_ns: int
    times_s: Floats
    length_s: float
    t0_low_s: float
    t0_high_s: float
    low: Floats
    high: Floats
    dead_s: float
    directions: Floats  # in which the logarithms may move
    continuous: bool = True  # no jump of the rate at t0

    def at(self, t0_s: float, logs: Floats) -> Minimum:
        """Best logarithms at fixed t0, from some that are allowed."""
        x, gradient, information = logs.copy(), np.empty(5), np.empty((5, 5))
        nll, distance = burst_minimum(
            self.times_s,
            self.length_s,
            t0_s,
            self.dead_s,
            x,
            self.directions,
            self.low,
            self.high,
            WALL,
            gradient,
            information,
        )
        if distance < TOLERANCE:
            return Minimum(x, nll, gradient, information, True, "Newton")
        return self.certified(t0_s, x)

    def certified(self, t0_s: float, logs: Floats) -> Minimum:
        """The same by scipy, which also finds its way where the likelihood bends down."""
        directions, full = self.directions, logs.copy()
        gradient, information = np.empty(5), np.empty((5, 5))

        def objective(u: Floats) -> tuple[float, Floats, Floats]:
            full[:] = logs + directions @ u
            nll = fenced_likelihood(
                self.times_s, self.length_s, t0_s, self.dead_s, full, self.low, self.high, WALL, gradient, information
            )
            return nll, directions.T @ gradient, directions.T @ information @ directions

        start = np.zeros(directions.shape[1])
        step = 1.0 / np.sqrt(objective(start)[2].diagonal().clip(4.0))
        best = minimize_likelihood(objective, start, step, tolerance=TOLERANCE)
        objective(best.x)
        return replace(best, x=full, gradient=gradient, information=information)

    def near(self, t0_s: float, logs: Floats, reach_s: float = 0.0) -> tuple[float, Minimum]:
        """Best logarithms and t0 around a beginning, of a continuous rate no farther than `reach_s`."""
        found = self.at(t0_s, logs)
        if self.continuous:
            low, high = max(t0_s - reach_s, 0.0), min(t0_s + reach_s, self.length_s)
            if not reach_s > 0.0:
                return t0_s, found
            moved = optimize.minimize_scalar(
                lambda t0: self.at(t0, found.x).nll,
                bounds=(low, high),
                method="bounded",
                options={"xatol": reach_s / 1e3},
            ).x
            again = self.at(float(moved), found.x)
            return (float(moved), again) if again.nll < found.nll else (t0_s, found)
        for _ in range(20):  # the exact best switch and Newton steps in turn
            moved, gain = best_switch(self.times_s, self.t0_low_s, self.t0_high_s, t0_s, self.dead_s, found.x, 1e-9)
            if gain <= 1e-9:
                break
            again = self.at(moved, self.handed_over(found.x, moved - t0_s))
            if not again.nll < found.nll:
                break
            t0_s, found = moved, again
        return t0_s, found

    def handed_over(self, logs: Floats, shift_s: float) -> Floats:
        """The same exponentials, as numbers of pulses on either side of a t0 that moved; allowed ones only."""
        moved = np.zeros(5)
        for number, tau, sign in ((1, 2, 1.0), (3, 4, -1.0)):
            moved[number] = np.clip(sign * shift_s * math.exp(-logs[tau]), -1.0, 1.0)
        return logs + self.directions @ (np.linalg.pinv(self.directions) @ moved)

    def fixed(self, parameter: int, logs: Floats, log_value: float) -> tuple[_Problem, Floats]:
        """The problem in which one logarithm stays at a value, and allowed ones near others."""
        row = self.directions[parameter]
        there = logs + self.directions @ row * ((log_value - logs[parameter]) / (row @ row))
        return replace(self, directions=self.directions @ linalg.null_space(row[None, :])), there


@dataclass(frozen=True, eq=False)
class _Nodes:
    """The profile likelihood of t0 on an even grid: times in s, nll, and the best of all others there."""

    t0_s: Floats
    nll: Floats
    found: list[Minimum]


def _problem(
    inside_ns: NDArray[np.int64], low_ns: int, high_ns: int, onset_ns: int, end_ns: int, dead_s: float
) -> tuple[_Problem, Floats]:
    """The problem of one window with its limits, and where to begin."""
    times_s = np.asarray((inside_ns - low_ns) * 1e-9, dtype=np.float64)
    length_s = (high_ns - low_ns) * 1e-9
    onset_s = min(max((onset_ns - low_ns) * 1e-9, 0.0), 0.98 * length_s)
    end_s = min(max((end_ns - low_ns) * 1e-9, onset_s + 0.01 * length_s), length_s)
    duration_s = end_s - onset_s
    in_burst = float(np.count_nonzero((times_s >= onset_s) & (times_s < end_s)))
    outside_s = length_s - duration_s
    background = max(times_s.size - in_burst, 1.0) / outside_s if outside_s > 0.0 else 0.1 * in_burst / duration_s
    pulses = max(in_burst - background * duration_s, 5.0)
    # A rise that lasts for fewer than two pulses cannot be told from a chance coincidence, and its likelihood diverges.
    shortest_s = min(max(0.005, 0.5 * duration_s / pulses), 0.1)
    tau_s = max(duration_s / 3.0, 2.0 * shortest_s)
    start = np.log([background, 0.15 * pulses, max(0.2 * tau_s, 2.0 * shortest_s), 0.85 * pulses, tau_s])
    low = np.log([0.2 / length_s, 0.3, shortest_s, 1.0, shortest_s])
    high = np.log([2.0 * times_s.size / length_s, 2.0 * times_s.size, length_s, 9.0 * times_s.size, length_s])
    t0_low, t0_high = max(onset_s - 0.25 * duration_s, 0.0), min(end_s, length_s)
    start = np.clip(start, low + WALL, high - WALL)
    start[1] = start[3] - start[4] + start[2]
    return _Problem(low_ns, times_s, length_s, t0_low, t0_high, low, high, dead_s, CONTINUOUS), start


def _minimum(problem: _Problem, start: Floats) -> tuple[float, Minimum, _Nodes]:
    """The best t0, what is best there, and the profile around it on a grid that closed in."""
    low, high = problem.t0_low_s, problem.t0_high_s
    while True:
        t0_s = np.linspace(low, high, GRID)
        step = (high - low) / (GRID - 1)
        found: list[Minimum] = []
        for t0 in t0_s:  # the neighbour is a good beginning, unless it lost the rise
            near = found[-1].x if found and not _no_rise(problem, found[-1].x) else start
            found.append(problem.at(float(t0), near))
        nll = np.array([minimum.nll for minimum in found])
        start = found[int(nll.argmin())].x
        worth = np.flatnonzero(nll < nll.min() + WORTH)
        closer = max(low, t0_s[worth[0]] - step), min(high, t0_s[worth[-1]] + step)
        if closer[1] - closer[0] > 0.5 * (high - low) or step < 1e-6:
            break
        low, high = float(closer[0]), float(closer[1])
    begin = np.argsort(nll)[: 2 if problem.continuous else BEGINNINGS]
    t0, best = min((problem.near(float(t0_s[i]), found[i].x, step) for i in begin), key=lambda answer: answer[1].nll)
    if _no_rise(problem, best.x):  # what is flat there is not asked to converge
        best = replace(best, converged=_without_rise(problem).certified(t0, best.x).converged)
    else:
        best = replace(best, converged=problem.certified(t0, best.x).converged)
    return t0, best, _Nodes(t0_s, nll, found)


def _without_rise(problem: _Problem) -> _Problem:
    """The problem without what nothing tells when no rise is seen: its time, and its number where that is free."""
    return replace(problem, directions=np.delete(problem.directions, [2] if problem.continuous else [1, 2], axis=1))


def _estimates(
    problem: _Problem, t0_s: float, best: Minimum, nodes: _Nodes
) -> tuple[dict[str, float], dict[str, float], Floats]:
    """Values, errors and the total covariance (see the module's first paragraph)."""
    scale_ns = np.array([1.0, 1.0, 1.0, 1.0, 1.0, SECOND_NS])
    value = np.append(np.exp(best.x), t0_s)
    within = np.zeros((6, 6))
    between = np.zeros((6, 6))
    total = 0.0
    for t0, node, weight in zip(nodes.t0_s, nodes.found, np.exp(nodes.nll.min() - nodes.nll), strict=True):
        along = (_without_rise(problem) if _no_rise(problem, node.x) else problem).directions
        at_t0 = along @ covariance_from(along.T @ node.information @ along) @ along.T
        if not np.all(np.isfinite(at_t0)):
            continue
        natural = np.exp(node.x)
        away = np.append(natural, t0) - value
        within[:5, :5] += weight * at_t0 * np.outer(natural, natural)
        between += weight * np.outer(away, away)
        total += weight
    covariance = (within + between) / total if total > 0.0 else np.full((6, 6), np.nan)
    both = np.array([0.0, 1.0, 0.0, 1.0, 0.0, 0.0])
    errors_all = np.sqrt(covariance.diagonal())
    error_total = math.sqrt(both @ covariance @ both)
    if _no_rise(problem, best.x):
        errors_all[1:3] = np.nan
        covariance[1:3, :] = np.nan
        covariance[:, 1:3] = np.nan
    errors_all *= scale_ns
    values = dict(zip(FITTED, (float(v) for v in value), strict=True))
    errors = dict(zip(FITTED, (float(e) for e in errors_all), strict=True))
    values["t0_ns"] = problem.origin_ns + round(t0_s * SECOND_NS)
    values["half_life_s"] = math.log(2.0) * values["tau_decay_s"]
    errors["half_life_s"] = math.log(2.0) * errors["tau_decay_s"]
    values["n_total"], errors["n_total"] = float(value @ both), error_total
    return values, errors, covariance * np.outer(scale_ns, scale_ns)


def _no_rise(problem: _Problem, logs: Floats) -> bool:
    """Whether the data show no rise: its number is as good as zero, or its time is not determined."""
    return _at_limit(problem, logs, 1) or _at_limit(problem, logs, 2)


def _at_limit(problem: _Problem, logs: Floats, parameter: int) -> bool:
    return bool(
        logs[parameter] < problem.low[parameter] + WALL / 5 or logs[parameter] > problem.high[parameter] - WALL / 5
    )


def _deviance(problem: _Problem, t0_s: float, logs: Floats) -> tuple[float, int]:
    """Poisson deviance in bins of equal expected content, and its degrees of freedom."""
    time = np.unique(np.concatenate([np.linspace(0.0, problem.length_s, 2001), t0_s + np.linspace(-1.0, 1.0, 2001)]))
    time = time[(time >= 0.0) & (time <= problem.length_s)]
    time[0] = 0.0
    parts = np.empty(time.size - 1)
    burst_integral(time, t0_s, logs, parts)
    expected_before = np.append(0.0, np.cumsum(parts))
    many, fewer = (int(expected_before[-1] / content) for content in EXPECTED_PER_BIN)
    bins = min(many if many >= 2 * FEWEST_BINS else fewer, MOST_BINS)
    if bins < FEWEST_BINS:
        return math.nan, 0
    edges = np.interp(np.linspace(0.0, expected_before[-1], bins + 1), expected_before, time)
    edges[0], edges[-1] = 0.0, problem.length_s
    expected = np.empty(bins)
    burst_integral(edges, t0_s, logs, expected)
    first = np.searchsorted(problem.times_s, edges[:-1])
    observed = np.diff(np.append(first, problem.times_s.size))
    if problem.dead_s > 0.0:
        b, n_rise, tau_rise, n_decay, tau_decay = np.exp(logs)
        x = problem.times_s - t0_s
        signal = np.where(x < 0.0, n_rise / tau_rise, n_decay / tau_decay) * np.exp(
            np.where(x < 0.0, x / tau_rise, -x / tau_decay)
        )
        unseen = np.append(0.0, np.cumsum(problem.dead_s * (b + signal)))
        expected -= np.diff(unseen[np.append(first, problem.times_s.size)])
    deviance = 2.0 * float(np.sum(special.xlogy(observed, observed / expected) - observed + expected))
    return deviance, bins - 1 - problem.directions.shape[1]


def _reasons(fit: Fit, problem: _Problem, t0_s: float, best: Minimum, cut: tuple[bool, bool]) -> Iterator[str]:
    """Why the numbers must not be used."""
    values, errors = fit.values, fit.errors
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
    elif _at_limit(problem, best.x, 4) or not errors["tau_decay_s"] < 0.5 * values["tau_decay_s"]:
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

    problem: _Problem
    t0_s: float
    best: Minimum
    nodes: _Nodes

    def __call__(self, name: str, value: float) -> float:
        problem, at = self.problem, FITTED.index(name)
        if name == "t0_ns":
            value = (value - problem.origin_ns) / SECOND_NS
            if not 0.0 <= value <= problem.length_s:
                return math.inf
            estimate, known = self.t0_s, self.nodes.t0_s
        else:
            if not value > 0.0:
                return math.inf
            value = math.log(value)
            estimate, known = float(self.best.x[at]), np.array([node.x[at] for node in self.nodes.found])
        here = self._at_t0(value) if name == "t0_ns" else self._at(at, value)
        side = np.sign(value - estimate)
        farther = side * (known - value) > 0.0
        return min(here, float(self.nodes.nll[farther & (side != 0.0)].min(initial=math.inf)))

    def _at(self, parameter: int, log_value: float) -> float:
        nodes = self.nodes
        worth = np.flatnonzero(nodes.nll < nodes.nll.min() + WORTH)
        step_s = float(nodes.t0_s[1] - nodes.t0_s[0])
        tried = []
        for t0_s, logs in [(self.t0_s, self.best.x), *((float(nodes.t0_s[i]), nodes.found[i].x) for i in worth)]:
            problem, there = self.problem.fixed(parameter, logs, log_value)
            tried.append((t0_s, problem.at(t0_s, there), problem))
        tried.sort(key=lambda answer: answer[1].nll)
        return min(problem.near(t0_s, found.x, step_s)[1].nll for t0_s, found, problem in tried[:3])

    def _at_t0(self, t0_s: float) -> float:
        moved = self.problem.handed_over(self.best.x, t0_s - self.t0_s)
        return min(self.problem.at(t0_s, start).nll for start in (self.best.x, moved))
