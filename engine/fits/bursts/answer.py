"""The answers of the fits of bursts: values, errors, covariance, goodness of fit, and the profile likelihood.

The covariance of a single burst comes from its profile likelihood in t0. Normalised over t0, it is a weight w(t0), and
by the law of total covariance

    cov = <cov at t0> + cov of the estimates at t0,   mean <> and the second covariance taken with the weight w.

The covariance of bursts that were fitted together is the inverse information of all parameters, including the times t0.
A fit contains what its profile likelihood needs, and can be pickled: intervals are the same in another process.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....kernels.bursts.decay import burst_deviance
from ....kernels.bursts.fit import total_covariance
from ....kernels.units import SECOND_NS
from ..flags import Reason, reason_for
from ..minimize import Minimum
from ..result import Fit
from .best import WORTH, BestBurst, best_near
from .overlap import Together
from .problem import BurstProblem, Nodes, replace_t0
from .values import DERIVED, FITTED, Cut, numbered, reasons

__all__ = ["BurstProfile", "JointProfile", "fit_of_one", "fits_of_several", "no_fit", "with_reasons"]

Floats = NDArray[np.float64]

EXPECTED_PER_BIN = (20.0, 10.0)
"""Expected pulses per bin for the goodness of fit; the second value is used where the first gives too few bins."""
FEWEST_BINS, MOST_BINS = 12, 200
EVENLY, OUTWARDS = np.linspace(0.0, 1.0, 200), 0.02 * np.expm1(np.linspace(0.0, 6.0, 150))
"""Grids between which the edges of those bins are interpolated: in units of the window, and of the decay time."""
PROFILED = 3
"""Number of nodes, the likeliest ones, from which t0 is optimised for a point of the profile."""


class _Estimates(NamedTuple):
    """Values and errors by name, and the covariance of the fitted parameters."""

    values: dict[str, float]
    errors: dict[str, float]
    covariance: Floats


def fit_of_one(problem: BurstProblem, best: BestBurst, significance: float) -> Fit:
    """The fit of a single burst, without the reasons why it may not be valid."""
    minimum, nodes = best
    deviance, ndof = _deviance(problem, minimum.x[None, :], problem.directions.shape[1])
    return Fit(
        *_estimates_of_one(problem, minimum, nodes),
        names=FITTED,
        nll=minimum.nll,
        deviance=deviance,
        ndof=ndof,
        significance=significance,
        profile=BurstProfile(problem, minimum, nodes),
    )


def fits_of_several(together: Together, significance: float, cut: Cut) -> list[Fit]:
    """A fit for each of several bursts that were fitted together, in order of time.

    All contain the same parameters. In each, its own burst has the plain names, and the others have numbers.
    """
    return [_fit_that_names(together, first, significance, cut) for first in range(len(together.bursts))]


def no_fit(t0_ns: int, significance: float, pulses: int) -> Fit:
    """The answer for a window with too few pulses: all numbers are nan, except t0."""
    values = dict.fromkeys((*FITTED, *DERIVED), math.nan)
    errors = dict(values)
    values["t0_ns"] = t0_ns
    why = (reason_for("too_few_to_fit", pulses=pulses),)
    return Fit(values, errors, np.full((6, 6), np.nan), FITTED, math.nan, significance=significance, reasons=why)


def with_reasons(fit: Fit, problem: BurstProblem, best: Minimum, cut: Cut, more: tuple[Reason, ...] = ()) -> Fit:
    """The fit with the reasons why it is not valid, and more; in `best`, the parameters of its burst come first."""
    bounded = bool(problem.at_limit(best.x[:6], 4))
    why = reasons(fit, float(best.x[5]), problem.length_s, converged=best.converged, bounded=bounded, cut=cut)
    return replace(fit, reasons=(*why, *more))


def _fit_that_names(together: Together, first: int, significance: float, cut: Cut) -> Fit:
    """The fit of several bursts; burst `first` has the plain names, the others are numbered in order of time."""
    problem, best, count = together.problem, together.best, len(together.bursts)
    order = [first, *(burst for burst in range(count) if burst != first)]
    profile = JointProfile(
        together,
        names=(FITTED[0], *(numbered(name, k + 1) for k in range(count) for name in FITTED[1:])),
        places=np.array([0, *(5 * burst + 1 + i for burst in order for i in range(5))]),
    )
    deviance, ndof = _deviance(problem, together.bursts, together.directions.shape[1] - count)
    fit = Fit(
        *_estimates_of_several(profile, count),
        names=profile.names,
        nll=best.nll,
        deviance=deviance,
        ndof=ndof,
        significance=significance,
        profile=profile,
    )
    return with_reasons(fit, problem, replace(best, x=best.x[profile.places]), cut)


def _estimates_of_one(problem: BurstProblem, best: Minimum, nodes: Nodes) -> _Estimates:
    """Values, errors and total covariance (see the docstring of the module)."""
    value = np.append(np.exp(best.x[:5]), best.x[5])
    covariance = np.full((6, 6), np.nan)
    flat, flat_directions = problem.shows_no_rise(nodes.x), problem.without_rise.directions
    total_covariance(
        nodes.x, nodes.nll, nodes.information, problem.directions, flat_directions, flat, best.x, covariance
    )
    # The error of a background without any count is that of one count.
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
    return _Estimates(values, errors, covariance * np.outer(scale_ns, scale_ns))


def _estimates_of_several(profile: JointProfile, count: int) -> _Estimates:
    """Values, errors and covariance of several bursts, in the order of the names of the profile."""
    together, at, is_t0 = profile.together, profile.places, profile.is_t0
    x = together.best.x[at]
    value = np.where(is_t0, x, np.exp(np.where(is_t0, 0.0, x)))
    scale = np.where(is_t0, 1.0, value)
    covariance = together.covariance[np.ix_(at, at)] * np.outer(scale, scale)
    unit = np.where(is_t0, SECOND_NS, 1.0)
    values = dict(zip(profile.names, value.tolist(), strict=True))
    errors = dict(zip(profile.names, (np.sqrt(covariance.diagonal()) * unit).tolist(), strict=True))
    for k in range(count):
        t0, tau, half_life, total = (numbered(n, k + 1) for n in ("t0_ns", "tau_decay_s", *DERIVED))
        values[t0] = together.problem.origin_ns + round(values[t0] * SECOND_NS)
        values[half_life], errors[half_life] = math.log(2.0) * values[tau], math.log(2.0) * errors[tau]
        both = np.zeros(x.size)
        both[[5 * k + 1, 5 * k + 3]] = 1.0
        values[total], errors[total] = float(both @ value), math.sqrt(both @ covariance @ both)
    return _Estimates(values, errors, covariance * np.outer(unit, unit))


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


@dataclass(frozen=True, eq=False)
class BurstProfile:
    """Profile likelihood of a single burst: one parameter is fixed, the others are fitted.

    As t0 moves from pulse to pulse, the profile has many local minima. The value returned is therefore the smallest one
    at this value or farther from the estimate, so that an interval contains all minima that are good enough.
    """

    problem: BurstProblem
    best: Minimum
    nodes: Nodes

    def __call__(self, name: str, value: float) -> float:
        """The negative log-likelihood at this value of a parameter, in the unit of its name."""
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
        return min(best_near(problem, found.x, nodes.step_s).nll for found, problem in tried[:PROFILED])

    def _at_t0(self, t0_s: float) -> float:
        beginnings = (replace_t0(self.best.x, t0_s), self.problem.handed_over(self.best.x, t0_s))
        return min(self.problem.at(start).nll for start in beginnings)


@dataclass(frozen=True, eq=False)
class JointProfile:
    """Profile likelihood of k bursts that were fitted together: one parameter is fixed, the others are fitted.

    Parameters
    ----------
    together : Together
    names : tuple of str
        Names of the fitted parameters: the background, and five of each burst.
    places : array of int, shape (1 + 5 k,)
        Index of each of them among the parameters of `together`.
    """

    together: Together
    names: tuple[str, ...]
    places: NDArray[np.int64]

    @property
    def is_t0(self) -> NDArray[np.bool_]:
        """True for the names that are times t0, shape (1 + 5 k,)."""
        number = np.arange(len(self.names))
        return np.asarray((number % 5 == 0) & (number > 0))

    def __call__(self, name: str, value: float) -> float:
        """The negative log-likelihood at this value of a parameter, in the unit of its name."""
        i = self.names.index(name)
        if self.is_t0[i]:
            return self.together.profile(int(self.places[i]), (value - self.together.problem.origin_ns) / SECOND_NS)
        return self.together.profile(int(self.places[i]), math.log(value)) if value > 0.0 else math.inf
