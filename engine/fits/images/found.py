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
    """The best model without a spot: C, or C and s, its negative log-likelihood, and which of them are fitted.

    `doubt` is what the variance of s, in counts, is larger by than the curvature of the likelihood says, which says
    nothing of one that is held.
    """

    values: Floats
    nll: float
    free: NDArray[np.bool_]
    doubt: float = 0.0


@dataclass(frozen=True, eq=False)
class Found:
    """Where the likelihood of an image is best, in the pixels of the part that is fitted."""

    parameters: Floats  # A, x0, y0, sigma_x, sigma_y[, theta], C[, s]
    nll: float
    information: Floats
    converged: bool
    steps: int
    background_nll: float
    rotated: bool
    square_limits: Floats  # largest excess of squares of each size, and 1.645 of its errors more
    square_sigmas: tuple[float, ...]
    free: NDArray[np.bool_]  # which parameters were fitted: place and widths may be given, s may be held
    doubt: float = 0.0  # what the score of s varies by more than the information says, see `Reference`
    held_variance: float = 0.0  # of s in counts, when it is held

    @property
    def is_placed(self) -> bool:
        """Whether place and widths were given."""
        return not self.free[1]

    @cached_property
    def curved(self) -> Floats:
        """Inverse information; zero for what was given."""
        if self.free.all():
            return covariance_from(self.information)
        both = np.ix_(self.free, self.free)
        covariance = np.zeros(self.information.shape)
        covariance[both] = covariance_from(self.information[both])
        return covariance

    @cached_property
    def covariance(self) -> Floats:
        """Of the parameters, in counts."""
        curved = self.curved
        if self.held_variance:
            moved = -curved @ self.information[:, -1]
            moved[-1] = 1.0
            return curved + self.held_variance * np.outer(moved, moved)
        if self.doubt:
            return curved + self.doubt * np.outer(curved[-1], curved[-1])
        return curved

    def wider(self, k: int) -> float:
        """Variance of a parameter in units of what the curvature of the likelihood says: more than 1 where in doubt."""
        return float(self.covariance[k, k] / self.curved[k, k]) if self.doubt or self.held_variance else 1.0
