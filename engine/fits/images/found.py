"""The best spot in an image, as `SpotProblem` finds it, before it becomes an answer for users."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..minimize import covariance_from

__all__ = ["NAMES", "Found", "NoSpotModel"]

Floats = NDArray[np.float64]

NAMES = ("A", "x0", "y0", "sigma_x", "sigma_y", "C")


class NoSpotModel(NamedTuple):
    """The best model without a spot: C, or C and s.

    Attributes
    ----------
    values : array of float64, shape (1,) or (2,)
        C (counts per pixel), or C and s.
    nll : float
        Negative log-likelihood in counts.
    free : array of bool, same shape
        Which of them are fitted: s may be held at a fixed value.
    excess_variance : float
        Variance of a fitted s minus the variance from the curvature of the likelihood, in counts.
    """

    values: Floats
    nll: float
    free: NDArray[np.bool_]
    excess_variance: float = 0.0


@dataclass(frozen=True, eq=False)
class Found:
    """The minimum of the negative log-likelihood of an image; places are pixels of the part that is fitted.

    Parameters
    ----------
    parameters : array of float64, shape (n,)
        A, x0, y0, sigma_x, sigma_y[, theta], C[, s].
    nll : float
        Negative log-likelihood at the minimum, in counts.
    information : array of float64, shape (n, n)
        Fisher information at the minimum, in counts.
    converged : bool
    steps : int
        Number of Newton's steps.
    background_nll : float
        Negative log-likelihood of the best model without a spot, in counts.
    rotated : bool
        Whether theta is among the parameters.
    square_limits, square_sigmas : array of float64, tuple of float
        Upper limits of the excess of counts in squares of each size, and the widths (pixels) of the spots that squares
        of this size find best.
    free : array of bool, shape (n,)
        Which parameters were fitted: place and widths may be given, s may be held at a fixed value.
    excess_score : float
        Variance of the score of s minus its information, see `engine.fits.images.reference`.
    held_variance : float
        Variance of a held s, in counts; 0 when s is fitted.
    """

    parameters: Floats
    nll: float
    information: Floats
    converged: bool
    steps: int
    background_nll: float
    rotated: bool
    square_limits: Floats
    square_sigmas: tuple[float, ...]
    free: NDArray[np.bool_]
    excess_score: float = 0.0
    held_variance: float = 0.0

    @property
    def is_placed(self) -> bool:
        """Whether place and widths were given."""
        return not self.free[1]

    @cached_property
    def inverse_information(self) -> Floats:
        """Inverse of the information of the fitted parameters; zero in the rows and columns of the others."""
        if self.free.all():
            return covariance_from(self.information)
        both = np.ix_(self.free, self.free)
        covariance = np.zeros(self.information.shape)
        covariance[both] = covariance_from(self.information[both])
        return covariance

    @cached_property
    def covariance(self) -> Floats:
        """Covariance of the parameters in counts, with the noise of the reference or the variance of a held s."""
        inverse = self.inverse_information
        if self.held_variance:
            by_s = -inverse @ self.information[:, -1]
            by_s[-1] = 1.0
            return inverse + self.held_variance * np.outer(by_s, by_s)
        if self.excess_score:
            return inverse + self.excess_score * np.outer(inverse[-1], inverse[-1])
        return inverse

    def variance_ratio(self, k: int) -> float:
        """Variance of parameter k over that from the curvature of the likelihood: 1 or more."""
        if not (self.excess_score or self.held_variance):
            return 1.0
        return float(self.covariance[k, k] / self.inverse_information[k, k])
