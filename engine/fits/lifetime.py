"""The lifetime of atoms in the trap: N(t) = N0 exp(-t / tau) + c, fitted to a series of MOT numbers.

Loading is the same curve with a negative N0. At fixed tau, the model is a straight line in exp(-t / tau), whose best N0
and c are known in closed form; the start of the fit is therefore a search in tau alone. All three parameters are then
fitted by least squares, the maximum likelihood for Gaussian errors. Give all images of the series with their errors,
also those without detected atoms, which `ImageAnalysis` fits at a given spot (`mean_spot`): without the faint images
the end of the series is biased upwards, and the lifetime is wrong.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from ...io.errors import InputError
from ...kernels.units import SECOND_NS
from .flags import Reason, reason_for
from .minimize import Evaluation, covariance_from, minimize_likelihood
from .result import Fit

__all__ = ["fit_lifetime", "lifetime_curve"]

Floats = NDArray[np.float64]

NAMES = ("N0", "tau_s", "c")
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
SMALLEST_P = 1e-4
"""A fit with a smaller p value of chi-square is not valid: the curve does not describe the numbers."""
LARGEST_LOG = 300.0
"""Largest absolute value of ln(tau / s): the square of larger numbers overflows."""


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
    timestamps_ns: ArrayLike | pl.Series, numbers: ArrayLike | pl.Series, errors: ArrayLike | pl.Series | None = None
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
        around the curve; chi-square then does not test the fit.

    Returns
    -------
    Fit
        ``N0`` (atoms, at the first image), ``tau_s`` (s), ``c`` (atoms), and ``start_ns``, the time of the first image.

    Raises
    ------
    InputError
        When the lengths differ, errors are not positive, or fewer than five numbers at three times are left.

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
    series = _series_of(timestamps_ns, numbers, errors)
    taus_s = np.geomspace(SHORTEST * series.step_s, LONGEST * series.length_s, GRID)
    lines = [series.line(float(tau_s)) for tau_s in taus_s]
    best = int(np.argmin([line.nll for line in lines]))
    start = np.array([lines[best].n0, math.log(taus_s[best]), lines[best].c])
    size = 1.0 / np.sqrt(np.maximum(np.diagonal(series.likelihood(start).information), 1e-300))
    minimum = minimize_likelihood(series.likelihood, start, size)
    n0, log_tau, c = minimum.x.tolist()
    tau_s = math.exp(min(log_tau, LARGEST_LOG))
    ndof = series.t_s.size - len(NAMES)
    scale = 1.0 if errors is not None else 2.0 * minimum.nll / ndof
    by_tau = np.array([1.0, tau_s, 1.0])
    covariance = covariance_from(minimum.information) * scale * np.outer(by_tau, by_tau)
    errors_of = np.sqrt(np.diagonal(covariance))
    fit = Fit(
        values={"N0": n0, "tau_s": tau_s, "c": c, "start_ns": series.start_ns},
        errors={**dict(zip(NAMES, errors_of.tolist(), strict=True)), "start_ns": 0.0},
        covariance=covariance,
        names=NAMES,
        nll=minimum.nll / scale,
        deviance=2.0 * minimum.nll / scale,
        ndof=ndof,
        significance=float(abs(n0) / errors_of[0]) if errors_of[0] > 0.0 else math.nan,
        profile=LifetimeProfile(series, minimum.x, size, scale),
    )
    return replace(fit, reasons=_reasons(fit, series.length_s, minimum.converged))


class _Line(NamedTuple):
    """The best N0 and c at a fixed lifetime, and half of chi-square there."""

    n0: float
    c: float
    nll: float


@dataclass(frozen=True, eq=False)
class _Series:
    """Numbers with errors, and times in s since the first of them; arrays of float64, shape (n,)."""

    start_ns: int
    t_s: Floats
    values: Floats
    sigma: Floats

    @property
    def length_s(self) -> float:
        """Time from the first to the last number."""
        return float(self.t_s[-1])

    @property
    def step_s(self) -> float:
        """Median time between neighbouring numbers."""
        return float(np.median(np.diff(np.unique(self.t_s))))

    def line(self, tau_s: float) -> _Line:
        """The least-squares straight line in exp(-t / tau), at fixed tau."""
        design = np.column_stack([np.exp(-self.t_s / tau_s), np.ones_like(self.t_s)]) / self.sigma[:, None]
        best = np.linalg.lstsq(design, self.values / self.sigma, rcond=None)[0]
        residual = self.values / self.sigma - design @ best
        return _Line(float(best[0]), float(best[1]), 0.5 * float(residual @ residual))

    def likelihood(self, x: Floats) -> Evaluation:
        """Half of chi-square at N0, ln tau and c, with gradient and expected Hessian."""
        if not abs(x[1]) < LARGEST_LOG:
            return Evaluation(math.inf, np.zeros(3), np.eye(3))
        decay = np.exp(-self.t_s * math.exp(-x[1]))
        residual = (self.values - x[0] * decay - x[2]) / self.sigma
        slopes = np.array([decay, x[0] * decay * self.t_s * math.exp(-x[1]), np.ones_like(decay)]) / self.sigma
        return Evaluation(0.5 * float(residual @ residual), -slopes @ residual, slopes @ slopes.T)


@dataclass(frozen=True, eq=False)
class LifetimeProfile:
    """Profile likelihood of a series: one parameter is fixed, the others are fitted.

    Parameters
    ----------
    series
        The numbers.
    x, size : arrays of float64, shape (3,)
        Best N0, ln tau and c, and their scales for the minimisation.
    scale : float
        Divisor of chi-square: 1 where errors were given, else chi-square per degree of freedom.
    """

    series: _Series
    x: Floats
    size: Floats
    scale: float

    def __call__(self, name: str, value: float) -> float:
        """The negative log-likelihood with the parameter `name` fixed at `value`."""
        if name == "tau_s":
            return self.series.line(value).nll / self.scale if value > 0.0 else math.inf
        fixed = NAMES.index(name)
        free = np.arange(len(NAMES)) != fixed
        whole = self.x.copy()
        whole[fixed] = value

        def of_free(part: Floats) -> Evaluation:
            whole[free] = part
            nll, gradient, information = self.series.likelihood(whole)
            return Evaluation(nll, gradient[free], information[np.ix_(free, free)])

        return minimize_likelihood(of_free, self.x[free], self.size[free]).nll / self.scale


def _series_of(
    timestamps_ns: ArrayLike | pl.Series, numbers: ArrayLike | pl.Series, errors: ArrayLike | pl.Series | None
) -> _Series:
    times = np.asarray(timestamps_ns)
    if times.dtype.kind not in "iu":
        raise InputError("times are whole numbers of ns since 1970, as the column timestamp_ns has them")
    values = np.asarray(numbers, dtype=np.float64)
    sigma = np.ones(values.shape) if errors is None else np.asarray(errors, dtype=np.float64)
    if not times.shape == values.shape == sigma.shape or times.ndim != 1:
        raise InputError(f"times, numbers and errors differ in length: {times.shape}, {values.shape}, {sigma.shape}")
    known = np.isfinite(values) & np.isfinite(sigma)
    order = np.argsort(times[known], kind="stable")
    times, values, sigma = times[known][order].astype(np.int64), values[known][order], sigma[known][order]
    if np.any(sigma <= 0.0):
        raise InputError("errors of MOT numbers are positive; leave out numbers without an error")
    if times.size < 5 or np.unique(times).size < 3:
        raise InputError(f"a lifetime needs five numbers at three times or more, not {times.size}")
    return _Series(int(times[0]), (times - int(times[0])) / SECOND_NS, values, sigma)


def _reasons(fit: Fit, length_s: float, converged: bool) -> tuple[Reason, ...]:
    """All reasons why the fitted numbers must not be used."""
    values, errors = fit.values, fit.errors
    if not np.all(np.isfinite([errors[name] for name in NAMES])) or abs(values["N0"]) < SEEN * errors["N0"]:
        return (reason_for("no_decay"),)
    checks = [
        (not converged, "not_converged"),
        (values["tau_s"] > LONGEST_KNOWN * length_s, "series_too_short"),
        (errors["tau_s"] > WORST_LIFETIME * values["tau_s"], "lifetime_unknown"),
        (fit.p_value < SMALLEST_P, "not_an_exponential"),
    ]
    return tuple(reason_for(code) for failed, code in checks if failed)
