"""The lifetime of atoms in the trap: N(t) = N0 exp(-t / tau) + c, fitted to a series of MOT numbers.

Loading is the same curve with a negative N0. At fixed tau, the model is a straight line in exp(-t / tau), whose best N0
and c are known in closed form; the start of the fit is therefore a search in tau alone. All three parameters are then
fitted by least squares, the maximum likelihood for Gaussian errors. Give all images of the series with their errors,
also those without detected atoms, which `ImageAnalysis` fits at a given spot (`mean_spot`): without the faint images
the end of the series is biased upwards, and the lifetime is wrong. Where of faint images no more is known than that
they are below a level, that level is a limit of the fit.

One number may be wrong (a shutter that did not open): a number that is too far from the curve through all others is
left out, and counted. A second lifetime, or a slope beside the decay, is looked for in the residuals. A second lifetime
changes tau by two to eight errors before it is seen by one of its own: what may be there is therefore in the errors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ...io.errors import InputError
from ...kernels.units import SECOND_NS
from .flags import Reason, reason_for
from .mean import student_factor
from .minimize import Evaluation, Minimum, covariance_from, minimize_likelihood
from .number_series import LARGEST_LOG, NumberSeries
from .result import Fit

__all__ = ["fit_lifetime", "lifetime_curve"]

Floats = NDArray[np.float64]

NAMES = ("N0", "tau_s", "c")
FEWEST = 5
"""Numbers that are needed."""
GRID = 60
"""Number of lifetimes that are tried in the search for a start."""
SHORTEST, LONGEST = 0.2, 20.0
"""Shortest of them, in units of the time between images, and longest, in units of the length of the series."""
SEEN = 3.0
"""N0 must be at least this many errors from zero: otherwise there is no decay."""
LONGEST_KNOWN = 2.0
"""A lifetime that is longer than this many lengths of the series is not valid."""
WORST_LIFETIME = 0.5
"""Largest relative error of a valid lifetime."""
WORST_WITHOUT_ONE = 1.0
"""The largest relative error of a valid lifetime without the number that tells most of it."""
SMALLEST_P = 1e-4
"""A fit with a smaller p value of chi-square is not valid: the curve does not describe the numbers."""
OUTLIER_P = 1e-2
"""A number is left out when, in a series of good ones, any would be as far from the others less often than this."""
ENOUGH = 14
"""Numbers from which on their scatter tells their errors well enough for that."""
OUTLIER_P_OF_FEW = 1e-4
"""The same where errors are estimated from fewer: which number is wrong is then not clear."""
MOST_OUTLIERS = 0.1
"""Part of the numbers that may be left out; one always."""
FURTHER_P = 1e-3
"""A second lifetime of either sign or a slope that chance makes less often, each by itself, refuses the fit."""
SECOND_P = 2.5e-3
"""A second lifetime of the sign of N0 that chance makes less often refuses the fit of a decay."""
UNSEEN = 1.0
"""A second lifetime is in the errors by as much as it exceeds so many of its own errors."""
SMALLEST = 1e-300
"""A probability that is smaller is not told from zero."""


def lifetime_curve(values: Any, timestamps_ns: ArrayLike) -> Floats:
    """MOT numbers on the fitted curve.

    Parameters
    ----------
    values : mapping of str to float
        ``N0, tau_s, c`` and ``start_ns``, as in the `values` of the fit.
    timestamps_ns : array of integers
        Times, ns since 1970.

    Returns
    -------
    array of float64, shape of `timestamps_ns`
        Numbers of atoms.

    Examples
    --------
    >>> values = {"N0": 1000.0, "tau_s": 2.0, "c": 50.0, "start_ns": 0}
    >>> lifetime_curve(values, [0, 2_000_000_000]).round(1).tolist()
    [1050.0, 417.9]
    """
    t_s = (np.asarray(timestamps_ns, dtype=np.int64) - int(values["start_ns"])) / SECOND_NS
    return np.asarray(values["N0"] * np.exp(-t_s / values["tau_s"]) + values["c"], dtype=np.float64)


def fit_lifetime(
    timestamps_ns: ArrayLike | pl.Series,
    numbers: ArrayLike | pl.Series,
    errors: ArrayLike | pl.Series | None = None,
    *,
    limits: ArrayLike | pl.Series | None = None,
) -> Fit:
    """Fit the decay (or the loading) of a MOT.

    Parameters
    ----------
    timestamps_ns : array of integers, shape (n,)
        Times of the images, ns since 1970, in any order.
    numbers : array of float, shape (n,)
        MOT numbers, or counts A; missing ones (nan, null) are left out.
    errors : array of float, shape (n,), optional
        Their standard errors, all positive. Without them, all numbers get the same error, estimated from the scatter
        around the curve, and those of the fit have Student's factor; chi-square then does not test the fit.
    limits : array of float, shape (n,), optional
        Where a number is missing, the level that it is known to be below: one that does not depend on the number
        itself, such as the least number that would have been seen. Its error is that of `errors` there, or, where this
        is missing, the median of the smallest third of the others. Limits need `errors`.

    Returns
    -------
    Fit
        ``N0`` (atoms, at the first image), ``tau_s`` (s), ``c`` (atoms), and ``start_ns``, the time of the first image;
        also ``outliers``, how many numbers were left out, where there are any, and ``second_lifetime``, the size of a
        second lifetime in its errors, where this is above 1: the errors of the fit are then as much wider as it may
        have changed them. A second lifetime that is larger than chance makes it refuses the fit.

    Raises
    ------
    InputError
        When the lengths differ, errors are not positive, limits have no errors, or fewer than five numbers at three
        times are left.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import fit_lifetime
    >>> seconds = np.arange(30)
    >>> numbers = 40_000.0 * np.exp(-seconds / 8.0) + np.random.default_rng(1).normal(0.0, 500.0, 30)
    >>> fit = fit_lifetime(seconds * 1_000_000_000, numbers, np.full(30, 500.0))
    >>> fit.valid, abs(fit.values["tau_s"] - 8.0) < 3.0 * fit.errors["tau_s"]
    (True, True)
    """
    series, fewer = _series_of(timestamps_ns, numbers, errors, limits), True
    known, start_ns, whole = errors is not None, series.start_ns, series.measured
    chance = OUTLIER_P if known or whole >= ENOUGH else OUTLIER_P_OF_FEW
    minimum, size = _minimum(series)
    while fewer and whole - series.measured < max(1, int(MOST_OUTLIERS * whole)):
        worst, pull = series.farthest(minimum.x)
        fewer = series.measured > FEWEST and series.measured * float(_p_of(pull, series, minimum.x, known)) < chance
        if fewer:
            series = series.without(worst)
            minimum, size = _minimum(series)
    ndof = series.measured - len(NAMES)
    chi2 = series.chi2(minimum.x)
    scale = 1.0 if known else chi2 / ndof
    # The factor is in the likelihood, so that intervals have it, too.
    widened = scale if known else scale * float(student_factor(ndof + 1)) ** 2
    second = _second_lifetime(series, minimum.x, known)
    n0, log_tau, c = minimum.x.tolist()
    tau_s = math.exp(min(log_tau, LARGEST_LOG))
    by_tau = np.array([1.0, tau_s, 1.0])
    covariance = covariance_from(minimum.information) * widened * np.outer(by_tau, by_tau)
    single = np.sqrt(np.diagonal(covariance))
    values, others = {"N0": n0, "tau_s": tau_s, "c": c, "start_ns": start_ns}, {"start_ns": 0.0}
    if series.measured < whole:
        values["outliers"], others["outliers"] = float(whole - series.measured), 0.0
    if second.pull > UNSEEN:
        values["second_lifetime"], others["second_lifetime"] = second.pull, 1.0
    fit = Fit(
        values=values,
        errors={**dict(zip(NAMES, (single * second.factors).tolist(), strict=True)), **others},
        covariance=covariance * np.outer(second.factors, second.factors),
        names=NAMES,
        nll=minimum.nll / widened if widened > 0.0 else math.nan,
        deviance=chi2 / scale if scale > 0.0 else math.nan,
        ndof=ndof,
        significance=float(abs(n0) / single[0]) if single[0] > 0.0 else math.nan,
        profile=LifetimeProfile(series, minimum, size, widened, second.factors**2),
    )
    without_one = series.error_without_one(minimum.x) * math.sqrt(widened) if minimum.converged else math.inf
    return replace(fit, reasons=_reasons(fit, series.length_s, minimum.converged, single, without_one, second.refused))


class _Second(NamedTuple):
    """A second lifetime in the residuals, in its errors; factors of the errors of N0, tau and c; whether it is seen."""

    pull: float
    factors: Floats
    refused: bool


def _second_lifetime(series: NumberSeries, x: Floats, known: bool) -> _Second:
    further = series.further(x)
    pulls = _normal(further.seconds, series, x, known)
    seen = -float(special.ndtri(SECOND_P))
    # What is not seen may be there: errors contain what a second lifetime of the size in the residuals would change.
    there = np.clip(pulls - UNSEEN, 0.0, seen - UNSEEN)
    factors = np.hypot(1.0, np.max(further.shifts * there, axis=1))
    pull = float(pulls.max())
    # Atoms that decay make the curve more convex, whatever they do; loading has no such sign.
    refused = (x[0] > 0.0 and pull > seen) or _p_of(further.largest, series, x, known) < FURTHER_P
    return _Second(pull, factors, bool(refused))


def _minimum(series: NumberSeries) -> tuple[Minimum, Floats]:
    """The best N0, ln tau and c, and sizes of their changes."""
    taus_s = np.geomspace(SHORTEST * series.step_s, LONGEST * series.length_s, GRID)
    lines = series.lines(taus_s)
    best = int(np.argmin(lines.nll))
    start = np.array([lines.n0[best], math.log(taus_s[best]), lines.c[best]])
    size = 1.0 / np.sqrt(np.maximum(np.diagonal(series.likelihood(start).information), 1e-300))
    return minimize_likelihood(series.likelihood, start, size), size


def _p_of(pulls: Floats | float, series: NumberSeries, x: Floats, known: bool) -> Floats:
    """Probability of one more parameter farther from zero, in its errors; Student's where errors are not known."""
    freedom, gains = series.measured - len(NAMES) - 1, np.square(pulls)
    if known:
        return np.asarray(special.chdtrc(1, gains))
    if freedom < 1:
        return np.ones_like(gains)
    whole = np.maximum(series.chi2(x), gains)
    rest = 1.0 - gains / np.where(whole > 0.0, whole, 1.0)
    return np.asarray(special.betainc(0.5 * freedom, 0.5, rest))


