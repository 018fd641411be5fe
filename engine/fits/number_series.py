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

__all__ = ["Further", "Lines", "NumberSeries"]

Floats = NDArray[np.float64]

LARGEST_LOG = 300.0
"""Largest absolute value of ln(tau / s): the square of larger numbers overflows."""
OTHER_TIMES = (0.05, 0.1, 0.2, 0.35, 2.8, 5.0, 10.0)
"""Lifetimes of a second component that are looked for, in units of the one that was found."""
LEAST_NEW = 1e-9
"""Part of a further component that the curve must leave: otherwise it is the curve."""
SINGULAR = 1e-12
"""Smallest eigenvalue of a scaled information matrix: with a smaller one, a parameter is not determined."""
TINY = 1e-300
"""Keeps divisors above zero."""
ROOT_TWO_PI = math.sqrt(2.0 * math.pi)


class Lines(NamedTuple):
    """The best N0 and c at fixed lifetimes, and half of chi-square there."""

    n0: Floats
    c: Floats
    nll: Floats


class Further(NamedTuple):
    """What the residuals have of more than one exponential.

    Attributes
    ----------
    seconds : array of float64, shape (k,)
        Size of a second lifetime with the sign of N0, in its errors, for each of `OTHER_TIMES`.
    shifts : array of float64, shape (3, k)
        By how many of their errors N0, ln tau and c are off for each error of these.
    largest : float
        The largest of them and of a slope, of either sign, in its errors.
    """

    seconds: Floats
    shifts: Floats
    largest: float


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
    >>> lines = series.lines(np.array([1.0 / math.log(2.0)]))
    >>> lines.n0.round(6).tolist(), lines.c.round(6).tolist()
    ([8.0], [1.0])
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

    def lines(self, taus_s: Floats) -> Lines:
        """The least-squares straight lines in exp(-t / tau) through the numbers, without limits, at fixed lifetimes."""
        t_s, values, sigma = (of[~self.limited] for of in (self.t_s, self.values, self.sigma))
        weight = sigma**-2.0 / np.sum(sigma**-2.0)
        # Less one, the exponential of a long lifetime keeps its digits.
        decays = np.expm1(-t_s / np.asarray(taus_s)[:, None])
        middle, height = decays @ weight, float(values @ weight)
        decays, values = (decays - middle[:, None]) * np.sqrt(weight), (values - height) * np.sqrt(weight)
        n0 = decays @ values / np.maximum(np.sum(decays * decays, axis=1), TINY)
        residuals = values - n0[:, None] * decays
        nll = 0.5 * np.sum(residuals * residuals, axis=1) * np.sum(sigma**-2.0)
        return Lines(n0, height - n0 * (middle + 1.0), nll)

    def likelihood(self, x: Floats) -> Evaluation:
        """Negative log-likelihood at N0, ln tau and c, with gradient and Hessian (expected, of limits observed)."""
        if not abs(x[1]) < LARGEST_LOG:
            return Evaluation(math.inf, np.zeros(3), np.eye(3))
        slopes = self._slopes(x)
        nll, first, second = self._terms(x)
        return Evaluation(float(nll.sum()), -slopes @ first, (slopes * second) @ slopes.T)

    def _terms(self, x: Floats) -> tuple[Floats, Floats, Floats]:
        """Negative log-likelihood of each number, its slope in the residual, and how that changes."""
        residual = self._residuals(x)
        nll, first, second = 0.5 * residual**2, residual.copy(), np.ones_like(residual)
        if self.limited.any():
            below = residual[self.limited]
            log_below = special.log_ndtr(below)
            hazard = np.exp(-0.5 * below**2 - log_below) / ROOT_TWO_PI
            nll[self.limited], first[self.limited] = -log_below, -hazard
            second[self.limited] = hazard * (below + hazard)
        return nll, first, second

    def chi2(self, x: Floats) -> float:
        """Of the measured numbers."""
        return float(np.sum(self._residuals(x)[~self.limited] ** 2))

    def farthest(self, x: Floats) -> tuple[int, float]:
        """Which number is farthest from the curve through all others, and by how many errors."""
        residual = self._residuals(x)
        held = np.sum(self._slopes(x) * (covariance_from(self.likelihood(x).information) @ self._slopes(x)), axis=0)
        gains = np.where(self.limited, 0.0, residual**2 / np.maximum(1.0 - held, LEAST_NEW))
        worst = int(np.argmax(gains))
        return worst, math.sqrt(float(gains[worst]))

    def error_without_one(self, x: Floats) -> float:
        """Relative error of tau without the number that tells most of it; infinite where that number tells all."""
        slopes = self._slopes(x)[:, ~self.limited]
        without = self.likelihood(x).information - slopes.T[:, :, None] * slopes.T[:, None, :]
        size = np.sqrt(np.diagonal(without, axis1=1, axis2=2))
        scaled = without / np.maximum(size[:, :, None] * size[:, None, :], TINY)
        if not np.all(np.isfinite(scaled)) or np.min(np.linalg.eigvalsh(scaled)) < SINGULAR:
            return math.inf
        return float(np.max(np.sqrt(np.linalg.inv(scaled)[:, 1, 1]) / size[:, 1]))

    def further(self, x: Floats) -> Further:
        """What the residuals have of a second lifetime, longer or shorter, and of a slope."""
        _, first, second = self._terms(x)
        # By the score of all numbers: of those near a limit only the high ones are measured, which alone look convex.
        root = np.sqrt(np.maximum(second, LEAST_NEW))
        residual, slopes = first / root, (self._slopes(x) * root).T
        others = [math.copysign(1.0, x[0]) * np.exp(-self.t_s / (factor * _tau(x))) for factor in OTHER_TIMES]
        columns = np.array([*others, self.t_s]).T * (root / self.sigma)[:, None]
        size = np.maximum(np.linalg.norm(slopes, axis=0), TINY)
        data = np.column_stack([columns, residual])
        held = np.linalg.lstsq(slopes / size, data, rcond=None)[0]
        rest = (data - (slopes / size) @ held).T
        norms = np.linalg.norm(rest[:-1], axis=1)
        new = norms > math.sqrt(LEAST_NEW) * np.linalg.norm(columns, axis=0)
        seen = np.where(new, rest[:-1] @ rest[-1], 0.0) / np.where(new, norms, 1.0)
        errors = np.sqrt(np.abs(np.diagonal(covariance_from(self.likelihood(x).information))))
        shifts = new * np.abs(held[:, :-1]) / np.maximum(np.outer(size * errors, norms), TINY)
        return Further(seen[:-1], shifts[:, :-1], float(np.max(np.abs(seen))))

    def _residuals(self, x: Floats) -> Floats:
        return np.asarray((self.values - x[0] * self._decay(x) - x[2]) / self.sigma)

    def _slopes(self, x: Floats) -> Floats:
        decay = self._decay(x)
        return np.array([decay, x[0] * decay * self.t_s / _tau(x), np.ones_like(decay)]) / self.sigma

    def _decay(self, x: Floats) -> Floats:
        return np.asarray(np.exp(-self.t_s / _tau(x)))


def _tau(x: Floats) -> float:
    return math.exp(min(max(x[1], -LARGEST_LOG), LARGEST_LOG))
