"""How long atoms stay in the trap: N(t) = N0 exp(-t / tau) + c, fitted to a series of MOT numbers.

Loading is the same curve with a negative N0. At each tau the best N0 and c are those of a straight line in
exp(-t / tau), so that the start is searched in tau alone; all three are then fitted by least squares, the likelihood of
Gaussian errors. Give every image of the series, also those without a detection, with their errors, as `ImageAnalysis`
tells them at a given spot (`mean_spot`): leaving out what is too faint to be seen makes the end of the series too high,
and with it the lifetime wrong.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ...io.errors import InputError
from ...kernels.units import SECOND_NS
from .flags import Reason, reason_for
from .minimize import covariance_from, minimize_likelihood
from .result import Fit

__all__ = ["fit_lifetime", "lifetime_curve"]

Floats = NDArray[np.float64]

NAMES = ("N0", "tau_s", "c")
GRID = 60
SHORTEST, LONGEST = 0.2, 20.0
"""Lifetimes that are tried: parts of the step between images, and multiples of the length of the series."""
SEEN = 3.0
"""Errors of N0 from zero, below which there is no decay."""
SMALLEST_P = 1e-4


def lifetime_curve(values: Any, timestamps_ns: ArrayLike) -> Floats:
    """MOT number of the fitted curve.

    Parameters
    ----------
    values : mapping
        ``N0, tau_s, c`` and ``start_ns``, as `Fit.values`.
    timestamps_ns : array of integers
        Times, ns.
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
        When the images were taken, ns; in any order.
    numbers : array of float, shape (n,)
        MOT numbers, or counts A; missing ones (nan, null) are left out.
    errors : array of float, shape (n,), optional
        Their standard errors; without them the scatter around the curve tells.

    Returns
    -------
    Fit
        ``N0, tau_s, c`` (N0 at the first image), and ``start_ns``, the time of the first image.

    Raises
    ------
    InputError
        When the lengths differ, errors are not positive, or fewer than five numbers at three times are left.
    """
    times, values, sigma = _checked(timestamps_ns, numbers, errors)
    start_ns = int(times[0])
    t_s = (times - start_ns) / SECOND_NS
    length_s = float(t_s[-1])
    steps = np.diff(np.unique(t_s))
    taus = np.geomspace(SHORTEST * float(np.median(steps)), LONGEST * length_s, GRID)
    lines = [_line(t_s, values, sigma, float(tau)) for tau in taus]
    best = int(np.argmin([line[2] for line in lines]))
    start = np.array([lines[best][0], math.log(taus[best]), lines[best][1]])

    def objective(x: Floats) -> tuple[float, Floats, Floats]:
        if not abs(x[1]) < 300.0:
            return math.inf, np.zeros(3), np.eye(3)
        decay = np.exp(-t_s * math.exp(-x[1]))
        residual = (values - x[0] * decay - x[2]) / sigma
        slopes = np.array([decay, x[0] * decay * t_s * math.exp(-x[1]), np.ones_like(decay)]) / sigma
        return 0.5 * float(residual @ residual), -slopes @ residual, slopes @ slopes.T

    size = 1.0 / np.sqrt(np.maximum(np.diagonal(objective(start)[2]), 1e-300))
    minimum = minimize_likelihood(objective, start, size)
    n0, log_tau, c = minimum.x.tolist()
    tau_s = math.exp(min(log_tau, 300.0))
    ndof = t_s.size - 3
    scale = 1.0 if errors is not None else 2.0 * minimum.nll / ndof
    covariance = covariance_from(minimum.information) * scale
    by_tau = np.array([1.0, tau_s, 1.0])
    covariance = covariance * np.outer(by_tau, by_tau)
    errors_of = np.sqrt(np.diagonal(covariance))

    def profile(name: str, value: float) -> float:
        fixed = NAMES.index(name)
        if name == "tau_s":
            return _line(t_s, values, sigma, value)[2] / scale if value > 0.0 else math.inf
        free = np.arange(3) != fixed
        whole = minimum.x.copy()
        whole[fixed] = value

        def restricted(part: Floats) -> tuple[float, Floats, Floats]:
            whole[free] = part
            nll, gradient, information = objective(whole)
            return nll, gradient[free], information[np.ix_(free, free)]

        return minimize_likelihood(restricted, minimum.x[free], size[free]).nll / scale

    return Fit(
        values={"N0": n0, "tau_s": tau_s, "c": c, "start_ns": start_ns},
        errors={**dict(zip(NAMES, errors_of.tolist(), strict=True)), "start_ns": 0.0},
        covariance=covariance,
        names=NAMES,
        nll=minimum.nll / scale,
        deviance=2.0 * minimum.nll / scale,
        ndof=ndof,
        significance=abs(n0) / errors_of[0] if errors_of[0] > 0.0 else math.nan,
        reasons=_reasons(n0, tau_s, errors_of, length_s, minimum.converged, 2.0 * minimum.nll / scale, ndof),
        profile=profile,
    )


def _checked(
    timestamps_ns: ArrayLike | pl.Series, numbers: ArrayLike | pl.Series, errors: ArrayLike | pl.Series | None
) -> tuple[NDArray[np.int64], Floats, Floats]:
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
    return times, values, sigma


def _line(t_s: Floats, values: Floats, sigma: Floats, tau_s: float) -> tuple[float, float, float]:
    """Best N0 and c at a lifetime, and half their chi-square."""
    design = np.column_stack([np.exp(-t_s / tau_s), np.ones_like(t_s)]) / sigma[:, None]
    best = np.linalg.lstsq(design, values / sigma, rcond=None)[0]
    residual = values / sigma - design @ best
    return float(best[0]), float(best[1]), 0.5 * float(residual @ residual)


def _reasons(
    n0: float, tau_s: float, errors: Floats, length_s: float, converged: bool, deviance: float, ndof: int
) -> tuple[Reason, ...]:
    if not np.all(np.isfinite(errors)) or abs(n0) < SEEN * errors[0]:
        return (reason_for("no_decay"),)
    checks = [
        (not converged, reason_for("not_converged")),
        (tau_s > 2.0 * length_s, reason_for("series_too_short")),
        (errors[1] > 0.5 * tau_s, reason_for("lifetime_unknown")),
        (float(special.chdtrc(ndof, deviance)) < SMALLEST_P, reason_for("not_an_exponential")),
    ]
    return tuple(reason for failed, reason in checks if failed)