def _normal(pulls: Floats, series: NumberSeries, x: Floats, known: bool) -> Floats:
    """The standard normal numbers that chance exceeds as often."""
    if known:
        return pulls
    p_values = np.maximum(_p_of(pulls, series, x, known), SMALLEST)
    return np.asarray(np.copysign(special.ndtri(0.5 * p_values), pulls))


@dataclass(frozen=True, eq=False)
class LifetimeProfile:
    """Profile likelihood of a series: one parameter is fixed, the others are fitted.

    Parameters
    ----------
    series : NumberSeries
        The numbers, without outliers.
    best : Minimum
        Best N0, ln tau and c.
    size : array of float64, shape (3,)
        Their scales for the minimisation.
    scale : float
        Divisor of the likelihood: 1 where errors were given, else chi-square per degree of freedom, with the square of
        Student's factor.
    widening : array of float64, shape (3,)
        Divisors of what it rises above its minimum for N0, tau and c: the squares of by how much a second lifetime
        widens their errors.
    """

    series: NumberSeries
    best: Minimum
    size: Floats
    scale: float
    widening: Floats

    def __call__(self, name: str, value: float) -> float:
        """The negative log-likelihood with the parameter `name` fixed at `value`."""
        if name == "tau_s" and not value > 0.0:
            return math.inf
        nll = self._nll(NAMES.index(name), math.log(value) if name == "tau_s" else value)
        return (self.best.nll + (nll - self.best.nll) / float(self.widening[NAMES.index(name)])) / self.scale

    def _nll(self, fixed: int, value: float) -> float:
        if NAMES[fixed] == "tau_s" and not self.series.limited.any():
            return float(self.series.lines(np.array([math.exp(value)])).nll[0])
        free = np.arange(len(NAMES)) != fixed
        whole = self.best.x.copy()
        whole[fixed] = value

        def of_free(part: Floats) -> Evaluation:
            whole[free] = part
            nll, gradient, information = self.series.likelihood(whole)
            return Evaluation(nll, gradient[free], information[np.ix_(free, free)])

        return minimize_likelihood(of_free, self.best.x[free], self.size[free]).nll


