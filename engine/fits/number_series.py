"""A series of MOT numbers, some of them limits, beside N0 exp(-t / tau) + c: likelihood, outliers, what else it may be.

A number that is known only to be below a limit is censored (J. Tobin, Econometrica 26, 24, 1958): its likelihood is the
probability that it comes out below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from .minimize import Evaluation, covariance_from

__all__ = ["Line", "NumberSeries"]

Floats = NDArray[np.float64]

LARGEST_LOG = 300.0
"""Largest absolute value of ln(tau / s): the square of larger numbers overflows."""
OTHER_TIMES = (0.05, 0.1, 0.2, 0.35, 2.8, 5.0, 10.0)
"""Lifetimes of a second component that are looked for, in units of the one that was found."""
LEAST_NEW = 1e-9
"""Part of a further component that the curve must leave: otherwise it is the curve."""
SINGULAR = 1e-12
"""Smallest eigenvalue of a scaled information matrix: with a smaller one, a parameter is not determined."""
ROOT_TWO_PI = math.sqrt(2.0 * math.pi)


class Line(NamedTuple):
    """The best N0 and c at a fixed lifetime, and half of chi-square there."""

    n0: float
    c: float
    nll: float


@dataclass(frozen=True, eq=False)
class NumberSeries:
    """Numbers with errors, and times in s since the first of them.

    Parameters
    ----------
    start_ns : int
        Time of the first number, ns since 1970.
    t_s, values, sigma : arrays of float64, shape (n,)
        Times, numbers (of limits, the limit), and their errors.
    limited : array of bool, shape (n,)
        Which of them are limits.

    Examples
    --------
    >>> t_s = np.arange(4.0)
    >>> series = NumberSeries(0, t_s, 8.0 * 0.5**t_s + 1.0, np.ones(4), np.zeros(4, bool))
    >>> line = series.line(1.0 / math.log(2.0))
    >>> round(line.n0, 6), round(line.c, 6)
    (8.0, 1.0)
    """

    start_ns: int
    t_s: Floats
    values: Floats
    sigma: Floats
    limited: NDArray[np.bool_]

    @property
    def length_s(self) -> float:
        """Time from the first to the last number."""
        return float(self.t_s[-1] - self.t_s[0])

    @property
    def step_s(self) -> float:
        """Median time between neighbouring numbers."""
        return float(np.median(np.diff(np.unique(self.t_s))))

    @property
    def measured(self) -> int:
        """Numbers that are no limits."""
        return int(np.sum(~self.limited))

    def without(self, number: int) -> NumberSeries:
        """The series without one of its numbers."""
        rest = np.arange(self.t_s.size) != number
        return replace(
            self, t_s=self.t_s[rest], values=self.values[rest], sigma=self.sigma[rest], limited=self.limited[rest]
        )

    def line(self, tau_s: float) -> Line:
        """The least-squares straight line in exp(-t / tau) through the numbers, without limits, at fixed tau."""
        t_s, values, sigma = (of[~self.limited] for of in (self.t_s, self.values, self.sigma))
        design = np.column_stack([np.exp(-t_s / tau_s), np.ones_like(t_s)]) / sigma[:, None]
        best = np.linalg.lstsq(design, values / sigma, rcond=None)[0]
        residual = values / sigma - design @ best
        return Line(float(best[0]), float(best[1]), 0.5 * float(residual @ residual))

    def likelihood(self, x: Floats) -> Evaluation:
        """Negative log-likelihood at N0, ln tau and c, with gradient and Hessian (expected, of limits observed)."""
        if not abs(x[1]) < LARGEST_LOG:
            return Evaluation(math.inf, np.zeros(3), np.eye(3))
        residual, slopes = self._residuals(x), self._slopes(x)
        nll, first, second = 0.5 * residual**2, residual, np.ones_like(residual)
        if self.limited.any():
            below = residual[self.limited]
            log_below = special.log_ndtr(below)
            hazard = np.exp(-0.5 * below**2 - log_below) / ROOT_TWO_PI
            nll[self.limited], first[self.limited] = -log_below, -hazard
            second[self.limited] = hazard * (below + hazard)
        return Evaluation(float(nll.sum()), -slopes @ first, (slopes * second) @ slopes.T)

    def chi2(self, x: Floats) -> float:
        """Of the measured numbers."""
        return float(np.sum(self._residuals(x)[~self.limited] ** 2))

    def farthest(self, x: Floats) -> tuple[int, float]:
        """Which number is farthest from the curve through all others, and by how much chi-square falls without it."""
        residual = self._residuals(x)
        held = np.sum(self._slopes(x) * (covariance_from(self.likelihood(x).information) @ self._slopes(x)), axis=0)
        gains = np.where(self.limited, 0.0, residual**2 / np.maximum(1.0 - held, LEAST_NEW))
        worst = int(np.argmax(gains))
        return worst, float(gains[worst])

    def error_without_one(self, x: Floats) -> float:
        """Relative error of tau without the number that tells most of it; infinite where that number tells all."""
        slopes = self._slopes(x)[:, ~self.limited]
        without = self.likelihood(x).information - slopes.T[:, :, None] * slopes.T[:, None, :]
        size = np.sqrt(np.diagonal(without, axis1=1, axis2=2))
        scaled = without / np.maximum(size[:, :, None] * size[:, None, :], 1e-300)
        if not np.all(np.isfinite(scaled)) or np.min(np.linalg.eigvalsh(scaled)) < SINGULAR:
            return math.inf
        return float(np.max(np.sqrt(np.linalg.inv(scaled)[:, 1, 1]) / size[:, 1]))

    def further(self, x: Floats) -> float:
        """By how much chi-square falls with a second lifetime, or with a slope, whichever is better."""
        at = ~self.limited
        residual, slopes, t_s = self._residuals(x)[at], self._slopes(x)[:, at], self.t_s[at]
        others = [np.exp(-t_s / (factor * _tau(x))) for factor in OTHER_TIMES] + [t_s]
        columns = np.array(others).T / self.sigma[at][:, None]
        q = np.linalg.qr(slopes.T)[0]
        rest = columns - q @ (q.T @ columns)
        norms = np.sum(rest**2, axis=0)
        new = norms > LEAST_NEW * np.sum(columns**2, axis=0)
        residual = residual - q @ (q.T @ residual)
        return float(np.max((residual @ rest[:, new]) ** 2 / norms[new], initial=0.0))

    def _residuals(self, x: Floats) -> Floats:
        return np.asarray((self.values - x[0] * self._decay(x) - x[2]) / self.sigma)

    def _slopes(self, x: Floats) -> Floats:
        decay = self._decay(x)
        return np.array([decay, x[0] * decay * self.t_s / _tau(x), np.ones_like(decay)]) / self.sigma

    def _decay(self, x: Floats) -> Floats:
        return np.asarray(np.exp(-self.t_s / _tau(x)))


def _tau(x: Floats) -> float:
    return math.exp(min(max(x[1], -LARGEST_LOG), LARGEST_LOG))
