"""What is claimed of a camera, gain and read noise, beside the noise that an image has.

Half the squared differences of neighbouring residuals are gain * light + read_noise^2 on average, whatever the shape of
a spot: a straight line over the light, whose slope and height are fitted with weights. A claim that is far from it
would make errors of any size: it is not used, and that is said.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .found import Found
from .goodness import residuals_of
from .problem import SpotProblem
from .result import GaussianFit

__all__ = ["NoiseSeen", "contradicted_gain", "contradicted_read_noise", "is_gain_doubtful", "noise_seen"]

Floats = NDArray[np.float64]

SURE = 6.0
"""Standard deviations by which a claim is off, at least, when it is not used."""
LEAST_OFF = 0.15
"""The same as a part of the noise."""
LEAST_GAIN = 1.0
"""Errors that a gain is above zero, at least, when the line tells it."""
IMPROBABLE = 1e-6
"""Probability of a deviance as large, or as small, as those by which a given gain is doubted."""
ROUNDS = 3
"""How often the weights of the line follow it."""


class NoiseSeen(NamedTuple):
    """The line of the noise over the light.

    Attributes
    ----------
    dark, dark_error : float
        Variance of a pixel without light, counts^2, and its standard error.
    gain, gain_error : float
        Counts per electron, and the standard error.
    gain_by_dark : float
        Change of the gain with `dark`, where that is held at another value.
    """

    dark: float
    dark_error: float
    gain: float
    gain_error: float
    gain_by_dark: float = 0.0

    def gain_beside(self, read_noise: float) -> float | None:
        """The gain for this read noise; None where the line does not tell."""
        if not math.isfinite(self.gain_error):
            return None
        beside = self.gain + self.gain_by_dark * (read_noise**2 - self.dark)
        tell = (gain for gain in (beside, self.gain) if gain > LEAST_GAIN * self.gain_error)
        return next(tell, None)


def noise_seen(problem: SpotProblem, found: Found) -> NoiseSeen:
    """Fit the line.

    Parameters
    ----------
    problem : SpotProblem
    found : Found
        The spot, whose mean counts are the light.
    """
    mean, used = problem.mean(found), problem.used
    residual = problem.counts - mean
    last = mean.shape[1] - mean.shape[1] % 2
    left, right = np.s_[:, 0:last:2], np.s_[:, 1:last:2]
    good = (used[left] * used[right]) > 0.0
    light = np.maximum(0.5 * (mean[left] + mean[right])[good] - problem.noise_shift, 0.0)
    squares = 0.5 * (residual[left] - residual[right])[good] ** 2
    variance = np.full(light.size, max(float(np.mean(squares)), 1e-12))
    line, covariance, weight = np.zeros(2), np.zeros((2, 2)), 1.0 / variance
    for _ in range(ROUNDS):
        weight = 0.5 / variance**2
        m0, m1, m2 = float(weight.sum()), float(weight @ light), float(weight @ light**2)
        determinant = m0 * m2 - m1 * m1
        if not determinant > 1e-9 * m0 * m2:  # light that is the same everywhere
            return NoiseSeen(float(np.mean(squares)), math.inf, 0.0, math.inf)
        covariance = np.array([[m2, -m1], [-m1, m0]]) / determinant
        line = covariance @ np.array([weight @ squares, weight @ (squares * light)])
        least = 1e-3 * float(np.mean(squares)) + 1e-12
        variance = np.maximum(line[0] + line[1] * light, least)
    # Few electrons have squares that scatter more than normal numbers do: the errors are taken from their scatter.
    pulls = weight * (squares - line[0] - line[1] * light)
    scatter = np.array([[pulls @ pulls, pulls**2 @ light], [pulls**2 @ light, pulls**2 @ light**2]])
    covariance = covariance @ scatter @ covariance
    errors = np.sqrt(np.diagonal(covariance))
    by_dark = float(covariance[0, 1] / covariance[0, 0])
    return NoiseSeen(float(line[0]), float(errors[0]), float(line[1]), float(errors[1]), by_dark)


def contradicted_read_noise(problem: SpotProblem, found: Found, seen: NoiseSeen) -> float | None:
    """The noise without light that an image has, counts, where it is not the given read noise; else None.

    Where a background was subtracted, nobody knows whether what is left of it is light: either may be.
    """
    level = max(float(found.parameters[5 + found.rotated]) - problem.noise_shift, 0.0)
    given, low = problem.read_noise**2, seen.dark
    high = low + max(seen.gain, 0.0) * level
    nearest = min(max(given, low), high)
    off = abs(given - nearest)
    if not (off > SURE * seen.dark_error and off > 2.0 * LEAST_OFF * max(nearest, given)):
        return None
    return math.sqrt(max(nearest, seen.dark_error))


def is_gain_doubtful(problem: SpotProblem, fit: GaussianFit) -> bool:
    """Whether it is worth to look at a given gain: the deviance of a true one is as expected."""
    return problem.gain is not None and not IMPROBABLE < fit.p_value < 1.0 - IMPROBABLE


def contradicted_gain(problem: SpotProblem, found: Found) -> float | None:
    """Counts per electron by the differences of neighbours, where they are not those that were given; else None."""
    if problem.gain is None or problem.reference.frames or problem.is_censored:
        return None
    residuals = residuals_of(problem, problem.mean(found))
    if not residuals.pairs:
        return None
    seen = residuals.differences / residuals.pairs
    electrons = max(problem.total / residuals.pixels / problem.gain, 1e-12)
    error = math.sqrt((2.0 + 1.0 / electrons) / residuals.pixels)
    off = abs(seen / problem.gain - 1.0)
    return seen if off > SURE * error and off > 2.0 * LEAST_OFF else None