def _series_of(
    timestamps_ns: ArrayLike | pl.Series,
    numbers: ArrayLike | pl.Series,
    errors: ArrayLike | pl.Series | None,
    limits: ArrayLike | pl.Series | None,
) -> NumberSeries:
    times = np.asarray(timestamps_ns)
    if times.dtype.kind not in "iu":
        raise InputError("times are whole numbers of ns since 1970, as the column timestamp_ns has them")
    if limits is not None and errors is None:
        raise InputError("limits of a lifetime need the errors of the numbers: how far below a limit they may be")
    values = np.array(numbers, dtype=np.float64)
    sigma = np.ones(values.shape) if errors is None else np.array(errors, dtype=np.float64)
    limit = np.full(values.shape, math.nan) if limits is None else np.asarray(limits, dtype=np.float64)
    if not times.shape == values.shape == sigma.shape == limit.shape or times.ndim != 1:
        shapes = ", ".join(map(str, (times.shape, values.shape, sigma.shape, limit.shape)[: 3 + (limits is not None)]))
        raise InputError(f"times, numbers and errors differ in length: {shapes}")
    measured = np.isfinite(values) & np.isfinite(sigma)
    limited = ~np.isfinite(values) & np.isfinite(limit)
    if np.any(sigma[measured] <= 0.0):
        raise InputError("errors of MOT numbers are positive; leave out numbers without an error")
    if measured.sum() < FEWEST or np.unique(times[measured]).size < 3:
        raise InputError(f"a lifetime needs five numbers at three times or more, not {int(measured.sum())}")
    smallest = np.sort(sigma[measured])[: math.ceil(measured.sum() / 3)]
    values[limited] = limit[limited]
    sigma[limited & ~(sigma > 0.0)] = np.median(smallest)
    known = measured | limited
    order = np.flatnonzero(known)[np.argsort(times[known], kind="stable")]
    times = times[order].astype(np.int64)
    t_s = (times - int(times[0])) / SECOND_NS
    return NumberSeries(int(times[0]), t_s, values[order], sigma[order], limited[order])


def _reasons(
    fit: Fit, length_s: float, converged: bool, single: Floats, without_one: float, second: bool
) -> tuple[Reason, ...]:
    """All reasons why the fitted numbers must not be used; `single` are the errors were there one lifetime."""
    tau_s = fit.values["tau_s"]
    if not np.all(np.isfinite(single)) or not fit.significance >= SEEN:
        return (reason_for("no_decay"),)
    checks = [
        (not converged, "not_converged"),
        (tau_s > LONGEST_KNOWN * length_s, "series_too_short"),
        (single[1] > WORST_LIFETIME * tau_s, "lifetime_unknown"),
        (without_one > WORST_WITHOUT_ONE, "one_number"),
        (fit.p_value < SMALLEST_P, "not_an_exponential"),
        (second, "second_lifetime"),
    ]
    return tuple(reason_for(code) for failed, code in checks if failed)
