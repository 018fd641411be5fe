"""What the fits of a spot find in an image, before it is an answer for users: `SpotProblem` makes it."""

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
    nll : float
        Negative log-likelihood in counts.
    free : array of bool, same shape
        Which of them are fitted: s may be held.
    excess_variance : float
        What the variance of s, in counts, is larger by than the curvature of the likelihood says; that says nothing of
        an s that is held.
    """

    values: Floats
    nll: float
    free: NDArray[np.bool_]
    excess_variance: float = 0.0


@dataclass(frozen=True, eq=False)
class Found:
    """Where the likelihood of an image is best, in the pixels of the part that is fitted.

    Parameters
    ----------
    parameters : array of float64, shape (n,)
        A, x0, y0, sigma_x, sigma_y[, theta], C[, s].
    nll, information : float, array of float64 of shape (n, n)
        There, in counts.
    converged : bool
    steps : int
        Of Newton.
    background_nll : float
        That of the model without a spot.
    rotated : bool
        Whether theta is among the parameters.
    square_limits, square_sigmas : array of float64, tuple of float
        Upper limits of the excess of counts in squares of each size, and the widths of the spots that they see best.
    free : array of bool, shape (n,)
        Which parameters were fitted: place and widths may be given, s may be held.
    excess_score : float
        What the variance of the score of s is larger by than the information says, see `Reference`.
    held_variance : float
        Of s in counts, when it is held.
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
        """The covariance where the information is all there is to it; zero for what was given."""
        if self.free.all():
            return covariance_from(self.information)
        both = np.ix_(self.free, self.free)
        covariance = np.zeros(self.information.shape)
        covariance[both] = covariance_from(self.information[both])
        return covariance

    @cached_property
    def covariance(self) -> Floats:
        """Of the parameters, in counts."""
        inverse = self.inverse_information
        if self.held_variance:
            by_s = -inverse @ self.information[:, -1]
            by_s[-1] = 1.0
            return inverse + self.held_variance * np.outer(by_s, by_s)
        if self.excess_score:
            return inverse + self.excess_score * np.outer(inverse[-1], inverse[-1])
        return inverse

    def variance_ratio(self, k: int) -> float:
        """Variance of a parameter in units of what the curvature of the likelihood says: 1 or more."""
        if not (self.excess_score or self.held_variance):
            return 1.0
        return float(self.covariance[k, k] / self.inverse_information[k, k])
